"""What the gateway asks: one client of each server for the whole process, shared by all that answers."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI

from gateway.notifications.pending import Pending
from gateway.operations import Operations
from projections.mongo.connection import connection
from streams.kafka.publisher import Publisher
from streams.settings import Settings

DATABASE_PATIENCE = 5.0
"""Seconds until the database counts as away for what goes on for longer; most answers wait less (see `routes`)."""
KAFKA_PATIENCE = 1.5
"""Seconds until Kafka counts as away for an answer."""


class Clients:
    """Nothing is connected before it is used, and servers may be away, now and later."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.base = connection(settings, patience=DATABASE_PATIENCE)
        self.pending = Pending(settings)
        self.publisher = Publisher(settings.kafka_url)
        self.operations = Operations(settings.kafka_url, KAFKA_PATIENCE)

    @asynccontextmanager
    async def open(self, _: FastAPI) -> AsyncIterator[None]:
        """For as long as the app lives; then they are closed."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.base.client.close)
            stack.push_async_callback(self.pending.close)
            await self.publisher.start()
            stack.push_async_callback(self.publisher.stop)
            await stack.enter_async_context(self.operations.open())
            yield
