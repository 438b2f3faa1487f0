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
    """In short: the notification's id, `-` before an acknowledged one. AUTHENTICATED says nothing of them."""
    heard = [frame for frame in map(json.loads, frames) if frame["type"] != "AUTHENTICATED"]
    return [
        frame["payload"]["notificationId"] if frame["type"] == "NOTIFICATION" else f"-{frame['notificationId']}"
        for frame in heard
    ]


def places(frames: Iterable[bytes]) -> list[tuple[str, int] | None]:
    """What a client could resume from, frame by frame."""
    heard = map(json.loads, frames)
    return [(frame["epoch"], frame["position"]) if frame.get("epoch") else None for frame in heard]


def test_what_waited_is_told_oldest_first_and_then_what_comes() -> None:
    session = begun()
    assert told(session.open(opening(1, 2), [], first=True)) == ["n1", "n2"]
    assert told(session.tell(came(3))) == ["n3"]


def test_what_comes_while_the_mailbox_is_opened_is_held_back_and_told_once() -> None:
    session = begun()
    assert told(session.tell(came(2))) == []
    assert told(session.tell(came(3))) == []
    assert told(session.open(opening(1, 2), [], first=True)) == ["n1", "n2", "n3"]


def test_a_resumed_client_hears_only_what_it_has_not_heard() -> None:
    session = begun("e1", 2)
    assert told(session.open(opening(3, recovered=True), [], first=True)) == ["n3"]
    assert told(session.tell(came(3))) == []


def test_the_read_model_adds_what_the_buffer_lost_and_nothing_twice() -> None:
    session = begun()
    stored = [Stored("n1", item(1)), Stored("n2", item(2))]
    assert told(session.open(opening(2), stored, first=True)) == ["n1", "n2"]


def test_an_item_that_came_from_the_read_model_does_not_come_again_when_it_enters_the_mailbox_anew() -> None:
    session = begun()
    assert told(session.open(opening(), [Stored("n1", item(1))], first=True)) == ["n1"]
    assert told(session.tell(came(1))) == []
    assert told(session.tell(came(2))) == ["n2"]


def test_what_was_acknowledged_is_not_told_from_either_source() -> None:
    session = begun()
    assert told(session.open(opening(2, acked=("n1",)), [Stored("n1", item(1))], first=True)) == ["n2"]


def test_what_is_acknowledged_while_the_mailbox_is_opened_is_not_told_any_more() -> None:
    session = begun()
    assert told(session.tell(acked(2))) == []
    assert told(session.open(opening(1, 2), [Stored("n0", item(0))], first=True)) == ["n0", "n1", "-n2"]


def test_under_a_new_epoch_positions_begin_anew() -> None:
    session = begun("e1", 7)
    assert told(session.open(opening(1, 2, epoch="e2"), [], first=True)) == ["n1", "n2"]
    assert told(session.tell(came(1, "e3"))) == ["n1"]


def test_news_of_another_epoch_than_was_found_is_not_told_and_calls_for_another_look() -> None:
    session = begun()
    list(session.tell(came(2)))
    assert not session.outdated(opening(1, 2))
    list(session.tell(came(1, "e2")))
    assert session.outdated(opening(1, 2))
    assert told(session.open(opening(1, 2), [], first=True)) == ["n1", "n2"]
    assert told(session.tell(came(3))) == ["n3"]


def test_reopening_tells_only_what_was_missed() -> None:
    session = begun()
    assert told(session.open(opening(1, 2), [], first=True)) == ["n1", "n2"]
    session.reopen()
    assert told(session.open(opening(3, recovered=True), [], first=True)) == ["n3"]


def test_the_answer_to_auth_is_a_place_before_all_that_follows() -> None:
    assert places(begun("e1", 2).open(opening(3, 5, recovered=True), [], first=True)) == [
        ("e1", 2),
        ("e1", 3),
        ("e1", 5),
    ]
    assert places(begun().open(opening(3, 5), [], first=True)) == [("e1", 2), ("e1", 3), ("e1", 5)]
    assert places(begun().open(opening()._replace(position=7), [], first=True)) == [("e1", 7)]


def test_only_the_last_item_out_of_the_read_model_is_a_place_to_resume_from() -> None:
    stored = [Stored("n1", item(1)), Stored("n2", item(2))]
    assert places(begun().open(opening(3), stored, first=True)) == [None, None, ("e1", 2), ("e1", 3)]
    assert places(begun().open(opening(), stored, first=True)) == [None, None, ("e1", 0)]


def test_what_may_be_newer_than_the_mailbox_comes_last_and_only_then_is_a_place() -> None:
    stored = [Stored("n0", item(0)), Stored("n9", item(9), late=True)]
    frames = list(begun().open(opening(1, 2), stored, first=True))
    assert told(frames) == ["n0", "n1", "n2", "n9"]
    assert places(frames) == [None, None, None, None, ("e1", 2)]


def test_what_was_read_as_it_was_before_keeps_its_place_before_what_is_newer() -> None:
    stored = [Stored("n7", item(7), late=True), Stored("n8", item(8)), Stored("n9", item(9), late=True)]
    assert told(begun().open(opening(1, 2), stored, first=True)) == ["n7", "n8", "n1", "n2", "n9"]


def test_what_the_read_model_tells_twice_is_told_once() -> None:
    stored = [Stored("n1", item(1)), Stored("n1", item(1), late=True)]
    assert told(begun().open(opening(), stored, first=True)) == ["n1"]


def test_a_reopened_mailbox_says_so_only_if_something_may_have_been_missed() -> None:
    session = begun()
    list(session.open(opening(1), [], first=True))
    session.reopen()
    assert places(session.open(opening(2, recovered=True), [], first=False)) == [("e1", 2)]
    session.reopen()
    again = [json.loads(frame) for frame in session.open(opening(1, epoch="e2"), [], first=False)]
    assert [frame["type"] for frame in again] == ["AUTHENTICATED", "NOTIFICATION"]
    assert again[0]["recovered"] is False


@given(st.sets(st.integers(1, 8)), st.sets(st.integers(1, 8)), st.booleans(), st.integers(0, 30))
def test_whoever_resumes_from_the_last_place_after_a_cut_misses_nothing(
    kept: set[int], lost: set[int], late: bool, cut: int
) -> None:
    """Wherever the connection ends: what had not come by then is in the mailbox past that place, or all comes again."""
    stored = [Stored(f"n{place}", item(place), late) for place in sorted(lost)]
    frames = list(begun().open(opening(*sorted(kept)), stored, first=True))[:cut]
    resumable = [place for place in places(frames) if place is not None]
    if resumable:
        again = {f"n{place}" for place in kept if place > resumable[-1][1]}
        assert set(told(frames)) | again == {f"n{place}" for place in kept | lost}


@given(st.integers(0, 8), st.integers(0, 8), st.lists(st.integers(1, 8)), st.integers(0, 8))
def test_each_position_is_told_once_and_in_order(known: int, read: int, early: list[int], late: int) -> None:
    """Whatever the interleaving: the mailbox was read at `read`, and pub/sub told a suffix, some of it twice."""
    session = begun("e1", min(known, read))
    news = sorted(set(range(read + 1, read + 1 + late)) | {place for place in early if place <= read})
    frames = [frame for place in news for frame in session.tell(came(place))]
    kept = range(min(known, read) + 1, read + 1)
    frames += session.open(opening(*kept, recovered=True)._replace(position=read), [], first=True)
    frames += [frame for place in news for frame in session.tell(came(place))]
    assert told(frames) == [f"n{place}" for place in range(min(known, read) + 1, read + late + 1)]
