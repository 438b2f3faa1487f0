"""`Idempotency-Key`: a key and a body in; a reservation out, or the first answer, or why not. The state is Redis's.

The notification's id is derived from tenant, key, body and day, so a client's retry is the same notification even if
Redis lost everything, for as long as admit remembers ids (`Settings.id_horizon`). With Redis it also gets the first
attempt's time and, once there is one, its answer.
"""

import re
from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from api.redis_pipe import Away, Command, Pipe
from streams.clock import from_milliseconds, milliseconds

VALID_KEY = re.compile(r"[\x20-\x7e]{1,255}", re.ASCII)

RESERVE = """
local body, id, created, answer, leased = unpack(
    redis.call('HMGET', KEYS[1], 'body', 'id', 'created', 'answer', 'leased'))
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if body and body ~= ARGV[1] then return {'other'} end
if answer then return {'answered', id, answer} end
if leased and tonumber(leased) > now then return {'busy'} end
id, created = id or ARGV[2], created or ARGV[3]
redis.call('HSET', KEYS[1], 'body', ARGV[1], 'id', id, 'created', created, 'leased', now + ARGV[4])
if not body then redis.call('PEXPIRE', KEYS[1], ARGV[5]) end
return {'reserved', id, created}
"""
"""The lease is measured by Redis's clock: there is one of it, and any number of ours."""


class Reserved(NamedTuple):
    """Go on, with this id and time: they are the first attempt's, whether that is this one or one that failed."""

    notification: str
    created: datetime
    record: str
    body: str


class Answered(NamedTuple):
    """It was done before, with this answer."""

    notification: str
    answer: bytes


class Busy(NamedTuple):
    """Another attempt is under way."""


class OtherBody(NamedTuple):
    """The key belongs to another body."""


class Idempotency:
    """Keys are remembered for `kept` seconds; an attempt counts as dead `lease` seconds after it began."""

    def __init__(self, pipe: Pipe, kept: float, lease: float) -> None:
        self._pipe, self._kept, self._lease = pipe, round(kept * 1000), round(lease * 1000)

    async def reserve(
        self, tenant: str, key: str, body: bytes, now: datetime
    ) -> Reserved | Answered | Busy | OtherBody:
        """What to do with a request. Without Redis: go on, since its id is the same whenever it is derived."""
        record, digest = f"tidings:idempotency:{tenant}:{key}", sha256(body).hexdigest()
        derived = derived_id(tenant, key, body, now)
        try:
            [answer] = await self._pipe.do(
                ("EVAL", RESERVE, 1, record, digest, derived, milliseconds(now), self._lease, self._kept)
            )
        except Away:
            return Reserved(derived, now, record, digest)
        match answer:
            case [b"reserved", notification, created]:
                first = from_milliseconds(int(created))
                return Reserved(notification.decode(), first, record, digest)
            case [b"answered", notification, first_answer]:
                return Answered(notification.decode(), first_answer)
            case [b"busy"]:
                return Busy()
            case _:
                return OtherBody()

    def finish(self, reserved: Reserved, answer: bytes) -> list[Command]:
        """What Redis is to do so that a repeat gets this answer."""
        created = milliseconds(reserved.created)
        fields = ("body", reserved.body, "id", reserved.notification, "created", created, "answer", answer)
        return [
            ("HSET", reserved.record, *fields),
            ("PEXPIRE", reserved.record, self._kept),
        ]

    def release(self, reserved: Reserved) -> list[Command]:
        """What Redis is to do so that a repeat need not wait for the lease of a failed attempt."""
        return [("HDEL", reserved.record, "leased")]


def derived_id(tenant: str, key: str, body: bytes, now: datetime) -> str:
    """The notification's id, the same for this key and body all day (UTC)."""
    day = now.astimezone(UTC).date().isoformat()
    parts = (tenant.encode(), key.encode(), day.encode(), body)
    whole = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    return str(UUID(bytes=sha256(whole).digest()[:16], version=5))
