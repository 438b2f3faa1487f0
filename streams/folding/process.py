"""A stateful processor as a process: its rule folded over its topic until it is told to stop."""

import asyncio

from streams.folding.faust_app import faust_app
from streams.folding.faust_app import run as run_app
from streams.folding.fold import Fold
from streams.folding.ownership import RefuseFresh
from streams.folding.rule import Rule, StateT
from streams.kafka import Publisher
from streams.settings import Settings


async def run(
    name: str,
    settings: Settings,
    stopping: asyncio.Event,
    *,
    source: str,
    rule: Rule[StateT],
    refuse_fresh: RefuseFresh | None = None,
) -> None:
    """Fold `source` by `rule` as Faust app `name`; `refuse_fresh` may veto a first start."""
    app, publisher = faust_app(name, settings), Publisher(settings.kafka_url)
    Fold(
        app,
        source=source,
        rule=rule,
        publisher=publisher,
        partitions=settings.partitions,
        refuse_fresh=refuse_fresh,
        accept_gaps=settings.accept_gaps,
    )
    await publisher.start()
    try:
        await run_app(app, stopping)
    finally:
        await publisher.stop()
