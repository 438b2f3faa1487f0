"""An export in, the topics of an empty system out, as history that nobody acts on. No processor may run meanwhile.

What each of them makes of it afterwards:
- lifecycle goes on at the end of what was imported, with an empty table: it knows none of those notifications, so it
  queues none, sets no timer, and finds none forgotten. Its table stays without them when it is recovered, since the
  record of operations tells up to where the log is history (`LogImported`);
- admit goes on with the requests that come after all those that the log names, and with the table that a recovery
  makes of their outcomes: it remembers ids, and the policies that are in force;
- deliver reads lanes, and none is written to;
- the projections fold what they find.
Each step is awaited before the next: a look at the files and at what is there, while all still runs, and once more when
the processors stand still, so that what is not the import's own is refused before anything is marked -> the operation
-> both changelogs marked as *rebuilding* -> requests that are nothing, up to the first free place, and their removal ->
dead letters, operations, the log -> tables and offsets, as by `tidings recover` -> the operation again, as ended. Cut
short before its end, both processors refuse to start: their tables are marked. The same import then goes on: a step can
be done again, or begins where it was (`resuming`).
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from aiokafka import TopicPartition

from streams import admit, clock, lifecycle, operations
from streams.archive.checking import Known, check, manifest_of, refuse_other_secret, refuse_unless_whole
from streams.archive.files import read
from streams.archive.layout import Manifest, Part
from streams.archive.putting import Putter, putter
from streams.archive.resuming import begun, refuse_requests, still_true, taken
from streams.clock import milliseconds
from streams.exits import Refused
from streams.folding.table import Rows
from streams.kafka.gaps import by_user
from streams.kafka.offsets import Extent, Offsets, opened
from streams.kafka.publisher import Publisher
from streams.operations import Event, LogImported
from streams.record import Record
from streams.recovery.rebuild import alone, rebuild
from streams.settings import Settings
from streams.topics import DEAD_LETTERS, EVENTS, LANES, OPERATIONS, REQUESTS, changelog

Told = Callable[[str, int, int], None]
"""Is told what is done, and with how many records of how many."""

Refuse = Callable[[], Awaitable[None]]

WHY = "the log was imported"
PROCESSORS: tuple[Literal["admit", "lifecycle", "deliver"], ...] = ("admit", "lifecycle", "deliver")


@dataclass(frozen=True, slots=True)
class Looked:
    """An export that can be put where it is to go, as far as a look at both tells. `resumed`: it was begun there."""

    folder: Path
    manifest: Manifest
    known: Known
    resumed: bool


async def look(settings: Settings, folder: Path, told: Told, refuse_unless_unread: Refuse) -> Looked:
    """All that can be refused while the processors run, so that they need not stand still for a refusal.

    `refuse_unless_unread` raises if the read models hold anything. Raises `Damaged`, `Refused`, and aiokafka's errors.
    """
    manifest = manifest_of(folder)
    refuse_unless_whole(manifest, settings.partitions)
    total = sum(part.records for part in manifest.parts)
    known = check(folder, manifest, lambda done: told("checking the files", done, total))
    refuse_other_secret(known, settings.recipient_secret.get_secret_value())
    resumed = await begun(settings.kafka_url, manifest)
    if not resumed:
        await refuse_unless_unread()
        async with opened(settings.kafka_url) as offsets:
            await refuse_unless_empty(settings, offsets)
    return Looked(folder, manifest, known, resumed)


async def bring_in(settings: Settings, looked: Looked, told: Told) -> Manifest:
    """What was imported; goes on with the same import if that was cut short, else all must be empty still.

    No processor may run. Raises `Refused`, mostly before anything is written, and aiokafka's errors.
    """
    for part in PROCESSORS:
        await alone(settings, part)
    url = settings.kafka_url
    async with Publisher(url) as publisher, opened(url) as offsets, putter(url) as writer:
        work = _Import(settings, looked.folder, looked.manifest, publisher, offsets, writer)
        await work.run(looked.known, told, resumed=looked.resumed)
        return looked.manifest


async def refuse_unless_empty(settings: Settings, offsets: Offsets) -> None:
    """Raises `Refused` where anything was ever written that an import would mix with."""
    numbers = range(settings.partitions)
    places = [TopicPartition(topic, number) for topic in (EVENTS, REQUESTS, *LANES) for number in numbers]
    for place, extent in (await offsets.extents([*places, TopicPartition(DEAD_LETTERS, 0)])).items():
        if extent.end > 0:
            raise Refused(
                f"expected an empty system, {place.topic}[{place.partition}] reaches offset {extent.end}: import into "
                "a new one (another TIDINGS_HOME, or another KAFKA_URL and MONGO_DATABASE)"
            )


class _Import:
    def __init__(
        self,
        settings: Settings,
        folder: Path,
        manifest: Manifest,
        publisher: Publisher,
        offsets: Offsets,
        writer: Putter,
    ) -> None:
        self._settings, self._folder, self._manifest = settings, folder, manifest
        self._publisher, self._offsets, self._writer = publisher, offsets, writer

    async def run(self, known: Known, told: Told, *, resumed: bool) -> None:
        """The steps that the head of this file explains."""
        floors = {TopicPartition(REQUESTS, n): known.floors[n] for n in range(self._settings.partitions)}
        if not resumed:
            await refuse_unless_empty(self._settings, self._offsets)
        await self._refuse_requests(floors)
        there = await self._taken()
        if not resumed:
            await self._tell(ended=False)
        await self._publisher.publish([*self._marks()])
        await self._pass_over(floors)
        await self._write(there, told)
        await self._offsets.commit("admit", floors)
        await rebuild(self._settings, "admit", lambda read, of: told("remembering outcomes", read, of), WHY)
        await rebuild(self._settings, "lifecycle", lambda *_: None, WHY)
        await self._tell(ended=True)

    async def _tell(self, *, ended: bool) -> None:
        ends = {part.partition: part.end for part in self._manifest.of(EVENTS)}
        done = LogImported(ends, self._manifest.digest, ended)
        told = Event(done, clock.now(), "import", by_user(), f"digest {self._manifest.digest}")
        await self._publisher.publish([operations.to_record(told)])

    def _marks(self) -> Iterable[Record]:
        tables = (
            Rows(admit.Admit(self._settings.limits), changelog("admit", admit.TABLE)),
            Rows(lifecycle.rule(self._settings), changelog("lifecycle", lifecycle.TABLE)),
        )
        for rows in tables:
            yield from (rows.rebuilding(number) for number in range(self._settings.partitions))

    async def _refuse_requests(self, floors: dict[TopicPartition, int]) -> None:
        for place, extent in (await self._offsets.extents(floors)).items():
            below = Extent(extent.first, min(extent.end, floors[place]))
            await refuse_requests(self._settings.kafka_url, place, below)

    async def _taken(self) -> list[tuple[Part, int]]:
        """How many records of each part are there already.

        The log is last: the projections, which may run, write letters of what they can't fold in it.
        """
        found = []
        for part in (*self._manifest.of(DEAD_LETTERS), *self._manifest.of(OPERATIONS), *self._manifest.of(EVENTS)):
            place = TopicPartition(part.topic, part.partition)
            extent = (await self._offsets.extents([place]))[place]
            found.append((part, await taken(self._settings.kafka_url, self._folder, self._manifest, part, extent)))
        return found

    async def _pass_over(self, floors: dict[TopicPartition, int]) -> None:
        await self._refuse_requests(floors)  # once more: they may have come meanwhile, and would be removed here
        now = milliseconds(clock.now())
        for place, extent in (await self._offsets.extents(floors)).items():
            floor = floors[place]
            await self._writer.fill(place, extent.end, floor, now)
            if extent.first < floor:
                await self._offsets.delete_before(place, floor)

    async def _write(self, taken_before: list[tuple[Part, int]], told: Told) -> None:
        total, done = sum(part.records for part in self._manifest.parts), 0
        for part, there in taken_before:
            place, skipped = TopicPartition(part.topic, part.partition), there
            for batch in read(self._folder / part.file, self._manifest.format):
                left = still_true(part, batch)
                left, skipped = left[skipped:], max(skipped - len(left), 0)
                await self._writer.put(place, left, left[0].offset if left and part.topic != OPERATIONS else None)
                done += len(batch)
                told("writing", done, total)
