"""The fold of dead letters and operations, by its rules alone: order between the topics and repeats don't matter."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from projections.letters.letters import TOPICS, Item, Position, counters, evolve, fold
from projections.letters.reading import read_item
from projections.position import Document
from streams import operations
from streams.letters.dead_letters import Properties, Source, dead_letter, read
from streams.operations import Dropped, GapAccepted, Operation, Redriven
from streams.record import Record
from streams.topics import DEAD_LETTERS, OPERATIONS

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
UNREAD = dict.fromkeys(TOPICS, -1)
LOG, QUEUE = Source("notification-events", 3, 42), Source("notification-jobs")


def written(stage: str = "lifecycle", source: Source = LOG, body: bytes = b"{}") -> Record:
    return dead_letter(
        reason="undecodable", stage=stage, error="why", source=source, key=b"k", body=body, time=NOW, properties=None
    )


def report(offset: int, stage: str = "lifecycle", source: Source = LOG, body: bytes = b"{}") -> Item:
    told = read(written(stage, source, body).value)
    return Item(told.id, DEAD_LETTERS, offset, told)


def done(offset: int, what: Operation, letter: str = "dead:notification-events:3.42") -> Item:
    return Item(letter, OPERATIONS, offset, operations.Event(what, NOW + timedelta(seconds=offset), "cli", "ada", "w"))


def redriven(offset: int, seen: int, letter: str = "dead:notification-events:3.42") -> Item:
    return done(offset, Redriven(letter, seen, "notification-events", 3, 99), letter)


def folded(*items: Item) -> Document:
    document: Document | None = None
    for item in items:
        document = evolve(document, item)
    assert document is not None
    return document


def test_a_letter_is_open_and_tells_what_an_operator_must_know() -> None:
    document = folded(report(5))
    wanted = {
        "_id": "dead:notification-events:3.42",
        "state": "open",
        "reason": "undecodable",
        "stages": ["lifecycle"],
        "error": "why",
        "source": {"name": "notification-events", "partition": 3, "offset": 42},
        "size": 2,
        "preview": "{}",
        "record": {"topic": DEAD_LETTERS, "offset": 5},
        "createdAt": NOW,
        "history": [],
    }
    assert {name: document[name] for name in wanted} == wanted


def test_two_stages_that_give_up_one_record_write_one_letter() -> None:
    document = folded(report(5), report(6, "projections"), report(7))
    assert document["stages"] == ["lifecycle", "projections"]
    assert len(document["reports"]) == 2


def test_what_was_done_is_its_history() -> None:
    document = folded(report(5), redriven(0, 5), done(1, Dropped("dead:notification-events:3.42", 5)))
    assert document["state"] == "dropped"
    assert [(line["operation"], line["by"], line["why"]) for line in document["history"]] == [
        ("redriven", "ada", "w"),
        ("dropped", "ada", "w"),
    ]


def test_a_record_of_a_topic_stays_redriven_though_another_stage_reports_it_later() -> None:
    assert folded(report(5), redriven(0, 5), report(6, "projections"))["state"] == "redriven"


def test_a_message_that_fails_again_is_open_again() -> None:
    first = report(5, "bridge", QUEUE)
    once = [first, redriven(0, 5, first.letter)]
    assert folded(*once)["state"] == "redriven"
    assert folded(*once, report(6, "bridge", QUEUE))["state"] == "open"


def test_messages_with_equal_bodies_and_ids_of_their_own_are_two_letters() -> None:
    ids = {
        read(
            dead_letter(
                reason="invalid",
                stage="bridge",
                error="",
                source=QUEUE,
                key=None,
                body=b"{}",
                time=NOW,
                properties=None if name is None else Properties(message_id=name),
            ).value
        ).id
        for name in (None, "a", "b", "a")
    }
    assert len(ids) == 3


@given(st.randoms(use_true_random=True), st.data())
def test_in_any_order_between_the_topics_and_with_any_repeats_it_is_the_same(chooser: Any, data: Any) -> None:  # noqa: ANN401
    first = report(0, "bridge", QUEUE)
    letters = [first, report(1, "bridge", QUEUE), report(2)]
    handled = [redriven(0, 0, first.letter), redriven(1, 2), redriven(2, 1, first.letter)]
    mixed: list[Item] = []
    queues = [list(letters), list(handled)]
    while any(queues):
        mixed.append(chooser.choice([queue for queue in queues if queue]).pop(0))
    again = data.draw(st.integers(0, len(mixed)))
    documents: dict[str, Document] = {}
    for item in (*mixed, *mixed[again:]):
        documents[item.letter] = evolve(documents.get(item.letter), item)
    assert {name: document["state"] for name, document in documents.items()} == {
        first.letter: "redriven",
        letters[2].letter: "redriven",
    }
    assert all(len(document["reports"]) == 1 for document in documents.values())
    assert sum(len(document["history"]) for document in documents.values()) == 3


@given(st.data())
def test_the_counters_are_exact_whatever_a_crash_left_behind(data: Any) -> None:  # noqa: ANN401
    sources = [Source("notification-events", 0, number % 3) for number in range(6)]
    items = [report(number, f"stage{number % 2}", source) for number, source in enumerate(sources)]
    items += [redriven(number, number, item.letter) for number, item in enumerate(items[:4])]
    data.draw(st.randoms(use_true_random=True)).shuffle(items)
    items = sorted(items[:5], key=lambda item: item.offset) + sorted(items[5:], key=lambda item: item.offset)
    stored, counts = dict(UNREAD), Counter[str]()
    documents: dict[str, Document] = {}
    for topic in data.draw(st.permutations(TOPICS * 6)):
        waiting = sorted(
            (item for item in items if item.topic == topic and item.offset > stored[topic]),
            key=lambda item: item.offset,
        )[: data.draw(st.integers(1, 3))]
        if not waiting:
            continue
        reached = stored | {topic: waiting[-1].offset}
        writes = fold(waiting, documents, Position(offsets=stored, counts=counts), reached)
        documents |= {document["_id"]: document for document in writes.documents}
        documents |= {update.id: {"_id": update.id, **update.changes} for update in writes.updates}
        if data.draw(st.booleans()):  # a crash before the position was written: the same records come again
            continue
        stored = reached
        counts.update(writes.counts)
    expected = Counter[str]()
    for document in documents.values():
        if all(document["fold"]["taken"][topic] <= stored[topic] for topic in TOPICS) and "state" in document:
            expected["|".join((document["state"], document["reason"], "+".join(document["stages"])))] += 1
        elif document["fold"]["counted"]:
            expected[document["fold"]["counted"]] += 1
    assert +counts == +expected


def test_counters_are_told_by_state_and_the_open_ones_by_reason_and_stage() -> None:
    told = counters(
        {"open|invalid|bridge": 2, "open|rule-failed|lifecycle+projections": 1, "dropped|invalid|bridge": 4}
    )
    assert told == {
        "states": {"open": 3, "redriven": 0, "dropped": 4},
        "reasons": {"invalid": 2, "rule-failed": 1},
        "stages": {"bridge": 2, "lifecycle": 1, "projections": 1},
    }


def raw(topic: str, value: bytes | None) -> Any:  # noqa: ANN401
    return SimpleNamespace(topic=topic, partition=0, offset=7, timestamp=1_000, key=None, value=value)


def test_what_can_t_be_read_is_shown_under_its_own_coordinates() -> None:
    for topic in TOPICS:
        for value in (None, b"", b"\xff", b"{}", (written().value or b"").replace(b'"size":2', b'"size":-1')):
            item = read_item(raw(topic, value))
            assert item is not None
            document = evolve(None, item)
            assert document["_id"] == f"dead:{topic}:0.7"
            assert (document["reason"], document["stages"]) == ("undecodable", ["projections"])


def test_sequences_have_one_width_whatever_time_a_letter_claims() -> None:
    for year in (1, 1970, 9999):
        value = (written().value or b"").replace(b"2026-05-04", f"{year:04}-05-04".encode())
        item = read_item(raw(DEAD_LETTERS, value))
        assert item is not None
        assert len(evolve(None, item)["seq"]) == 25


def test_operations_about_no_letter_are_left_alone() -> None:
    event = operations.Event(GapAccepted("lifecycle", "notification-events", 1, 5, 9), NOW, "lifecycle", "ada")
    assert read_item(raw(OPERATIONS, operations.to_record(event).value)) is None
