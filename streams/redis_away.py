"""What the Redis client raises of a server that is away. It may pass, and costs nobody anything but time."""

from redis.exceptions import RedisError

AWAY = (RedisError, OSError, RuntimeError)
"""The last is uvloop's, for what is written to a connection between its reset and that the client hears of it."""
