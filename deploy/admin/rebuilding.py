"""What the command `rebuild` does, and what a person sees of it; all errors come out as `StackError`."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from enum import Enum, auto
from threading import Thread

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from deploy.admin.asking import ask
from deploy.admin.watching import Watcher, watched
from deploy.stack.home import Home
from deploy.stack.supervision import Supervision
from projections.copies.copies import Impossible, Pointer, other
from projections.copies.places import following
from projections.mongo.errors import Conflict
from projections.rebuild.desk import Desk, Words
from projections.rebuild.difference import fields
from projections.rebuild.gate import Compared, Difference, lag
from projections.rebuild.rebuild import Options, drop, rebuild, roll_back
from projections.rebuild.record import recorded, told
from projections.rebuild.switch import CalledOff
from streams.counted import counted
from streams.exits import Refused
from streams.settings import Settings


class Wish(Enum):
    """What is to be done."""

    REBUILD = auto()
    ROLLBACK = auto()
    DROP = auto()
    STATUS = auto()


class Shown:
    """Shows a person how far it is, and asks. `asks`: before readers go over; `cuts_over`: they may at all."""

    def __init__(self, settings: Settings, console: Console, *, asks: bool, cuts_over: bool) -> None:
        self.console = console
        self._settings = settings
        self._asks, self._cuts_over = asks, cuts_over
        self._bar: Watcher | None = None

    def on(self, bar: Watcher) -> None:
        """Where it is shown."""
        self._bar = bar

    def begin(self, what: str, total: int | None = None) -> None:
        """A part, which will have so many records."""
        if self._bar is not None:
            self._bar.begin(what, total)

    def done(self, count: int) -> None:
        """So many of them, in all."""
        if self._bar is not None:
            self._bar.done(count)

    def folded(self, events: int, seconds: float) -> None:
        """The log was folded from where it was left."""
        self._say(f"folded {counted(events, 'event')} in {seconds:.1f} s, {events / seconds:,.0f} events/s")

    def compared(self, pointer: Pointer, compared: Compared) -> None:
        """Both copies were held against each other."""
        live, shadow = pointer.live, other(pointer)
        table = Table("", Column(live.name, overflow="fold"), Column(shadow.name, overflow="fold"))
        table.add_row("version of the fold", str(live.version), str(shadow.version))
        table.add_row("documents compared", *(f"{compared.documents[side]:,}" for side in ("live", "other")))
        table.add_row("digest", *(compared.digests.get(side, "-") for side in ("live", "other")))
        self.console.print(table)
        if compared.ahead:
            self._say(f"moved meanwhile, and not compared: {counted(compared.ahead, 'document')}")
        for difference in compared.first:
            self.console.print(side_by_side(difference, live.name, shadow.name))
        for kind, count in compared.kinds.items():
            self._say(f"{kind}: {count:,}")
        if explained := sum(compared.kinds.values()) - compared.unexplained:
            self._say(f"{explained:,} of these the version explains, since version {shadow.version} folds otherwise")

    async def wanted(self, pointer: Pointer) -> bool:
        """Whether readers are to go over."""
        question = f"take readers of {pointer.projection} from {pointer.live.name} to {other(pointer).name}?"
        if self._cuts_over and await self._confirmed(question):
            return True
        self._say(f"{pointer.live.name} stays live; {other(pointer).name} is there: `rebuild` goes on with it")
        return False

    def moved(self, pointer: Pointer) -> None:
        """Readers went over."""
        self.console.print(
            f"[green]✓[/green] {pointer.projection}: {pointer.live.name} is live; {other(pointer).name} is kept "
            f"(--rollback goes back to it, --drop deletes it)",
            highlight=False,
        )

    async def restart(self, pointer: Pointer) -> None:
        """The stack's projections start again with this program, or whoever runs them does so."""
        workers = await asyncio.to_thread(self._start_workers)
        if workers:
            self._say(f"started {', '.join(workers)} with version {pointer.live.version}")
            return
        self._say(f"start the projections of this program now: until then {pointer.live.name} is kept up here")
        while not await self._confirmed("do they run?"):
            pass

    def _start_workers(self) -> list[str]:
        supervision = Supervision(Home(self._settings.tidings_home))
        workers = [state for state in supervision.states() if state.name.split("-")[0] == "projections"]
        for state in workers:
            supervision.halt(state)
            supervision.start(state)
        return [state.name for state in workers]

    async def _confirmed(self, question: str) -> bool:
        if not self._asks or self._bar is None:
            return True
        with self._bar.hidden():
            return await confirmed(question)

    def _say(self, line: str) -> None:
        self.console.print(escape(line), highlight=False)


def work(settings: Settings, wish: Wish, names: Sequence[str], words: Words, options: Options, shown: Shown) -> int:
    """The exit code: 1 if a gate refused."""
    with watched(shown.console) as bar:
        shown.on(bar)
        done = _work(settings, wish, names, words, options, shown)
        refused = ask(done, Impossible, CalledOff, Refused, Conflict)
    for name, reasons in refused.items():
        for reason in reasons:
            shown.console.print(f"[yellow]![/yellow] {escape(name)} stays as it is: {escape(reason)}", highlight=False)
    return 1 if any(refused.values()) else 0


async def _work(
    settings: Settings, wish: Wish, names: Sequence[str], words: Words, options: Options, shown: Shown
) -> dict[str, list[str]]:
    """Why gates refused, by read model."""
    refused: dict[str, list[str]] = {}
    async with Desk.open(settings, words) as desk:
        if wish is Wish.REBUILD:
            async with recorded(desk.base, names, words, shown) as recording:
                refused = await rebuild(desk, names, options, recording)
                recording.ended(refused)
        elif wish is Wish.ROLLBACK:
            await roll_back(desk, names, options, shown)
        elif wish is Wish.DROP:
            await drop(desk, names, shown)
        else:
            shown.console.print(await copies(desk, names))
    return refused


async def confirmed(question: str) -> bool:
    """Whether a person says yes. Trap: `asyncio.to_thread` would keep who interrupts it waiting for an answer."""
    said = Future[bool]()
    said.set_running_or_notify_cancel()

    def ask_person() -> None:
        try:
            said.set_result(typer.confirm(question))
        except Exception as error:  # noqa: BLE001 - handed on
            said.set_exception(error)

    Thread(target=ask_person, daemon=True).start()
    return await asyncio.wrap_future(said)


async def copies(desk: Desk, names: Sequence[str]) -> Table:
    """Which there are, what each is, and how many records of the log it has not folded."""
    table = Table("read model", "copy", "version", "is", "behind")
    for name, pointer in (await desk.pointers.read(names)).items():
        ends = await desk.ends(name)
        for copy in pointer.copies:
            is_ = "live" if copy is pointer.live else "kept for roll-back" if copy.served else "not read yet"
            behind = lag(ends, await following(desk.base, copy.name))
            table.add_row(name, copy.name, str(copy.version), is_, f"{behind:,}")
    return table


def side_by_side(difference: Difference, live: str, shadow: str) -> Table:
    """The fields in which two documents differ."""
    table = Table("field", Column(live, overflow="fold"), Column(shadow, overflow="fold"), title=escape(difference.id))
    if difference.live is None or difference.other is None:
        table.add_row("", *("there" if one is not None else "missing" for one in (difference.live, difference.other)))
        return table
    for name in fields(difference.live, difference.other):
        table.add_row(name, *(escape(told(one.get(name, ...))) for one in (difference.live, difference.other)))
    return table
