"""One stack from nothing to serving, and back: servers, then what they must hold, then processes."""

import asyncio
import os
from collections.abc import Iterable

from deploy.declare import Mismatch, declare
from deploy.stack import leftovers, plan, ports, ready
from deploy.stack.errors import StackError
from deploy.stack.home import Home
from deploy.stack.install import debian_packages
from deploy.stack.plan import Facts
from deploy.stack.program import Group, Program, configuration
from deploy.stack.report import Report
from deploy.stack.supervision import Supervision
from projections.mongo.errors import Unavailable
from streams.exits import Refused
from streams.intake.amqp import Lost
from streams.settings import Settings


class Stack:
    """The stack of one home, as far as it is up. Unless it is detached, it ends with the program that started it."""

    def __init__(self, settings: Settings, report: Report, *, detached: bool = False) -> None:
        self.home = Home(settings.tidings_home)
        self.supervision = Supervision(self.home)
        self._settings = settings
        self._report = report
        self._detached = detached

    def start_servers(self) -> Settings:
        """Installs, configures and starts the servers; returns settings with their URLs once they answer.

        Raises `StackError`; then nothing is left running.
        """
        self.home.make()
        leftovers.end(self.home)
        with self._report.working("looking for servers"):
            programs = self._install()
        settings = plan.with_local_urls(self._settings, ports.recall(self.home.ports))
        self._configure(settings, programs)
        environment = {**os.environ, **plan.environment(self.home, settings)}
        self.supervision.launch(environment, outlives_us=self._detached)
        try:
            self._start("servers")
            with self._report.working("waiting for the servers"):
                outside = plan.external(self._settings)
                asyncio.run(ready.servers(self.home, settings, outside, self.supervision, self._report))
        except BaseException:
            self.stop()
            raise
        return settings

    def start_processes(self, settings: Settings) -> None:
        """Declares topics, queues and indexes, and starts the processes; returns when all of them work."""
        with self._report.working("declaring topics, queues and indexes"):
            try:
                asyncio.run(declare(settings))
            except (Mismatch, Lost, Refused, Unavailable) as error:
                raise StackError(f"topics, queues and indexes can't be declared: {error}") from error
        self._report.done("topics, queues and indexes")
        self._start("processes")
        with self._report.working("waiting for the processes"):
            ready.processes(self.home, settings, self.supervision)
        self._report.done("processes")

    def stop(self) -> bool:
        """Ends everything, processes first; returns whether there was anything."""
        was_up = self.supervision.pid() is not None
        self.supervision.stop()
        return leftovers.end(self.home) > 0 or was_up

    def _install(self) -> list[Program]:
        servers = plan.local(self._settings)
        missing = {package: purpose for server in servers for package, purpose in server.packages().items()}
        if missing:
            debian_packages(missing, self._report.say)
            self._report.done(f"installed {', '.join(sorted(missing))}")
        for server in servers:
            server.download(self._report.say)
        before = ports.recall(self.home.ports)
        names = [name for server in servers for name in server.port_names] + plan.health_ports(self._settings)
        assigned = ports.assign(self.home.ports, names)
        for name in ports.moved(before, assigned):
            self._report.warn(f"port {before[name]} of {name} is taken by another program: moved to {assigned[name]}")
        return [server.program(self.home, assigned, self._report.say) for server in servers]

    def _configure(self, settings: Settings, servers: Iterable[Program]) -> None:
        programs = [*servers, *plan.processes(settings, ports.recall(self.home.ports))]
        self.home.supervisor_config.write_text(configuration(self.home, programs))
        urls = {server.setting: getattr(settings, server.setting) for server in plan.SERVERS}
        listening = {program.name: list(program.ports) for program in programs}
        Facts(settings.host, settings.port, urls, plan.external(self._settings), listening).save(self.home)

    def _start(self, group: Group) -> None:
        for state in self.supervision.states():
            if state.group == group and state.pid is None:
                self.supervision.start(state)
