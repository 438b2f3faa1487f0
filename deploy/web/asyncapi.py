"""The AsyncAPI 3 document: every topic, queue and socket frame, made from the types that read and write them.

Served at `/asyncapi.json` and shown at `/docs`. `python -m deploy.web.asyncapi` prints it.
"""

from collections.abc import Iterable
from typing import Any, get_args

import msgspec
from pydantic import BaseModel

from api.documents import NotificationRequest, SocialEvent
from deploy.web import asyncapi_socket as socket
from streams import codec, operations
from streams.events import CHANNELS, KINDS, Attempt, Control, Fact, Requested
from streams.letters.dead_letters import Letter
from streams.topics import (
    DEAD_LETTERS,
    EVENTS,
    JOBS_QUEUE,
    LANE_CLASSES,
    OPERATIONS,
    QUEUES,
    REQUESTS,
    SOCIAL_QUEUE,
    lane,
)

Json = dict[str, Any]
SCHEMA = "#/components/schemas/{name}"
LANE = lane("{channel}", "{class}")  # type: ignore[arg-type]  # the address of all lanes
DEAD_LETTER_TYPE = "tidings.dead-letter.v1"


def document() -> Json:
    """All of it, anew each time."""
    operation_types = get_args(operations.Operation)
    _, schemas = msgspec.json.schema_components([*KINDS, Letter, *operation_types], ref_template=SCHEMA)
    messages = {
        **{name: _cloud_event(name, kind, schemas) for kind, name in KINDS.items()},
        "dead-letter": _envelope("dead-letter", _ref("Letter"), DEAD_LETTER_TYPE, schemas["Letter"]),
        "operation": _operation([_ref(kind.__name__) for kind in operation_types]),
        "notification-job": _queued("notification-job", NotificationRequest),
        "social-event": _queued("social-event", SocialEvent),
        **socket.messages(),
    }
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Tidings", "version": "0.1.0", "description": ABOUT, "license": {"name": "Apache-2.0"}},
        "defaultContentType": "application/json",
        "servers": SERVERS,
        "channels": channels(),
        "operations": _operations(channels()),
        "components": {"messages": messages, "schemas": schemas},
    }


def channels() -> Json:
    """By name: the queues that anybody may publish to, the topics, and the socket."""
    return {
        JOBS_QUEUE: _channel(JOBS_QUEUE, "rabbitmq", "What `POST /api/notifications` takes.", ["notification-job"]),
        SOCIAL_QUEUE: _channel(SOCIAL_QUEUE, "rabbitmq", "Who did what to whom.", ["social-event"]),
        REQUESTS: _channel(REQUESTS, "kafka", "Checked requests, by actor.", _names(Requested, *get_args(Control))),
        EVENTS: _channel(EVENTS, "kafka", "The log: all that happened, by recipient; kept for ever.", _facts()),
        "lanes": {**_channel(LANE, "kafka", "What deliver is to try.", _names(Attempt)), "parameters": LANE_PARAMETERS},
        DEAD_LETTERS: _channel(DEAD_LETTERS, "kafka", "What no stage could handle, and why.", ["dead-letter"]),
        OPERATIONS: _channel(OPERATIONS, "kafka", "What was done to the system, by whom.", ["operation"]),
        "socket": _channel("/ws", "gateway", "Mailboxes and status changes; `/` does as well.", socket.NAMES),
    }


def _operations(known: Json) -> Json:
    made: Json = {}
    for name, channel in known.items():
        for action, verb in _actions(name):
            chosen = [
                {"$ref": f"#/channels/{name}/messages/{message}"}
                for message in channel["messages"]
                if name != "socket" or (message in socket.CLIENT) == (action == "receive")
            ]
            operation = {"action": action, "channel": {"$ref": f"#/channels/{name}"}, "messages": chosen}
            made[f"{verb}-{name}".replace(".", "-")] = operation
    return made


def _actions(channel: str) -> tuple[tuple[str, str], ...]:
    """What Tidings does there: it takes from queues, and alone writes and reads its topics."""
    if channel in QUEUES:
        return (("receive", "take"),)
    return (("send", "tell"), ("receive", "hear"))


def _channel(address: str, server: str, about: str, names: Iterable[str]) -> Json:
    return {
        "address": address,
        "servers": [{"$ref": f"#/servers/{server}"}],
        "description": about,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
    }


def _names(*kinds: type[object]) -> list[str]:
    return [KINDS[kind] for kind in kinds]


def _facts() -> list[str]:
    return _names(*get_args(Fact))


def _cloud_event(name: str, kind: type[object], schemas: Json) -> Json:
    kind_of = f"{codec.TYPE_PREFIX}{name}.{codec.VERSION}"
    made = _envelope(name, _ref(kind.__name__), kind_of, schemas[kind.__name__])
    fields = made["payload"]["properties"]
    fields["subject"]["description"] = "The notification's id."
    fields |= {
        "correlationid": {"type": "string", "description": "The request's whole story."},
        "causationid": {"type": "string", "description": "The event that led here."},
        "tenant": {"type": "string"},
    }
    made["payload"]["required"] += ["correlationid", "tenant"]
    return made


def _envelope(name: str, data: Json, kind: str, about: Json) -> Json:
    """CloudEvents 1.0 in JSON, structured mode."""
    fields = {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "description": "The same work always has the same one."},
        "type": {"const": kind},
        "source": {"type": "string"},
        "subject": {"type": "string"},
        "time": {"type": "string", "format": "date-time"},
        "datacontenttype": {"const": "application/json"},
        "data": data,
    }
    summary = str(about.get("description", name)).split("\n\n")[0]
    required = ["specversion", "id", "type", "source", "time", "data"]
    return {
        "name": name,
        "title": name,
        "summary": summary,
        "contentType": "application/cloudevents+json",
        "payload": {"type": "object", "properties": fields, "required": required},
    }


def _operation(kinds: list[Json]) -> Json:
    data = {
        "type": "object",
        "properties": {"done": {"anyOf": kinds}, "by": {"type": "string"}, "why": {"type": "string"}},
        "required": ["done", "by"],
    }
    made = _envelope("operation", data, "", {"description": "What was done to the system rather than by it."})
    pattern = f"^{operations.TYPE_PREFIX}[a-z-]+\\.{operations.VERSION}$"
    made["payload"]["properties"]["type"] = {"type": "string", "pattern": pattern}
    return made


def _queued(name: str, body: type[BaseModel]) -> Json:
    schema = body.model_json_schema()
    example = schema.pop("example")
    schema["properties"]["id"] = {"type": "string", "description": "Names the notification, as the message id does."}
    about = "Publish it persistent, with a `message_id`: the same id within an hour is one notification."
    return {
        "name": name,
        "title": name,
        "summary": about,
        "contentType": "application/json",
        "payload": schema,
        "examples": [{"name": name, "payload": example}],
    }


def _ref(name: str) -> Json:
    return {"$ref": SCHEMA.format(name=name)}


ABOUT = (
    "What goes over RabbitMQ, Kafka and the WebSocket. Anybody may publish to the queues; the topics are Tidings' own, "
    "and are here for who reads them."
)
SERVERS: Json = {
    "rabbitmq": {"host": "127.0.0.1:5672", "protocol": "amqp", "description": "RABBITMQ_URL"},
    "kafka": {"host": "127.0.0.1:9092", "protocol": "kafka", "description": "KAFKA_URL"},
    "gateway": {"host": "127.0.0.1:4200", "protocol": "ws", "description": "HOST and PORT"},
}
LANE_PARAMETERS: Json = {
    "channel": {"enum": list(CHANNELS), "description": "How it is delivered."},
    "class": {"enum": list(LANE_CLASSES), "description": "What must not wait for what."},
}

if __name__ == "__main__":
    import sys

    sys.stdout.write(msgspec.json.format(msgspec.json.encode(document()), indent=2).decode() + "\n")
