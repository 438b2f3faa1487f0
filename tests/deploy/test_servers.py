from pathlib import Path

import pytest

from deploy.servers import rabbitmq, redis
from deploy.servers.kafka import server as kafka
from deploy.servers.mongo import server as mongo
from deploy.servers.mongo.server import Installed
from deploy.stack.server import Ports
from streams.topics import MAX_RECORD_BYTES

PORTS: Ports = {"kafka": 1, "kafka-controller": 2, "rabbitmq": 3, "rabbitmq-node": 4, "redis": 5, "mongo": 6}


def properties(text: str) -> dict[str, str]:
    """Lines of `key=value` or `key = value`."""
    pairs = (line.partition("=") for line in text.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def test_kafka_listens_on_loopback_only() -> None:
    text = kafka.configuration(Path("/home"), PORTS)
    assert properties(text)["listeners"] == "PLAINTEXT://127.0.0.1:1,CONTROLLER://127.0.0.1:2"


def test_kafka_has_room_above_our_largest_record_and_keeps_offsets_for_years() -> None:
    told = properties(kafka.configuration(Path("/home"), PORTS))
    assert int(told["message.max.bytes"]) > MAX_RECORD_BYTES
    assert int(told["offsets.retention.minutes"]) > 365 * 24 * 60


def test_kafka_really_flushes_every_second() -> None:
    told = properties(kafka.configuration(Path("/home"), PORTS))
    assert told["log.flush.interval.ms"] == told["log.flush.scheduler.interval.ms"] == "1000"


@pytest.mark.parametrize(
    ("says", "version"),
    [('openjdk version "17.0.15" 2025-04-15', 17), ('java version "1.8.0_391"', 1), ("nonsense", 0)],
)
def test_java_is_asked_for_its_version(tmp_path: Path, says: str, version: int) -> None:
    java = tmp_path / "java"
    java.write_text(f"#!/bin/sh\necho '{says}' >&2\n")
    java.chmod(0o755)
    assert kafka.java_version(java) == version


def test_rabbitmq_needs_no_epmd_and_is_reachable_from_this_machine_only() -> None:
    told = rabbitmq.environment(Path("/home"), PORTS)["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"]
    assert "-start_epmd false -erl_epmd_port 4" in told
    assert "inet_dist_use_interface {127,0,0,1}" in told
    assert properties(rabbitmq.configuration(PORTS))["listeners.tcp.1"] == "127.0.0.1:3"


def test_redis_keeps_what_it_was_told() -> None:
    lines = redis.configuration(PORTS).splitlines()
    assert {"bind 127.0.0.1", "port 5", "appendonly yes", "appendfsync everysec"} <= set(lines)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of the PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def program(folder: Path, name: str) -> Path:
    made = folder / name
    made.touch(mode=0o755)
    return made


def test_a_mongod_comes_before_the_rust_server(path: Path) -> None:
    program(path, "secantusd-rs")
    assert mongo.choose(print).flavor == "secantusd-rs"
    mongod = program(path, "mongod")
    assert mongo.choose(print) == Installed("mongod", mongod)


@pytest.mark.usefixtures("path")
def test_without_both_secantusdb_is_installed_once_for_all_stacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made: list[Path] = []
    monkeypatch.setattr(mongo, "_environment", lambda into, _say: made.append(into))
    assert mongo.choose(print) == mongo.choose(print)
    assert len(made) == 1


def test_the_rust_server_is_durable_and_every_flavor_stays_on_loopback() -> None:
    rust = mongo.command(Installed("secantusd-rs", Path("/s")), Path("/data"), 6)
    mongod = mongo.command(Installed("mongod", Path("/m")), Path("/data"), 6)
    assert "--sync-on-commit" in rust
    assert "127.0.0.1" in rust
    assert "127.0.0.1" in mongod
