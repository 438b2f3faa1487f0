import json
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from gateway.socket.session import Session, Stored
from streams.mailbox import Kept, News, Opening


def opening(*kept: int, epoch: str = "e1", recovered: bool = False, acked: tuple[str, ...] = ()) -> Opening:
    items = [Kept(f"n{place}", place, item(place)) for place in kept]
    return Opening(epoch, max(kept, default=0), recovered, items, frozenset(acked), 0)


def item(place: int) -> bytes:
    return json.dumps({"notificationId": f"n{place}"}).encode()


def came(place: int, epoch: str = "e1") -> News:
    return News("ada", epoch, place, f"n{place}", item(place))


def acked(place: int, epoch: str = "e1") -> News:
    return News("ada", epoch, place, f"n{place}")


def begun(epoch: str = "", position: int = 0) -> Session:
    session = Session()
    session.begin("ada", epoch, position)
    return session


def told(frames: Iterable[bytes]) -> list[str]:
    """In short: the notification's id, `-` before an acknowledged one."""
    heard = map(json.loads, frames)
    return [
        frame["payload"]["notificationId"] if frame["type"] == "NOTIFICATION" else f"-{frame['notificationId']}"
        for frame in heard
    ]


def test_what_waited_is_told_oldest_first_and_then_what_comes() -> None:
    session = begun()
    assert told(session.open(opening(1, 2), [])) == ["n1", "n2"]
    assert told(session.tell(came(3))) == ["n3"]


def test_what_comes_while_the_mailbox_is_opened_is_held_back_and_told_once() -> None:
    session = begun()
    assert told(session.tell(came(2))) == []
    assert told(session.tell(came(3))) == []
    assert told(session.open(opening(1, 2), [])) == ["n1", "n2", "n3"]


def test_a_resumed_client_hears_only_what_it_has_not_heard() -> None:
    session = begun("e1", 2)
    assert told(session.open(opening(3, recovered=True), [])) == ["n3"]
    assert told(session.tell(came(3))) == []


def test_the_read_model_adds_what_the_buffer_lost_and_nothing_twice() -> None:
    session = begun()
    stored = [Stored("n1", item(1)), Stored("n2", item(2))]
    assert told(session.open(opening(2), stored)) == ["n1", "n2"]


def test_an_item_that_came_from_the_read_model_does_not_come_again_when_it_enters_the_mailbox_anew() -> None:
    session = begun()
    assert told(session.open(opening(), [Stored("n1", item(1))])) == ["n1"]
    assert told(session.tell(came(1))) == []
    assert told(session.tell(came(2))) == ["n2"]


def test_what_was_acknowledged_is_not_told_from_either_source() -> None:
    session = begun()
    assert told(session.open(opening(2, acked=("n1",)), [Stored("n1", item(1))])) == ["n2"]


def test_what_is_acknowledged_while_the_mailbox_is_opened_is_not_told_any_more() -> None:
    session = begun()
    assert told(session.tell(acked(2))) == []
    assert told(session.open(opening(1, 2), [Stored("n0", item(0))])) == ["n0", "n1", "-n2"]


def test_under_a_new_epoch_positions_begin_anew() -> None:
    session = begun("e1", 7)
    assert told(session.open(opening(1, 2, epoch="e2"), [])) == ["n1", "n2"]
    assert told(session.tell(came(1, "e3"))) == ["n1"]


def test_reopening_tells_only_what_was_missed() -> None:
    session = begun()
    assert told(session.open(opening(1, 2), [])) == ["n1", "n2"]
    session.reopen()
    assert told(session.open(opening(3, recovered=True), [])) == ["n3"]


@given(st.integers(0, 8), st.integers(0, 8), st.lists(st.integers(1, 8)), st.integers(0, 8))
def test_each_position_is_told_once_and_in_order(known: int, read: int, early: list[int], late: int) -> None:
    """Whatever the interleaving: the mailbox was read at `read`, and pub/sub told a suffix, some of it twice."""
    session = begun("e1", min(known, read))
    news = sorted(set(range(read + 1, read + 1 + late)) | {place for place in early if place <= read})
    frames = [frame for place in news for frame in session.tell(came(place))]
    kept = range(min(known, read) + 1, read + 1)
    frames += session.open(opening(*kept, recovered=True)._replace(position=read), [])
    frames += [frame for place in news for frame in session.tell(came(place))]
    assert told(frames) == [f"n{place}" for place in range(min(known, read) + 1, read + late + 1)]
