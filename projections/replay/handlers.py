"""What takes the events of a replay, one kind for each kind of target. All of them may get an event more than once.

What fails is tried again a few times, with growing pauses, and then comes out as `Failing`; what trying again can't
mend comes out as that at once.
"""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, BinaryIO, Protocol, TypeVar

import msgspec
from aiokafka.errors import KafkaError
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from projections.position import Document
from projections.replay.selecting import Picked
from projections.replay.targets import Target
from projections.replay.writing import NeverTaken, TopicWriter
from projections.store import UNENCODABLE, Unavailable, answered, database, durable, encodes, insert
from streams.events import Instant
from streams.settings import Settings

MARK = "tidingsreplay"
"""The CloudEvents extension attribute that holds the replay's id."""
ATTEMPTS = 5
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
"""Seconds; each pause is twice the one before, and up to a second longer by chance."""
PATIENCE = 5.0
"""Seconds to wait for MongoDB."""
SEPARATE = "{}-replays"
"""The database of users' collections, after the one of the read models, which so can't be touched."""

ResultT = TypeVar("ResultT")


class Failing(Exception):
    """The target does not take an event; the text says which, and what came."""


class Passing(Exception):
    """It does not take it now."""


class Handler(Protocol):
    """Takes events in their order. `at_once`: how many, at most."""

    @property
    def at_once(self) -> int: ...  # noqa: D102

    async def take(self, events: Sequence[Picked]) -> None:
        """Returns when the target has all of them. Raises `Failing`."""


async def patiently(call: Callable[[], Awaitable[ResultT]]) -> ResultT:
    """Its result, tried again while it is `Passing`. Raises `Failing`."""

    async def attempt() -> ResultT:
        """Trap: tenacity awaits only what it knows for a coroutine function, which a lambda is not."""
        return await call()

    attempts = AsyncRetrying(
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_exponential_jitter(multiplier=FIRST_PAUSE, max=LONGEST_PAUSE),
        retry=retry_if_exception_type(Passing),
        reraise=True,
    )
    try:
        return await attempts(attempt)
    except Passing as error:
        raise Failing(f"{error}, {ATTEMPTS} times") from error


@asynccontextmanager
async def opened(target: Target, replay: str, settings: Settings) -> AsyncIterator[Handler]:
    """The handler, for as long as it is needed. Raises `Failing`, and `Refused` for a topic of ours."""
    match target.kind:
        case "stdout":
            yield Lines(sys.stdout.buffer)
        case "collection":
            async with _collection(target.name, replay, settings) as collection:
                yield collection
        case "topic":
            async with _topic(target.name, replay, settings) as topic:
                yield topic
        case "webhook":
            from projections.replay.webhook import posting  # noqa: PLC0415 - aiohttp, where it is needed only

            async with posting(target.name, replay) as webhook:
                yield webhook


def marked(event: Picked, replay: str) -> bytes:
    """The event as it is on the log, byte for byte, with one attribute more in front."""
    body = (event.record.value or b"").lstrip()
    return b'{"%s":"%s",%s' % (MARK.encode(), replay.encode(), body[1:])


class Lines:
    """JSON lines: the events as they are on the log."""

    at_once = 500

    def __init__(self, out: BinaryIO) -> None:
        self._out = out

    async def take(self, events: Sequence[Picked]) -> None:
        """Written, and flushed."""
        try:
            for event in events:
                self._out.write(_line(event.record.value or b""))
            self._out.flush()
        except OSError as error:
            raise Failing(f"stdout takes no more: {error}") from error


def _line(body: bytes) -> bytes:
    return (body if b"\n" not in body else msgspec.json.format(body, indent=-1)) + b"\n"


class Collection:
    """Documents of events, `_id` the event's: one that comes again changes nothing."""

    at_once = 500

    def __init__(self, collection: Any, replay: str) -> None:  # noqa: ANN401 - the driver is `store`'s business
        self._collection, self._replay = collection, replay

    async def take(self, events: Sequence[Picked]) -> None:
        """Stored on disk."""
        documents = list({event.id: document(event, self._replay) for event in events}.values())
        await patiently(lambda: self._insert(documents))

    async def _insert(self, documents: list[Document]) -> None:
        try:
            with answered():
                await insert(self._collection, documents, repeatable=True)
        except Unavailable as error:
            raise Passing(str(error)) from error
        except UNENCODABLE as error:
            raise Failing(f"MongoDB has no form for an event near {documents[0]['_id']}: {error}") from error


def document(event: Picked, replay: str) -> Document:
    """The event's attributes with its place on the log; what BSON has no form for stays JSON text."""
    told = msgspec.json.decode(event.record.value or b"")
    made: Document = {
        **told,
        "_id": event.id,
        "kind": event.type,
        "time": msgspec.convert(told["time"], Instant),
        "position": {"partition": event.record.partition, "offset": event.record.offset},
        "replay": replay,
    }
    if not encodes(made):
        made["data"] = msgspec.json.encode(told.get("data")).decode()
    return made


class Topic:
    """Records under the same keys, so in the same order for a recipient; each event marked."""

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
async def _collection(name: str, replay: str, settings: Settings) -> AsyncIterator[Collection]:
    own = settings.model_copy(update={"mongo_database": SEPARATE.format(settings.mongo_database)})
    async with database(own, patience=PATIENCE) as base:

        async def declare() -> None:
            """See `store.declare` for why a collection is not left to its first write."""
            try:
                with answered():
                    await base[name].create_index("subject")
            except Unavailable as error:
                raise Passing(str(error)) from error

        await patiently(declare)
        yield Collection(durable(base, name), replay)


@asynccontextmanager
async def _topic(name: str, replay: str, settings: Settings) -> AsyncIterator[Topic]:
    writer = TopicWriter(settings.kafka_url, name)
    try:
        topic = Topic(writer, replay)
        await patiently(topic.there)
        yield topic
    finally:
        await writer.close()
