"""What the stack needs to know of a server it can start for itself."""

from collections.abc import Mapping
from typing import Protocol

from deploy.stack.home import Home
from deploy.stack.install import Say
from deploy.stack.program import Program

Ports = Mapping[str, int]


class Server(Protocol):
    """One of Kafka, RabbitMQ, Redis and MongoDB."""

    @property
    def name(self) -> str:
        """As in the setting: `name_url`."""

    @property
    def title(self) -> str:
        """For people."""

    @property
    def setting(self) -> str:
        """The field of `Settings` whose URL replaces the local server."""

    @property
    def port_names(self) -> tuple[str, ...]:
        """What it listens on; the first one is for clients."""

    def packages(self) -> dict[str, str]:
        """The Debian packages that are missing here, each with what it is for."""

    def download(self, say: Say) -> None:
        """Gets what Debian has not, once for all stacks of this user."""

    def program(self, home: Home, ports: Ports, say: Say) -> Program:
        """Writes the configuration, prepares an empty data folder, and tells how to run it."""

    def url(self, ports: Ports) -> str:
        """What clients connect to."""
