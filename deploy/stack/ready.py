"""Waiting until what was started works, or telling why it does not."""

import asyncio
import time
import urllib.error
import urllib.request
from collections.abc import Container, Iterable

from deploy.address import http_url
from deploy.probes import Probes, probes
from deploy.stack import health, plan
from deploy.stack.errors import ProcessFailed, ServerFailed
from deploy.stack.home import Home
from deploy.stack.report import Report
from deploy.stack.supervision import State, Supervision
from streams.settings import Settings

SERVER_SECONDS = 90
"""How long the servers may take to answer; Kafka takes 5 s when it has two cores for itself."""
EXTERNAL_SECONDS = 15
PROCESS_SECONDS = 90
POLL_SECONDS = 0.2
FAILED_STARTS = 3
"""A process that fails so often while the stack comes up won't mend by itself."""
LOG_LINES = 15


async def servers(
    home: Home, settings: Settings, outside: Container[str], supervision: Supervision, report: Report
) -> None:
    """Returns when every server answers. Raises `ServerFailed` as soon as a local one ends, or when time is up."""

    async def wait(name: str, asking: Probes) -> None:
        url = getattr(settings, f"{name}_url")
        local = name not in outside
        deadline = time.monotonic() + (SERVER_SECONDS if local else EXTERNAL_SECONDS)
        while error := await asking.ask(name):
            late = time.monotonic() > deadline
            if late and not local:
                raise ServerFailed(f"{plan.without_password(url)}: {error}. Start it, or unset {name.upper()}_URL")
            if local and (late or not _runs(supervision, name)):
                raise ServerFailed(f"{name} does not come up: {error}\n{last_words(home, name)}")
            await asyncio.sleep(POLL_SECONDS)
        report.done(f"{name:9} {plan.without_password(url)}")

    try:
        async with probes(settings) as asking, asyncio.TaskGroup() as group:
            for server in plan.SERVERS:
                group.create_task(wait(server.name, asking))
    except* ServerFailed as failures:
        raise failures.exceptions[0] from None


def processes(home: Home, settings: Settings, supervision: Supervision) -> None:
    """Returns when every process has proved itself and answers, and `/ready` says so. Raises `ProcessFailed`."""
    deadline = time.monotonic() + PROCESS_SECONDS
    facts = plan.Facts.load(home)
    while True:
        states = [state for state in supervision.states() if state.group == "processes"]
        unready = [state for state in states if state.state != "running"]
        complaint = None if unready else _http_complaint(settings) or _silence(states, facts, settings.host)
        if states and not unready and complaint is None:
            return
        hopeless = [state for state in unready if state.restarts >= FAILED_STARTS]
        if not states:
            raise ProcessFailed("the stack was stopped meanwhile")
        if hopeless or time.monotonic() > deadline:
            raise _failure(home, hopeless or unready, complaint)
        time.sleep(POLL_SECONDS)


def _silence(states: Iterable[State], facts: plan.Facts | None, host: str) -> str | None:
    """Trap: one that takes long to load counts as running before it has come to what makes it fail."""
    ports = {state.name: facts.ports[state.name][-1] for state in states if facts and facts.ports.get(state.name)}
    silent = [name for name, told in health.ask(ports, host).items() if told.startswith("no answer")]
    return f"{', '.join(silent)} does not answer at /healthz" if silent else None


def last_words(home: Home, name: str) -> str:
    """The end of a program's log, and where the rest is."""
    log = home.log(name)
    lines = log.read_text(errors="replace").splitlines()[-LOG_LINES:] if log.exists() else []
    return "\n".join([f"The end of {log}:", *(f"  {line}" for line in lines)])


def _runs(supervision: Supervision, name: str) -> bool:
    return any(state.name == name and state.pid is not None for state in supervision.states())


def _failure(home: Home, culprits: list[State], complaint: str | None) -> ProcessFailed:
    if not culprits:
        return ProcessFailed(f"all processes run, but {complaint}\n{last_words(home, 'web')}")
    first = culprits[0]
    how = first.last_exit or f"is still {first.state} after {PROCESS_SECONDS} s"
    return ProcessFailed(f"{first.name} {how}\n{last_words(home, first.name)}")


def _http_complaint(settings: Settings) -> str | None:
    """None if `/ready` says that all is well, else what it says."""
    url = f"{http_url(settings.host, settings.port)}/ready"
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - the scheme is ours
            return None
    except urllib.error.HTTPError as error:
        with error:
            return f"{url} says {error.code}: {error.read().decode(errors='replace')}"
    except OSError as error:
        return f"{url} does not answer: {error}"
