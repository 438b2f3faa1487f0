"""`whatif`: what would have become of the recorded requests under other settings; an estimate that sends nothing."""

import json as json_
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deploy.admin.watching import watched
from deploy.commands.options import Json, time_option
from deploy.stack.environment import running_settings
from streams.clock import iso
from streams.counted import counted
from streams.events import ACTIVITIES, PolicyScope, PolicySet
from streams.rules.retry import RetryPolicy
from streams.settings import Settings

if TYPE_CHECKING:
    from projections.whatif.report import Report
    from projections.whatif.shadow import Rules

NAMES = {"rate-limit": int, "rate-window": float, "dedupe-window": float}
FORM = "SCOPE/ABOUT:NAME=VALUE,... such as type/LIKE:rate-limit=5,dedupe-window=60"
POLICY = f"{FORM}; without limits it lifts the recorded one; may be repeated."
DOUBTFUL = 0.01
"""From this share of notifications on that the model gets wrong, its report says so first."""
HINT = "limits or retries may have been others then: give the settings of then in the environment"


def imposed(text: str) -> PolicySet:
    """A policy as `--policy` has it; without limits it lifts the recorded one. Raises typer's `BadParameter`."""
    subject, _, limits = text.partition(":")
    scope, _, about = subject.partition("/")
    if scope not in get_args(PolicyScope) or not about or (scope == "type" and about not in ACTIVITIES):
        raise typer.BadParameter(f"expected {FORM}; a scope is type, recipient or actor; got {text!r}")
    found: dict[str, Any] = {}
    for name, _, value in (part.partition("=") for part in limits.split(",") if part):
        try:
            found[name.replace("-", "_")] = NAMES[name](value)
        except (KeyError, ValueError) as error:
            raise typer.BadParameter(f"expected {FORM}, with {', '.join(NAMES)}; got {text!r}") from error
    return PolicySet(scope, about, 0, **found)  # type: ignore[arg-type]


def whatif(  # noqa: PLR0913 - each is an option of its own
    *,
    since: Annotated[datetime | None, time_option("Requested then or later", "--from")] = None,
    until: Annotated[datetime | None, time_option("Requested before then", "--to")] = None,
    retry_policy: Annotated[RetryPolicy | None, typer.Option(help="As RETRY_POLICY.")] = None,
    retry_step: Annotated[float | None, typer.Option(min=0.001, help="Seconds, as RETRY_STEP.")] = None,
    retry_longest: Annotated[float | None, typer.Option(min=0.001, help="Seconds, as RETRY_LONGEST.")] = None,
    max_attempts: Annotated[int | None, typer.Option(min=1, help="As MAX_ATTEMPTS.")] = None,
    rate_limit: Annotated[int | None, typer.Option(min=1, help="As RATE_LIMIT.")] = None,
    rate_window: Annotated[float | None, typer.Option(min=0.001, help="Seconds, as RATE_WINDOW.")] = None,
    dedupe_window: Annotated[float | None, typer.Option(min=0.001, help="Seconds, as DEDUPE_WINDOW.")] = None,
    policy: Annotated[list[PolicySet] | None, typer.Option(parser=imposed, metavar="POLICY", help=POLICY)] = None,
    json: Json = False,
) -> None:
    """Run the recorded requests through the rules with other settings; tell what would have come. Nothing is sent."""
    given = {
        "retry_policy": retry_policy,
        "retry_step": retry_step,
        "retry_longest": retry_longest,
        "max_attempts": max_attempts,
        "rate_limit": rate_limit,
        "rate_window": rate_window,
        "dedupe_window": dedupe_window,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    report = run(running_settings(), changes, tuple(policy or ()), (since, until), Console(stderr=True))
    tried = changes | {f"policy {one.scope}/{one.about}": _limits(one) for one in policy or ()}
    if json:
        span = {"from": since and iso(since), "to": until and iso(until)}
        typer.echo(json_.dumps({**span, "tried": tried, **report.to_json()}, indent=2))
    else:
        show(report, tried, Console())


def run(
    settings: Settings,
    changes: dict[str, Any],
    policies: tuple[PolicySet, ...],
    span: tuple[datetime | None, datetime | None],
    console: Console,
) -> "Report":
    """The report, with a progress bar. `changes` are settings by name. Raises `StackError`."""
    from deploy.admin.asking import ask
    from projections.audit.bounds import NoLog
    from projections.whatif.whatif import Question, what_if

    others = settings.model_copy(update=changes)
    question = Question(*span, _rules(settings), _rules(others, changes.get("max_attempts"), policies))
    with watched(console) as watcher:
        return ask(what_if(settings.kafka_url, question, watcher), NoLog)


def _rules(settings: Settings, attempts: int | None = None, policies: tuple[PolicySet, ...] = ()) -> "Rules":
    from projections.whatif.shadow import Rules

    return Rules(settings.limits, settings.retry, attempts, policies)


def show(report: "Report", tried: dict[str, Any], console: Console) -> None:
    """The three sides, what changes for how many, and how far to believe it."""
    from projections.whatif.report import LABEL

    told = report.to_json()
    if report.error >= DOUBTFUL:
        console.print(f"[yellow]![/yellow] the model gets {report.error:.1%} of the notifications wrong: {HINT}")
    title = ", ".join(f"{name} {value}" for name, value in tried.items()) or "the settings as they are"
    table = Table("", "as recorded", "recomputed", "what if", "changes by", title=escape(f"what if: {title}"))
    for name, was, known, other in _lines(*told["sides"].values()):
        table.add_row(name, _number(was), _number(known), _number(other), _difference(known, other))
    console.print(table)
    for each in told["changed"]:
        console.print(
            f"{each['from']} -> {each['to']}: {counted(each['notifications'], 'notification')}", highlight=False
        )
    sides = report.recomputed, report.tried
    calls = counted(sides[1].assumed, "call")
    console.print(f"This is {LABEL}.", highlight=False, soft_wrap=True)
    console.print(
        f"Assumed: what came of {calls} that no record has, of {counted(sides[1].resting, 'notification')} "
        f"({sides[0].assumed:,} when recomputed), by recorded calls of the same lane; failure rates: {_rates(report)}.",
        highlight=False,
        soft_wrap=True,
    )
    console.print(
        f"Model error: {told['modelError']['notifications']:,} of "
        f"{counted(report.recorded.ends.total(), 'notification')} would end otherwise when recomputed. "
        f"{counted(report.events, 'event')} read in {report.seconds:.1f} s.",
        highlight=False,
        soft_wrap=True,
    )


def _lines(*sides: dict[str, Any]) -> list[tuple[str, Any, Any, Any]]:
    flat = [
        {
            "requests": side["requests"],
            "accepted": side["accepted"],
            **{f"suppressed: {reason}": count for reason, count in side["suppressed"].items()},
            "sent": side["sent"],
            "failed": side["failed"],
            "withheld": side["withheld"],
            "open": side["open"],
            "provider calls": side["calls"],
            "failed attempts": side["failedAttempts"],
            **{f"request to sent {name}, ms": value for name, value in side["latencyMs"].items()},
        }
        for side in sides
    ]
    return [(name, *(side[name] for side in flat)) for name in flat[0]]


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _difference(known: int | None, other: int | None) -> str:
    return "" if known is None or other is None or known == other else f"{other - known:+,}"


def _rates(report: "Report") -> str:
    return ", ".join(f"{channel} {rate:.1%}" for channel, rate in report.failure_rates.items()) or "none recorded"


def _limits(policy: PolicySet) -> str:
    told = {name: getattr(policy, name.replace("-", "_")) for name in NAMES}
    return ",".join(f"{name}={value:g}" for name, value in told.items() if value is not None) or "lifted"
