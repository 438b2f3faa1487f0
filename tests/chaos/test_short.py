"""What every run of the tests shows of the matrix: a few faults on one stack, at a lower rate."""

import redis

from tests.chaos.beds import Beds
from tests.chaos.trial import Trial

GENTLE = 100.0
"""Notifications a second."""


def test_killed_processes_lose_and_double_nothing_in_silence(beds: Beds) -> None:
    bed = beds.get()
    with Trial(bed, "SIGKILL of deliver, then of lifecycle", GENTLE) as trial:
        bed.stack.kill("deliver")
        trial.go_on(5)
        bed.stack.kill("lifecycle")
    assert trial.row.harm == {}


def test_a_killed_kafka_and_a_redis_that_forgets_lose_and_double_nothing_in_silence(beds: Beds) -> None:
    bed = beds.get()
    with Trial(bed, "Redis wiped, then SIGKILL of Kafka", GENTLE) as trial:
        with redis.Redis.from_url(bed.stack.settings.redis_url) as client:
            client.flushall()
        killed = bed.stack.kill("kafka")
        bed.stack.wait_for("kafka", "running", not_pid=killed)
        bed.wait_for_answer("kafka")
        trial.fault_ended()
    assert trial.row.harm == {}
