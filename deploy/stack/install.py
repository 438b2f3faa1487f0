"""Getting what is missing: Debian packages, and folders of downloaded files that all stacks of a user share."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from deploy.stack.errors import Missing, StackError

Say = Callable[[str], None]
"""Shows the user one line of progress, in place of the one before."""
APT_ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive"}
APT = ("apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300")
POLICY = Path("/usr/sbin/policy-rc.d")
"""While this answers 101, Debian's packages start no service."""
UNIT_FOLDER = Path("/lib/systemd/system")
UNITS = ("redis-server.service", "rabbitmq-server.service", "epmd.service", "epmd.socket")
TAIL = 15


def debian_packages(missing: Mapping[str, str], say: Say) -> None:
    """Installs Debian packages, given with what each is for. Raises `Missing` where that can't be done here."""
    command = f"apt-get install -y --no-install-recommends {' '.join(sorted(missing))}"
    needs = ", ".join(f"{package} ({purpose})" for package, purpose in sorted(missing.items()))
    if shutil.which("apt-get") is None:
        raise Missing(f"not installed: {needs}. Install them, or set the URL of servers you have (KAFKA_URL, ...)")
    if os.geteuid() != 0:
        raise Missing(f"not installed: {needs}. Run:\n  sudo {command}")
    with _services_left_alone():
        run([*APT, "update"], say, APT_ENVIRONMENT)
        run([*APT, "install", "--no-install-recommends", *sorted(missing)], say, APT_ENVIRONMENT)


@contextmanager
def _services_left_alone() -> Iterator[None]:
    """What is installed meanwhile starts no system service, now or at boot; what was there before stays as it is."""
    before = [unit for unit in UNITS if (UNIT_FOLDER / unit).exists()]
    ours = not POLICY.exists()
    if ours:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        yield
    finally:
        if ours:
            POLICY.unlink()
        new = [unit for unit in UNITS if unit not in before and (UNIT_FOLDER / unit).exists()]
        if new and shutil.which("systemctl"):
            subprocess.run(["systemctl", "disable", *new], check=True, capture_output=True)


def cached(lock_file: Path, make: Callable[[Path], None]) -> Path:
    """The shared folder that `make` fills according to a lock file; made once for each content of that file."""
    folder = cached_folder(lock_file)
    if folder.exists():
        return folder
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            unfinished = Path(mkdtemp(prefix=f"{folder.name}-", dir=cache()))
            try:
                make(unfinished)
                unfinished.rename(folder)
            except BaseException:
                shutil.rmtree(unfinished)
                raise
    return folder


def cached_folder(lock_file: Path) -> Path:
    """Where `cached` puts it."""
    digest = hashlib.sha256(lock_file.read_bytes()).hexdigest()[:16]
    return cache() / f"{lock_file.parent.name}-{digest}"


def cache() -> Path:
    """Where downloads are kept for all stacks of this user."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "tidings"


def run(command: Sequence[str], say: Say, environment: Mapping[str, str] | None = None) -> None:
    """Runs an installer, showing its latest line. Raises `StackError` with its last lines if it fails."""
    say(" ".join(command))
    lines: list[str] = []
    with subprocess.Popen(
        command,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as installer:
        for line in installer.stdout or ():
            lines.append(line.rstrip())
            say(lines[-1])
    if installer.returncode != 0:
        tail = "\n".join(f"  {line}" for line in lines[-TAIL:])
        raise StackError(f"`{' '.join(command)}` failed with exit code {installer.returncode}:\n{tail}")


def first_on_path(names: Iterable[str]) -> Path | None:
    """The first of these programs that can be run."""
    for name in names:
        found = shutil.which(name)
        if found:
            return Path(found)
    return None
