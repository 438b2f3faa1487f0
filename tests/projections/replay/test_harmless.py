"""Code under `projections/replay` has no means to send. `tests/system/test_replay.py` tries all the same."""

import subprocess
import sys

import pytest

import projections.replay
from deploy.stack.home import CHECKOUT

MEANS = (
    "streams.providers",
    "streams.deliver",
    "streams.delivery.calls",
    "streams.lifecycle",
    "streams.admit",
    "streams.bridge",
)
LOADED = """
import importlib, pkgutil, sys, projections.replay as package
for module in pkgutil.iter_modules(package.__path__):
    importlib.import_module(f"projections.replay.{module.name}")
print("\\n".join(sys.modules))
"""


pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """All modules of a process that has imported every part of replays."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True, cwd=CHECKOUT, timeout=120
    )
    return set(done.stdout.splitlines())


def test_no_provider_and_no_processor_is_even_loaded(loaded: set[str]) -> None:
    assert f"{projections.replay.__name__}.runner" in loaded
    assert not [name for name in loaded if name.startswith(MEANS)]


def test_there_is_no_way_into_rabbitmq(loaded: set[str]) -> None:
    assert not [
        name for name in loaded if name.split(".")[0] in ("pamqp", "pika") or name.startswith("streams.intake.amqp")
    ]
