"""What live answers look like, for the OpenAPI pages: nothing here is run on the way of a request."""

from datetime import datetime

from pydantic import BaseModel

from gateway.documents import Answers, away, path
from gateway.query import parameter


class Presence(BaseModel):
    """Whether a user has a socket open on any gateway, and when they last had."""

    online: bool
    lastSeen: datetime | None  # noqa: N815


STREAM: Answers = {
    200: {
        "description": "First `event: open`, then a `data:` line of JSON for each change, as the socket's STATUS.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}
STREAM_PARAMETERS = [parameter("notificationId", "Only of this one.", {"type": "string"})]
PRESENCE: Answers = {
    200: {"model": Presence, "description": "As of now."},
    **away("Redis does not answer."),
}
USER = [path("id", "The user.", type="string")]
