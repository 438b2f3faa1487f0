from pathlib import Path

import pytest

from deploy.stack.errors import StackError
from deploy.stack.home import Home, refuse_unspeakable


def test_a_home_whose_socket_could_not_be_bound_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="choose a shorter one"):
        Home(tmp_path / ("long" * 25)).make()


def test_a_home_that_can_not_be_written_is_refused() -> None:
    with pytest.raises(StackError, match="set TIDINGS_HOME to a folder of yours"):
        Home(Path("/proc/tidings")).make()


def test_spaces_and_percent_signs_are_welcome(root: Path) -> None:
    Home(root / "a b%c").make()


@pytest.mark.parametrize("path", ["/a ;b", "/a #b", "/a\nb"])
def test_what_supervisord_takes_for_a_comment_is_refused(path: str) -> None:
    with pytest.raises(StackError, match="move it"):
        refuse_unspeakable(Path(path))


def test_only_one_start_at_a_time(root: Path) -> None:
    home = Home(root)
    home.make()
    with home.starting() as first, home.starting() as second:
        assert (first, second) == (True, False)
    with home.starting() as third:
        assert third
