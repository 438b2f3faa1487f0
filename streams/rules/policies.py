"""Limits that differ from the settings': for an actor, a recipient or a type, in force until set anew. Pure.

The more special one wins, limit by limit: the actor's over the recipient's over the type's over the settings'.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec

from streams.events import PolicyScope, PolicySet, Request
from streams.folding.rule import SHARED
from streams.rules.admission import Limits

ORDER: tuple[PolicyScope, ...] = ("type", "recipient", "actor")


class Policy(msgspec.Struct, frozen=True, array_like=True, tag="policy", gc=False):
    """As admit's table keeps it; `id` is that of the event that set it."""

    id: str
    version: int
    rate_limit: int | None = None
    rate_window: float | None = None
    dedupe_window: float | None = None


def key(scope: PolicyScope, about: str) -> bytes:
    """The table key."""
    return SHARED + f"{scope}:{about}".encode()


def concerning(request: Request) -> Iterator[bytes]:
    """The keys of the policies that may be in force for a request, the most special one last."""
    if request.activity is None:
        return
    personal = request.personal
    for scope, about in zip(ORDER, (request.activity, personal.recipient, personal.actor), strict=True):
        if about is not None:
            yield key(scope, about)


def evolve(policy: Policy | None, name: str, body: PolicySet) -> Policy:
    """The policy after the event of this id set it: the newest stands, in whatever order they come."""
    if policy is not None and policy.version > body.version:
        return policy
    return Policy(name, body.version, body.rate_limit, body.rate_window, body.dedupe_window)


def limits_under(limits: Limits, policies: Mapping[bytes, Policy], request: Request) -> tuple[Limits, tuple[str, ...]]:
    """The limits for a request, and the ids of the policies that make them differ from the settings'."""
    found = [policies[name] for name in concerning(request) if name in policies]
    differing = [policy for policy in found if _changes(policy)]
    return overlaid(limits, differing), tuple(policy.id for policy in differing)


def overlaid(limits: Limits, policies: Iterable[Policy]) -> Limits:
    """The limits with what these say instead, the last one last."""
    for policy in policies:
        limits = replace(limits, **_changes(policy))
    return limits


def _changes(policy: Policy) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if policy.rate_limit is not None:
        changes["rate_limit"] = policy.rate_limit
    if policy.rate_window is not None:
        changes["rate_window"] = timedelta(seconds=policy.rate_window)
    if policy.dedupe_window is not None:
        changes["dedupe_window"] = timedelta(seconds=policy.dedupe_window)
    return changes
