"""One connection to Kafka that records are written through, until it fails and is thrown away."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import RecordMetadata

from streams.record import Record
from streams.topics import MAX_RECORD_BYTES, partition_for

REQUEST_TIMEOUT = 10.0
"""Seconds after which a silent broker counts as away."""
CLOSED_WITHIN = 1.0
"""Seconds; a silent broker does not answer the close of a connection either."""


class Producer:
    """An idempotent producer that is made when needed.

    Trap: after any failure it must be thrown away, since a batch that aiokafka gave up leaves a gap in its sequence
    numbers, and the broker would refuse all later ones.
    """

    def __init__(self, servers: list[str]) -> None:
        self.written: Counter[str] = Counter()
        """Records by topic that the broker has acknowledged."""
        self._servers = servers
        self._producer: AIOKafkaProducer | None = None

    async def connect(self) -> None:
        """Returns when a broker has answered; `write` would wait for that."""
        try:
            await self._connected()
        except BaseException:
            await self.discard()
            raise

    async def write(self, records: Iterable[Record]) -> list[RecordMetadata]:
        """Returns when the broker has all records: where each batch of them begins.

        After an exception nothing more is written, though some may have been.
        """
        try:
            producer = await self._connected()
            batches = await _batches(producer, records)
            acks = [await producer.send_batch(batch, topic, partition=part) for batch, topic, part in batches]
            written = await asyncio.gather(*acks)
        except BaseException:
            await self.discard()
            raise
        for batch, topic, _ in batches:
            self.written[topic] += batch.record_count()
        return written

    async def discard(self) -> None:
        """Drop the connections and what was not written yet."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await discarded(producer)

    async def _connected(self) -> AIOKafkaProducer:
        if self._producer is None:
            self._producer = idempotent(self._servers)
            await self._producer.start()
        return self._producer


def idempotent(servers: list[str], patience: float = REQUEST_TIMEOUT) -> AIOKafkaProducer:
    """One that has not started yet. To be `discarded`, never stopped.

    A broker that is silent for `patience` seconds is asked again, for ever; but what has no leader for so long, as
    while the only broker is restarted, is given up.
    """
    return AIOKafkaProducer(
        bootstrap_servers=servers,
        acks="all",
        enable_idempotence=True,
        linger_ms=0,
        max_batch_size=MAX_RECORD_BYTES,
        max_request_size=MAX_RECORD_BYTES,
        request_timeout_ms=int(patience * 1000),
    )


async def discarded(producer: AIOKafkaProducer) -> None:
    """Its connections are dropped, and what it has not written yet.

    Trap: `AIOKafkaProducer.stop` would first deliver all it holds, for ever if the broker is away.
    """
    producer._closed = True  # noqa: SLF001 - or its destructor warns
    try:
        with suppress(TimeoutError):
            await asyncio.wait_for(producer.client.close(), CLOSED_WITHIN)
    finally:  # also if whoever waits is cancelled: a sender that is left would write after all, once a broker is back
        sender = producer._sender.sender_task  # noqa: SLF001
        while sender is not None and not sender.done():
            sender.cancel()  # once for each request in flight that it waits for
            await asyncio.wait([sender], timeout=CLOSED_WITHIN / 10)


async def _batches(producer: AIOKafkaProducer, records: Iterable[Record]) -> list[tuple[BatchBuilder, str, int]]:
    """One record batch per partition, or more where they don't fit into one."""
    filled: list[tuple[BatchBuilder, str, int]] = []
    current: dict[tuple[str, int], BatchBuilder] = {}
    now = int(time.time() * 1000)
    for topic, key, value, given, identity in records:
        place = given if given is not None else partition_for(key or b"", len(await producer.partitions_for(topic)))
        headers = [("id", identity.encode())] if identity else []
        batch = current.get((topic, place))
        if batch is None or batch.append(timestamp=now, key=key, value=value, headers=headers) is None:
            batch = current[topic, place] = producer.create_batch()
            filled.append((batch, topic, place))
            batch.append(timestamp=now, key=key, value=value, headers=headers)
    return filled
