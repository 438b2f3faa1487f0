import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.stack import ports
from deploy.stack.errors import PortTaken


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind((ports.LOOPBACK, 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_port_is_free_until_somebody_listens(taken: int) -> None:
    assert not ports.free(taken)
    assert ports.free(ports.choose(taken=()))


def test_chosen_ports_differ(tmp_path: Path) -> None:
    assigned = ports.assign(tmp_path / "ports.json", ["one", "two", "three"])
    assert len(set(assigned.values())) == 3


def test_ports_are_remembered(tmp_path: Path) -> None:
    first = ports.assign(tmp_path / "ports.json", ["one", "two"])
    assert ports.assign(tmp_path / "ports.json", ["two", "one"]) == first


def test_what_was_remembered_of_a_server_that_is_not_started_now_stays(tmp_path: Path) -> None:
    first = ports.assign(tmp_path / "ports.json", ["one", "two"])
    assert ports.assign(tmp_path / "ports.json", ["two"]) == first


def test_a_port_that_was_taken_meanwhile_is_given_up(tmp_path: Path, taken: int) -> None:
    remembered = tmp_path / "ports.json"
    remembered.write_text(json.dumps({"one": taken, "two": ports.choose(taken=())}))
    before = ports.recall(remembered)
    after = ports.assign(remembered, ["one", "two"])
    assert ports.moved(before, after) == ["one"]
    assert ports.recall(remembered) == after


def test_a_taken_http_port_is_told_with_its_owner_and_a_way_out(taken: int) -> None:
    with pytest.raises(PortTaken, match=rf"port {taken} is taken by .*pid \d+.*PORT={taken + 100}"):
        ports.require_free(ports.LOOPBACK, taken)
