"""Bringing a stack up and staying with it: what `up` does from its first line to the last Ctrl-C."""

import time
from contextlib import ExitStack

from rich.console import Console

from deploy.address import Exposed, require_loopback
from deploy.dashboard import build_dashboard
from deploy.stack import leftovers, ports
from deploy.stack.environment import read_settings
from deploy.stack.errors import StackError
from deploy.stack.home import Home
from deploy.stack.report import Report
from deploy.stack.show import print_status
from deploy.stack.stack import Stack
from deploy.stack.supervision import State, Supervision
from streams.settings import Settings

WATCH_SECONDS = 1.0


def bring_up(*, detach: bool) -> None:
    """Returns when the stack is up, or, if not detached, when it was stopped again. Raises `StackError`."""
    settings = read_settings()
    report = Report(Console(stderr=True))
    stack = Stack(settings, report, detached=detach)
    stack.home.make()
    with ExitStack() as start:
        if not start.enter_context(stack.home.starting()):
            raise StackError(f"another `up` is starting the stack in {stack.home.root}: wait for it")
        if _already_up(stack, report):
            return
        _require_address(settings)
        build_dashboard(report)
        complete = False
        try:
            stack.start_processes(stack.start_servers())
            start.close()
            print_status(stack.home, stack.supervision, report.console)
            complete = True
            if not detach:
                report.console.print("Ctrl-C stops it.")
                _watch(stack.home, stack.supervision, report)
        except BaseException as reason:
            _stop(stack, report)
            if not (complete and isinstance(reason, KeyboardInterrupt)):
                raise


def _already_up(stack: Stack, report: Report) -> bool:
    states = stack.supervision.states()
    if not states:
        return False
    if any(state.state == "stopped" for state in states):
        report.warn("an earlier start was cut short: starting anew")
        stack.stop()
        return False
    report.console.print(f"The stack in {stack.home.root} is already running.")
    print_status(stack.home, stack.supervision, report.console)
    return True


def _require_address(settings: Settings) -> None:
    try:
        require_loopback(settings.host)
    except Exposed as error:
        raise StackError(str(error)) from error
    ports.require_free(settings.host, settings.port)


def _watch(home: Home, supervision: Supervision, report: Report) -> None:
    """Tells what happens to the programs, until Ctrl-C or until supervisord is gone."""
    before: dict[str, State] = {}
    while supervision.pid() is not None:
        states = {state.name: state for state in supervision.states()}
        for name, state in states.items():
            _tell_changes(before.get(name, state), state, report)
        before = states or before
        time.sleep(WATCH_SECONDS)
    if leftovers.end(home):
        raise StackError(f"supervisord died; what it ran was ended. See {home.log('supervisord')}")
    report.console.print("The stack was stopped by another command.")


def _tell_changes(before: State, now: State, report: Report) -> None:
    if now.restarts > before.restarts:
        report.warn(f"{now.name} {now.last_exit}: it is started again (./tidings logs {now.name})")
    elif now.state == "running" and before.state in {"starting", "backoff"}:
        report.done(f"{now.name} runs")


def _stop(stack: Stack, report: Report) -> None:
    try:
        with report.working("stopping: processes finish what is in flight, then the servers"):
            if stack.stop():
                report.done("stopped")
    except KeyboardInterrupt:
        report.warn("it goes on stopping by itself; `./tidings down` waits for it")
