"""The body of a request in, what it says or what is wrong with it out. Pure."""

from typing import TypeVar

import msgspec

from gateway.query import Wrong

BodyT = TypeVar("BodyT", bound=msgspec.Struct)


class TooLarge(Exception):
    """More bytes than that."""

    def __init__(self, most: int) -> None:
        super().__init__(f"the body must not have more than {most} bytes")


def decoded(raw: bytes, kind: type[BodyT], most: int) -> BodyT:
    """What JSON of `most` bytes says. Raises `TooLarge`; `Wrong`, with the fields that are known before what came."""
    if len(raw) > most:
        raise TooLarge(most)
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        known = ", ".join(kind.__struct_encode_fields__)
        raise Wrong({"body": f"must be an object with {known}: {error}"}) from error
