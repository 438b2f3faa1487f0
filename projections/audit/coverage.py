"""Which requests have an outcome: a bit for each offset of a partition of `notification-requests`. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from streams.events import Origin


class Bits:
    """A growing set of offsets, at a bit each."""

    def __init__(self) -> None:
        self._bytes = bytearray(1024)

    def add(self, number: int) -> bool:
        """False if it was in the set before."""
        place, bit = number >> 3, 1 << (number & 7)
        if place >= len(self._bytes):
            self._bytes.extend(bytes(max(place + 1 - len(self._bytes), len(self._bytes))))
        if self._bytes[place] & bit:
            return False
        self._bytes[place] |= bit
        return True

    def number(self) -> int:
        """The set as one number, whose bit n says whether n is in it."""
        return int.from_bytes(self._bytes, "little")


class Coverage:
    """Outcomes by request partition; those of redeliveries are kept apart from decisions."""

    def __init__(self) -> None:
        self._bits: dict[tuple[bool, int], Bits] = {}

    def add(self, origin: Origin, *, redelivery: bool) -> bool:
        """False if the request had an outcome of this sort before."""
        return self._bits.setdefault((redelivery, origin.partition), Bits()).add(origin.offset)

    def numbers(self) -> list[tuple[int, int]]:
        """(request partition, its offsets as one number)."""
        return [(partition, bits.number()) for (_, partition), bits in self._bits.items()]


class Covered(NamedTuple):
    """Of one request partition: offsets with an outcome, and those with more than one."""

    once: int
    twice: int


def combined(parts: Iterable[tuple[int, int]]) -> dict[int, Covered]:
    """What several parts of the log cover together, by request partition."""
    covered: dict[int, Covered] = {}
    for partition, number in parts:
        once, twice = covered.get(partition, Covered(0, 0))
        covered[partition] = Covered(once | number, twice | (once & number))
    return covered


def below(end: int) -> int:
    """All offsets before this one."""
    return (1 << max(end, 0)) - 1


def between(first: int, until: int) -> int:
    """The offsets from `first` up to `until`, exclusive."""
    return below(until) & ~below(first)


def single(offsets: Iterable[int]) -> int:
    """These offsets."""
    bits = Bits()
    for offset in offsets:
        bits.add(offset)
    return bits.number()


def runs(number: int, most: int) -> Iterator[tuple[int, int]]:
    """The first runs of offsets in a set, each as first and last."""
    for _ in range(most):
        if not number:
            return
        first = (number & -number).bit_length() - 1
        length = (~(number >> first) & ((number >> first) + 1)).bit_length() - 1
        yield first, first + length - 1
        number &= ~between(first, first + length)


def count(numbers: Mapping[int, int]) -> int:
    """How many offsets there are in all partitions."""
    return sum(number.bit_count() for number in numbers.values())
