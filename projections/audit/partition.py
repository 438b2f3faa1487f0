"""One partition of the log, from its first record to an agreed end: stories, outcomes of requests, a digest."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from projections import fingerprints
from projections.audit.coverage import Coverage
from projections.audit.finding import Finding, Findings, Kind, place
from projections.audit.ledger import Row
from projections.audit.letters import Letters
from projections.audit.spill import Spill
from projections.audit.story import MARKED, Skipped, Story, accept_again, origin, tell
from projections.audit.verdict import Sight, judge, waits_in_lane
from projections.position import Place
from projections.present import jobs
from projections.present.jobs import Evolve
from projections.reading import Item, Raw, read
from streams.archive.digest import PartitionDigest
from streams.events import KINDS, Accepted, Body, Event, Noted, Origin, PreferencesSet, Repeated
from streams.topics import EVENTS

MOVING = frozenset(MARKED)


class Task(NamedTuple):
    """A partition, and what must be known of the rest to judge it.

    Before offset `lettered`, whatever can't be read or placed must have a dead letter.
    """

    partition: int
    sight: Sight
    lettered: int
    letters: Letters
    limit: int


class Result(NamedTuple):
    """What came of it: plain data, to be sent from the process that found it to the one that asked.

    `kinds` are events by kind, each once. `jobs` and `lines` are the digests of what the read models should hold,
    `statuses` what they should count; `documents` the digests of the other collections.
    """

    partition: int
    counts: Counter[str]
    kinds: Counter[str]
    findings: Findings
    covered: list[tuple[int, int]]
    digest: bytes
    jobs: int
    lines: int
    statuses: Counter[str]
    documents: Mapping[str, int] = MappingProxyType({})


class Partition:
    """Takes all records, in order; then `rows` are to be read, and then there is a `result`."""

    def __init__(self, task: Task, spill: Spill[Story], evolve: Evolve = jobs.evolve) -> None:
        self._task, self._spill, self._evolve = task, spill, evolve
        self._next = 0
        self._counts: Counter[str] = Counter()
        self._kinds: Counter[str] = Counter()
        self._statuses: Counter[str] = Counter()
        self._findings = Findings(task.limit)
        self._coverage = Coverage()
        self._digest = PartitionDigest()
        self._jobs = self._lines = 0

    def take(self, records: Sequence[Raw]) -> list[Item]:
        """The next ones; what was read of them."""
        items = []
        for raw in records:
            self._follow(raw)
            match read(raw):
                case Item() as item:
                    items.append(item)
                case None:
                    self._find("unknown-type", raw.offset, "an event of a newer program: audit with that one")
                case _:
                    self._poison(raw.offset)
        self._spill.fetch({item.event.notification for item in items})
        for item in items:
            self._tell(item)
        self._spill.settle()
        return items

    def rows(self) -> Iterator[Row]:
        """Judges every story; says of each what should be elsewhere."""
        for name, story in self._spill.everything():
            self._findings.add(judge(name, story, self._task.sight))
            self._count(story)
            row = _row(name, story, waits_in_lane(story, self._task.sight))
            self._jobs += int.from_bytes(row.job or b"", "little")
            self._lines += story.tale
            yield row

    def result(self) -> Result:
        """All that was found."""
        return Result(
            self._task.partition,
            self._counts,
            self._kinds,
            self._findings,
            self._coverage.numbers(),
            self._digest.digest(),
            self._jobs & fingerprints.MASK,
            self._lines & fingerprints.MASK,
            self._statuses,
        )

    def _follow(self, raw: Raw) -> None:
        if raw.offset != self._next:
            self._find("hole", raw.offset, f"expected offset {self._next} next: the log has lost records")
        self._next = raw.offset + 1
        self._counts["events"] += 1
        self._digest.add(raw.offset, raw.key, raw.value)

    def _tell(self, item: Item) -> None:
        event, where = item
        if isinstance(event.body, Noted):
            new = self._coverage.add(event.body.origin, redelivery=False)
            self._counts["noted" if new else "writtenAgain"] += 1
            return
        if isinstance(event.body, PreferencesSet):
            self._counts["preferencesSet"] += 1
            return
        story = self._spill.held.get(event.notification)
        decided = origin(event)
        if isinstance(event.body, Repeated):
            self._repeated(event.body, story, where.offset)
            return
        if story is None:
            story = self._spill.held[event.notification] = Story()
        if decided is not None and not self._decided(story, event, decided):
            story.last = where.offset
            return
        story.lettered |= where in self._task.letters.unfolded
        skipped = self._task.letters.log.get(where, Skipped.NOTHING)
        new = tell(story, item, skipped, self._evolve)
        if new:
            self._kinds[KINDS[type(event.body)]] += 1
        else:
            self._counts["writtenAgain"] += 1
        if story.standing is None and not skipped and type(event.body) in MOVING and where.offset < self._task.lettered:
            self._find("no-dead-letter", where.offset, f"{event.id}: its notification was never accepted or suppressed")

    def _repeated(self, body: Repeated, story: Story | None, offset: int) -> None:
        new = self._coverage.add(body.origin, redelivery=True)
        self._counts["repeated" if new else "writtenAgain"] += 1
        if story is not None:
            story.last = offset

    def _decided(self, story: Story, event: Event[Body], decided: Origin) -> bool:
        """Whether the request had no outcome yet; the same one may be written again after a crash."""
        known, accepted = (decided.partition, decided.offset), isinstance(event.body, Accepted)
        if not self._coverage.add(decided, redelivery=False):
            self._counts["writtenAgain"] += 1
            if story.origin != known:
                self._twice(event, decided)
            return False
        again = accepted and story.job is not None
        self._counts["acceptedAgain" if again else "accepted" if accepted else "suppressed"] += 1
        if accepted and story.origin[0] >= 0:
            accept_again(story, event)
        story.origin = known
        return True

    def _twice(self, event: Event[Body], decided: Origin) -> None:
        where = f"request {decided.partition}.{decided.offset}"
        self._findings.add([Finding("decided-twice", event.notification, f"{where} had another outcome before")])

    def _poison(self, offset: int) -> None:
        self._counts["poison"] += 1
        known = Place(self._task.partition, offset) in self._task.letters.log
        if offset < self._task.lettered and not known:
            self._find("no-dead-letter", offset, "no event of ours, and nobody gave it to the dead letters")

    def _find(self, kind: Kind, offset: int, detail: str) -> None:
        self._findings.add([Finding(kind, place(EVENTS, self._task.partition, offset), detail)])

    def _count(self, story: Story) -> None:
        job = story.job
        if story.standing is not None:
            self._statuses[story.standing.status] += 1
        if job is not None:
            self._counts[str(job.phase.name.lower()) if job.final else "open"] += 1


def _row(name: str, story: Story, waits: int | None) -> Row:
    job, position = None, -1
    if story.standing is not None:
        job = fingerprints.standing(story.fixed, story.standing).to_bytes(fingerprints.SIZE, "little")
        position = story.standing.position
    return Row(name, job, position, story.tale.to_bytes(fingerprints.SIZE, "little"), story.lines, waits)
