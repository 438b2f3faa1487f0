"""The socket's frames for the AsyncAPI document: a client's from their types, ours as `socket.frames` has them."""

from typing import Any, get_args

import msgspec

from gateway.live.changes import Change
from gateway.socket.frames import ClientFrame, ErrorCode
from streams.mailbox import Item

Json = dict[str, Any]
TEXT: Json = {"type": "string"}
POSITION: Json = {"type": "integer", "minimum": 0}
PAYLOAD = msgspec.json.schema_components([Item])[1]["Item"]
CLIENT = {str(frame.__struct_config__.tag): frame for frame in get_args(ClientFrame)}
"""What a client says, by its `type`."""
EXAMPLES: dict[str, Json] = {
    "AUTH": {"type": "AUTH", "userId": "user2", "epoch": "9d1f", "position": 41},
    "ACK": {"type": "ACK", "notificationId": "0d1f7a5e-8f0c-4a3e-9a57-3f0f8f6c2b11"},
    "SUBSCRIBE": {"type": "SUBSCRIBE"},
    "UNSUBSCRIBE": {"type": "UNSUBSCRIBE"},
    "AUTHENTICATED": {
        "type": "AUTHENTICATED",
        "userId": "user2",
        "epoch": "9d1f",
        "position": 42,
        "recovered": True,
    },
    "NOTIFICATION": {
        "type": "NOTIFICATION",
        "epoch": "9d1f",
        "position": 42,
        "payload": {
            "notificationId": "0d1f7a5e-8f0c-4a3e-9a57-3f0f8f6c2b11",
            "toUserId": "user2",
            "message": "Ada liked your post titled 'Tides of the North Sea'",
            "eventType": "LIKE",
            "timestamp": "2026-01-01T00:00:00.000Z",
            "status": "pending",
        },
    },
    "ACKNOWLEDGED": {"type": "ACKNOWLEDGED", "notificationId": "0d1f7a5e-8f0c-4a3e-9a57-3f0f8f6c2b11"},
    "SUBSCRIBED": {"type": "SUBSCRIBED", "notificationId": None},
    "STATUS": {
        "type": "STATUS",
        "notificationId": "0d1f7a5e-8f0c-4a3e-9a57-3f0f8f6c2b11",
        "status": "sent",
        "at": "2026-01-01T00:00:01.204Z",
    },
    "ERROR": {"type": "ERROR", "code": "not-authenticated", "message": "send AUTH first"},
}
"""One of each, as it goes over the wire."""
NAMES = list(EXAMPLES)


def messages() -> dict[str, Json]:
    """All frames by their `type`."""
    return {name: _message(name, schema) for name, schema in (_said() | _told()).items()}


def _said() -> dict[str, Json]:
    return {name: msgspec.json.schema_components([frame])[1][frame.__name__] for name, frame in CLIENT.items()}


def _told() -> dict[str, Json]:
    change = msgspec.json.schema_components([Change])[1]["Change"]
    error = {"code": {"enum": list(get_args(ErrorCode))}, "message": TEXT}
    authenticated = {"userId": TEXT, "epoch": TEXT, "position": POSITION, "recovered": {"type": "boolean"}}
    place = {"epoch": TEXT, "position": POSITION}
    return {
        "AUTHENTICATED": _frame("What waits follows; `recovered`: nothing was missed since then.", authenticated),
        "NOTIFICATION": _frame("Something for the user.", {"payload": PAYLOAD}, place),
        "ACKNOWLEDGED": _frame("To all sockets of the user.", {"notificationId": TEXT}),
        "SUBSCRIBED": _frame("What happens from now on is told.", {"notificationId": {"type": ["string", "null"]}}),
        "STATUS": change,
        "ERROR": _frame("The frame before was not taken; the socket lives on.", error),
    }


def _frame(about: str, fields: Json, more: Json | None = None) -> Json:
    return {"type": "object", "description": about, "properties": fields | (more or {}), "required": list(fields)}


def _message(name: str, schema: Json) -> Json:
    about = str(schema.get("description", name))
    fields = {"type": {"const": name}} | schema["properties"]
    required = ["type", *(field for field in schema.get("required", []) if field != "type")]
    return {
        "name": name,
        "title": name,
        "summary": about,
        "contentType": "application/json",
        "payload": {**schema, "properties": fields, "required": required},
        "examples": [{"name": name, "payload": EXAMPLES[name]}],
    }
