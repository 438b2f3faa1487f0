"""Redis: Debian's `redis-server` as a private instance, with its append-only file on."""

import shutil
from textwrap import dedent

from deploy.stack.home import Home
from deploy.stack.install import Say
from deploy.stack.ports import LOOPBACK
from deploy.stack.program import Program
from deploy.stack.server import Ports


class Redis:
    """A `Server`."""

    name = "redis"
    title = "Redis"
    setting = "redis_url"
    port_names = ("redis",)

    def packages(self) -> dict[str, str]:
        """`redis-server`, unless it is there."""
        return {} if shutil.which("redis-server") else {"redis-server": self.title}

    def download(self, say: Say) -> None:
        """Nothing."""

    def program(self, home: Home, ports: Ports, say: Say) -> Program:  # noqa: ARG002 - nothing to report
        """One process, started from a configuration file."""
        folder = home.server(self.name)
        (folder / "redis.conf").write_text(configuration(ports))
        command = ("redis-server", "redis.conf")
        return Program(self.name, "servers", command, ports=(ports["redis"],), folder=folder)

    def url(self, ports: Ports) -> str:
        """Database 0."""
        return f"redis://{LOOPBACK}:{ports['redis']}/0"


def configuration(ports: Ports) -> str:
    """redis.conf: every write is in the append-only file within a second; nothing is evicted."""
    return dedent(f"""\
        bind {LOOPBACK}
        port {ports["redis"]}
        dir .
        appendonly yes
        appendfsync everysec
        save ""
        maxmemory-policy noeviction
        daemonize no
        logfile ""
        """)
