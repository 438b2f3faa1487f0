"""What goes over a socket: a client's text in, its frame out; what we tell it, as text. Pure.

The frames AUTH, ACK and NOTIFICATION are the reference's, so its clients work unchanged; they ignore what is new.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

Id = Annotated[str, Meta(min_length=1, max_length=512)]
ErrorCode = Literal[
    "malformed",
    "unknown-type",
    "not-authenticated",
    "already-authenticated",
    "refused",
    "unknown-notification",
    "unavailable",
]


class Auth(Struct, frozen=True, rename="camel", tag="AUTH"):
    """Who it is. With the epoch and position of the last frame that had them, a client resumes where it was."""

    user_id: Id
    token: str | None = None
    epoch: str = ""
    position: Annotated[int, Meta(ge=0)] = 0


class Ack(Struct, frozen=True, rename="camel", tag="ACK"):
    """The user has seen it."""

    notification_id: Id


class Subscribe(Struct, frozen=True, rename="camel", tag="SUBSCRIBE"):
    """Tell me of status changes: of one notification, or of all."""

    notification_id: Id | None = None


class Unsubscribe(Struct, frozen=True, rename="camel", tag="UNSUBSCRIBE"):
    """Enough of them."""

    notification_id: Id | None = None


ClientFrame = Auth | Ack | Subscribe | Unsubscribe


class Faulty(ValueError):
    """A text that is no frame."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code: ErrorCode = code


class _Tag(Struct):
    type: str


_decoder: msgspec.json.Decoder[ClientFrame] = msgspec.json.Decoder(ClientFrame)
_encode = msgspec.json.encode


def read(text: bytes) -> ClientFrame:
    """The frame in a client's text. Raises `Faulty`."""
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _fault(text, error) from error


def _fault(text: bytes, error: Exception) -> Faulty:
    try:
        kind = msgspec.json.decode(text, type=_Tag).type
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Faulty("malformed", f"expected a JSON object with a type, got {text[:80]!r}")
    known = [str(frame.__struct_config__.tag) for frame in (Auth, Ack, Subscribe, Unsubscribe)]
    if kind not in known:
        return Faulty("unknown-type", f"expected a type of {', '.join(known)}, got {kind[:80]!r}")
    return Faulty("malformed", f"{kind}: {error}")


def authenticated(user: str, epoch: str, position: int, *, recovered: bool) -> bytes:
    """`recovered`: nothing was missed since the position the client named. Without an epoch there is no place yet."""
    frame = {"type": "AUTHENTICATED", "userId": user, "epoch": epoch, "position": position, "recovered": recovered}
    return _encode(frame)


def notification(payload: bytes, epoch: str = "", position: int = 0) -> bytes:
    """`payload` is JSON. With an epoch it is a place: this client has been told all there is up to that position."""
    place = b',"epoch":%b,"position":%d' % (_encode(epoch), position) if epoch else b""
    return b'{"type":"NOTIFICATION"%b,"payload":%b}' % (place, payload)


def acknowledged(notification_id: str) -> bytes:
    """To all sockets of the user."""
    return _encode({"type": "ACKNOWLEDGED", "notificationId": notification_id})


def subscribed(notification_id: str | None) -> bytes:
    """What happens from now on will be told: what was before can be read."""
    return _encode({"type": "SUBSCRIBED", "notificationId": notification_id})


def error(code: ErrorCode, message: str) -> bytes:
    """The socket lives on."""
    return _encode({"type": "ERROR", "code": code, "message": message})
