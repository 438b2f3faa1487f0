"""Every number a process tells, by name, with what it means; plain counters in, Prometheus's text out.

Nothing is counted for its own sake: what the parts count anyway is read when somebody asks, so it costs nothing before.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Literal, NamedTuple, get_args

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

Name = Literal[
    "tidings_events_in_total",
    "tidings_events_skipped_total",
    "tidings_events_out_total",
    "tidings_kept_back_total",
    "tidings_records_out_total",
    "tidings_batches_total",
    "tidings_lag_records",
    "tidings_lag_seconds",
    "tidings_in_flight",
    "tidings_provider_calls_total",
    "tidings_breaker_state",
    "tidings_open_jobs",
    "tidings_oldest_open_job_seconds",
    "tidings_late_total",
    "tidings_set_aside_total",
    "tidings_dead_letters_total",
    "tidings_errors_total",
    "tidings_kafka_away_seconds",
    "tidings_documents_written_total",
    "tidings_state_rebuilt_total",
    "tidings_stalled_seconds",
    "tidings_sockets",
    "tidings_socket_users",
]
Timing = Literal["tidings_provider_seconds", "tidings_http_request_seconds"]


class Meaning(NamedTuple):
    """What a metric says, and the labels that tell its values apart."""

    text: str
    labels: tuple[str, ...] = ()


METRICS: dict[Name, Meaning] = {
    "tidings_events_in_total": Meaning("Messages and records taken in and done with.", ("source",)),
    "tidings_events_skipped_total": Meaning(
        "Events of types that this program does not know, left out of the read models of a group; a crash makes some "
        "count twice.",
        ("group",),
    ),
    "tidings_events_out_total": Meaning(
        "Events written to the log by a fold, by kind; a crash makes some come twice.", ("kind",)
    ),
    "tidings_kept_back_total": Meaning(
        "Suppressed, withheld or held notifications, by reason; a crash makes some count twice.", ("reason",)
    ),
    "tidings_records_out_total": Meaning("Records that Kafka has acknowledged.", ("topic",)),
    "tidings_batches_total": Meaning("Batches worked through."),
    "tidings_lag_records": Meaning(
        "Records that the whole group has not read yet, as the broker says.", ("group", "topic", "partition")
    ),
    "tidings_lag_seconds": Meaning(
        "For how long the oldest of them has been waiting; counted from this process's start at most.",
        ("group", "topic", "partition"),
    ),
    "tidings_in_flight": Meaning(
        "Begun and not done with: provider calls by lane, unacknowledged messages, replays.", ("what",)
    ),
    "tidings_provider_calls_total": Meaning("Calls by what came of them.", ("channel", "outcome")),
    "tidings_breaker_state": Meaning("0 closed, 1 half open (one call is tried), 2 open.", ("channel",)),
    "tidings_open_jobs": Meaning("Notifications in this worker's table that have no final status."),
    "tidings_oldest_open_job_seconds": Meaning("How long ago the oldest of them was accepted."),
    "tidings_late_total": Meaning("What the reconciler found late and helped on; 0 in good health.", ("what",)),
    "tidings_set_aside_total": Meaning(
        "What a fold passed over, forgot or loaded; the ways are the fields of `streams.folding.counts`.",
        ("how",),
    ),
    "tidings_dead_letters_total": Meaning("What this process gave up, by reason.", ("reason",)),
    "tidings_errors_total": Meaning("What went wrong and was or will be tried again.", ("reason",)),
    "tidings_kafka_away_seconds": Meaning("How long records have been waiting for Kafka; 0 when it takes them."),
    "tidings_documents_written_total": Meaning("Documents written to MongoDB."),
    "tidings_state_rebuilt_total": Meaning("How often all state held in memory was dropped and read again."),
    "tidings_stalled_seconds": Meaning("For how long work that could move has not.", ("check",)),
    "tidings_sockets": Meaning("WebSockets that are open, whether a user is known or not yet."),
    "tidings_socket_users": Meaning("Users with at least one of them."),
}
TIMINGS: dict[Timing, Meaning] = {
    "tidings_provider_seconds": Meaning("How long provider calls took.", ("channel",)),
    "tidings_http_request_seconds": Meaning("How long requests took to be answered.", ("method", "status")),
}
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
assert get_args(Name) == tuple(METRICS)


class Reading(NamedTuple):
    """A value now; `labels` in the order of the metric's meaning."""

    name: Name
    value: float
    labels: tuple[str, ...] = ()


Measure = Callable[[], Iterable[Reading]]


class Readings(Collector):
    """Asks all parts when Prometheus asks."""

    def __init__(self) -> None:
        self.measures: list[Measure] = []

    def collect(self) -> Iterator[Metric]:
        """Prometheus's families, each once."""
        for name, family in self.values().items():
            yield _family(name, family)

    def values(self) -> dict[Name, dict[tuple[str, ...], float]]:
        """By name and labels; readings with the same labels are added up."""
        values: dict[Name, dict[tuple[str, ...], float]] = {}
        for measure in self.measures:
            for name, value, labels in measure():
                family = values.setdefault(name, {})
                family[labels] = family.get(labels, 0.0) + value
        return values

    def describe(self) -> Iterable[Metric]:
        """Nothing: or registering would already ask all parts."""
        return ()


def _family(name: Name, values: dict[tuple[str, ...], float]) -> Metric:
    text, labels = METRICS[name]
    kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
    family = kind(name, text, labels=labels)
    for label_values, value in values.items():
        family.add_metric(label_values, value)
    return family


def registry_of(readings: Readings) -> CollectorRegistry:
    """A registry of its own: with the readings, and CPU, memory and files of the process."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(readings)
    ProcessCollector(registry=registry)
    return registry


def histogram(name: Timing, registry: CollectorRegistry) -> Histogram:
    """Where durations in seconds are observed."""
    text, labels = TIMINGS[name]
    return Histogram(name, text, labels, registry=registry, buckets=BUCKETS)


def reference() -> str:
    """The page `docs/reference/metrics.md`."""
    rows = [
        f"| `{name}` | {_kind(name)} | {', '.join(f'`{label}`' for label in labels) or '-'} | {text} |"
        for name, (text, labels) in (METRICS | TIMINGS).items()
    ]
    return "\n".join([_HEAD, *rows, ""])


def _kind(name: str) -> str:
    return "histogram" if name in TIMINGS else "counter" if name.endswith("_total") else "gauge"


_HEAD = """\
# Metrics

Every process serves them at `/metrics`, and its health at `/healthz`: `web` on the HTTP port, each other process on a
port of its own that `./tidings status` shows. A process tells what it has; `process_*` (CPU, memory, files) come from
Prometheus's own client. This page is made: `python -m streams.health.metrics > docs/reference/metrics.md`.

| name | kind | labels | what it says |
|---|---|---|---|"""

if __name__ == "__main__":
    import sys

    sys.stdout.write(reference())
