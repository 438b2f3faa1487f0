"""What a bench measured, as tables."""

from collections.abc import Mapping

from rich.table import Table

from deploy.bench.load import Answers
from deploy.bench.measure import MEBIBYTE, Stories, Usage
from deploy.bench.steady import Steady


def rates(answers: Answers | None, stories: Stories, elapsed: float) -> Table:
    """What was accepted and sent in the whole run, and how long it took; `elapsed` seconds."""
    table = Table(title="the whole run: start, load, and the tail of retries after it", show_header=False)
    if answers is not None:
        table.add_row("accepted/s (answered 201)", f"{len(answers.seconds) / answers.elapsed:,.0f}")
        table.add_row("refused, by status", str(answers.refused or "none"))
        table.add_row("POST p50 / p95 / p99", _percentiles(sorted(answers.seconds)))
    table.add_row("ended", f"{len(stories.sent):,} sent, {len(stories.failed):,} failed; {stories.events:,} events")
    table.add_row("sent/s, from the first request to the last sent", f"{stories.sent_per_second():,.0f}")
    for named, at_once in (("those sent by their first call", True), ("all, waits for retries included", False)):
        table.add_row(
            f"request to sent p50 / p95 / p99, {named}", _percentiles(stories.accept_to_sent(at_once=at_once))
        )
    table.add_row("retries late p50 / p95 / p99", _percentiles(sorted(stories.late)))
    table.add_row("all ended after", f"{elapsed:.1f} s")
    return table


def held(window: Steady | None, behind: Mapping[str, int]) -> Table:
    """What the system held under load; `behind`: events that read models had before them at its end, by group."""
    table = Table(title="under load: from its warm-up until the last request was accepted", show_header=False)
    if window is None:
        table.add_row("nothing to tell", "all requests came in one moment: ask for more of them")
        return table
    table.add_row("seconds", f"{window.seconds:.1f}")
    table.add_row("requests/s, by the time of the request", f"{window.requests / window.seconds:,.0f}")
    table.add_row("ended/s (sent or failed for good)", f"{window.final / window.seconds:,.0f}")
    table.add_row("sent/s", f"{window.sent / window.seconds:,.0f}")
    table.add_row("events/s, by when the log got them", f"{window.events / window.seconds:,.0f}")
    waited = " > ".join(f"{count:,}" for count in window.open)
    table.add_row("open, not counting waits for a retry's time: begin > ... > end", waited)
    lacking = ", ".join(f"{name} {count:,}" for name, count in behind.items())
    table.add_row("events that read models lack at the end, by group", lacking)
    table.add_row(
        "delivery kept up", f"{'yes' if window.held else 'NO'}: {window.share:.1%} as many ended as were asked for"
    )
    return table


def costs(before: dict[str, Usage], after: dict[str, Usage], count: int, machine: float) -> Table:
    """CPU and memory of each process in the whole run, and of one notification in `count`.

    `machine`: the CPU seconds of all that ran on it meanwhile; what is not ours is told, since figures suffer from it.
    """
    table = Table("process", "CPU s", "CPU us a notification", "memory MiB", title="costs of the whole run")
    total = 0.0
    for name, use in after.items():
        cpu = use.cpu - before[name].cpu if name in before else use.cpu
        total += cpu
        table.add_row(name, f"{cpu:.1f}", f"{cpu / count * 1e6:,.0f}", f"{use.memory / MEBIBYTE:,.0f}")
    table.add_row("all", f"{total:.1f}", f"{total / count * 1e6:,.0f}", "")
    table.add_row("others on the machine", f"{max(machine - total, 0):.1f}", "", "")
    return table


def _percentiles(values: list[float]) -> str:
    if not values:
        return "-"
    chosen = (values[min(len(values) - 1, int(len(values) * share))] for share in (0.5, 0.95, 0.99))
    return " / ".join(f"{value * 1000:,.0f}" for value in chosen) + " ms"
