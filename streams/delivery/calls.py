"""A provider call from slot to outcome: what limits it, what it may end in, and how that gets on the log."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from circuitbreaker import CircuitBreaker
from prometheus_client import Histogram

from streams import clock
from streams.background import cancelled
from streams.events import KINDS, Attempt, Body, Channel, Event, SendDeferred, SendFailed, Sent
from streams.health.metrics import Reading
from streams.kafka.publisher import FEW, REST, Publisher
from streams.providers.protocol import Deferred, Message, Provider, SendRefused
from streams.record import Record
from streams.settings import Settings
from streams.topics import EVENTS

SOURCE = "deliver"
ERROR_KEPT = 4000
"""Characters of a provider's own words in an event; a body of any size may be in them."""
BREAKER_STATES = {"closed": 0, "open": 2}
"""For `/metrics`; 1 is half open."""

log = logging.getLogger(__name__)


class Outlet:
    """A channel's provider with its circuit breaker. An open breaker leaves the backlog in Kafka."""

    def __init__(self, provider: Provider, settings: Settings) -> None:
        self.provider = provider
        self.name = type(provider).__name__
        self.breaker = CircuitBreaker(
            failure_threshold=settings.breaker_failures,
            recovery_timeout=settings.breaker_pause,
            expected_exception=lambda kind, _: issubclass(kind, Exception) and not issubclass(kind, Deferred),
        )


class Slots:
    """The calls in flight of one lane, and room for more."""

    def __init__(self, outlet: Outlet, limit: int, freed: asyncio.Event) -> None:
        self._outlet = outlet
        self._limit = limit
        self.provider = outlet.name
        self._freed = freed
        self.taken = 0
        self.taken_at = 0.0
        """`time.monotonic()` when the last one was taken."""

    def free(self) -> int:
        """How many dispatches may be taken: none while the breaker is open, then one a lane to probe."""
        match self._outlet.breaker.state:
            case "open":
                return 0
            case "closed":
                return self._limit - self.taken
            case _:
                return 1 if self.taken == 0 else 0

    @property
    def shut(self) -> bool:
        """Whether the breaker is open."""
        return bool(self._outlet.breaker.state == "open")

    def take(self) -> None:
        """One more call."""
        self.taken += 1
        self.taken_at = time.monotonic()

    def release(self) -> None:
        """One call and its outcome are done with."""
        self.taken -= 1
        self._freed.set()


@dataclass(frozen=True, slots=True)
class Taken:
    """An attempt that was claimed and holds a slot."""

    event: Event[Attempt]
    key: bytes
    slots: Slots
    deadline: datetime


Report = Callable[[Taken, Event[Body]], None]
"""Takes charge of an outcome; the slot is released once it is on the log."""


class Caller:
    """Makes the calls, each in a task of its own, and reports what came of them."""

    def __init__(self, outlets: dict[Channel, Outlet], report: Report, settings: Settings, seconds: Histogram) -> None:
        self.ended: Counter[tuple[Channel, str]] = Counter()
        """Calls by channel and the kind of event they ended in."""
        self.outlets = outlets
        self._seconds = {channel: seconds.labels(channel) for channel in outlets}
        self._report = report
        self._timeout = settings.provider_timeout
        self.calls: set[asyncio.Task[None]] = set()

    def start(self, taken: Taken) -> None:
        """Take a slot and call; the slot is free again when the outcome is on the log."""
        taken.slots.take()
        call = asyncio.create_task(self._call(taken))
        self.calls.add(call)
        call.add_done_callback(self.calls.discard)

    async def _call(self, taken: Taken) -> None:
        if clock.now() >= taken.deadline:  # a worker that slept: lifecycle may have gone on without it
            taken.slots.release()
            return
        began, channel = time.perf_counter(), taken.event.body.request.channel
        body = await self._outcome(taken.event)
        self._seconds[channel].observe(time.perf_counter() - began)
        self.ended[channel, KINDS[type(body)]] += 1
        self._report(taken, taken.event.then(body, SOURCE, clock.now()))

    async def _outcome(self, event: Event[Attempt]) -> Sent | SendFailed | SendDeferred:
        attempt = event.body
        request = attempt.request
        outlet = self.outlets[request.channel]
        try:
            with outlet.breaker:
                async with asyncio.timeout(self._timeout):
                    message = _message(event)
                    await outlet.provider.send(message)
        except Deferred as deferred:
            return SendDeferred(attempt.dispatch, deferred.until)
        except SendRefused as error:
            return SendFailed(attempt.dispatch, legible(str(error)))
        except TimeoutError:
            return SendFailed(attempt.dispatch, f"no answer within {self._timeout:g} s")
        except (Exception, asyncio.CancelledError) as error:  # without an outcome the slot would stay taken for ever
            if cancelled(error):
                raise
            log.exception("the %s provider broke on %s", request.channel, event.id)
            return SendFailed(attempt.dispatch, legible(f"the provider broke: {error!r}"))
        return Sent(attempt.dispatch)


def legible(text: str) -> str:
    """What an event can hold of a provider's words: not too many, and no lone surrogates."""
    return text[:ERROR_KEPT].encode(errors="replace").decode()


def _message(event: Event[Attempt]) -> Message:
    request = event.body.request
    return Message(
        event.notification,
        event.body.dispatch,
        request.channel,
        request.personal,
        request.activity,
        event.time,
        event.body.first,
    )


def call_readings(caller: Caller) -> Iterator[Reading]:
    """What a caller counts, and how its providers' breakers are."""
    for (channel, outcome), number in caller.ended.items():
        yield Reading("tidings_provider_calls_total", number, (channel, outcome))
    for channel, outlet in caller.outlets.items():
        yield Reading("tidings_breaker_state", BREAKER_STATES.get(outlet.breaker.state, 1), (channel,))


class Outcomes:
    """Writes what came of the calls, all that waits at once; while Kafka is away they wait, bounded by the slots."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._waiting: list[tuple[Taken, Event[Body]]] = []
        self._some = asyncio.Event()

    def add(self, taken: Taken, outcome: Event[Body]) -> None:
        """Have it written soon."""
        self._waiting.append((taken, outcome))
        self._some.set()

    async def write(self) -> None:
        """Write until cancelled."""
        while True:
            await self._some.wait()
            self._some.clear()
            batch, self._waiting = self._waiting, []
            await self._publisher.publish([Record.of(outcome, EVENTS, taken.key) for taken, outcome in batch])
            for taken, _ in batch:
                taken.slots.release()
            if len(batch) < FEW:
                await asyncio.sleep(REST)
