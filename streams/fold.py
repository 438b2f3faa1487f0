"""Folds one input topic into a table and emits what the rule decides, without loss and repeatable by id.

(first version: the interface holds, the inside is being written)
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic

import faust

from streams import clock
from streams.kafka import Publisher
from streams.rule import Incoming, Reaction, Rule, StateT

__all__ = ["Counts", "Fold", "Incoming", "Reaction", "Rule"]

RefuseFresh = Callable[[int], Awaitable[str | None]]
"""Given a partition that was never folded: why it must not be started afresh, or None if it may."""


@dataclass
class Counts:
    """What a /metrics endpoint reads; all but `lag` and `applied` only grow."""

    events: int = 0
    dead_letters: int = 0
    stale: int = 0
    repeated: int = 0
    guarded: int = 0
    forgotten: int = 0
    batches: int = 0
    commands: int = 0
    applied: dict[int, int] = field(default_factory=dict)
    """By partition: the offset up to which events are folded."""
    lag: dict[int, int] = field(default_factory=dict)
    """By partition: records on the topic that are not folded yet."""
    watermark: dict[int, datetime] = field(default_factory=dict)
    """By partition: the newest event time folded."""


class Fold(Generic[StateT]):
    """One stateful processor: `rule` folds the `source` topic within Faust app `app`.

    `partitions` is the source's (and the changelog's) partition count; `refuse_fresh` may veto a first start.
    """

    def __init__(  # noqa: PLR0913 - a composition root's call: each part is named there
        self,
        app: faust.App,
        *,
        source: str,
        rule: Rule[StateT],
        publisher: Publisher,
        partitions: int,
        stage: str = "",
        refuse_fresh: RefuseFresh | None = None,
        accept_gaps: bool = False,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self.counts = Counts()
