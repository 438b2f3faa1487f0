import jsonschema_rs
import msgspec
import pytest

from deploy.web.asyncapi import document
from deploy.web.asyncapi_socket import CLIENT, EXAMPLES
from gateway.socket import frames
from streams import codec
from streams.clock import EPOCH
from streams.events import Body, Event, Failed, PolicySet, Queued, RetryScheduled, Sent

BODIES: list[Body] = [
    Queued(1, "notification-attempts.email.transactional"),
    Sent(2),
    Failed(5, 5, "down"),
    RetryScheduled(1, EPOCH, 1, "down"),
    PolicySet("actor", "ada", 1, rate_limit=20),
]


def valid(message: str, payload: object) -> bool:
    """Whether the document says that such a message looks like that."""
    whole = document()
    schema = {**whole["components"]["messages"][message]["payload"], "components": whole["components"]}
    return jsonschema_rs.is_valid(schema, payload)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: type(body).__name__)
def test_what_the_codec_writes_is_what_the_document_says(body: Body) -> None:
    event = Event(body, "n1", EPOCH, "test", "n1")
    written = msgspec.json.decode(codec.encode(event))
    kind = written["type"].removeprefix(codec.TYPE_PREFIX).removesuffix(f".{codec.VERSION}")
    assert valid(kind, written)
    assert not valid(kind, written | {"type": "tidings.notification.other.v1"})


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_frame_has_an_example_that_is_one(name: str) -> None:
    assert valid(name, EXAMPLES[name])
    assert not valid(name, EXAMPLES[name] | {"type": "OTHER"})


@pytest.mark.parametrize("name", CLIENT)
def test_the_gateway_reads_the_examples_of_what_a_client_says(name: str) -> None:
    assert type(frames.read(msgspec.json.encode(EXAMPLES[name]))) is CLIENT[name]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("AUTHENTICATED", frames.authenticated("u", "e", 1, recovered=True)),
        ("ACKNOWLEDGED", frames.acknowledged("n1")),
        ("SUBSCRIBED", frames.subscribed(None)),
        ("ERROR", frames.error("malformed", "expected JSON")),
    ],
)
def test_what_the_gateway_says_is_what_the_document_says(name: str, text: bytes) -> None:
    assert valid(name, msgspec.json.decode(text))


def test_every_channel_names_messages_that_there_are() -> None:
    whole = document()
    named = {ref["$ref"] for channel in whole["channels"].values() for ref in channel["messages"].values()}
    assert named == {f"#/components/messages/{name}" for name in whole["components"]["messages"]}
