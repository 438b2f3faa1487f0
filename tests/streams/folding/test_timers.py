import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from streams.codec import decode
from streams.folding.table import Shard
from streams.folding.timers import Timers
from streams.kafka.publisher import Publisher
from streams.record import Record
from tests.streams.folding.test_table import ROWS, START, Counted, Counting, seconds


class Kept(Publisher):
    """A publisher that keeps what it is given, and has a clock that tests can set."""

    def __init__(self) -> None:
        super().__init__("kafka://127.0.0.1:1")
        self.published: list[Record] = []
        self.came = asyncio.Event()
        self.now = START

    async def publish(self, records: Sequence[Record], *, within: float | None = None) -> None:
        assert within is None
        self.published += records
        self.came.set()


def timers(publisher: Publisher, shard: Shard[Counted], now: Callable[[], datetime]) -> Timers[Counted]:
    """By one clock, the wall's; `wait` of this rule is what is left by it."""
    return Timers(Counting(), "events", {0: shard}, publisher, now, lambda: now().timestamp())


def waiting(shard: Shard[Counted], due: datetime, key: bytes = b"k", at: int = 1) -> None:
    shard.put(key, ROWS.entry(Counted(1, due=due), at, b"recipient"))


async def fired(made: Timers[Counted], publisher: Kept, within: float = 60) -> int:
    running = asyncio.create_task(made.run())
    try:
        async with asyncio.timeout(within):
            await publisher.came.wait()
    except TimeoutError:
        pass
    finally:
        running.cancel()
    return len(publisher.published)


async def test_a_state_that_is_due_gets_its_command_under_its_record_key_and_partition() -> None:
    publisher, shard = Kept(), Shard(ROWS, 0)
    waiting(shard, START)
    made = timers(publisher, shard, lambda: publisher.now)
    made.rebuild()
    assert await fired(made, publisher) == 1
    (command,) = publisher.published
    assert (command.topic, command.key, command.partition) == ("events", b"recipient", 0)
    assert decode(command.value).time == START


async def test_nothing_fires_early_and_what_is_due_fires_in_order() -> None:
    publisher, shard = Kept(), Shard(ROWS, 0)
    for after in (30, 10, 20):
        waiting(shard, seconds(after), b"k%d" % after)
    made = timers(publisher, shard, lambda: publisher.now)
    made.rebuild()
    publisher.now = seconds(10) - timedelta(milliseconds=1)
    assert await fired(made, publisher, within=0.05) == 0
    publisher.now = seconds(25)
    assert await fired(made, publisher) == 2


async def test_an_earlier_timer_wakes_the_sleeper() -> None:
    publisher, shard = Kept(), Shard(ROWS, 0)
    begun = asyncio.get_running_loop().time()
    made = timers(publisher, shard, lambda: START + timedelta(seconds=asyncio.get_running_loop().time() - begun))
    waiting(shard, seconds(3600), b"far")
    made.rebuild()
    running = asyncio.create_task(made.run())
    await asyncio.sleep(0.01)
    waiting(shard, START + timedelta(milliseconds=50), b"near")
    made.watch(0, b"near", shard.entries[b"near"])
    async with asyncio.timeout(60):
        await publisher.came.wait()
    running.cancel()
    assert asyncio.get_running_loop().time() - begun >= 0.05


async def test_a_wall_clock_that_is_set_fires_nothing_and_holds_nothing_up() -> None:
    publisher, shard = Kept(), Shard(ROWS, 0)
    elapsed = 0.0
    waiting(shard, seconds(10))
    made = Timers(Counting(), "events", {0: shard}, publisher, lambda: publisher.now, lambda: elapsed)
    made.rebuild()
    publisher.now = seconds(3600)
    assert await fired(made, publisher, within=0.05) == 0
    publisher.now, elapsed = seconds(-3600), 10.0
    assert await fired(made, publisher) == 1


async def test_a_state_that_has_moved_on_or_gone_gets_no_command() -> None:
    publisher, shard = Kept(), Shard(ROWS, 0)
    for key in (b"moved", b"done", b"gone"):
        waiting(shard, START, key)
    made = timers(publisher, shard, lambda: publisher.now)
    made.rebuild()
    waiting(shard, seconds(60), b"moved", at=2)
    shard.put(b"done", ROWS.entry(Counted(2), 2, b"r"))
    del shard.entries[b"gone"]
    assert await fired(made, publisher, within=0.05) == 0


async def test_timers_of_revoked_partitions_are_dropped() -> None:
    publisher, shard = Kept(), Shard(ROWS, 0)
    waiting(shard, START)
    made = timers(publisher, shard, lambda: publisher.now)
    made.rebuild()
    made.drop()
    assert await fired(made, publisher, within=0.05) == 0


async def test_a_state_without_a_command_does_not_stop_the_others() -> None:
    class Failing(Counting):
        def command(self, state: Counted, now: datetime) -> object:  # type: ignore[override]
            if state.count == 2:
                raise KeyError("no such obligation")
            return super().command(state, now)

    publisher, shard = Kept(), Shard(ROWS, 0)
    shard.put(b"bad", ROWS.entry(Counted(2, due=START), 1, b"r"))
    waiting(shard, START, b"good")
    made = Timers(Failing(), "events", {0: shard}, publisher, lambda: publisher.now)  # type: ignore[arg-type]
    made.rebuild()
    assert await fired(made, publisher) == 1
