"""The shared Kafka edge: records go in, one record batch per partition goes out, and the caller waits for the acks."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    AuthorizationError,
    InvalidTopicError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    UnsupportedVersionError,
)

from streams.record import Oversized, Record, check_size
from streams.topics import MAX_RECORD_BYTES, partition_for

__all__ = ["Late", "Oversized", "Publisher", "Record", "bootstrap"]

log = logging.getLogger(__name__)


class Late(TimeoutError):
    """The broker did not take the records within the time allowed, and they will not be sent any more."""


def bootstrap(url: str) -> list[str]:
    """`kafka://host:port,host:port` as aiokafka wants it. Raises `ValueError`."""
    scheme, _, hosts = url.partition("://")
    if scheme != "kafka" or not hosts:
        raise ValueError(f"expected kafka://host:port,host:port, got {url!r}: set KAFKA_URL")
    return hosts.rstrip("/").split(",")


class Publisher:
    """(first version: the interface holds, the inside is being written)"""

    def __init__(self, url: str) -> None:
        self._servers = bootstrap(url)

    async def start(self) -> None:
        """Begin to connect; a broker that is away is waited for by `publish`."""
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self._servers,
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            max_batch_size=MAX_RECORD_BYTES,
            max_request_size=MAX_RECORD_BYTES,
            request_timeout_ms=10_000,
        )
        await self._producer.start()

    async def stop(self) -> None:
        """Close the connections."""
        await self._producer.stop()

    async def publish(self, records: Sequence[Record], *, within: float | None = None) -> None:
        """Returns when the broker has all records. Raises `Oversized` before any of them is sent.

        With `within` (seconds) raises `Late` if the broker has not taken them by then; they are not sent afterwards.
        """
        check_size(records)
        groups: defaultdict[tuple[str, int], list[Record]] = defaultdict(list)
        for record in records:
            partition = record.partition
            if partition is None:
                partition = partition_for(record.key or b"", len(await self._producer.partitions_for(record.topic)))
            groups[record.topic, partition].append(record)
        acks, now = [], int(time.time() * 1000)
        for (topic, partition), group in groups.items():
            batch = self._producer.create_batch()
            for record in group:
                headers = [("id", record.id.encode())] if record.id else []
                if batch.append(timestamp=now, key=record.key, value=record.value, headers=headers) is None:
                    acks.append(await self._producer.send_batch(batch, topic, partition=partition))
                    batch = self._producer.create_batch()
                    batch.append(timestamp=now, key=record.key, value=record.value, headers=headers)
            acks.append(await self._producer.send_batch(batch, topic, partition=partition))
        await asyncio.gather(*acks)
