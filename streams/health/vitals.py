"""The vital signs of a process: its parts say what can be measured and watched, whoever serves them asks.

A process's `run` gets one `Vitals` from the composition root and tells it of its parts; nothing is asked, counted or
connected for it otherwise, so a test may pass a bare `Vitals()`.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from aiokafka import TopicPartition
from prometheus_client import Histogram

from streams.health.metrics import Measure, Reading, Readings, Timing, histogram, registry_of
from streams.health.progress import Look, Progress
from streams.kafka.publisher import Publisher

Watch = Callable[[], Mapping[str, Look]]
"""Looks at some work, by the name of each part that can stall alone."""


def unhindered(_: str) -> str:
    """Nothing stands in the way of reading this topic."""
    return ""


@dataclass(frozen=True)
class Following:
    """What a consumer group reads, and how this member of it is doing."""

    group: str
    topics: tuple[str, ...]
    own: Callable[[], Collection[TopicPartition]]
    """The partitions that this process reads now. While there are none, and the group has no other member, the whole
    group is watched instead: it must not be that nobody reads."""
    hindered: Callable[[str], str] = unhindered
    """Why a topic (or, given no name, all of them) is rightly not read now, or an empty string."""
    moved: Callable[[], object] = lambda: None
    """Changes when work is done that no offset shows."""
    by_topic: bool = False
    """The partitions of a topic share what they are handled by, so one may wait for another."""


class Vitals:
    """What is told and asked about one process. `stall_limit` is in seconds."""

    def __init__(self, stall_limit: float = 30.0) -> None:
        self.stall_limit = stall_limit
        self.errors: Counter[str] = Counter()
        """By reason: what went wrong and is tried again."""
        self.followed: list[Following] = []
        self.progress: dict[str, Progress] = {}
        self._readings = Readings()
        self.registry = registry_of(self._readings)
        self._watches: list[Watch] = []
        self.measure(self._own_readings)

    def measure(self, measure: Measure) -> None:
        """Have this read whenever metrics are asked for."""
        self._readings.measures.append(measure)

    def watch(self, watch: Watch) -> None:
        """Have this looked at about once a second."""
        self._watches.append(watch)

    def follow(self, following: Following) -> None:
        """Have the broker asked how far this group is."""
        self.followed.append(following)

    def times(self, name: Timing) -> Histogram:
        """Where durations are observed; to be called once a name."""
        return histogram(name, self.registry)

    def publishes(self, publisher: Publisher) -> None:
        """Have this publisher measured."""
        self.measure(lambda: publisher_readings(publisher))

    def look(self, now: float) -> None:
        """Look at all that is watched, at `now` (monotonic seconds)."""
        looks = {name: look for watch in self._watches for name, look in watch().items()}
        self.progress = {
            name: self.progress[name].after(look, now) if name in self.progress else Progress(look, now)
            for name, look in looks.items()
        }

    def stalled(self, limit: float | None = None) -> dict[str, Progress]:
        """The work that has not moved for `stall_limit` seconds, or another limit."""
        allowed = self.stall_limit if limit is None else limit
        return {name: progress for name, progress in self.progress.items() if progress.stalled > allowed}

    def in_flight(self) -> dict[str, float]:
        """What is begun and not done with, by name; no zeros."""
        readings = self._readings.values().get("tidings_in_flight", {})
        return {what: value for (what,), value in readings.items() if value}

    def _own_readings(self) -> list[Reading]:
        stalled = [Reading("tidings_stalled_seconds", each.stalled, (name,)) for name, each in self.progress.items()]
        return stalled + [Reading("tidings_errors_total", count, (why,)) for why, count in self.errors.items()]


def publisher_readings(publisher: Publisher) -> list[Reading]:
    """What a publisher counts."""
    return [
        *(Reading("tidings_records_out_total", count, (topic,)) for topic, count in publisher.written.items()),
        *(Reading("tidings_dead_letters_total", count, (reason,)) for reason, count in publisher.letters.items()),
        Reading("tidings_errors_total", publisher.failures, ("kafka",)),
        Reading("tidings_kafka_away_seconds", publisher.away_for()),
    ]
