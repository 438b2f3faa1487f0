"""Events of a replay into a topic of the user's, each marked."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiokafka.errors import KafkaError

from projections.replay.handling import Failing, Passing, marked, patiently
from projections.replay.selecting import Picked
from projections.replay.writing import NeverTaken, TopicWriter
from streams.settings import Settings


class Topic:
    """Records under the same keys, so in the same order for a recipient."""

    at_once = 500

    def __init__(self, writer: TopicWriter, replay: str) -> None:
        self._writer, self._replay = writer, replay

    async def there(self) -> None:
        """Raises `Failing` where there is no such topic: a broker would make it as it likes, or not at all."""
        try:
            if await self._writer.exists():
                return
        except (KafkaError, OSError) as error:
            raise Passing(f"Kafka does not answer: {error!r}") from error
        raise Failing(f"expected a topic {self._writer.topic}, Kafka has none: create it, then resume")

    async def take(self, events: Sequence[Picked]) -> None:
        """Acknowledged by all brokers that must."""
        records = [(event.record.key, marked(event, self._replay), event.id) for event in events]
        await patiently(lambda: self._write(records))

    async def _write(self, records: Sequence[tuple[bytes | None, bytes, str]]) -> None:
        try:
            await self._writer.write(records)
        except NeverTaken as error:
            raise Failing(str(error)) from error
        except (KafkaError, OSError) as error:
            raise Passing(f"topic {self._writer.topic} can't be written to: {error!r}") from error


@asynccontextmanager
async def writing(name: str, replay: str, settings: Settings) -> AsyncIterator[Topic]:
    """A connection for as long as it is needed. Raises `TargetRefused` for a topic of ours."""
    writer = TopicWriter(settings.kafka_url, name)
    try:
        topic = Topic(writer, replay)
        await patiently(topic.there)
        yield topic
    finally:
        await writer.close()
