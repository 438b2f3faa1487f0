"""A full disk for Kafka, then for RabbitMQ, under load, until it is freed. A small tmpfs is the disk: needs root."""

import os
from pathlib import Path

import pytest

from tests.chaos.bed import RATE, bed
from tests.chaos.beds import Beds
from tests.chaos.trial import Trial

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root"),
]
FULL = 10.0
"""Seconds."""


@pytest.mark.parametrize("server", ["kafka", "rabbitmq"])
def test_a_disk_that_was_full_for_10_s(beds: Beds, server: str) -> None:
    beds.close()
    with bed(small_disk=server) as small:
        with Trial(small, f"disk of {server} full for 10 s", RATE, door_shut=True) as trial:
            filler = small.data(server) / "filler"
            fill(filler)
            trial.go_on(FULL)
            os.truncate(filler, 0)
            small.wait_for_answer(server)
            trial.fault_ended()
        assert trial.row.harm == {}


def fill(filler: Path) -> None:
    """Until nothing more goes in."""
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(1 << 20)):
                pass
        except OSError:
            return
