"""What a fold counts, as metrics, and what it reads, to be watched."""

from collections.abc import Iterator

from aiokafka import TopicPartition

from streams import clock
from streams.folding.counts import Counts
from streams.health.metrics import Reading
from streams.health.vitals import Following, Vitals

SET_ASIDE = ("stale", "repeated", "guarded", "forgotten", "lost", "loaded", "stragglers")


def told(vitals: Vitals, group: str, source: str, counts: Counts) -> None:
    """Have fold `group` of topic `source` measured and watched."""
    vitals.measure(lambda: readings(source, counts))
    vitals.follow(
        Following(
            group,
            (source,),
            own=lambda: [TopicPartition(source, partition) for partition in counts.own],
            moved=lambda: counts.loaded,
        )
    )


def readings(source: str, counts: Counts) -> Iterator[Reading]:
    """The counts as they are now."""
    yield Reading("tidings_events_in_total", counts.events, (source,))
    yield Reading("tidings_batches_total", counts.batches)
    yield Reading("tidings_open_jobs", counts.open_jobs)
    oldest = counts.oldest_open
    age = 0.0 if oldest is None else (clock.now() - oldest).total_seconds()
    yield Reading("tidings_oldest_open_job_seconds", age)
    for kind, number in counts.published.items():
        yield Reading("tidings_events_out_total", number, (kind,))
    for reason, number in counts.kept_back.items():
        yield Reading("tidings_kept_back_total", number, (reason,))
    for what, number in counts.late.items():
        yield Reading("tidings_late_total", number, (what,))
    for how in SET_ASIDE:
        yield Reading("tidings_set_aside_total", getattr(counts, how), (how,))
