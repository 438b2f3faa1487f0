from projections.present.cache import Cache
from projections.present.jobs import Standing
from tests.projections.lives import START


def standings(*names: str) -> dict[str, Standing]:
    return {name: Standing(name, 0, 0, START, None) for name in names}


def test_what_was_kept_is_found() -> None:
    cache = Cache()
    cache.keep(standings("a", "b"))
    assert cache.find(["a", "x"]) == standings("a")


def test_beyond_its_capacity_it_forgets_what_was_kept_longest_ago() -> None:
    cache = Cache(capacity=2)
    cache.keep(standings("a", "b"))
    cache.keep(standings("a"))
    cache.keep(standings("c"))
    assert cache.find("abc").keys() == {"a", "c"}


def test_after_clearing_nothing_is_found() -> None:
    cache = Cache()
    cache.keep(standings("a"))
    cache.clear()
    assert cache.find("a") == {}
