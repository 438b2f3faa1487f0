"""Whole stacks, from the outside: what `up`, `down`, `status` and `logs` promise."""

import json
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil
import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from deploy.stack import leftovers, ports
from streams.health.metrics import METRICS, TIMINGS, Name
from tests.support.stack import OwnStack, own_stack, wait_until

SERVERS = {"kafka", "rabbitmq", "redis", "mongo"}
PROCESSES = {"web", "bridge", "admit", "lifecycle", "deliver", "projections", "replays"}
pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def running() -> Iterator[OwnStack]:
    """One stack for all tests that leave it up; it need not be in the state in which it started."""
    with own_stack() as stack:
        stack.run("up", "--detach")
        yield stack


TERMINAL = (signal.SIGINT, signal.SIGHUP)
"""What it sends on Ctrl-C, and at its end."""


def ready(stack: OwnStack) -> requests.Response:
    return requests.get(f"{stack.http}/ready", timeout=30)


def until_ready(stack: OwnStack) -> None:
    """A busy machine may not let every server answer in time at once."""
    wait_until(lambda: ready(stack).ok, 60, lambda: ready(stack).text)


def gone(stack: OwnStack) -> Callable[[], bool]:
    return lambda: not leftovers.find(stack.home)


@contextmanager
def in_the_foreground(stack: OwnStack) -> Iterator[subprocess.Popen[str]]:
    """An `up` that has come up, and heeds its terminal even if the tests run under `nohup` or in the background."""
    ours = {number: signal.signal(number, signal.SIG_DFL) for number in TERMINAL}
    started = subprocess.Popen(
        stack.command("up"), env=stack.environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    for number, handler in ours.items():
        signal.signal(number, handler)
    with started as up:
        said = []
        for line in up.stderr or ():
            said.append(line)
            if "Ctrl-C" in line:
                break
        else:
            raise AssertionError("".join(said))
        try:
            yield up
        finally:
            up.kill()


def test_everything_runs_and_is_ready(running: OwnStack) -> None:
    rows = running.status()
    assert rows.keys() == SERVERS | PROCESSES
    assert all(psutil.pid_exists(row["pid"]) for row in rows.values())
    until_ready(running)


def test_status_tells_it_as_json_for_programs(running: OwnStack) -> None:
    told = {row["name"]: row for row in json.loads(running.run("status", "--json").stdout)}
    for name, row in running.status().items():
        assert {key: told[name][key] for key in ("pid", "state", "ports")} == {
            key: row[key] for key in ("pid", "state", "ports")
        }


def test_every_port_of_the_status_is_listened_on_at_loopback_only(running: OwnStack) -> None:
    rows = running.status()
    told = {port for row in rows.values() for port in row["ports"]}
    listening = {
        (connection.laddr.ip.removeprefix("::ffff:"), connection.laddr.port)
        for row in rows.values()
        for process in [psutil.Process(row["pid"]), *psutil.Process(row["pid"]).children(recursive=True)]
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {("127.0.0.1", port) for port in told}


def metrics(stack: OwnStack) -> dict[str, set[str]]:
    """The names that each process serves now."""
    rows, told = stack.status(), {}
    for name in PROCESSES:
        answer = requests.get(f"http://127.0.0.1:{rows[name]['ports'][0]}/metrics", timeout=30)
        answer.raise_for_status()
        families = text_string_to_metric_families(answer.text)
        told[name] = {sample.name for family in families for sample in family.samples}
    return told


def test_every_process_serves_metrics_that_parse_and_are_documented(running: OwnStack) -> None:
    requests.get(f"{running.http}/api/notifications", timeout=30)
    only_when_there_were_some = {
        "tidings_provider_calls_total",
        "tidings_dead_letters_total",
        "tidings_events_out_total",
        "tidings_kept_back_total",
    }

    def missing() -> set[Name]:
        return set(METRICS) - only_when_there_were_some - set().union(*metrics(running).values())

    wait_until(lambda: not missing(), 60, lambda: f"nobody serves {missing()}")
    told = metrics(running)
    histograms = {f"{name}_{part}" for name in TIMINGS for part in ("bucket", "count", "sum", "created")}
    ours = set().union(*told.values())
    assert {metric for metric in ours if metric.startswith("tidings_")} - METRICS.keys() - histograms == set()
    assert all("process_resident_memory_bytes" in found for found in told.values())
    assert "tidings_http_request_seconds_count" in told["web"]
    assert "tidings_provider_seconds_count" in told["deliver"]


def test_status_tells_how_each_process_is(running: OwnStack) -> None:
    rows = {row["name"]: row for row in json.loads(running.run("status", "--json").stdout)}
    assert {name: row["health"] for name, row in rows.items()} == {
        **dict.fromkeys(SERVERS),
        **dict.fromkeys(PROCESSES, "ok"),
    }
    assert "health" in running.run("status").stdout


def test_a_second_up_says_so_and_changes_nothing(running: OwnStack) -> None:
    before = {name: row["pid"] for name, row in running.status().items()}
    assert "already running" in running.run("up", "--detach").stdout
    assert {name: row["pid"] for name, row in running.status().items()} == before


@pytest.mark.parametrize("name", ["deliver", "redis"])
def test_what_crashes_comes_back_and_is_shown_to_have_crashed(running: OwnStack, name: str) -> None:
    pid = running.kill(name)
    row = running.wait_for(name, "running", not_pid=pid)
    assert (row["restarts"], row["lastExit"]) == (1, "was killed by a signal")
    until_ready(running)


def test_ready_tells_of_a_server_that_hangs_and_when_it_is_back(running: OwnStack) -> None:
    def told() -> tuple[int, dict[str, str]]:
        answer = ready(running)
        return answer.status_code, {name: server["state"] for name, server in answer.json()["servers"].items()}

    running.kill("rabbitmq", signal.SIGSTOP)
    try:
        wanted = {"kafka": "ok", "rabbitmq": "failed", "redis": "ok", "mongo": "ok"}
        wait_until(lambda: told() == (503, wanted), 60, lambda: str(told()))
    finally:
        running.kill("rabbitmq", signal.SIGCONT)
    until_ready(running)


def test_logs_are_shown_by_name(running: OwnStack) -> None:
    assert "deliver starts" in running.run("logs", "deliver").stdout
    unknown = running.run("logs", "delivery", check=False)
    assert unknown.returncode == 1
    assert "deliver," in unknown.stdout


def test_stacks_stand_side_by_side_and_a_url_replaces_a_server(running: OwnStack) -> None:
    urls = {f"{name.upper()}_URL": getattr(running.settings, f"{name}_url") for name in ("rabbitmq", "redis", "mongo")}
    with own_stack(**urls, MONGO_DATABASE="beside") as beside:
        beside.run("up", "--detach")
        rows = beside.status()
        assert {name for name, row in rows.items() if row["state"] == "external"} == {"rabbitmq", "redis", "mongo"}
        assert rows["kafka"]["pid"] not in {None, running.status()["kafka"]["pid"]}
        until_ready(beside)
    until_ready(running)


def test_down_leaves_no_process_and_no_port(stack: Callable[..., OwnStack]) -> None:
    stopped = stack()
    rows = stopped.status()
    stopped.run("down")
    assert stopped.status() == {}
    assert gone(stopped)()
    assert all(ports.free(port) for row in rows.values() for port in row["ports"])
    assert "deliver stopped" in stopped.log("deliver")
    stopped.run("up", "--detach")
    assert {name: row["ports"] for name, row in stopped.status().items()} == {
        name: row["ports"] for name, row in rows.items()
    }


@pytest.mark.parametrize("number", TERMINAL)
def test_a_foreground_stack_ends_with_its_terminal(number: signal.Signals) -> None:
    with own_stack() as stack, in_the_foreground(stack) as up:
        up.send_signal(number)
        assert up.wait(120) == 0
        assert gone(stack)()
        assert "deliver stopped" in stack.log("deliver")


def test_a_foreground_stack_whose_up_is_killed_ends_by_itself() -> None:
    with own_stack() as stack, in_the_foreground(stack) as up:
        up.kill()
        up.wait()
        wait_until(gone(stack), 60, lambda: str(leftovers.find(stack.home)))


def test_without_its_supervisord_a_stack_ends_and_can_be_started_again(stack: Callable[..., OwnStack]) -> None:
    orphaned = stack()
    supervisord = psutil.Process(orphaned.status()["web"]["pid"]).parent()
    assert supervisord is not None
    supervisord.kill()
    wait_until(gone(orphaned), 60, lambda: str(leftovers.find(orphaned.home)))
    orphaned.run("up", "--detach")
    until_ready(orphaned)


def test_a_start_that_was_cut_short_is_begun_anew() -> None:
    with own_stack() as stack:
        up = subprocess.Popen(
            stack.command("up", "--detach"), env=stack.environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        wait_until(lambda: bool(stack.status()), 60, lambda: "supervisord does not start")
        up.kill()
        up.wait()
        assert "starting anew" in stack.run("up", "--detach").stdout
        until_ready(stack)


def test_a_taken_http_port_is_refused_before_anything_starts() -> None:
    with own_stack() as stack, socket.socket() as stranger:
        stranger.bind((ports.LOOPBACK, stack.port))
        stranger.listen()
        refused = stack.run("up", "--detach", check=False)
        assert refused.returncode == 1
        assert f"port {stack.port} is taken" in refused.stdout
        assert gone(stack)()


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"HOST": "0.0.0.0"}, "set JWT_SECRET or JWT_PUBLIC_KEY"),
        ({"JWT_PUBLIC_KEY": "blah"}, "expected JWT_PUBLIC_KEY to be an Ed25519 public key"),
    ],
)
def test_an_address_that_others_can_reach_and_a_key_that_is_none_are_refused(
    environment: dict[str, str], told: str
) -> None:
    with own_stack(**environment) as stack:
        refused = stack.run("up", "--detach", check=False)
        assert refused.returncode == 1
        assert told in refused.stdout
        assert gone(stack)()


def test_a_process_that_can_not_start_fails_the_start_and_leaves_nothing() -> None:
    with own_stack(MOCK_RECORD="/proc/nowhere/calls") as stack:
        began = time.monotonic()
        failed = stack.run("up", "--detach", check=False)
        assert failed.returncode == 1
        assert "deliver ended while starting" in failed.stdout
        assert "/proc/nowhere/calls" in failed.stdout
        assert time.monotonic() - began < 60
        assert gone(stack)()
