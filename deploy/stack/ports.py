"""Which ports a stack's servers and processes listen on: free ones, chosen once and remembered in its home."""

import json
import random
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path

import psutil

from deploy.stack.errors import PortTaken

LOOPBACK = "127.0.0.1"
RANGE = range(20000, 30000)
"""Below the ports that Linux gives to outgoing connections (32768 and up), which come and go."""


def assign(remembered: Path, names: Iterable[str]) -> dict[str, int]:
    """The port of each name: the remembered one, or a new one where that is taken or there is none; then remembers.

    Moving is safe for every server here: no data refers to a port, and all clients are told at start.
    """
    before = recall(remembered)
    ports = dict(before)
    for name in names:
        if name not in before or not free(before[name]):
            ports[name] = choose(taken=ports.values())
    if ports != before:
        remembered.write_text(json.dumps(ports, indent=2) + "\n")
    return ports


def recall(remembered: Path) -> dict[str, int]:
    """What was assigned before."""
    if not remembered.exists():
        return {}
    ports: dict[str, int] = json.loads(remembered.read_text())
    return ports


def moved(before: Mapping[str, int], after: Mapping[str, int]) -> list[str]:
    """The names whose remembered port was given up."""
    return [name for name, port in before.items() if after[name] != port]


def choose(taken: Iterable[int]) -> int:
    """A port that nothing listens on now, at random, so that stacks started at once rarely choose the same."""
    candidates = random.sample(RANGE, len(RANGE))
    for port in candidates:
        if port not in taken and free(port):
            return port
    raise PortTaken(
        f"expected a free port among {RANGE.start}-{RANGE.stop - 1}, tried {len(candidates)}: stop something"
    )


def free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen there now."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        # As servers do: a port whose last connections are still timing out counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def require_free(host: str, port: int) -> None:
    """Raises `PortTaken`, naming the owner, unless the stack can serve HTTP there."""
    if free(port, host):
        return
    raise PortTaken(
        f"port {port} is taken by {owner(port)}: stop that, or choose another one, e.g. PORT={port + 100} ./tidings up"
    )


def owner(port: int) -> str:
    """Who listens on a port, as far as this user may know."""
    for connection in psutil.net_connections("tcp"):
        if connection.laddr and connection.laddr.port == port and connection.status == psutil.CONN_LISTEN:
            if connection.pid is None:
                break
            return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return "another program"
