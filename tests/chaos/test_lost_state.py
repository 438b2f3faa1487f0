"""Lifecycle loses its offsets, or its changelog: it refuses, is recovered from the log, and sends nothing again."""

import asyncio
from collections.abc import Callable

import pytest

from deploy.declare import CHANGELOGS, declare
from tests.chaos.bed import RATE, Bed
from tests.chaos.beds import Beds
from tests.chaos.removing import remove_group, remove_topic
from tests.chaos.trial import Trial

pytestmark = pytest.mark.chaos
LIFECYCLE = "lifecycle"


def without_offsets(bed: Bed) -> None:
    asyncio.run(remove_group(bed.stack.settings.kafka_url, LIFECYCLE))


def without_changelog(bed: Bed) -> None:
    """An empty one takes its place, as the next `up` would have it."""
    [changelog] = [name for name in CHANGELOGS if name.startswith(LIFECYCLE)]
    asyncio.run(remove_topic(bed.stack.settings.kafka_url, changelog))
    asyncio.run(declare(bed.stack.settings))


@pytest.mark.parametrize(
    ("what", "remove"), [("offsets", without_offsets), ("changelog", without_changelog)], ids=["offsets", "changelog"]
)
def test_lifecycle_refuses_to_take_history_for_news(beds: Beds, what: str, remove: Callable[[Bed], None]) -> None:
    bed = beds.get()
    with Trial(bed, f"{what} of lifecycle deleted, then `recover`", RATE) as trial:
        bed.stop(LIFECYCLE)
        remove(bed)
        bed.start(LIFECYCLE)
        bed.wait_for_refusal(LIFECYCLE, "recover")
        bed.stack.run("recover", LIFECYCLE)
        trial.fault_ended()
    assert trial.row.harm == {}
