"""The only way from a replay into Kafka: a producer for one topic, a user's own or the record of operations."""

from collections.abc import Iterable

from aiokafka.admin import AIOKafkaAdminClient

from projections.replay.targets import refuse_ours
from streams import clock, operations
from streams.kafka.bootstrap import bootstrap
from streams.kafka.producer import Producer
from streams.kafka.waiting import REFUSED, waited_out
from streams.operations import Event, Operation
from streams.record import Oversized, Record, check_size

SOURCE = "replays"


class NeverTaken(Exception):
    """The broker would refuse it again."""


class TopicWriter:
    """Writes to a topic of the user's. Raises `TargetRefused` for one of ours."""

    def __init__(self, url: str, topic: str) -> None:
        refuse_ours(topic)
        self.topic = topic
        self._servers = bootstrap(url)
        self._producer = Producer(self._servers)

    async def exists(self) -> bool:
        """Whether Kafka has the topic. Raises aiokafka's errors."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self._servers)
        try:
            await admin.start()
            return self.topic in await admin.list_topics()
        finally:
            await admin.close()

    async def write(self, values: Iterable[tuple[bytes | None, bytes | None, str]]) -> None:
        """Keys, values and ids. Returns when the broker has them. Raises aiokafka's errors and `NeverTaken`."""
        records = [Record(self.topic, key, value, id=identity) for key, value, identity in values]
        try:
            check_size(records)
            await self._producer.write(records)
        except (*REFUSED, Oversized) as error:
            raise NeverTaken(f"topic {self.topic}: {error!r}") from error

    async def close(self) -> None:
        """Drop the connections."""
        await self._producer.discard()


class Recorder:
    """Tells of replays on the record of operations; waits for a broker that is away."""

    def __init__(self, url: str, source: str = SOURCE) -> None:
        self._source, self._producer = source, Producer(bootstrap(url))

    async def tell(self, done: Operation, by: str = SOURCE, why: str = "") -> None:
        """Returns when it is on record. The operations are all that can be said here, and go to their topic."""
        record = operations.to_record(Event(done, clock.now(), self._source, by, why))
        await waited_out(lambda: self._producer.write([record]))

    async def close(self) -> None:
        """Drop the connections."""
        await self._producer.discard()
