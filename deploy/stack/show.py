"""The state of a stack, for people and for programs."""

import json
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deploy.address import http_url
from deploy.stack import health
from deploy.stack.home import Home
from deploy.stack.plan import Facts, without_password
from deploy.stack.ports import LOOPBACK
from deploy.stack.supervision import State, Supervision

KIND = {"servers": "server", "processes": "process"}
COLOURS = {"running": "green", "starting": "yellow", "external": "blue"}


def rows(home: Home, supervision: Supervision) -> list[dict[str, Any]]:
    """Every program of a running stack and every server that others run, as `status --json` gives them."""
    facts = Facts.load(home)
    states = supervision.states()
    if facts is None or not states:
        return []
    outside = [_external(name, facts.urls[f"{name}_url"]) for name in facts.external]
    order = list(facts.ports)
    states.sort(key=lambda state: order.index(state.name))
    return outside + [_row(state, facts.ports[state.name]) for state in states]


def rows_with_health(home: Home, supervision: Supervision) -> list[dict[str, Any]]:
    """The same, with what each running process says of itself."""
    facts, known = Facts.load(home), rows(home, supervision)
    asked = {row["name"]: row["ports"][0] for row in known if row["kind"] == "process" and row["pid"] and row["ports"]}
    healths = health.ask(asked, facts.host if facts is not None else LOOPBACK)
    return [row | {"health": healths.get(row["name"])} for row in known]


def as_json(home: Home, supervision: Supervision) -> str:
    """A JSON array."""
    return json.dumps(rows_with_health(home, supervision), indent=2)


def print_status(home: Home, supervision: Supervision, console: Console) -> None:
    """A table of programs and the addresses that matter."""
    columns = ("name", "state", "health", "pid", "ports", "up", "restarts")
    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for row in rows_with_health(home, supervision):
        colour = COLOURS.get(row["state"], "red")
        restarts = f"{row['restarts']} ({row['lastExit']})" if row["restarts"] else ""
        where = escape(row["url"]) if "url" in row else ", ".join(str(port) for port in row["ports"])
        state, well = f"[{colour}]{row['state']}[/]", _health(row["health"])
        cells = (row["name"], state, well, row["pid"], where, _duration(row["uptime"]), restarts)
        table.add_row(*("" if cell is None else str(cell) for cell in cells))
    console.print()
    console.print(table)
    facts = Facts.load(home)
    if facts is not None:
        console.print(f"\n[bold]{escape(http_url(facts.host, facts.port))}[/bold]   data and logs in {home.root}\n")


def _row(state: State, ports: list[int]) -> dict[str, Any]:
    return {
        "name": state.name,
        "kind": KIND[state.group],
        "pid": state.pid,
        "state": state.state,
        "ports": ports,
        "uptime": state.uptime,
        "restarts": state.restarts,
        "lastExit": state.last_exit,
    }


def _external(name: str, url: str) -> dict[str, Any]:
    return {
        "name": name,
        "kind": "server",
        "pid": None,
        "state": "external",
        "ports": [],
        "uptime": None,
        "restarts": 0,
        "lastExit": None,
        "url": without_password(url),
    }


def _health(told: str | None) -> str | None:
    return told if told is None else "[green]ok[/]" if told == "ok" else f"[red]{escape(told)}[/]"


def _duration(seconds: int | None) -> str:
    if seconds is None:
        return ""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
