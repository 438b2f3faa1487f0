"""The Faust app of a processor, built from settings, and how it is run and stopped.

(first version: the interface holds, the inside is being written)
"""

import asyncio

import faust

from streams.settings import Settings


def faust_app(name: str, settings: Settings) -> faust.App:
    """An app of its own for processor `name`, so that a rebalance of one does not stop the others."""
    raise NotImplementedError


async def run(app: faust.App, stopping: asyncio.Event) -> None:
    """Run until `stopping` is set; a clean stop takes at most 8 s, or the process is ended."""
    raise NotImplementedError
