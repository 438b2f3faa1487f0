"""What the API's requests and answers look like, for the OpenAPI pages: nothing here is run on the way of a request."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from streams.events import Activity, DirectChannel, Priority


class NotificationRequest(BaseModel):
    """A notification to be delivered."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "email",
                "recipient": "ada@example.org",
                "message": "Your parcel is on its way",
                "metadata": {"order": 4711},
            }
        }
    )

    type: DirectChannel = Field(description="The channel.")
    recipient: str = Field(min_length=1, description="An address, a number, a device: what the channel understands.")
    message: str = Field(min_length=1)
    metadata: dict[str, Any] | None = Field(None, description="Whatever is to be kept with the notification.")
    priority: Priority | None = Field(
        None, description="Promotional ones never delay transactional ones, which are the default."
    )


class NotificationAccepted(BaseModel):
    """The notification will be delivered, or fail in the open."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "0d1f7a5e-8f0c-4a3e-9a57-3f0f8f6c2b11",
                "status": "pending",
                "attempts": 0,
                "maxAttempts": 5,
                "createdAt": "2026-01-01T00:00:00.000Z",
            }
        }
    )

    id: str
    status: Literal["pending"]
    attempts: int
    maxAttempts: int  # noqa: N815 - the wire's spelling
    createdAt: datetime  # noqa: N815


class SocialEvent(BaseModel):
    """Who did what to whom."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"type": "COMMENT", "actorId": "user1", "targetId": "user2", "postId": "post1"},
            "anyOf": [
                {"properties": {"type": {"const": "FOLLOW"}}},
                {"properties": {"postId": {"type": "string", "minLength": 1}}, "required": ["postId"]},
            ],
        }
    )

    type: Activity
    actorId: str = Field(min_length=1, description="Who did it; the text shows the name, if one is known.")  # noqa: N815
    targetId: str = Field(min_length=1, description="Whom to tell.")  # noqa: N815
    postId: Any = Field(None, description="A string; FOLLOW needs none, and passes over what is here.")  # noqa: N815


class Like(BaseModel):
    """Who likes whose post."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"actorId": "user1", "targetId": "user2", "postId": "post1", "type": "LIKE"},
        }
    )

    actorId: str = Field(min_length=1)  # noqa: N815
    targetId: str = Field(min_length=1)  # noqa: N815
    postId: str = Field(min_length=1)  # noqa: N815
    type: Literal["LIKE"]


class EventAccepted(BaseModel):
    """The notification will be delivered, suppressed or fail, in the open."""

    id: str
    status: Literal["pending"]


class Said(BaseModel):
    """A sentence."""

    model_config = ConfigDict(json_schema_extra={"example": {"message": "Event queued successfully"}})

    message: str


class FaultyField(BaseModel):
    """What is wrong with one field."""

    field: str
    message: str


class Problem(BaseModel):
    """Why there is no other answer."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "message": "type, recipient and message are required",
                "details": [{"field": "recipient", "message": "is required"}],
            }
        }
    )

    message: str
    details: list[FaultyField] | None = None


class Health(BaseModel):
    """The process is alive."""

    status: Literal["ok"]


REPEAT_HEADERS = {
    "Location": {"description": "Where to read the notification.", "schema": {"type": "string"}},
    "Idempotency-Replayed": {
        "description": "`true` if this is the first answer to the same Idempotency-Key and body, again.",
        "schema": {"type": "string"},
    },
}
RETRY_HEADERS = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}

ACCEPTED = 201
CREATE_ANSWERS: dict[int | str, dict[str, Any]] = {
    ACCEPTED: {"model": NotificationAccepted, "description": "RabbitMQ has it, on disk.", "headers": REPEAT_HEADERS},
    400: {"model": Problem, "description": "Not JSON, or fields are missing or wrong: `details` tells about each."},
    408: {"model": Problem, "description": "The body did not arrive within 10 seconds."},
    409: {
        "model": Problem,
        "description": "A request with this Idempotency-Key is being worked on.",
        "headers": RETRY_HEADERS,
    },
    413: {"model": Problem, "description": "The body is too large."},
    415: {"model": Problem, "description": "The body does not come as JSON."},
    422: {"model": Problem, "description": "The Idempotency-Key was used with another body."},
    503: {
        "model": Problem,
        "description": "RabbitMQ did not confirm, or too many notifications wait already: `message` says whether "
        "it may have been taken. With an Idempotency-Key it is safe to try again either way.",
        "headers": RETRY_HEADERS,
    },
}

EVENT_ANSWERS: dict[int | str, dict[str, Any]] = {
    202: {"model": EventAccepted, "description": "RabbitMQ has it, on disk.", "headers": REPEAT_HEADERS},
    **{status: answer for status, answer in CREATE_ANSWERS.items() if status != ACCEPTED},
}
LIKE_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"model": Said, "description": "RabbitMQ has it, on disk.", "headers": REPEAT_HEADERS},
    400: {"model": Said, "description": "Something is missing or wrong."},
    **{status: CREATE_ANSWERS[status] for status in (408, 409, 413, 415, 422)},
    500: {
        "model": Said,
        "description": "RabbitMQ did not confirm, or too many notifications wait already.",
        "headers": RETRY_HEADERS,
    },
}


def request(body: type[BaseModel]) -> dict[str, Any]:
    """A request with this body."""
    return {
        "requestBody": {
            "required": True,
            "description": "Fields that are not named here count for nothing.",
            "content": {"application/json": {"schema": body.model_json_schema()}},
        },
        "parameters": [IDEMPOTENCY_KEY],
    }


IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Any 1 to 255 printable ASCII characters; for 24 hours a repeat gets the first answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}
CREATE_REQUEST = request(NotificationRequest)
EVENT_REQUEST = request(SocialEvent)
LIKE_REQUEST = request(Like)
