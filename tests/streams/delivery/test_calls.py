"""Slots, breaker, timeout, and what a call may end in."""

import asyncio
from datetime import datetime, timedelta

import pytest

from streams import clock, codec
from streams.delivery.calls import ERROR_KEPT, Caller, Outlet, Slots, Taken
from streams.events import Attempt, Body, Event, Personal, Request, SendDeferred, SendFailed, Sent
from streams.health.vitals import Vitals
from streams.providers.protocol import Deferred, Message, SendRefused
from streams.settings import Settings

SETTINGS = Settings(provider_timeout=0.05, breaker_failures=2, breaker_pause=60)
REQUEST = Request("sms", "key", 5, Personal("+49", "hello"))
LATER = clock.now() + timedelta(minutes=5)


class Scripted:
    """A provider that answers with what the test says."""

    def __init__(self, *answers: BaseException | float | None) -> None:
        self.answers = list(answers)
        self.messages: list[Message] = []

    async def send(self, message: Message) -> None:
        self.messages.append(message)
        match self.answers.pop(0):
            case float(seconds):
                await asyncio.sleep(seconds)
            case BaseException() as error:
                raise error
            case _:
                pass


class Desk:
    """A caller over one scripted sms provider; `deliver` gives what the call ended in."""

    def __init__(self, provider: Scripted, settings: Settings = SETTINGS) -> None:
        self.outlet = Outlet(provider, settings)
        self.slots = Slots(self.outlet, 3, asyncio.Event())
        self.reported: asyncio.Queue[Event[Body]] = asyncio.Queue()
        self.caller = Caller({"sms": self.outlet}, self.report, settings, Vitals().times("tidings_provider_seconds"))

    def report(self, taken: Taken, outcome: Event[Body]) -> None:
        taken.slots.release()
        self.reported.put_nowait(outcome)

    def start(self, *, deadline_in: float = 60) -> None:
        now = clock.now()
        self.event = Event(Attempt(1, REQUEST), "n", now, "lifecycle", "n", "n:queued:1")
        self.caller.start(Taken(self.event, b"key", self.slots, now + timedelta(seconds=deadline_in)))

    async def deliver(self) -> Event[Body]:
        self.start()
        return await self.reported.get()


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (None, Sent(1)),
        (SendRefused("no such number"), SendFailed(1, "no such number")),
        (Deferred(LATER), SendDeferred(1, LATER)),
        (1.0, SendFailed(1, "no answer within 0.05 s")),
        (KeyError("token"), SendFailed(1, "the provider broke: KeyError('token')")),
        (asyncio.CancelledError("pool"), SendFailed(1, "the provider broke: CancelledError('pool')")),
    ],
)
async def test_a_call_ends_in_exactly_one_outcome(answer: BaseException | float | None, body: Body) -> None:
    outcome = await Desk(Scripted(answer)).deliver()
    assert (outcome.body, outcome.causation) == (body, "n:attempt:1")


async def test_of_a_provider_s_words_an_event_keeps_what_it_can_hold() -> None:
    outcome = await Desk(Scripted(SendRefused("\ud800" + "x" * 3_000_000))).deliver()
    assert outcome.body == SendFailed(1, "?" + "x" * (ERROR_KEPT - 1))
    assert codec.decode(codec.encode(outcome)) == outcome


async def test_the_words_of_a_provider_that_breaks_are_cut_too() -> None:
    outcome = await Desk(Scripted(KeyError("x" * 3_000_000))).deliver()
    assert isinstance(outcome.body, SendFailed)
    assert len(outcome.body.error) == ERROR_KEPT


async def test_a_provider_that_defers_to_a_time_without_its_zone_is_broken() -> None:
    class Zoneless(Scripted):
        async def send(self, message: Message) -> None:  # noqa: ARG002 - its Protocol's
            raise Deferred(datetime(2026, 1, 1))  # noqa: DTZ001 - that is the fault

    outcome = await Desk(Zoneless()).deliver()
    assert isinstance(outcome.body, SendFailed)
    assert "expected a time with its zone" in outcome.body.error


async def test_a_provider_gets_the_notification_s_id_as_idempotency_key() -> None:
    provider = Scripted(None)
    desk = Desk(provider)
    await desk.deliver()
    assert provider.messages == [Message("n", 1, "sms", REQUEST.personal, None, desk.event.time)]
    assert provider.messages[0].idempotency_key == "n"


async def test_a_slot_is_taken_until_its_outcome_is_written() -> None:
    desk = Desk(Scripted(None))
    desk.start()
    assert desk.slots.free() == 2
    await desk.reported.get()
    assert desk.slots.free() == 3


async def test_a_call_that_is_cancelled_has_no_outcome() -> None:
    class Silent(Scripted):
        asked = asyncio.Event()

        async def send(self, _: Message) -> None:
            self.asked.set()
            await asyncio.get_running_loop().create_future()

    desk = Desk(Silent(), Settings(provider_timeout=60))
    desk.start()
    (call,) = desk.caller.calls
    await Silent.asked.wait()
    call.cancel()
    await asyncio.wait([call])
    assert (call.cancelled(), desk.reported.empty()) == (True, True)


async def test_a_call_whose_deadline_has_passed_is_not_started() -> None:
    provider = Scripted(None)
    desk = Desk(provider)
    desk.start(deadline_in=0)
    await asyncio.wait(desk.caller.calls)
    assert (provider.messages, desk.reported.empty(), desk.slots.free()) == ([], True, 3)


async def test_failures_in_a_row_open_the_breaker_and_nothing_more_is_taken() -> None:
    desk = Desk(Scripted(SendRefused("down"), 1.0))
    await desk.deliver()
    assert desk.slots.free() == 3
    await desk.deliver()
    assert desk.slots.free() == 0


async def test_a_provider_that_breaks_opens_the_breaker_too() -> None:
    desk = Desk(Scripted(ConnectionRefusedError("port 25"), KeyError("token")))
    for _ in range(2):
        await desk.deliver()
    assert desk.slots.free() == 0


async def test_a_success_between_keeps_the_breaker_closed() -> None:
    desk = Desk(Scripted(SendRefused("down"), None, SendRefused("down")))
    for _ in range(3):
        await desk.deliver()
    assert desk.slots.free() == 3


async def test_after_its_pause_an_open_breaker_lets_one_call_probe() -> None:
    desk = Desk(
        Scripted(SendRefused("down"), 0.01, None),
        SETTINGS.model_copy(update={"breaker_failures": 1, "provider_timeout": 60}),
    )
    await desk.deliver()
    assert desk.slots.free() == 0
    desk.outlet.breaker._recovery_timeout = 0  # as if the pause were over
    assert desk.slots.free() == 1
    desk.start()
    assert desk.slots.free() == 0
    await desk.reported.get()
    assert desk.slots.free() == 3
