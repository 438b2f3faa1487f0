"""The last dispatch ids of each lane partition, in Redis: what tells a lane record written twice from a new one.

Lifecycle may write the same dispatch to a lane again around a crash. The first record of a dispatch stands; another
one at a later offset is a repeat. The same record read again after a crash or a rebalance is none: nobody claimed it.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from aiokafka import TopicPartition
from redis.asyncio import Redis

from streams.background import PAUSES, pauses
from streams.redis_away import AWAY

log = logging.getLogger(__name__)

WINDOW = 4096
"""Ids kept per lane partition; a repeat follows its first record within one batch of lifecycle."""

_SCRIPT = """
local fresh = {}
for i = 2, #ARGV, 3 do
  local window, offset, id = KEYS[tonumber(ARGV[i])], tonumber(ARGV[i + 1]), ARGV[i + 2]
  local first = redis.call('ZSCORE', window, id)
  if first and tonumber(first) < offset then
    fresh[#fresh + 1] = 0
  else
    redis.call('ZADD', window, offset, id)
    fresh[#fresh + 1] = 1
  end
end
for _, window in ipairs(KEYS) do
  redis.call('ZREMRANGEBYRANK', window, 0, -ARGV[1] - 1)
end
return fresh
"""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A dispatch id and the lane record that holds it."""

    partition: TopicPartition
    offset: int
    id: str


class Dispatched:
    """The windows. Waits for a Redis that is away or refuses, since sending without asking could double in silence.

    Asking again is safe where an answer was lost: the records have the same offsets then, so they are no repeats.
    """

    def __init__(self, redis: Redis) -> None:
        self.waits = ""
        """What it waits for now, or an empty string."""
        self.failures = 0
        self._script = redis.register_script(_SCRIPT)

    async def fresh(self, sightings: Sequence[Sighting]) -> list[bool]:
        """For each: whether it is the first record of its dispatch. One atomic step for all."""
        if not sightings:
            return []
        partitions = dict.fromkeys(sighting.partition for sighting in sightings)
        windows = {partition: number for number, partition in enumerate(partitions, 1)}
        arguments: list[int | str] = [WINDOW]
        for sighting in sightings:
            arguments += windows[sighting.partition], sighting.offset, sighting.id
        return [answer == 1 for answer in await self._asked([_key(partition) for partition in windows], arguments)]

    async def _asked(self, keys: Sequence[str], arguments: Sequence[int | str]) -> list[Any]:
        """Trap: a Redis with a full disk, without memory or that is a replica answers, but not by a ConnectionError."""
        self.waits = "Redis has not answered yet"
        for pause in pauses(PAUSES):
            try:
                answers = await self._script(keys=keys, args=arguments)
            except AWAY as error:
                self.failures += 1
                self.waits = f"Redis is away or refuses: {error!r}"
                log.warning("%s: trying again in %s s", self.waits, pause)
            else:
                self.waits = ""
                return cast("list[Any]", answers)
            await asyncio.sleep(pause)
        raise AssertionError


def _key(partition: TopicPartition) -> str:
    return f"tidings:{{dispatched}}:{partition.topic}:{partition.partition}"
