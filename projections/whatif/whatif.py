"""The whole what-if: the log is read once, then every request goes through two shadows; a report out. Sends nothing."""

import time
from collections.abc import Iterable, Sequence
from contextlib import aclosing, closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from projections.audit.spill import Spill
from projections.whatif.answers import Sample
from projections.whatif.cases import Cases
from projections.whatif.comparison import compare
from projections.whatif.reading import extents, policies
from projections.whatif.recorded import Recorded
from projections.whatif.recording import EVER, NEVER, Recording, Span
from projections.whatif.report import Report
from projections.whatif.shadow import Rules
from streams.events import PolicySet
from streams.kafka.topic_reading import records

AFTER = timedelta(hours=1)
"""What has not ended when requests so much later than the span come is counted as open."""
TELL_EVERY = 1000


class Watcher(Protocol):
    """Is told how far it is."""

    def begin(self, what: str, total: int | None = None) -> None:
        """A part, which will have so many records."""

    def done(self, count: int) -> None:
        """So many of them, in all."""


@dataclass(frozen=True, slots=True)
class Question:
    """Requests of which time (None: all), by which rules as they are, and by which others."""

    since: datetime | None
    until: datetime | None
    as_is: Rules
    tried: Rules


async def what_if(url: str, question: Question, watcher: Watcher, held: int | None = None) -> Report:
    """Raises `NoLog` and aiokafka's errors. `held`: notifications in memory, where that is not the audit's number."""
    began = time.perf_counter()
    watcher.begin("policies")
    set_then = await policies(url, question.until)
    span = _span(question, set_then)
    with TemporaryDirectory(prefix="tidings-whatif-") as folder, closing(Cases(Path(folder, "cases.sqlite"))) as cases:
        recording = await _record(url, question, span, Path(folder, "open.sqlite"), watcher, held)
        sample = Sample()
        cases.add(_sampled(recording.everything(), sample))
        cases.add(recording.notes)
        recording.spill.close()
        report = Report(events=recording.events, unread=recording.unread, failure_rates=sample.failure_rates())
        before = [policy for policy in set_then if question.since and policy.version < span.warm.timestamp() * 1000]
        watcher.begin("what if", len(cases))
        for done in compare(cases.by_partition(), (question.as_is, question.tried), sample, before, report):
            if done % TELL_EVERY == 0:
                watcher.done(done)
    report.seconds = time.perf_counter() - began
    return report


def _span(question: Question, set_then: Sequence[PolicySet]) -> Span:
    since = question.since or NEVER
    warm = NEVER if question.since is None else since - _memory(question, set_then)
    if question.until is None:
        return Span(warm, since, EVER)
    return Span(warm, since, question.until, question.until + AFTER)


def _memory(question: Question, set_then: Sequence[PolicySet]) -> timedelta:
    """How far back a rule may look for what it decides on."""
    spans = [timedelta()]
    for rules in (question.as_is, question.tried):
        limits = rules.limits
        spans += [limits.dedupe_window, limits.rate_window, limits.cool_off_window + limits.cool_off]
        for policy in (*set_then, *rules.imposed):
            spans.append(timedelta(seconds=max(policy.dedupe_window or 0, policy.rate_window or 0)))
    return max(spans)


async def _record(
    url: str, question: Question, span: Span, path: Path, watcher: Watcher, held: int | None
) -> Recording:
    spill = Spill[Recorded](path) if held is None else Spill[Recorded](path, held)
    recording = Recording(span, spill)
    places = await extents(url, None if question.since is None else span.warm)
    watcher.begin("the log", sum(extent.end - extent.first for extent in places.values()))
    passed = 0
    for place, extent in places.items():
        before = recording.events
        async with aclosing(records(url, {place: extent})) as batches:
            async for batch in batches:
                more = recording.take(batch)
                watcher.done(passed + recording.events - before)
                if not more:
                    break
        passed += extent.end - extent.first
    return recording


def _sampled(everything: Iterable[Recorded], sample: Sample) -> Iterable[Recorded]:
    for recorded in everything:
        sample.add(recorded)
        yield recorded
