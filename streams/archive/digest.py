"""The digest of a partition's records, and of a log of several: the same for an audit and for an export. Pure."""

from collections.abc import Iterable
from hashlib import sha256


class PartitionDigest:
    """SHA-256 over a line `OFFSET KEYLENGTH VALUELENGTH`, the key and the value of each record, in their order."""

    def __init__(self) -> None:
        self._digest = sha256()

    def add(self, offset: int, key: bytes | None, value: bytes | None) -> None:
        """The next record."""
        known, told = key or b"", value or b""
        self._digest.update(b"%d %d %d\n%b%b" % (offset, len(known), len(told), known, told))

    def digest(self) -> bytes:
        """Of all so far."""
        return self._digest.digest()


def of_log(partitions: Iterable[bytes]) -> str:
    """Of the digests of all partitions, in the order of their numbers, in hexadecimal."""
    return sha256(b"".join(partitions)).hexdigest()
