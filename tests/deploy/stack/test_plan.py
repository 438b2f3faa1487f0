from pathlib import Path

import pytest

from deploy.kinds import MODULES
from deploy.stack import plan
from deploy.stack.errors import StackError
from deploy.stack.home import Home
from deploy.stack.leftovers import MARK
from deploy.stack.plan import Facts
from streams.settings import Settings

SERVER_NAMES = ["kafka", "rabbitmq", "redis", "mongo"]
PORTS = {name: 20001 + number for number, name in enumerate(plan.health_ports(Settings()))}


@pytest.fixture(autouse=True)
def _no_urls(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SERVER_NAMES:
        monkeypatch.delenv(f"{name.upper()}_URL", raising=False)


def test_every_server_is_local_unless_its_url_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [server.name for server in plan.local(Settings())] == SERVER_NAMES
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere:6379/0")
    assert plan.external(Settings()) == ["redis"]
    assert [server.name for server in plan.local(Settings())] == ["kafka", "rabbitmq", "mongo"]


def test_a_url_of_the_users_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere:6379/0")
    settings = plan.with_local_urls(Settings(), {"kafka": 1, "rabbitmq": 2, "mongo": 3})
    assert (settings.kafka_url, settings.redis_url) == ("kafka://127.0.0.1:1", "redis://elsewhere:6379/0")


def test_one_worker_of_each_kind_runs_under_its_own_name() -> None:
    named = {program.name: program.environment["WORKER"] for program in plan.processes(Settings(), PORTS)}
    assert named == {name: name for name in MODULES}


def test_every_process_but_web_has_a_port_of_its_own_for_its_health() -> None:
    programs = {program.name: program for program in plan.processes(Settings(port=4200), PORTS)}
    assert {name: program.ports for name, program in programs.items()} == {
        name: (PORTS.get(name, 4200),) for name in programs
    }
    assert programs["deliver"].environment["METRICS_PORT"] == str(PORTS["deliver"])


def test_a_process_is_killed_only_after_it_should_have_ended_by_itself() -> None:
    programs = plan.processes(Settings(drain_seconds=33), PORTS)
    assert {program.stops_within for program in programs} == {33 + plan.FINISHING_SECONDS}


def test_more_workers_of_a_kind_are_numbered() -> None:
    names = list(plan.workers(Settings(workers={"deliver": 3})))
    assert [name for name in names if name.startswith("deliver")] == ["deliver", "deliver-2", "deliver-3"]


@pytest.mark.parametrize("kind", ["delivery", "web"])
def test_workers_that_can_not_be_are_refused(kind: str) -> None:
    with pytest.raises(StackError, match=rf"got {kind}"):
        plan.workers(Settings(workers={kind: 2}))


def test_every_program_carries_the_mark_of_its_stack(tmp_path: Path) -> None:
    environment = plan.environment(Home(tmp_path), Settings())
    assert environment[MARK] == str(tmp_path)
    assert environment["KAFKA_URL"] == Settings().kafka_url


def test_facts_are_kept_for_the_user_alone(root: Path) -> None:
    home = Home(root)
    home.make()
    facts = Facts("127.0.0.1", 4200, {"redis_url": "redis://:secret@there:1/0"}, ["redis"], {"web": [4200]})
    facts.save(home)
    assert Facts.load(home) == facts
    assert home.facts.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("amqp://guest:guest@host:5672/", "amqp://guest:***@host:5672/"),
        ("redis://:secret@host:1/0", "redis://:***@host:1/0"),
        ("kafka://one:1,two:2", "kafka://one:1,two:2"),
    ],
)
def test_passwords_are_not_shown(url: str, shown: str) -> None:
    assert plan.without_password(url) == shown
