"""The local database: `mongod` if there is one on the PATH, else `secantusd-rs`, else SecantusDB from PyPI.

Each keeps its own data folder, since none can read another's; the projections fill an empty one again from the log.
SecantusDB runs as a separate program and is for trying and testing. Of the two of it, the Rust one loses acknowledged
writes in a crash unless it syncs on commit; that costs it half its speed and is still far from being the bottleneck.
"""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from deploy.stack.errors import Missing
from deploy.stack.home import Home
from deploy.stack.install import Say, cached, first_on_path, run
from deploy.stack.ports import LOOPBACK
from deploy.stack.program import Program
from deploy.stack.server import Ports

Flavor = Literal["mongod", "secantusd-rs", "secantusd-py"]
REQUIREMENTS = Path(__file__).parent / "requirements.txt"
CACHE_SIZE = "256M"


@dataclass(frozen=True, slots=True)
class Installed:
    """Which server it is, and where."""

    flavor: Flavor
    path: Path


class Mongo:
    """A `Server`."""

    name = "mongo"
    title = "MongoDB"
    setting = "mongo_url"
    port_names = ("mongo",)

    def packages(self) -> dict[str, str]:
        """None: what Debian has not can't come from there."""
        return {}

    def download(self, say: Say) -> None:
        """SecantusDB, 90 MB, unless another one is there."""
        choose(say)

    def program(self, home: Home, ports: Ports, say: Say) -> Program:
        """One process, told everything on its command line."""
        chosen = choose(say)
        folder = home.server(self.name)
        data = folder / chosen.flavor
        data.mkdir(exist_ok=True)
        (folder / "secantusd.toml").write_text("")
        return Program(
            self.name, "servers", command(chosen, data, ports["mongo"]), ports=(ports["mongo"],), folder=folder
        )

    def url(self, ports: Ports) -> str:
        """A standalone server: no replica set, no transactions."""
        return f"mongodb://{LOOPBACK}:{ports['mongo']}/"


def choose(say: Say) -> Installed:
    """The first there is, in the order that the head of this file gives; the last one is downloaded."""
    flavor: Flavor
    for flavor in ("mongod", "secantusd-rs"):
        found = first_on_path([flavor])
        if found:
            return Installed(flavor, found)
    folder = cached(REQUIREMENTS, lambda into: _environment(into, say))
    return Installed("secantusd-py", folder / "bin" / "secantusd-py")


def command(chosen: Installed, data: Path, port: int) -> tuple[str, ...]:
    """Its command line: loopback only, a small cache, and durable."""
    where: tuple[str, ...]
    if chosen.flavor == "mongod":
        where = ("--dbpath", str(data), "--port", str(port), "--bind_ip", LOOPBACK)
        return (str(chosen.path), *where, "--nounixsocket", "--wiredTigerCacheSizeGB", "0.25", "--quiet")
    # An empty configuration file, so that none is looked for in the user's home.
    where = ("--config", "secantusd.toml", "--host", LOOPBACK, "--port", str(port), "--storage-path", str(data))
    durable = ("--sync-on-commit",) if chosen.flavor == "secantusd-rs" else ()
    return (str(chosen.path), *where, "--standalone", "--cache-size", CACHE_SIZE, "--log-level", "WARNING", *durable)


def _environment(into: Path, say: Say) -> None:
    uv = shutil.which("uv")
    if uv is None:
        raise Missing("expected uv on the PATH to install SecantusDB: start with ./tidings, which brings it")
    run([uv, "venv", "--allow-existing", "--relocatable", "--python", sys.executable, str(into)], say)
    python = str(into / "bin" / "python")
    run([uv, "pip", "sync", "--compile-bytecode", "--require-hashes", "--python", python, str(REQUIREMENTS)], say)
