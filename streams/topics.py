"""Every Kafka topic and RabbitMQ queue by name, with how long it keeps what, and which partition a key goes to.

All keyed topics have the same number of partitions and the same partitioner: a recipient's log, lanes and table
records share a partition number. The number is fixed when the topics are first declared.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from aiokafka.partitioner import murmur2

from streams.events import CHANNELS, Channel, LaneClass

JOBS_QUEUE = "notification-jobs"
"""RabbitMQ: bodies of `POST /api/notifications`, from the API or any producer."""
SOCIAL_QUEUE = "notification.event"
"""RabbitMQ: likes, comments, shares, follows and mentions, from any producer."""
QUEUES = (JOBS_QUEUE, SOCIAL_QUEUE)

REQUESTS = "notification-requests"
EVENTS = "notification-events"
"""The log."""
DEAD_LETTERS = "dead-letters"
OPERATIONS = "notification-operations"
"""What was done to the system, by people and by programs."""
LANE_CLASSES: tuple[LaneClass, ...] = ("transactional", "retries", "promotional")

DAYS = timedelta(days=1)
REQUESTS_KEPT = 7 * DAYS
LANES_KEPT = 7 * DAYS
MAX_RECORD_BYTES = 2 * 1024 * 1024
"""Room for a 256 KiB request that grew in re-encoding (numbers can) plus its envelope."""


@dataclass(frozen=True)
class Topic:
    """A topic as it is declared; `config` is Kafka's own vocabulary."""

    name: str
    partitions: int
    config: dict[str, str] = field(default_factory=dict)


def lane(channel: Channel, lane_class: LaneClass) -> str:
    """The topic of one lane, e.g. `notification-attempts.email.retries`."""
    return f"notification-attempts.{channel}.{lane_class}"


def deliver_group(lane_class: LaneClass) -> str:
    """The consumer group in which deliver reads the lanes of a class."""
    return f"deliver-{lane_class}"


LANES = tuple(lane(channel, lane_class) for channel in CHANNELS for lane_class in LANE_CLASSES)


def changelog(app: str, table: str) -> str:
    """The changelog topic as Faust names it."""
    return f"{app}-{table}-changelog"


def partition_for(key: bytes, partitions: int) -> int:
    """Kafka's own default partitioner, so that any client's keyed record lands where ours do."""
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)


def catalogue(partitions: int, changelogs: tuple[str, ...]) -> list[Topic]:
    """Everything the system declares at start."""
    return [
        Topic(REQUESTS, partitions, _kept(REQUESTS_KEPT)),
        Topic(EVENTS, partitions, _kept(None)),
        *(Topic(name, partitions, _kept(LANES_KEPT)) for name in LANES),
        *(Topic(name, partitions, _COMPACTED) for name in changelogs),
        Topic(DEAD_LETTERS, 1, _kept(None)),
        Topic(OPERATIONS, 1, _kept(None)),
    ]


def _kept(time: timedelta | None) -> dict[str, str]:
    retention = -1 if time is None else int(time.total_seconds() * 1000)
    return {
        "cleanup.policy": "delete",
        "retention.ms": str(retention),
        "retention.bytes": "-1",
        "max.message.bytes": str(MAX_RECORD_BYTES),
    }


# A stopped worker may still slip an old table record in after its partitions moved; recovery merges by the newest
# offset, which works as long as compaction has not yet removed the newer record: hence the minutes of lag.
# Nothing expires; "delete" is there since a rebuild of a table has to remove the records of the old one.
_COMPACTED = {
    "cleanup.policy": "compact,delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "min.compaction.lag.ms": str(3 * 60 * 1000),
    "max.compaction.lag.ms": str(10 * 60 * 1000),
    "min.cleanable.dirty.ratio": "0.1",
    "segment.ms": str(5 * 60 * 1000),
    "segment.bytes": str(32 * 1024 * 1024),
    "delete.retention.ms": str(10 * 60 * 1000),
    "max.message.bytes": str(MAX_RECORD_BYTES),
}
