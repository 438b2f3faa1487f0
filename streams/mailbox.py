"""The mailbox of each user in Redis: what the in-app provider puts in, the gateways read, and an ACK takes out.

`notifications:buffer:<user>` maps notification ids to items, as JSON; each lives its own TTL. Beside it, in the same
slot of a cluster, are their order (positions 1, 2, 3 ... given as items come in), their expiry, the ids acknowledged
lately, and `state`: the epoch, the last position, and `floor`, the last position that was lost by expiry. An epoch is
the life of a `state`: when Redis loses it, positions begin anew under another epoch. Every change is one script, so it
is atomic, and told on one channel to all gateways.

Trap: the keys expire with their last item, and nothing then tells which positions they held. So of an empty mailbox
all positions count as lost.
"""

from typing import Any, NamedTuple

import msgspec

CHANNEL = "notifications:mailbox"
"""Pub/sub: one `News` in MessagePack a message."""
PARTS = ("buffer", "order", "expiry", "acked", "state")
STATE_KEPT_MS = 24 * 3600 * 1000
"""How long a client can resume a mailbox into which nothing came."""


def keys(user: str) -> list[str]:
    """The keys of one mailbox, in the order in which the scripts take them."""
    buffer = f"notifications:buffer:{user}"
    return [buffer, *(f"{{{buffer}}}:{part}" for part in PARTS[1:])]


class Item(msgspec.Struct, frozen=True, rename="camel"):
    """What a client gets as `payload`, in the reference's fields. `timestamp`: ISO 8601."""

    notification_id: str
    to_user_id: str
    message: str
    event_type: str | None
    timestamp: str
    status: str = "pending"


class News(NamedTuple):
    """A change of a mailbox: an item that came in, or (`item` None) an id that was acknowledged."""

    user: str
    epoch: str
    position: int
    notification: str
    item: bytes | None = None


class Kept(NamedTuple):
    """An item in the buffer."""

    notification: str
    position: int
    item: bytes


class Opening(NamedTuple):
    """A mailbox as a client finds it: `items` past its position (all, if not `recovered`), oldest first.

    `recovered`: nothing that came after the client's position is missing from them. `born`: when the epoch began, in
    milliseconds since 1970; what came or was acknowledged before is not remembered here.
    """

    epoch: str
    position: int
    recovered: bool
    items: list["Kept"]
    acked: frozenset[str]
    born: int


_PRELUDE = f"""
local buffer, order, expiry, acked, state = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local now = tonumber(ARGV[1])
for _, id in ipairs(redis.call('ZRANGEBYSCORE', expiry, '-inf', now)) do
  local position, floor = redis.call('ZSCORE', order, id), redis.call('HGET', state, 'floor')
  if floor and tonumber(position) > tonumber(floor) then redis.call('HSET', state, 'floor', position) end
  redis.call('HDEL', buffer, id); redis.call('ZREM', order, id); redis.call('ZREM', expiry, id)
end
redis.call('ZREMRANGEBYSCORE', acked, '-inf', now)
if redis.call('EXISTS', state) == 0 then
  redis.call('DEL', buffer, order, expiry)
  redis.call('HSET', state, 'epoch', ARGV[2], 'position', 0, 'floor', 0, 'born', now)
  redis.call('PEXPIRE', state, {STATE_KEPT_MS})
end
if redis.call('EXISTS', order) == 0 then
  local last = redis.call('HGET', state, 'position')
  if redis.call('HGET', state, 'floor') ~= last then redis.call('HSET', state, 'floor', last) end
end
local epoch = redis.call('HGET', state, 'epoch')
local function tell(user, position, id, item)
  redis.call('PUBLISH', '{CHANNEL}', cmsgpack.pack({{user, epoch, position, id, item}}))
end
"""

PUT = (
    _PRELUDE
    + f"""
local ttl, user, id, item = tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6]
if redis.call('ZSCORE', acked, id) then return -1 end
local known = redis.call('ZSCORE', order, id)
if known then return tonumber(known) end
local position = redis.call('HINCRBY', state, 'position', 1)
redis.call('HSET', buffer, id, item)
redis.call('ZADD', order, position, id)
redis.call('ZADD', expiry, now + ttl, id)
for _, key in ipairs({{buffer, order, expiry}}) do redis.call('PEXPIRE', key, ttl) end
redis.call('PEXPIRE', state, {STATE_KEPT_MS})
tell(user, position, id, item)
return position
"""
)
"""ARGV: now (ms), a new epoch, TTL (ms), user, id, item. The item's position; -1 for one that was acknowledged."""

OPEN = (
    _PRELUDE
    + """
local position, floor = tonumber(redis.call('HGET', state, 'position')), tonumber(redis.call('HGET', state, 'floor'))
local resumed = ARGV[3] == epoch and tonumber(ARGV[4]) >= floor and tonumber(ARGV[4]) <= position
local from = resumed and '(' .. ARGV[4] or '-inf'
local items = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', order, from, '+inf')) do
  items[#items + 1] = id
  items[#items + 1] = tonumber(redis.call('ZSCORE', order, id))
  items[#items + 1] = redis.call('HGET', buffer, id)
end
local born = tonumber(redis.call('HGET', state, 'born'))
return {epoch, position, resumed and 1 or 0, items, redis.call('ZRANGE', acked, 0, -1), born}
"""
)
"""ARGV: now (ms), a new epoch, the client's epoch and position. An `Opening`, its items flat."""

ACK = (
    _PRELUDE
    + """
local ttl, user, id = tonumber(ARGV[3]), ARGV[4], ARGV[5]
local position = tonumber(redis.call('ZSCORE', order, id) or 0)
redis.call('HDEL', buffer, id); redis.call('ZREM', order, id); redis.call('ZREM', expiry, id)
redis.call('ZADD', acked, now + ttl, id)
redis.call('PEXPIRE', acked, ttl)
tell(user, position, id)
return position
"""
)
"""ARGV: now (ms), a new epoch, TTL (ms), user, id. Its position, or 0 if the buffer did not hold it."""


def opening(answer: list[Any]) -> Opening:
    """What `OPEN` answered."""
    epoch, position, resumed, flat, acked, born = answer
    items = [Kept(name.decode(), place, item) for name, place, item in zip(*[iter(flat)] * 3, strict=True)]
    return Opening(epoch.decode(), position, bool(resumed), items, frozenset(name.decode() for name in acked), born)


_news_decoder = msgspec.msgpack.Decoder(list[Any])


def news(message: bytes) -> News:
    """What a message on `CHANNEL` tells."""
    user, epoch, position, notification, *item = _decoded(message)
    return News(user, epoch, int(position), notification, item[0].encode() if item and item[0] is not None else None)


def _decoded(message: bytes) -> list[Any]:
    return _news_decoder.decode(message)
