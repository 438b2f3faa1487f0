"""What was given up, and what was accepted as lost: from `dead-letters` and `notification-operations`. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from projections.audit.coverage import between
from projections.audit.story import Skipped
from projections.position import Place
from projections.reading import ASTRAY, Raw
from projections.reading import STAGE as PROJECTIONS
from streams import operations
from streams.codec import Undecodable
from streams.letters import dead_letters
from streams.letters.dead_letters import Letter
from streams.operations import Dropped, GapAccepted, LogImported, Redriven
from streams.rules.conclusions import SOURCE as LIFECYCLE
from streams.topics import EVENTS, REQUESTS


@dataclass(slots=True)
class Letters:
    """Dead letters and gaps, by what they are about."""

    log: dict[Place, Skipped] = field(default_factory=dict)
    """By place on the log: what the projections left out."""
    unfolded: set[Place] = field(default_factory=set)
    """Places on the log that lifecycle gave up."""
    requests: dict[int, set[int]] = field(default_factory=dict)
    """Offsets by partition of `notification-requests`."""
    gaps: dict[int, int] = field(default_factory=dict)
    """Offsets by partition of `notification-requests`, as one number: somebody accepted that they are lost."""
    at_rest: dict[int, int] = field(default_factory=dict)
    """By partition of the log: the offset below which it was imported."""
    unreadable: int = 0
    _newest: dict[str, int] = field(default_factory=dict)
    _settled: dict[str, tuple[str, int]] = field(default_factory=dict)

    def part(self, partition: int) -> "Letters":
        """What is about one partition of the log."""
        log = {place: skipped for place, skipped in self.log.items() if place.partition == partition}
        return Letters(log, {place for place in self.unfolded if place.partition == partition})

    def add_letters(self, records: Iterable[Raw]) -> None:
        """Read records of `dead-letters`."""
        for record in records:
            try:
                report = dead_letters.read(record.value)
            except Undecodable:
                self.unreadable += 1
            else:
                self._newest[report.id] = record.offset
                self._add(report.letter)

    def add_operations(self, records: Iterable[Raw]) -> None:
        """Read records of `notification-operations`."""
        for record in records:
            try:
                done = operations.read(record.value).done
            except Undecodable:
                self.unreadable += 1
                continue
            match done:
                case Redriven(letter, seen):
                    self._settled[letter] = "redriven", seen
                case Dropped(letter, seen):
                    self._settled[letter] = "dropped", seen
                case GapAccepted(_, topic, partition, first, until) if topic == REQUESTS:
                    self.gaps[partition] = self.gaps.get(partition, 0) | between(first, until)
                case LogImported(until):
                    self.at_rest |= until
                case _:
                    pass

    def states(self) -> dict[str, int]:
        """How many letters are open, redriven and dropped."""
        states = Counter({"open": 0, "redriven": 0, "dropped": 0})
        for letter, newest in self._newest.items():
            state, seen = self._settled.get(letter, ("open", newest))
            states[state if newest <= seen else "open"] += 1
        return dict(states)

    def _add(self, letter: Letter) -> None:
        source = letter.source
        if source.partition is None or source.offset is None:
            return
        place = Place(source.partition, source.offset)
        if source.name == REQUESTS:
            self.requests.setdefault(place.partition, set()).add(place.offset)
        elif source.name == EVENTS:
            skipped = Skipped.NOTHING
            if letter.stage == PROJECTIONS:
                skipped = Skipped.MOVE if letter.error == ASTRAY else Skipped.ALL
            elif letter.stage == LIFECYCLE:
                self.unfolded.add(place)
            self.log[place] = max(skipped, self.log.get(place, skipped))
