"""How a process's log reads: one line per message, and libraries that repeat themselves are heard seldom."""

import logging
import time

CHATTY = ("aiokafka", "faust", "mode", "httpx", "pymongo", "uvicorn")
"""Libraries of which only warnings are wanted."""
REPEATED_AFTER = 30.0
"""Seconds until a library may say the same again."""

KNOWN = 1000
"""Messages remembered at most; what more there are is let through."""


class Seldom(logging.Filter):
    """Lets a message of a chatty library through once in a while: while a server is away they write many a second."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write it. The same message is the same text before its values are put in."""
        if not record.name.startswith(CHATTY):
            return True
        message, now = (record.name, str(record.msg)[:100]), record.created
        if now - self._last.get(message, float("-inf")) < REPEATED_AFTER:
            return False
        if len(self._last) >= KNOWN:
            self._last = {known: last for known, last in self._last.items() if now - last < REPEATED_AFTER}
        if len(self._last) < KNOWN:
            self._last[message] = now
        return True


def configure_logging() -> None:
    """Lines on standard error: when (UTC), how bad, who, what."""
    formatter = logging.Formatter("%(asctime)s.%(msecs)03dZ %(levelname)-7s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    handler.addFilter(Seldom())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
