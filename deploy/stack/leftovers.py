"""Processes of a stack whose supervisord is gone: found by a mark in their environment, and ended."""

import os
from collections.abc import Callable

import psutil

from deploy.stack.home import Home

MARK = "TIDINGS_STACK"
"""Set to the home in supervisord's environment, so that all it starts, and what those start, inherit it."""
PATIENCE = 15
"""Seconds from SIGTERM to SIGKILL."""


def find(home: Home) -> list[psutil.Process]:
    """Everything of this user that belongs to the stack, supervisord included; not the caller."""
    return [process for process in psutil.process_iter() if process.pid != os.getpid() and _belongs(process, home)]


def end(home: Home) -> int:
    """Ends them all, kindly first; returns how many there were."""
    processes = find(home)
    for process in processes:
        _signal(process, psutil.Process.terminate)
    _, deaf = psutil.wait_procs(processes, timeout=PATIENCE)
    for process in deaf:
        _signal(process, psutil.Process.kill)
    psutil.wait_procs(deaf, timeout=PATIENCE)
    return len(processes)


def _belongs(process: psutil.Process, home: Home) -> bool:
    try:
        return process.environ().get(MARK) == str(home.root)
    except psutil.Error:  # another user's, or gone meanwhile: not one of ours
        return False


def _signal(process: psutil.Process, send: Callable[[psutil.Process], None]) -> None:
    try:
        send(process)
    except psutil.NoSuchProcess:
        return
