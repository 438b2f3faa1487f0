"""The reference's mock provider."""

import asyncio
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from streams import clock
from streams.events import Personal
from streams.providers.mock import MockProvider
from streams.providers.protocol import Deferred, Message, SendRefused
from streams.settings import Settings

PERSONAL = Personal("ada@example.org", "hello")


def message(number: int, dispatch: int = 1) -> Message:
    return Message(f"n{number}", dispatch, "email", PERSONAL, None, clock.now())


async def outcomes(provider: MockProvider, calls: int) -> list[bool]:
    sent = []
    for number in range(calls):
        try:
            await provider.send(message(number))
        except SendRefused:
            sent.append(False)
        else:
            sent.append(True)
    return sent


def settings(rate: float, **more: object) -> Settings:
    return Settings.model_validate({"mock_failure_rate": rate, "mock_latency": 0, "worker": "w", **more})


async def test_it_fails_with_the_reference_s_text() -> None:
    with pytest.raises(SendRefused, match=r"^Mock provider failed for email notification$"):
        await MockProvider(settings(1)).send(message(1))


async def test_a_seed_makes_the_same_calls_fail_again_at_about_the_rate() -> None:
    first = await outcomes(MockProvider(settings(0.2, mock_seed=7)), 1000)
    assert await outcomes(MockProvider(settings(0.2, mock_seed=7)), 1000) == first
    assert await outcomes(MockProvider(settings(0.2, mock_seed=8)), 1000) != first
    assert 150 < first.count(False) < 250


async def test_a_rate_of_zero_never_fails() -> None:
    assert all(await outcomes(MockProvider(settings(0)), 100))


async def test_its_record_tells_every_call_before_and_after(tmp_path: Path) -> None:
    record = tmp_path / "calls"
    await outcomes(MockProvider(settings(0, mock_record=record)), 1)
    await outcomes(MockProvider(settings(1, mock_record=record)), 1)
    lines = [orjson.loads(line) for line in record.read_text().splitlines()]
    assert [line["call"] for line in lines] == ["begun", "sent", "begun", "failed"]
    assert {(line["notification"], line["dispatch"], line["worker"]) for line in lines} == {("n0", 1, "w")}


async def test_while_the_outage_file_exists_every_call_is_refused(tmp_path: Path) -> None:
    outage = tmp_path / "outage"
    provider = MockProvider(settings(0, mock_outage=outage))
    assert all(await outcomes(provider, 3))
    outage.touch()
    assert not any(await outcomes(provider, 3))
    outage.unlink()
    assert all(await outcomes(provider, 3))


async def test_an_outage_can_hang_calls(tmp_path: Path) -> None:
    (tmp_path / "outage").write_text("hang\n")
    call = asyncio.create_task(MockProvider(settings(0, mock_outage=tmp_path / "outage")).send(message(1)))
    done, _ = await asyncio.wait([call], timeout=0.05)
    assert not done
    call.cancel()


async def test_an_outage_can_defer_calls(tmp_path: Path) -> None:
    (tmp_path / "outage").write_text("defer 30")
    record = tmp_path / "calls"
    provider = MockProvider(settings(0, mock_outage=tmp_path / "outage", mock_record=record))
    before = clock.now()
    with pytest.raises(Deferred) as deferred:
        await provider.send(message(1))
    assert timedelta(seconds=30) <= deferred.value.until - before < timedelta(seconds=40)
    lines = [orjson.loads(line) for line in record.read_text().splitlines()]
    assert [line["call"] for line in lines] == ["begun", "deferred"]
