"""What exactly is wrong with a few notifications in the read models: their documents made again from the log, compared.

Also the second look: what only moved while the audit read is not found any more.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field

from aiokafka import TopicPartition

from projections.audit.comparison import Suspect
from projections.audit.finding import Field, Finding
from projections.audit.letters import Letters
from projections.audit.story import Skipped
from projections.fingerprints import plain
from projections.position import Document
from projections.present import jobs, story
from projections.present.jobs import Standing
from projections.present.reads import Reads
from projections.reading import Item, read
from streams.events import Accepted, Suppressed
from streams.kafka.offsets import Extent
from streams.kafka.topic_reading import records
from streams.topics import EVENTS


@dataclass(slots=True)
class Telling:
    """What the log says a notification's documents are."""

    born: Item | None = None
    standing: Standing | None = None
    lines: dict[str, Document] = field(default_factory=dict)

    def add(self, item: Item, skipped: Skipped) -> None:
        """The next event."""
        line = story.entry(*item)
        if line is not None and skipped is not Skipped.ALL:
            self.lines.setdefault(line["_id"], line)
        if not skipped:
            self.born = self.born or item
            self.standing = jobs.evolve(self.standing, *item)
            self.born = self.born if self.standing else None

    def job(self) -> Document | None:
        """Its document."""
        if self.born is None or self.standing is None:
            return None
        event, place = self.born
        assert isinstance(event.body, Accepted | Suppressed)
        return plain(jobs.document(event, event.body, place, self.standing))


async def explain(
    url: str, reads: Reads, suspects: Iterable[Suspect], ends: Mapping[int, int], letters: Letters
) -> list[Finding]:
    """Document by document and field by field; nothing for a suspect that is as it should be. Few, please."""
    by_partition: dict[int, dict[str, Telling]] = {}
    for suspect in suspects:
        by_partition.setdefault(suspect.partition, {})[suspect.id] = Telling()
    findings: list[Finding] = []
    for partition, tellings in by_partition.items():
        if end := ends.get(partition):
            await _read_again(url, partition, end, tellings, letters)
        for name, telling in tellings.items():
            findings += await _compare(reads, name, telling, partition, ends.get(partition, 0))
    return findings


async def _read_again(url: str, partition: int, end: int, tellings: Mapping[str, Telling], letters: Letters) -> None:
    wanted = [name.encode() for name in tellings]
    async with aclosing(records(url, {TopicPartition(EVENTS, partition): Extent(0, end)})) as batches:
        async for batch in batches:
            for record in batch:
                if any(name in (record.value or b"") for name in wanted):
                    item = read(record)
                    telling = tellings.get(item.event.notification) if isinstance(item, Item) else None
                    if telling is not None and isinstance(item, Item):
                        telling.add(item, letters.log.get(item.place, Skipped.NOTHING))


async def _compare(reads: Reads, name: str, telling: Telling, partition: int, end: int) -> list[Finding]:
    stored, findings = await reads.job(name), list[Finding]()
    moved = stored is not None and stored.get("fold", {}).get("position", -1) >= end > 0
    if not moved:
        expected = telling.job()
        findings += _differences("job", name, "its document", expected, plain(stored) if stored else None)
    lines = {line["_id"]: line for line in await reads.story(name) if _within(line, partition, end)}
    for line in sorted(lines.keys() | telling.lines.keys()):
        findings += _differences("entry", name, line, telling.lines.get(line), lines.get(line))
    return findings


def _within(line: Document, partition: int, end: int) -> bool:
    place = line.get("position", {})
    return place.get("partition", -1) == partition and (place.get("offset", -1) < end or not end)


def _differences(
    what: str, name: str, which: str, expected: Document | None, stored: Document | None
) -> Iterator[Finding]:
    if stored is None and expected is not None:
        yield Finding("job-missing" if what == "job" else "entry-missing", name, f"{which} is not stored")
    elif stored is not None and expected is None:
        detail = f"{which} is stored, and the log knows nothing of it"
        yield Finding("job-unexpected" if what == "job" else "entry-unexpected", name, detail)
    elif stored is not None and expected is not None and stored != expected:
        fields = tuple(_fields(expected, stored))
        detail = f"{which} differs in {', '.join(field.name for field in fields)}"
        yield Finding("job-differs" if what == "job" else "entry-differs", name, detail, fields)


def _fields(expected: Document, stored: Document, prefix: str = "") -> Iterator[Field]:
    for name in sorted(expected.keys() | stored.keys()):
        ours, theirs = expected.get(name, ...), stored.get(name, ...)
        if isinstance(ours, dict) and isinstance(theirs, dict):
            yield from _fields(ours, theirs, f"{prefix}{name}.")
        elif ours != theirs:
            yield Field(f"{prefix}{name}", theirs, ours)
