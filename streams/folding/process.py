"""A stateful processor as a process: its rule folded over its topic until it is told to stop."""

import asyncio

from streams.folding.faust_app import faust_app
from streams.folding.faust_app import run as run_app
from streams.folding.fold import Beside, Fold
from streams.folding.ownership import RefuseFresh
from streams.folding.rule import Rule, StateT
from streams.folding.vital_signs import told
from streams.health import depth
from streams.health.vitals import Vitals
from streams.kafka.publisher import Publisher
from streams.settings import Settings


async def run(  # noqa: PLR0913 - what makes a processor, all named at the call
    name: str,
    settings: Settings,
    stopping: asyncio.Event,
    vitals: Vitals,
    *,
    source: str,
    rule: Rule[StateT],
    refuse_fresh: RefuseFresh | None = None,
    beside: Beside[StateT] | None = None,
) -> None:
    """Fold `source` by `rule` as Faust app `name`; `refuse_fresh` may veto a first start.

    `beside` is run as long as the fold.
    """
    app, publisher = faust_app(name, settings), Publisher(settings.kafka_url)
    fold = Fold(
        app,
        source=source,
        rule=rule,
        publisher=publisher,
        partitions=settings.partitions,
        refuse_fresh=refuse_fresh,
        accept_gaps=settings.accept_gaps,
        beside=beside,
    )
    vitals.publishes(publisher)
    told(vitals, name, source, fold.counts)
    async with publisher, depth.told(settings.redis_url, f"{name}:{settings.worker}", fold.counts):
        await run_app(app, stopping)
