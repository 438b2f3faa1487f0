from pathlib import Path

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from deploy.stack.home import CHECKOUT
from streams.health.metrics import METRICS, TIMINGS, Reading, reference
from streams.health.vitals import Vitals


def scraped(vitals: Vitals) -> dict[tuple[str, tuple[str, ...]], float]:
    """What Prometheus reads, by name and label values."""
    families = text_string_to_metric_families(generate_latest(vitals.registry).decode())
    return {
        (sample.name, tuple(sample.labels.values())): sample.value for family in families for sample in family.samples
    }


def test_a_reading_is_taken_when_it_is_asked_for() -> None:
    vitals, counts = Vitals(), {"carried": 1}
    vitals.measure(lambda: [Reading("tidings_events_in_total", counts["carried"], ("rabbitmq",))])
    counts["carried"] = 5
    assert scraped(vitals)["tidings_events_in_total", ("rabbitmq",)] == 5


def test_readings_of_several_parts_are_added_up() -> None:
    vitals = Vitals()
    for number in (2, 3):
        vitals.measure(lambda number=number: [Reading("tidings_batches_total", number)])  # type: ignore[misc]
    assert scraped(vitals)["tidings_batches_total", ()] == 5


def test_durations_are_counted_by_their_labels() -> None:
    vitals = Vitals()
    vitals.times("tidings_provider_seconds").labels("sms").observe(0.3)
    told = scraped(vitals)
    assert told["tidings_provider_seconds_count", ("sms",)] == 1
    assert told["tidings_provider_seconds_sum", ("sms",)] == 0.3


def test_every_process_tells_its_memory_and_cpu() -> None:
    told = scraped(Vitals())
    assert told["process_resident_memory_bytes", ()] > 0
    assert told["process_cpu_seconds_total", ()] > 0


def test_two_processes_in_one_program_do_not_meet() -> None:
    one, other = Vitals(), Vitals()
    one.errors["mongo"] += 1
    assert ("tidings_errors_total", ("mongo",)) in scraped(one)
    assert ("tidings_errors_total", ("mongo",)) not in scraped(other)


def test_names_follow_the_conventions_of_prometheus() -> None:
    names = [*METRICS, *TIMINGS]
    assert [name for name in names if not name.startswith("tidings_")] == []
    assert [name for name in TIMINGS if not name.endswith("_seconds")] == []


def test_the_reference_page_is_up_to_date() -> None:
    page = Path(CHECKOUT, "docs/reference/metrics.md").read_text()
    assert page == reference(), "make it anew: python -m streams.health.metrics > docs/reference/metrics.md"
