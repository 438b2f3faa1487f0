"""What a bench measured, as tables."""

from rich.table import Table

from deploy.bench.load import Answers
from deploy.bench.measure import MEBIBYTE, Stories, Usage


def rates(answers: Answers | None, stories: Stories, elapsed: float) -> Table:
    """What was accepted and sent, and how long it took; `elapsed` seconds."""
    table = Table(title="rates and times", show_header=False)
    if answers is not None:
        table.add_row("accepted/s", f"{len(answers.seconds) / answers.elapsed:,.0f}")
        table.add_row("refused, by status", str(answers.refused or "none"))
        table.add_row("POST p50 / p95 / p99", _percentiles(sorted(answers.seconds)))
    table.add_row("sent", f"{len(stories.sent):,}, failed {len(stories.failed):,}")
    table.add_row("sent/s", f"{stories.sent_per_second():,.0f}")
    table.add_row("events/s", f"{stories.events / elapsed:,.0f} ({stories.events:,} events)")
    table.add_row("accept to sent p50 / p95 / p99", _percentiles(stories.accept_to_sent()))
    table.add_row("retries late p50 / p95 / p99", _percentiles(sorted(stories.late)))
    table.add_row("all ended after", f"{elapsed:.1f} s")
    return table


def costs(before: dict[str, Usage], after: dict[str, Usage], count: int) -> Table:
    """CPU and memory of each process, and of one notification in `count`."""
    table = Table("process", "CPU s", "CPU us a notification", "memory MiB", title="costs")
    total = 0.0
    for name, use in after.items():
        cpu = use.cpu - before[name].cpu if name in before else use.cpu
        total += cpu
        table.add_row(name, f"{cpu:.1f}", f"{cpu / count * 1e6:,.0f}", f"{use.memory / MEBIBYTE:,.0f}")
    table.add_row("all", f"{total:.1f}", f"{total / count * 1e6:,.0f}", "")
    return table


def _percentiles(values: list[float]) -> str:
    if not values:
        return "-"
    chosen = (values[min(len(values) - 1, int(len(values) * share))] for share in (0.5, 0.95, 0.99))
    return " / ".join(f"{value * 1000:,.0f}" for value in chosen) + " ms"
