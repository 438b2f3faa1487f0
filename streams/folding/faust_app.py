"""The Faust app of a processor, built from settings, and how it is run and stopped.

Faust does membership, assignment, fetching and the agent; it never acknowledges, commits or produces for us.
"""

import asyncio

import faust

from streams.exits import Exit, die, or_die
from streams.folding.faust_repairs import App
from streams.kafka.bootstrap import bootstrap
from streams.kafka.waiting import reachable
from streams.settings import Settings

HEARTBEATS = 3
"""In a session timeout."""
BUFFERED = 32
"""Fetches that wait for the fold."""


def faust_app(name: str, settings: Settings) -> faust.App:
    """An app (a consumer group) of its own for processor `name`, so that a rebalance of one does not stop the others.

    Membership is static, by the worker's name: a restarted process takes up its partitions at once. A worker that
    leaves for good costs the session timeout.
    """
    home = settings.tidings_home.expanduser() / "faust"
    home.mkdir(parents=True, exist_ok=True)
    return App(
        name,
        broker=[f"kafka://{host}" for host in bootstrap(settings.kafka_url)],
        broker_session_timeout=settings.session_timeout,
        broker_heartbeat_interval=settings.session_timeout / HEARTBEATS,
        consumer_group_instance_id=f"{name}-{settings.worker}",
        consumer_auto_offset_reset="earliest",
        stream_buffer_maxsize=BUFFERED,
        stream_recovery_delay=0.0,
        topic_allow_declare=False,
        topic_disable_leader=True,
        topic_partitions=settings.partitions,
        table_standby_replicas=0,
        store="memory://",
        web_enabled=False,
        autodiscover=False,
        datadir=home / f"{name}-{settings.worker}",
    )


async def run(app: faust.App, stopping: asyncio.Event) -> None:
    """Run until `stopping` is set; a clean stop takes at most 8 s, or the process is ended. A crash ends it at once."""
    stop = asyncio.ensure_future(stopping.wait())
    ready = asyncio.ensure_future(reachable(str(app.conf.broker[0])))
    await asyncio.wait((stop, ready), return_when=asyncio.FIRST_COMPLETED)
    ready.cancel()
    if stopping.is_set():
        return
    started = asyncio.ensure_future(or_die(app.start()))
    ended = asyncio.ensure_future(app.wait_until_stopped())
    await asyncio.wait((stop, ended), return_when=asyncio.FIRST_COMPLETED)
    if not stopping.is_set():
        die(Exit.FAILED, f"the Faust app crashed: {app.crash_reason!r}")
    await app.stop()
    started.cancel()
