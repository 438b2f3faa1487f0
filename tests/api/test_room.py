"""How much the requests under way may hold."""

import pytest

from api.room import OVERHEAD, Full, Room


def test_what_is_given_back_can_be_taken_again() -> None:
    room = Room(OVERHEAD + 100)
    for _ in range(3):
        with room.taken(100):
            pass


def test_there_is_no_room_for_more_than_is_left() -> None:
    room = Room(2 * OVERHEAD + 100)
    with room.taken(60):
        with pytest.raises(Full), room.taken(41):
            pass
        with room.taken(40):
            pass


def test_a_request_that_fails_gives_its_room_back() -> None:
    room = Room(OVERHEAD)
    for _ in range(2):
        with pytest.raises(ValueError, match="broken"), room.taken(0):
            raise ValueError("broken")
