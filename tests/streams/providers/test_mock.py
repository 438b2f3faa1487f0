"""The reference's mock provider."""

from pathlib import Path

import orjson
import pytest

from streams.events import Personal
from streams.providers.mock import MockProvider
from streams.providers.protocol import Message, Refused
from streams.settings import Settings

PERSONAL = Personal("ada@example.org", "hello")


def message(number: int, dispatch: int = 1) -> Message:
    return Message(f"n{number}", dispatch, "email", PERSONAL)


async def outcomes(provider: MockProvider, calls: int) -> list[bool]:
    sent = []
    for number in range(calls):
        try:
            await provider.send(message(number))
        except Refused:
            sent.append(False)
        else:
            sent.append(True)
    return sent


def settings(rate: float, **more: object) -> Settings:
    return Settings.model_validate({"mock_failure_rate": rate, "mock_latency": 0, "worker": "w", **more})


async def test_it_fails_with_the_reference_s_text() -> None:
    with pytest.raises(Refused, match=r"^Mock provider failed for email notification$"):
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
