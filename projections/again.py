"""What keeps a read model up: whatever goes wrong, all it holds is dropped, and it begins again from what is stored."""

import logging
from collections.abc import Awaitable, Callable

from aiokafka.errors import KafkaError

from projections.mongo.connection import PAUSES
from projections.mongo.errors import Conflict, Unavailable
from streams.background import pauses

log = logging.getLogger(__name__)

Life = Callable[[Callable[[], None]], Awaitable[None]]
"""From the stored positions on, until it ends; is given what to call each time it got on."""
OF_STORE = (Conflict, Unavailable)
"""Trouble with what is stored; a group's consumer that fails must end with its process, which may have been fenced."""
OF_SERVERS = (*OF_STORE, KafkaError)


async def again(
    life: Life,
    wait: Callable[[float], Awaitable[None]],
    failed: Callable[[Exception], None] = lambda _: None,
    faults: tuple[type[Exception], ...] = OF_SERVERS,
) -> None:
    """One life after the other, until one ends without a fault; the pauses grow until one gets on.

    `failed` is told of each fault. What is no fault is raised, such as `Refused`.
    """
    waits = pauses(PAUSES)

    def got_on() -> None:
        nonlocal waits
        waits = pauses(PAUSES)

    while True:
        try:
            return await life(got_on)
        except faults as error:
            failed(error)
            log.warning("beginning again from the stored positions: %s", error)
        await wait(next(waits))


def hindrance(error: Exception) -> str:
    """What to say of a fault while it lasts: MongoDB may be away, or there and refuse."""
    return str(error) if isinstance(error, Unavailable) else ""
