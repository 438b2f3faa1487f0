"""Kafka 4 in KRaft mode: one node, broker and controller at once, small enough to share two cores with all the rest."""

import base64
import os
import re
import shutil
import subprocess
import uuid
from pathlib import Path
from textwrap import dedent

from deploy.stack.errors import Missing, StackError
from deploy.stack.home import Home
from deploy.stack.install import Say, cached, cached_folder, run
from deploy.stack.ports import LOOPBACK
from deploy.stack.program import Program
from deploy.stack.server import Ports
from streams.topics import MAX_RECORD_BYTES

HERE = Path(__file__).parent
POM = HERE / "pom.xml"
JAVA_VERSION = 17
FRUGAL = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""Measured at 5,000 records/s: 0.2 cores in the first 10 s and 0.11 after a minute, against 0.52 and 0.09 with the
optimising compiler, and 0.64 with G1 as well: compiling costs more than it saves in hours of a local stack's load."""


class Kafka:
    """A `Server`."""

    name = "kafka"
    title = "Kafka"
    setting = "kafka_url"
    port_names = ("kafka", "kafka-controller")

    def packages(self) -> dict[str, str]:
        """Java, and Maven as long as the jars are not there."""
        missing = {}
        if java() is None:
            missing["openjdk-17-jre-headless"] = f"Java {JAVA_VERSION} or newer for Kafka"
        if not cached_folder(POM).exists() and not shutil.which("mvn"):
            missing["maven"] = "to download Kafka"
        return missing

    def download(self, say: Say) -> None:
        """Kafka's jars, 43 MB."""
        jars(say)

    def program(self, home: Home, ports: Ports, say: Say) -> Program:
        """One Java process; its storage is formatted at the first start."""
        folder = home.server(self.name)
        (folder / "tmp").mkdir(exist_ok=True)
        properties = folder / "server.properties"
        properties.write_text(configuration(folder, ports))
        machine = java_command(folder, jars(say))
        if not (folder / "data" / "meta.properties").exists():
            _format(machine, properties)
        listens = tuple(ports[name] for name in self.port_names)
        command = (*machine, "kafka.Kafka", str(properties))
        return Program(self.name, "servers", command, ports=listens, folder=folder, stops_within=40)

    def url(self, ports: Ports) -> str:
        """The broker's listener."""
        return f"kafka://{LOOPBACK}:{ports['kafka']}"


def configuration(folder: Path, ports: Ports) -> str:
    """server.properties: no topic is made by accident, no offset expires, and all is on the disk within a second."""
    controller = f"{LOOPBACK}:{ports['kafka-controller']}"
    return dedent(f"""\
        process.roles=broker,controller
        node.id=1
        controller.quorum.voters=1@{controller}
        controller.listener.names=CONTROLLER
        listeners=PLAINTEXT://{LOOPBACK}:{ports["kafka"]},CONTROLLER://{controller}
        advertised.listeners=PLAINTEXT://{LOOPBACK}:{ports["kafka"]}
        listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
        log.dirs={folder / "data"}
        auto.create.topics.enable=false
        message.max.bytes={2 * MAX_RECORD_BYTES}
        log.flush.interval.ms=1000
        log.flush.scheduler.interval.ms=1000
        offsets.retention.minutes={10 * 365 * 24 * 60}
        offsets.topic.replication.factor=1
        offsets.topic.num.partitions=4
        transaction.state.log.replication.factor=1
        transaction.state.log.min.isr=1
        transaction.state.log.num.partitions=4
        share.coordinator.state.topic.replication.factor=1
        share.coordinator.state.topic.min.isr=1
        group.initial.rebalance.delay.ms=0
        num.network.threads=2
        num.io.threads=2
        background.threads=2
        num.recovery.threads.per.data.dir=2
        group.coordinator.threads=1
        log.cleaner.threads=1
        log.cleaner.dedupe.buffer.size={32 * 1024 * 1024}
        """)


def java_command(folder: Path, jar_folder: Path) -> tuple[str, ...]:
    """The Java machine with Kafka's classes and without files outside the folder."""
    found = java()
    if found is None:
        raise Missing(f"Java {JAVA_VERSION} or newer is not installed")
    return (
        str(found),
        *FRUGAL,
        "-XX:-UsePerfData",
        "-XX:+ExitOnOutOfMemoryError",
        f"-XX:ErrorFile={folder / 'hs_err_%p.log'}",
        f"-Djava.io.tmpdir={folder / 'tmp'}",
        "-Djava.net.preferIPv4Stack=true",
        f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}",
        "-cp",
        f"{jar_folder}/*",
    )


def java() -> Path | None:
    """The first Java that is new enough: JAVA_HOME's, the one on the PATH, or any that Debian installed."""
    places = [
        *([Path(os.environ["JAVA_HOME"]) / "bin" / "java"] if "JAVA_HOME" in os.environ else []),
        *([Path(found)] if (found := shutil.which("java")) else []),
        *sorted(Path("/usr/lib/jvm").glob("*/bin/java")),
    ]
    return next((place for place in places if place.exists() and java_version(place) >= JAVA_VERSION), None)


def java_version(program: Path) -> int:
    """The feature version of a Java machine, 0 if it does not tell."""
    told = subprocess.run([program, "-XX:-UsePerfData", "-version"], capture_output=True, text=True, check=False)
    version = re.search(r'version "(\d+)', told.stderr)
    return int(version.group(1)) if version else 0


def jars(say: Say) -> Path:
    """The folder of Kafka's jars, downloaded once for all stacks of this user."""
    command = ("mvn", "-B", "-ntp", "-C", "-f", str(POM), "dependency:copy-dependencies")
    return cached(POM, lambda into: run([*command, f"-DoutputDirectory={into}"], say))


def _format(machine: tuple[str, ...], properties: Path) -> None:
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    # With an equals sign, since an id may begin with a dash.
    command = [*machine, "kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "--config", str(properties)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StackError(f"Kafka's storage can't be formatted:\n{done.stdout}{done.stderr}")
