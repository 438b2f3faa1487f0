"""Causes and effects as a tree for a terminal. Pure.

What led to one thing only stands above it, without a step to the side, since stories are mostly long chains; where one
thing led to several, each has its own consequences below it.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from rich.markup import escape
from rich.tree import Tree

from projections.past.why import Policy, Step, Why

COLOURS = {"sent": "green", "acknowledged": "green", "failed": "red", "send-failed": "yellow", "send-lost": "red"}
LEFT_OUT = ("dispatch", "deadline", "attempts", "notBefore", "obligation")
"""Details that are told in another way, or follow from the rest."""
SECOND = 1000
"""Milliseconds."""


def tree(told: Why) -> Tree:
    """All of it."""
    top = Tree(f"[bold]{escape(told.id)}[/] is [bold]{told.status}[/], after {_span(told.took_ms)}")
    for policy in told.policies:
        top.add(_policy(policy))
    known = {step.id for step in told.steps}
    effects = defaultdict[str, list[Step]](list)
    for step in told.steps:
        if step.cause in known:
            effects[step.cause or ""].append(step)
    for step in told.steps:
        if step.cause not in known:
            _grow(top, step, effects)
    return top


def _grow(branch: Tree, step: Step, effects: Mapping[str, Sequence[Step]]) -> None:
    node, led_to = branch.add(_label(step)), effects.get(step.id, ())
    while len(led_to) == 1:
        (step,) = led_to
        node, led_to = branch.add(_label(step)), effects.get(step.id, ())
    for each in led_to:
        head = node.add(_label(each))
        for one in effects.get(each.id, ()):
            _grow(head, one, effects)


def _label(step: Step) -> str:
    colour = COLOURS.get(step.event, "bold")
    dispatch = f" {step.details['dispatch']}" if "dispatch" in step.details else ""
    passed = "" if step.after_ms is None else f"+{_span(step.after_ms)} {step.spent or ''}".rstrip()
    late = "" if step.late_ms is None else f"{_span(step.late_ms)} late"
    by = " ".join(filter(None, (step.worker and f"worker {step.worker}", step.provider)))
    rest = [f"{name} {value}" for name, value in step.details.items() if name not in LEFT_OUT]
    parts = [part for part in (passed, late, by, *rest) if part]
    told = f"[dim]{step.at[11:-1]}[/] [{colour}]{step.event}{dispatch}[/]"
    return told + "".join(f" · {escape(part)}" for part in parts)


def _policy(policy: Policy) -> str:
    limits = {
        "at most": policy.rate_limit,
        "in s": policy.rate_window,
        "once in s": policy.dedupe_window,
    }
    told = ", ".join(f"{name} {value:g}" for name, value in limits.items() if value is not None)
    return escape(f"policy for the {policy.scope} {policy.about}, set {policy.since}: {told or 'not known any more'}")


def _span(milliseconds: int) -> str:
    return f"{milliseconds} ms" if abs(milliseconds) < SECOND else f"{milliseconds / SECOND:,.3f} s"
