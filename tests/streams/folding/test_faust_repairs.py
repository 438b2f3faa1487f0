from importlib.metadata import version

from streams.folding import faust_repairs
from streams.kafka import aiokafka_repairs


def test_the_repairs_fit_the_installed_versions() -> None:
    """When this fails, read again what is repaired and how, then run the whole torture test."""
    assert version("faust-streaming") == faust_repairs.VERSION
    assert version("aiokafka") == aiokafka_repairs.VERSION
