"""RabbitMQ: Debian's `rabbitmq-server` as a private node of the current user, without epmd, plugins or management.

The distribution port is fixed and epmd is never asked, so that nothing is left behind when the node stops and any
number of nodes with the same name live side by side.
"""

from pathlib import Path
from textwrap import dedent

from deploy.stack.errors import Missing
from deploy.stack.home import Home
from deploy.stack.install import Say, first_on_path
from deploy.stack.ports import LOOPBACK
from deploy.stack.program import Program
from deploy.stack.server import Ports

NODE = f"tidings@{LOOPBACK}"
SCRIPTS = ("/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server")
"""The first one is the real script on Debian, whose command on the PATH insists on the user `rabbitmq`."""
HUNDRED_YEARS_MS = 100 * 365 * 24 * 3600 * 1000


class RabbitMQ:
    """A `Server`."""

    name = "rabbitmq"
    title = "RabbitMQ"
    setting = "rabbitmq_url"
    port_names = ("rabbitmq", "rabbitmq-node")

    def packages(self) -> dict[str, str]:
        """`rabbitmq-server`, unless it is there."""
        return {} if first_on_path(SCRIPTS) else {"rabbitmq-server": self.title}

    def download(self, say: Say) -> None:
        """Nothing."""

    def program(self, home: Home, ports: Ports, say: Say) -> Program:  # noqa: ARG002 - nothing to report
        """The Erlang machine itself: the script replaces itself with it."""
        script = first_on_path(SCRIPTS)
        if script is None:
            raise Missing("rabbitmq-server is not installed")
        folder = home.server(self.name)
        (folder / "rabbitmq.conf").write_text(configuration(ports))
        (folder / "enabled_plugins").write_text("[].\n")
        return Program(
            self.name,
            "servers",
            (str(script),),
            environment=environment(folder, ports),
            ports=(ports["rabbitmq"], ports["rabbitmq-node"]),
            folder=folder,
            stops_within=30,
        )

    def url(self, ports: Ports) -> str:
        """The default user, which RabbitMQ lets in over loopback only."""
        return f"amqp://guest:guest@{LOOPBACK}:{ports['rabbitmq']}/"


def configuration(ports: Ports) -> str:
    """rabbitmq.conf."""
    return dedent(f"""\
        listeners.tcp.1 = {LOOPBACK}:{ports["rabbitmq"]}
        consumer_timeout = {HUNDRED_YEARS_MS}
        disk_free_limit.absolute = 64MB
        log.console = true
        log.console.level = warning
        log.file = false
        """)


def environment(folder: Path, ports: Ports) -> dict[str, str]:
    """Keeps the node off everything that belongs to the machine's own RabbitMQ, and off the processors when idle."""
    erlang = (
        f"+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none -name {NODE} -start_epmd false "
        f"-erl_epmd_port {ports['rabbitmq-node']} -kernel inet_dist_use_interface {{127,0,0,1}}"
    )
    return {
        "HOME": str(folder),
        # Makes the script exec the Erlang machine, so that signals and the exit code are its own.
        "RUNNING_UNDER_SYSTEMD": "true",
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_PID_FILE": str(folder / "node.pid"),
        "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "generated"),
        "RABBITMQ_NODENAME": NODE,
        "RABBITMQ_USE_LONGNAME": "true",
        "RABBITMQ_DIST_PORT": str(ports["rabbitmq-node"]),
        "RABBITMQ_SCHEDULER_BIND_TYPE": "u",
        "RABBITMQ_IO_THREAD_POOL_SIZE": "16",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": erlang,
        "ERL_CRASH_DUMP": str(folder / "erl_crash.dump"),
    }
