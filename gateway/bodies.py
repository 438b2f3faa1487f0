"""The body of a request in, what it says or what is wrong with it out. Pure."""

from typing import TypeVar

import msgspec

from gateway.query import Wrong

BodyT = TypeVar("BodyT")


def decoded(raw: bytes, kind: type[BodyT], most: int, expected: str = "") -> BodyT:
    """What JSON of `most` bytes says. Raises `Wrong`, with what is `expected` before what came."""
    if len(raw) > most:
        raise Wrong({"body": f"must not have more than {most} bytes"})
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Wrong({"body": f"{expected}{error}"}) from error
