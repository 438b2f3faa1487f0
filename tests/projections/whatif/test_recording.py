"""How far the log is read, and what of it is no event."""

from pathlib import Path

from projections.audit.spill import Spill
from projections.whatif.recorded import Recorded
from projections.whatif.recording import NEVER, Recording, Span
from streams.codec import encode
from tests.projections.lives import at
from tests.projections.whatif.given import ALL, Asked, Raw, System


def recording(folder: Path, span: Span = ALL) -> Recording:
    return Recording(span, Spill[Recorded](folder / "open"))


def raws(*asked: Asked) -> list[Raw]:
    return [Raw(encode(event)) for event in System().take(*asked).events]


def test_a_partition_is_read_until_a_request_long_after_the_span_comes(tmp_path: Path) -> None:
    taking = recording(tmp_path, Span(NEVER, at(0), at(10), at(20)))
    assert taking.take(raws(Asked(5, outcomes="ffs"), Asked(19.9)))
    assert not taking.take(raws(Asked(20)))
    assert [recorded.time for recorded in taking.everything()] == [int(at(5).timestamp() * 1000)]


def test_a_life_goes_on_after_the_span_has_ended(tmp_path: Path) -> None:
    taking = recording(tmp_path, Span(NEVER, at(0), at(1), at(20)))
    taking.take(raws(Asked(0, outcomes="ffs")))
    (recorded,) = taking.everything()
    assert recorded.end == "sent"


def test_what_is_no_event_is_counted(tmp_path: Path) -> None:
    taking = recording(tmp_path)
    newer = raws(Asked(0))[0].value.replace(b"accepted.v1", b"accepted.v2")
    assert taking.take([Raw(b"poison"), Raw(newer), *raws(Asked(0))])
    assert (taking.unread, taking.events) == (2, 6)


def test_messages_and_metadata_are_not_kept(tmp_path: Path) -> None:
    taking = recording(tmp_path)
    taking.take(raws(Asked(0)))
    (recorded,) = taking.everything()
    assert (recorded.request.personal.message, recorded.request.personal.metadata) == ("-", None)
    assert recorded.job is not None
    assert recorded.job.request is None
