"""How much the requests under way may hold: bounds the process's memory, whatever clients send and however slowly."""

from collections.abc import Iterator
from contextlib import contextmanager

ROOM = 64 * 1024 * 1024
"""Bytes. A request holds its body up to three times on its way out, and uvicorn up to 256 KiB for each connection."""
OVERHEAD = 128 * 1024
"""Bytes that any request counts on top of its body, so that no more than 512 are under way. More would only wait for
their confirms until the publish timeout, which leaves clients in doubt; a plain refusal does not."""


class Full(Exception):
    """There is no room for another request of this size now."""


class Room:
    """What is left of it."""

    def __init__(self, size: int = ROOM) -> None:
        self._free = size

    @contextmanager
    def taken(self, body: int) -> Iterator[None]:
        """Holds room for a body of so many bytes. Raises `Full`."""
        size = body + OVERHEAD
        if size > self._free:
            raise Full
        self._free -= size
        try:
            yield
        finally:
            self._free += size
