"""What waits behind the API goes in, whether to take more comes out; looked up once a second, off the requests' way.

What waits is what RabbitMQ has in its queues, and what the stages have told Redis.
"""

import asyncio
import logging

from api.outbox import Outbox
from api.pressure import Pressure, Sample
from api.redis_pipe import Away, Pipe
from streams.health import depth
from streams.settings import Settings

log = logging.getLogger(__name__)


class Backlog:
    """The present pressure; `run` has to be running."""

    def __init__(self, settings: Settings, outbox: Outbox, pipe: Pipe) -> None:
        self._outbox, self._pipe = outbox, pipe
        self._told: Sample | None = None
        self.depth = 0
        self.pressure = Pressure(settings.max_backlog)

    async def run(self) -> None:
        """Look every second, until cancelled."""
        while True:
            before = self.pressure.refusing
            await self.look()
            if self.pressure.refusing != before:
                what = "no notifications are" if self.pressure.refusing else "notifications are again"
                log.warning("%s taken: about %d wait", what, self.depth)
            await asyncio.sleep(depth.EVERY)

    async def look(self) -> None:
        """Bring the pressure up to date."""
        now = asyncio.get_running_loop().time()
        await self._ask(now)
        self.depth = self._outbox.waiting + (self._told.depth if self._told else 0)
        self.pressure = self.pressure.after(Sample(now, self.depth))

    async def _ask(self, now: float) -> None:
        """Without Redis the last answer counts for a while, then only RabbitMQ's part."""
        try:
            [told] = await self._pipe.do(("EVAL", depth.SUM, 1, depth.INDEX))
        except Away:
            if self._told and now - self._told.at > depth.BELIEVED:
                log.warning("without Redis only what waits in RabbitMQ is known")
                self._told = None
        else:
            self._told = Sample(now, int(told))
