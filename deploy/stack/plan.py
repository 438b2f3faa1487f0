"""What a stack consists of, worked out from the settings: servers to start, processes to run, where each listens."""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import ceil
from urllib.parse import urlsplit

from deploy.kinds import MODULES
from deploy.servers.kafka.server import Kafka
from deploy.servers.mongo.server import Mongo
from deploy.servers.rabbitmq import RabbitMQ
from deploy.servers.redis import Redis
from deploy.stack.errors import StackError
from deploy.stack.home import CHECKOUT, Home
from deploy.stack.leftovers import MARK
from deploy.stack.program import Program
from deploy.stack.server import Server
from streams.settings import Settings

SERVERS: tuple[Server, ...] = (Kafka(), RabbitMQ(), Redis(), Mongo())
FINISHING_SECONDS = 5
"""How long a process may take to end, on top of the time it is given to finish its work."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What other commands must know about a stack that was started; kept in its home."""

    host: str
    port: int
    urls: dict[str, str]
    """By field of `Settings`, local servers and others alike."""
    external: list[str]
    """The names of the servers that somebody else runs."""
    ports: dict[str, list[int]]
    """By program."""

    def save(self, home: Home) -> None:
        """For this user's eyes, since URLs may hold passwords."""
        home.facts.touch(mode=0o600)
        home.facts.write_text(json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, home: Home) -> "Facts | None":
        """What was saved at the last start, if there was one."""
        return cls(**json.loads(home.facts.read_text())) if home.facts.exists() else None


def external(settings: Settings) -> list[str]:
    """The servers whose URL the user has set: nothing is installed or started for them."""
    return [server.name for server in SERVERS if server.setting in settings.model_fields_set]


def local(settings: Settings) -> list[Server]:
    """The servers that the stack starts for itself."""
    return [server for server in SERVERS if server.setting not in settings.model_fields_set]


def with_local_urls(settings: Settings, ports: Mapping[str, int]) -> Settings:
    """The settings as the processes get them."""
    return settings.model_copy(update={server.setting: server.url(ports) for server in local(settings)})


def workers(settings: Settings) -> dict[str, str]:
    """The kind of each worker by its name: one of each kind, or as many as set, as `kind`, `kind-2`, `kind-3` ...

    Raises `StackError` for a kind that there is not, and for a second web process: there is one HTTP port.
    """
    wrong = [kind for kind, count in settings.workers.items() if kind not in MODULES or (kind == "web" and count > 1)]
    if wrong:
        more = ", ".join(kind for kind in MODULES if kind != "web")
        raise StackError(f"expected WORKERS to give numbers of {more}, got {', '.join(wrong)}: leave it out")
    return {
        kind if number == 1 else f"{kind}-{number}": kind
        for kind in MODULES
        for number in range(1, settings.workers.get(kind, 1) + 1)
    }


def health_ports(settings: Settings) -> list[str]:
    """The workers that need a port for `/metrics` and `/healthz`; `web` serves them on the HTTP port."""
    return [name for name, kind in workers(settings).items() if kind != "web"]


def processes(settings: Settings, ports: Mapping[str, int]) -> list[Program]:
    """All workers; `ports` are by their names. Raises as `workers` does."""
    return [
        _process(kind, name, settings.port if kind == "web" else ports[name], settings)
        for name, kind in workers(settings).items()
    ]


def environment(home: Home, settings: Settings) -> dict[str, str]:
    """What supervisord, and so every program, gets on top of the user's own environment."""
    return {
        **{server.setting.upper(): getattr(settings, server.setting) for server in SERVERS},
        "TIDINGS_HOME": str(home.root),
        "HOST": settings.host,
        "PORT": str(settings.port),
        "PYTHONPATH": str(CHECKOUT),
        MARK: str(home.root),
    }


def without_password(url: str) -> str:
    """A URL that can be shown."""
    parts = urlsplit(url)
    return url if parts.password is None else url.replace(f":{parts.password}@", ":***@", 1)


def _process(kind: str, name: str, port: int, settings: Settings) -> Program:
    return Program(
        name,
        "processes",
        (sys.executable, "-P", "-m", "deploy.process", kind),
        environment={"WORKER": name} | ({} if kind == "web" else {"METRICS_PORT": str(port)}),
        ports=(port,),
        stops_within=ceil(settings.drain) + FINISHING_SECONDS,
    )
