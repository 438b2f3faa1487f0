"""Sockets: what a gateway needs for so many, how soon a message arrives, and how soon all are back after a cut."""

import asyncio
import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe

import psutil
from redis.asyncio import Redis
from rich.table import Table

from deploy.bench import crowd
from deploy.bench.crowd import Heard, Orders
from deploy.bench.measure import Usage, usage
from deploy.bench.putting import paced
from deploy.stack.errors import StackError
from deploy.stack.supervision import Supervision
from deploy.web.open_files import raise_limit
from streams.settings import Settings

SECONDS = 20
"""For how long messages are published, without and with acknowledgements."""
IDLE = 10.0
OTHER_FILES = 500
"""What a process may have open beside sockets."""
SHOWN = 0.005
"""CPU seconds per 1,000 messages below which a process is left out."""
PATIENCE = 120
"""Seconds until a phase has failed."""


class Failed(StackError):
    """Not everything arrived."""


@dataclass
class Figures:
    """What was measured, in the order in which it is shown."""

    rows: list[tuple[str, str]] = field(default_factory=list)

    def add(self, what: str, told: str) -> None:
        """One line."""
        self.rows.append((what, told))

    def table(self, title: str) -> Table:
        """All of it."""
        shown = Table(title=title, show_header=False)
        for row in self.rows:
            shown.add_row(*row)
        return shown


def allow(count: int) -> None:
    """Raise the limit on open files, for us and what we start. Raises `StackError` if that is not enough."""
    wanted = count + OTHER_FILES
    if (limit := raise_limit(wanted)) < wanted:
        raise StackError(
            f"expected a limit of {wanted} open files for {count} sockets, got {limit}: raise `ulimit -Hn`"
        )


class Bench:
    """One run against a stack that is up."""

    def __init__(self, settings: Settings, supervision: Supervision, count: int, rate: float) -> None:
        self._settings, self._supervision, self._rate = settings, supervision, rate
        self._users = [f"user{number}" for number in range(count)]
        self._figures = Figures()

    @property
    def table(self) -> Table:
        """What was measured so far."""
        return self._figures.table(f"{len(self._users):,} sockets, {self._rate:,.0f} messages/s to random users")

    async def run(self) -> None:
        """All phases, one after the other. Raises `Failed`."""
        with _crowd((self._settings.host, self._settings.port), self._users) as pipe:
            await self._accept(pipe)
            await self._idle()
            await self._publish(pipe, ack=False)
            await self._publish(pipe, ack=True)
            await self._storm(pipe)

    async def _accept(self, pipe: Pipe) -> None:
        before = self._web()
        pipe.send(Orders("connect"))
        heard = await self._all_authenticated(pipe)
        await asyncio.sleep(1)
        after, count = self._web(), len(self._users)
        self._figures.add("connected, upgraded, AUTHENTICATED", f"all in {heard.seconds:.2f} s")
        self._figures.add("CPU of the gateway for that", f"{after.cpu - before.cpu:.2f} s")
        self._figures.add("memory of the gateway", f"{(after.memory - before.memory) / count / 1024:.1f} KiB a socket")

    async def _idle(self) -> None:
        before = self._web().cpu
        await asyncio.sleep(IDLE)
        self._figures.add("CPU of the gateway while all are idle", f"{(self._web().cpu - before) / IDLE:.1%} of a core")

    async def _publish(self, pipe: Pipe, *, ack: bool) -> None:
        count, before = int(self._rate * SECONDS), self._used()
        await _report(pipe, ack=ack)
        async with Redis.from_url(self._settings.redis_url) as redis:
            seconds = await paced(redis, self._users, count, self._rate, int(self._settings.mailbox_kept * 1000))
        heard = Heard()
        await self._until(pipe, heard, lambda: len(heard.acks if ack else heard.messages) >= count, ack=ack)
        after, words = self._used(), "each acknowledged" if ack else "none acknowledged"
        self._figures.add(f"published, {words}", f"{count:,} in {seconds:.1f} s")
        self._figures.add("  to received p50 / p99 / most", _percentiles(heard.messages))
        if ack:
            self._figures.add("  ACK to ACKNOWLEDGED p50 / p99 / most", _percentiles(heard.acks))
        self._figures.add("  CPU s per 1,000 messages", _spent(before, after, count))

    async def _storm(self, pipe: Pipe) -> None:
        """All are cut off, a tenth of them miss a message, and all come back at once, to resume."""
        missed = max(1, len(self._users) // 10)
        pipe.send(Orders("drop"))
        while self._open_sockets():  # noqa: ASYNC110 - the kernel tells only who asks
            await asyncio.sleep(0.2)
        async with Redis.from_url(self._settings.redis_url) as redis:
            await paced(redis, self._users[:missed], missed, 2000, int(self._settings.mailbox_kept * 1000))
        await _report(pipe)
        before = self._web()
        pipe.send(Orders("connect"))
        heard = await self._all_authenticated(pipe)
        await self._until(pipe, heard, lambda: len(heard.messages) >= missed, ack=False)
        after = self._web()
        self._figures.add("all cut off and back at once", f"all AUTHENTICATED in {heard.seconds:.2f} s")
        made_up = f"{heard.recovered:,} / {len(heard.messages):,} of {missed:,}"
        self._figures.add("  resumed / messages made up for", made_up)
        self._figures.add("  CPU of the gateway for that", f"{after.cpu - before.cpu:.2f} s")
        self._figures.add("  memory of the gateway after it", f"{after.memory / 1024**2:.0f} MiB")

    async def _all_authenticated(self, pipe: Pipe) -> Heard:
        heard = Heard()
        await self._until(pipe, heard, lambda: heard.authenticated >= len(self._users), ack=False)
        return heard

    async def _until(self, pipe: Pipe, heard: Heard, reached: Callable[[], bool], *, ack: bool) -> None:
        """Add up what is heard until it is enough. Raises `Failed`."""
        deadline = time.monotonic() + PATIENCE
        while not reached():
            more = await _report(pipe, ack=ack)
            heard.messages += more.messages
            heard.acks += more.acks
            heard.recovered += more.recovered
            heard.closed += more.closed
            heard.authenticated, heard.seconds = more.authenticated, more.seconds
            if time.monotonic() > deadline:
                raise Failed(
                    f"after {PATIENCE} s: {heard.authenticated:,} authenticated, {len(heard.messages):,} messages and "
                    f"{len(heard.acks):,} acknowledgements heard, {heard.closed:,} sockets closed by the gateway"
                )
            await asyncio.sleep(0.2)

    def _web(self) -> Usage:
        return self._used()["web"]

    def _used(self) -> dict[str, Usage]:
        return usage(self._supervision.states())

    def _open_sockets(self) -> int:
        """At the gateway, of the crowd."""
        (web,) = (state for state in self._supervision.states() if state.name == "web")
        held = psutil.Process(web.pid).net_connections("tcp")
        return sum(one.status == psutil.CONN_ESTABLISHED and one.laddr.port == self._settings.port for one in held)


@contextmanager
def _crowd(address: tuple[str, int], users: list[str]) -> Iterator[Pipe]:
    """A process of its own, so that clients and gateway share no interpreter."""
    spawning = multiprocessing.get_context("spawn")
    ours, theirs = spawning.Pipe()
    process = spawning.Process(target=crowd.run, args=(theirs, address, users), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours
        ours.send(Orders("end"))
    finally:
        process.join(5)
        process.kill()


async def _report(pipe: Pipe, *, ack: bool = False) -> Heard:
    """What the crowd has heard since it was asked last. Raises `Failed` if it is gone."""
    pipe.send(Orders("report", ack))
    try:
        heard: Heard = await asyncio.to_thread(pipe.recv)
    except EOFError as error:
        raise Failed("the clients' process has ended: what it says is above") from error
    return heard


def _spent(before: dict[str, Usage], after: dict[str, Usage], count: int) -> str:
    each = {name: (use.cpu - before[name].cpu) / count * 1000 for name, use in after.items() if name in before}
    return ", ".join(f"{name} {cpu:.2f}" for name, cpu in sorted(each.items(), key=lambda one: -one[1]) if cpu > SHOWN)


def _percentiles(nanoseconds: list[int]) -> str:
    values = sorted(nanoseconds)
    chosen = (values[int(len(values) * share)] for share in (0.5, 0.99))
    return " / ".join(f"{value / 1e6:.1f}" for value in (*chosen, values[-1])) + " ms"
