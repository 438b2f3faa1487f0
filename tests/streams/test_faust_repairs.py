from importlib.metadata import version

from streams.faust_repairs import VERSION


def test_the_repairs_fit_the_installed_faust() -> None:
    """When this fails, read the two modules named in `faust_repairs` again, then run the whole torture test."""
    assert version("faust-streaming") == VERSION
    assert version("aiokafka") == "0.14.0"
