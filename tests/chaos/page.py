"""The rows of all runs in `docs/reliability/` in, `docs/reliability.md` out: `python -m tests.chaos.page`.

Each run is a file of JSON lines there; a fault that was run several times shows the range of its figures.
"""

import json
import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from tests.chaos.row import HOLE

DOCS = Path(__file__).parents[2] / "docs"
RUNS = DOCS / "reliability"
PAGE = DOCS / "reliability.md"
FRAME = Path(__file__).with_name("frame.md")
GIBIBYTE = 1024**3
Facts = dict[str, Any]

COLUMNS: dict[str, Callable[[Facts], Any]] = {
    "offered/s": lambda row: row["offered"],
    "accepted/s": lambda row: row["held"],
    "accepted": lambda row: row["accepted"],
    "sent": lambda row: row["sent"],
    "failed": lambda row: row["failed"],
    "lost": lambda row: len(row["lost"]),
    "lost, told": lambda row: row["told"],
    "doubled, explained": lambda row: row["explained"],
    "doubled, unexplained": lambda row: len(row["unexplained"]),
    "stall s": lambda row: row["stall"],
    "recovery s": lambda row: row["recovery"],
    "audit": lambda row: audit(row["audit"], holed=row["holed"]),
}


def page(runs: list[list[Facts]], frame: str) -> str:
    """The text of the page; rows stand in the order in which the first run had them."""
    faults: dict[str, list[Facts]] = {}
    for row in (row for run in runs for row in run):
        faults.setdefault(row["fault"], []).append(row)
    times = sorted(row["at"] for rows in faults.values() for row in rows)
    facts = {
        "runs": "One run" if len(runs) == 1 else f"{len(runs)} runs",
        "database": ", ".join(sorted({row["database"] for rows in faults.values() for row in rows})),
        "since": times[0] if times else "-",
        "until": times[-1] if times else "-",
        "machine": machine(),
        "table": table(faults),
        "harm": harm(faults),
    }
    for name, text in facts.items():
        frame = frame.replace(f"{{{name}}}", text)
    return frame


def table(faults: dict[str, list[Facts]]) -> str:
    """Markdown: a line a fault."""
    heads = ["fault", "runs", *COLUMNS]
    lines = [heads, ["---", *["--:"] * (len(heads) - 1)]]
    for fault, rows in faults.items():
        lines.append([fault, str(len(rows)), *(span([figure(row) for row in rows]) for figure in COLUMNS.values())])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def span(values: list[Any]) -> str:
    """One value if all are the same, else from the smallest to the largest; the different words if there are words."""
    numbers = [value for value in values if isinstance(value, int | float)]
    if len(numbers) < len(values):
        return ", ".join(sorted({"-" if value is None else str(value) for value in values}))
    low, high = f"{min(numbers):,}", f"{max(numbers):,}"
    return low if low == high else f"{low} - {high}"


def audit(told: Facts | None, *, holed: bool) -> str | None:
    """In a word."""
    if told is None:
        return None
    return "clean" if told["clean"] else "sees the hole" if holed and HOLE in told["kinds"] else "NOT CLEAN"


def harm(faults: dict[str, list[Facts]]) -> str:
    """What went wrong, as a list; one sentence if nothing did."""
    found = [
        f"- {fault} ({row['at']}): {what}: {count}, e.g. `{json.dumps(examples)[:200]}`"
        for fault, rows in faults.items()
        for row in rows
        for what, (count, examples) in row["harm"].items()
    ]
    return "\n".join(found) or "In none of these runs was anything lost, doubled without a word, or called unannounced."


def machine() -> str:
    """Processor, memory, kernel."""
    memory = psutil.virtual_memory().total / GIBIBYTE
    return f"{os.cpu_count()} cores ({_model()}), {memory:.0f} GiB of memory, Linux {platform.release()}"


def _model() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def read(folder: Path) -> list[list[Facts]]:
    """Every run's rows, the oldest run first."""
    return [[json.loads(line) for line in run.read_text().splitlines()] for run in sorted(folder.glob("*.jsonl"))]


if __name__ == "__main__":
    PAGE.write_text(page(read(RUNS), FRAME.read_text()))
