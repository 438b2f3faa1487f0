"""The what-if's options, its table, and a whole one on a real log, where nothing may be written."""

import asyncio
import io
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import typer
from aiokafka import TopicPartition
from rich.console import Console
from typer.testing import CliRunner

from deploy.bench import history
from deploy.cli import app
from deploy.commands import whatif as command
from deploy.commands.whatif import imposed, run, show
from deploy.stack.errors import StackError
from projections.whatif.recorded import Recorded
from projections.whatif.report import Report
from projections.whatif.shadow import Outcome
from streams.events import Personal, PolicySet, Request
from streams.kafka.offsets import opened
from streams.settings import Settings
from streams.topics import EVENTS as LOG
from streams.topics import REQUESTS, catalogue
from tests.support.broker import renew

EVENTS = 1500
QUIET = Console(file=io.StringIO())
SENDING = (
    "streams.kafka.publisher",
    "streams.kafka.producer",
    "streams.delivery.calls",
    "streams.delivery.taker",
    "streams.providers.mock",
)


def test_a_policy_is_written_as_one_would_put_it() -> None:
    assert imposed("type/LIKE:rate-limit=5,dedupe-window=60") == PolicySet("type", "LIKE", 0, 5, None, 60.0)
    assert imposed("actor/a:rate-limit=0") == PolicySet("actor", "a", 0, 0)
    assert imposed("recipient/bob") == PolicySet("recipient", "bob", 0)


@pytest.mark.parametrize("text", ["LIKE:rate-limit=5", "type/POKE:rate-limit=5", "actor/:rate-limit=5", "actor/a:x=5"])
def test_a_policy_that_can_t_be_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="expected"):
        imposed(text)


def test_only_the_options_that_are_given_differ_from_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []

    def answered(_: Settings, *given: Any) -> Report:  # noqa: ANN401
        asked.append(given[:3])
        return Report()

    monkeypatch.setattr(command, "run", answered)
    monkeypatch.setenv("KAFKA_URL", "kafka://elsewhere:9092")
    options = ["--from", "2026-01-31T00:00Z", "--to", "2026-02-01", "--retry-policy", "exponential", "--json"]
    done = CliRunner().invoke(app, ["whatif", *options, "--policy", "actor/ada"])
    assert json.loads(done.output)["tried"] == {"retry_policy": "exponential", "policy actor/ada": "lifted"}
    days = (datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
    assert asked == [({"retry_policy": "exponential"}, (PolicySet("actor", "ada", 0),), days)]


def test_the_table_shows_all_three_sides_and_says_that_it_is_an_estimate() -> None:
    report, request = Report(events=9), Request("in-app", "k", 5, Personal("bob", "-", None, "ada"), "LIKE")
    case = Recorded("n", request, 0, "transactional", (0, 0), "duplicate", measured=True)
    report.add(case, Outcome("duplicate"), Outcome("sent", 2, 1, 1234, 2))
    out = io.StringIO()
    show(report, {"dedupe_window": 1.0}, Console(file=out, width=120))
    told = out.getvalue()
    assert "what if: dedupe_window 1.0" in told
    assert "duplicate -> sent: 1 notification\n" in told
    assert "an estimate from the record; nothing was sent" in told
    assert "what came of 2 calls that no record has, of 1 notification (" in told
    assert "1,230" in told
    assert "wrong" not in told


def test_a_model_that_is_off_says_so_first() -> None:
    report, request = Report(), Request("email", "k", 5, Personal("bob", "-"))
    report.add(
        Recorded("n", request, 0, "transactional", (0, 0), None, measured=True), Outcome("sent"), Outcome("sent")
    )
    out = io.StringIO()
    show(report, {}, Console(file=out, width=120))
    assert out.getvalue().startswith("! the model gets 100.0% of the notifications wrong")


@pytest.mark.integration
def test_nothing_that_could_send_is_even_imported() -> None:
    program = f"import sys, projections.whatif.whatif; print([name for name in {SENDING} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def asked(settings: Settings, *span: datetime | None, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    since, until = span or (None, None)
    told = run(settings, changes, (), (since, until), QUIET).to_json()
    assert json.loads(json.dumps(told)) == told
    return told


@pytest.fixture(scope="module")
async def past(declared: Settings) -> AsyncIterator[Settings]:
    """A log of an hour long gone, made by the real rules: with nothing before it, and gone when the next tests come."""
    await renew(declared, REQUESTS, LOG)
    await history.write(declared, EVENTS, lambda _: None)
    yield declared
    await renew(declared, REQUESTS, LOG)


async def ends(settings: Settings) -> dict[TopicPartition, int]:
    async with opened(settings.kafka_url) as offsets:
        places = [
            TopicPartition(topic.name, number)
            for topic in catalogue(settings.partitions, ())
            for number in range(topic.partitions)
        ]
        return {place: extent.end for place, extent in (await offsets.extents(places)).items()}


@pytest.mark.integration
def test_a_real_log_is_recomputed_as_it_is_and_nothing_is_written(past: Settings) -> None:
    before = asyncio.run(ends(past))
    told = asked(past)
    recorded, recomputed, other = told["sides"].values()
    assert told["events"] >= EVENTS
    assert told["modelError"]["notifications"] == 0
    assert recorded | {"assumedCalls": 0} == recomputed == other
    assert recorded["requests"] == recorded["sent"] + recorded["failed"] > 200
    assert asyncio.run(ends(past)) == before


@pytest.mark.integration
def test_one_attempt_only_fails_what_a_retry_had_saved(past: Settings) -> None:
    told = asked(past, max_attempts=1)
    (change,) = told["changed"]
    assert (change["from"], change["to"]) == ("sent", "failed")
    assert 0.1 < change["notifications"] / told["sides"]["new"]["requests"] < 0.3
    assert told["sides"]["new"]["assumedCalls"] == 0


@pytest.mark.integration
def test_a_span_measures_the_requests_in_it_only(past: Settings) -> None:
    since, until = history.BEGAN + 100 * history.INTERVAL, history.BEGAN + 150 * history.INTERVAL
    assert asked(past, since, until)["sides"]["recorded"]["requests"] == 50
    assert asked(past, None, until)["sides"]["recorded"]["requests"] == 150
    assert asked(past, datetime.now(UTC), None)["sides"]["recorded"]["requests"] == 0


@pytest.mark.integration
def test_without_a_broker_it_says_so(past: Settings) -> None:
    nowhere = past.model_copy(update={"kafka_url": "kafka://127.0.0.1:9"})
    with pytest.raises(StackError, match=r"is the stack up\?"):
        run(nowhere, {}, (), (None, None), QUIET)
