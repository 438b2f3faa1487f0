"""Builds the dashboard beside its sources, with npm: what the gateway serves at `/`.

Nothing is done twice: a stamp in `node_modules` says which lock file it was installed from, one in `dist` which sources
it was built from. The lock file names no registry and holds a hash of each package; no package runs a script.
"""

import fcntl
import hashlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from deploy.stack.errors import Missing
from deploy.stack.home import CHECKOUT
from deploy.stack.install import Say, debian_packages, run
from deploy.stack.report import Report

SOURCES = CHECKOUT / "gateway" / "dashboard"
MODULES, BUILT = SOURCES / "node_modules", SOURCES / "dist"
LOCKED = SOURCES / "package-lock.json"
OLDEST_NODE = 18
"""Debian 12's; the pinned versions of Vite and React's plugin are the last that take it."""
PURPOSE = "to build the dashboard"

Wanted = Literal["built", "checked"]
BUILDING: Wanted = "built"
"""What it takes to build."""
CHECKED: Wanted = "checked"
"""And to check and test it as well."""


def build_dashboard(report: Report) -> None:
    """Built when this returns, anew only if something changed. Raises `StackError`."""
    wanted = digest(sources())
    if stamp(BUILT) == wanted:
        return
    with _alone(), report.working("building the dashboard (about 20 s)"):
        if stamp(BUILT) == wanted:
            return
        _install(report.say, BUILDING)
        run(["npm", "--prefix", str(SOURCES), "run", "build"], report.say)
        (BUILT / ".stamp").write_text(wanted)
    report.done("dashboard")


def installed(report: Report, what: Wanted) -> Path:
    """The folder with the tools that npm installs. Raises `StackError`."""
    with _alone(), report.working("installing the dashboard's tools"):
        _install(report.say, what)
    return MODULES / ".bin"


def sources() -> list[Path]:
    """Every file that what is built depends on."""
    ignored = {MODULES, BUILT}
    top = [path for path in SOURCES.iterdir() if path not in ignored]
    files = [file for path in top for file in (path.rglob("*") if path.is_dir() else (path,)) if file.is_file()]
    return sorted(files)


def digest(files: list[Path]) -> str:
    """Names and contents."""
    found = hashlib.sha256()
    for file in files:
        found.update(f"{file.relative_to(SOURCES)}\0{file.stat().st_size}\0".encode())
        found.update(file.read_bytes())
    return found.hexdigest()


def stamp(folder: Path) -> str:
    """What was written there when it was complete."""
    try:
        return (folder / ".stamp").read_text()
    except FileNotFoundError:
        return ""


def _install(say: Say, what: Wanted) -> None:
    locked = hashlib.sha256(LOCKED.read_bytes()).hexdigest()
    if stamp(MODULES) in {f"{what} {locked}", f"{CHECKED} {locked}"}:
        return
    _require_node(say)
    less = ("--omit=dev",) if what == BUILDING else ()
    run(["npm", "--prefix", str(SOURCES), "ci", "--no-audit", "--no-fund", "--ignore-scripts", *less], say)
    (MODULES / ".stamp").write_text(f"{what} {locked}")


def _require_node(say: Say) -> None:
    """Raises `Missing` if Node.js is too old, or not there and not to be installed by us."""
    missing = {name: PURPOSE for name, program in (("nodejs", "node"), ("npm", "npm")) if shutil.which(program) is None}
    if missing:
        debian_packages(missing, say)
    told = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout
    version = re.match(r"v(\d+)\.", told)
    if version is None or int(version[1]) < OLDEST_NODE:
        raise Missing(
            f"expected Node.js {OLDEST_NODE} or newer {PURPOSE}, got {told.strip() or 'none that runs'}: "
            "install a newer one and put it on the PATH"
        )


@contextmanager
def _alone() -> Iterator[None]:
    """One at a time in this checkout."""
    with LOCKED.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
