"""A program that supervisord runs, and the configuration that tells it so."""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Literal

from deploy.stack.home import Home

Group = Literal["servers", "processes"]
PRIORITY: dict[Group, int] = {"servers": 1, "processes": 2}
"""supervisord stops the group with the highest number first, and the next when that is gone."""
SERVER_PROVES_ITSELF = 6
"""Seconds a server must run before an end counts as a crash at work, restarted at once, and not as a failed start."""
PROCESS_PROVES_ITSELF = 3
LONGEST_PAUSE = 30
"""Seconds between failed starts, at most; `deploy.stack.exits` sees to it."""
ENDED_WITH_PARENT = ("setpriv", "--pdeathsig", "TERM")
"""Before a command: the kernel sends it SIGTERM when its parent dies, however that dies."""
LOG_BYTES = "10MB"
OLD_LOGS = 3


@dataclass(frozen=True, slots=True)
class Program:
    """One command to keep running."""

    name: str
    group: Group
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[int, ...] = ()
    folder: Path | None = None
    stops_within: int = 20
    """Seconds from SIGTERM to SIGKILL."""


def configuration(home: Home, programs: Iterable[Program]) -> str:
    """The text of supervisord.conf. Nothing starts by itself: servers must be ready before processes start."""
    programs = list(programs)
    sections = [_supervisord(home)]
    for group, priority in PRIORITY.items():
        members = [program for program in programs if program.group == group]
        if members:
            names = ",".join(program.name for program in members)
            sections.append(f"[group:{group}]\nprograms = {names}\npriority = {priority}\n")
            sections += [_program(home, program) for program in members]
    return "\n".join(sections)


def command_line(program: Program) -> str:
    """How supervisord is to run it."""
    assignments = [f"{name}={value}" for name, value in program.environment.items()]
    return shlex.join([*ENDED_WITH_PARENT, "env", *assignments, *program.command])


def _supervisord(home: Home) -> str:
    return dedent(f"""\
        [supervisord]
        nodaemon = true
        silent = true
        logfile = {_escaped(home.log("supervisord"))}
        logfile_maxbytes = {LOG_BYTES}
        logfile_backups = {OLD_LOGS}
        pidfile = {_escaped(home.root / "run" / "supervisord.pid")}
        childlogdir = {_escaped(home.root / "logs")}
        nocleanup = true

        [unix_http_server]
        file = {_escaped(home.socket)}
        chmod = 0700

        [rpcinterface:supervisor]
        supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

        [rpcinterface:tidings]
        supervisor.rpcinterface_factory = deploy.stack.exits:make_interface
        """)


def _program(home: Home, program: Program) -> str:
    proves_itself = SERVER_PROVES_ITSELF if program.group == "servers" else PROCESS_PROVES_ITSELF
    section = dedent(f"""\
        [program:{program.name}]
        command = {_escaped(command_line(program))}
        autostart = false
        autorestart = true
        startsecs = {proves_itself}
        startretries = {LONGEST_PAUSE + 1}
        stopsignal = TERM
        stopwaitsecs = {program.stops_within}
        killasgroup = true
        redirect_stderr = true
        stdout_logfile = {_escaped(home.log(program.name))}
        stdout_logfile_maxbytes = {LOG_BYTES}
        stdout_logfile_backups = {OLD_LOGS}
        """)
    return section if program.folder is None else f"{section}directory = {_escaped(program.folder)}\n"


def _escaped(value: object) -> str:
    return str(value).replace("%", "%%")
