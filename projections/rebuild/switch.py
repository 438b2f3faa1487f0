"""Readers go from the live copy to the other one: no gap, and nothing older after something newer.

See `projections.copies.copies` for the order that makes it so. Whatever goes wrong before the one write that counts,
the live copy leads again, and readers have noticed nothing.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from projections.copies.copies import Pointer, called_off, cut_over, led, other
from projections.copies.places import following
from projections.mongo.errors import Conflict, Unavailable
from projections.rebuild.desk import Desk
from projections.rebuild.gate import passed
from streams.operations import Event

PATIENCE = 30.0
"""Seconds in which the other copy must have folded what is on the log."""
READ_OUT = 5.0
"""Seconds that questions to a copy may still take which is not live any more: longer than any answer takes."""
LOOK = 0.1
"""Seconds between two looks."""


class CalledOff(Exception):
    """Nothing was changed for readers."""


async def switch(desk: Desk, pointer: Pointer, told: Event, *, handed: bool, alive: Callable[[], None]) -> Pointer:
    """The pointer after it. `handed`: the projections keep the other copy up from now on, else the caller does.

    `alive` raises if the caller does not any more. Raises `CalledOff`, and what MongoDB and Kafka raise.
    """
    if other(pointer).served:
        await asyncio.sleep(READ_OUT)  # a question from when it was live must not see it ahead of the live copy
    leading = led(pointer, followed=handed)
    await desk.pointers.write(pointer, leading)
    try:
        async with asyncio.timeout(PATIENCE):
            await _passed(desk, leading, alive)
        return await desk.change(leading, cut_over(leading, told))
    except (TimeoutError, Conflict) as error:
        why = str(error) or f"the projections did not bring {other(leading).name} to the log's end in {PATIENCE:g} s"
        raise CalledOff(f"{pointer.projection} stays with {pointer.live.name}: {why}") from error
    finally:
        with suppress(Conflict, Unavailable):  # as it is once readers have gone over
            await desk.pointers.write(leading, called_off(leading))


async def _passed(desk: Desk, leading: Pointer, alive: Callable[[], None]) -> None:
    """Returns once the leading copy has folded all that is on the log now."""
    ends = await desk.ends(leading.projection)
    while not passed(ends, await following(desk.base, leading.leading)):
        alive()
        await asyncio.sleep(LOOK)
