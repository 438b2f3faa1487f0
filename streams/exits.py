"""How a process leaves when going on would be wrong: with a code that says why, and a processor at once.

Trap: never by an exception that unwinds through Faust, whose `finally` blocks acknowledge and commit. A crash is always
safe, since every step of a batch can be repeated.
"""

import logging
import os
from collections.abc import Awaitable
from enum import IntEnum
from typing import NoReturn, TypeVar

log = logging.getLogger(__name__)

ResultT = TypeVar("ResultT")


class Exit(IntEnum):
    """Exit codes of the processors. A supervisor restarts all of them; UPGRADE and REFUSED need a human."""

    FAILED = 70
    """An unexpected error: see the log."""
    HOLE = 71
    """Records were skipped on the way from the broker; they come again after a restart."""
    NOT_A_MEMBER = 72
    """Stopped or cut off for so long that the partitions may belong to another worker."""
    UPGRADE = 73
    """An event of a type or version this program does not know."""
    REFUSED = 74
    """Going on could lose something or send it again: see the log for what to do.

    Committed offsets and changelog do not fit together, unread records were removed, a topic ends before what was read
    of it or is another one, a lane's place is lost.
    """
    STUCK = 75
    """A stop or a rebalance did not end, or nothing moved though it could."""
    UNDRAINED = 76
    """Told to stop, it did not finish in time: what was in flight counts as lost, and comes again."""


class Refused(Exception):
    """Going on could lose something, send it again, or mix what does not belong together; the text says what to do."""


def die(code: Exit, why: str) -> NoReturn:
    """Log and end the process."""
    log.critical("leaving with %s (%d): %s", code.name, code, why)
    logging.shutdown()
    os._exit(code)


async def or_die(work: Awaitable[ResultT]) -> ResultT:
    """The result of something that must not fail; what is `Refused` needs its text read, and no traceback."""
    try:
        return await work
    except Refused as error:
        die(Exit.REFUSED, str(error))
    except Exception as error:
        log.exception("unexpected error")
        die(Exit.FAILED, repr(error))
