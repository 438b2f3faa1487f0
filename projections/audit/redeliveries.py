"""What an audit remembers of one notification's redeliveries: each that was asked for must have been decided. Pure."""

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from projections.audit.coverage import below
from streams.events import Body, Queued, RedeliveryRefused, RedeliveryRequested


class Redeliveries(Struct, frozen=True):
    """`asked` and `decided` by name, `begun` the dispatches that they began with: bit n for dispatch n."""

    asked: frozenset[str] = frozenset()
    decided: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    begun: int = 0

    @property
    def open(self) -> frozenset[str]:
        """Asked for, and neither begun nor refused."""
        return self.asked - self.decided

    def knows(self, body: Body) -> bool:
        """Whether it is one that came before, and is written again."""
        match body:
            case RedeliveryRequested(name):
                return name in self.asked
            case RedeliveryRefused(name):
                return name in self.refused
            case _:
                return False

    def after(self, body: Body, most: int) -> "Redeliveries":
        """With this event; dispatches above `most` count as that one."""
        match body:
            case RedeliveryRequested(name):
                return replace(self, asked=self.asked | {name})
            case RedeliveryRefused(name):
                return replace(self, decided=self.decided | {name}, refused=self.refused | {name})
            case Queued(dispatch, _, str() as name):
                return replace(self, decided=self.decided | {name}, begun=self.begun | 1 << min(dispatch, most))
            case _:
                return self

    def deliveries(self) -> Iterator[int]:
        """The dispatches of each delivery as a set of bits: the first one's, then each redelivery's."""
        before = 0
        for dispatch in range(self.begun.bit_length()):
            if self.begun >> dispatch & 1:
                yield below(dispatch) & ~before
                before = below(dispatch)
        yield ~before


NONE = Redeliveries()
