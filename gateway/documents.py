"""What the gateway's answers look like, for the OpenAPI pages: nothing here is run on the way of a request."""

from datetime import datetime
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from streams.events import Activity, Channel, PolicyScope, Priority, SuppressionReason, WithholdingReason
from streams.phase import Status

Told = Literal[
    "created",
    "suppressed",
    "withheld",
    "held",
    "queued",
    "sending",
    "sent",
    "deferred",
    "retry_scheduled",
    "failed",
    "lost",
    "acknowledged",
    "settled",
    "redelivery_requested",
    "redelivered",
    "redelivery_refused",
]
EXAMPLE_ID = "0d1f7a5e-8f0c-4a3e-9a57-3f0f8f6c2b11"


class Job(BaseModel):
    """A notification and where it stands."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": EXAMPLE_ID,
                "_id": EXAMPLE_ID,
                "type": "email",
                "recipient": "ada@example.org",
                "message": "Your parcel is on its way",
                "metadata": {"order": 4711},
                "maxAttempts": 5,
                "priority": "transactional",
                "createdAt": "2026-01-01T00:00:00.000Z",
                "status": "sent",
                "attempts": 1,
                "lastError": "Mock provider failed for email notification",
                "updatedAt": "2026-01-01T00:00:01.204Z",
            }
        }
    )

    id: str
    id_: str = Field(alias="_id", description="The same, as the reference names it.")
    type: Channel
    recipient: str
    message: str
    metadata: dict[str, Any] | None
    status: Status
    attempts: int = Field(description="Failed ones: 0 if the first succeeded.")
    maxAttempts: int  # noqa: N815 - the wire's spelling
    lastError: str | None  # noqa: N815
    createdAt: datetime  # noqa: N815
    updatedAt: datetime  # noqa: N815
    priority: Priority
    eventType: Activity | None = Field(None, description="Of social notifications only.")  # noqa: N815
    actorId: str | None = Field(None, description="Of social notifications only.")  # noqa: N815
    postId: str | None = Field(None, description="Of social notifications only.")  # noqa: N815
    acknowledgedAt: datetime | None = Field(None, description="When the recipient had seen it.")  # noqa: N815
    reason: SuppressionReason | WithholdingReason | None = Field(None, description="Why it was suppressed.")
    heldUntil: datetime | None = Field(None, description="When quiet hours let it go on.")  # noqa: N815
    duplicateOf: str | None = Field(None, description="The notification that it repeats.")  # noqa: N815


class LogEntry(BaseModel):
    """One line of a notification's story."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": f"{EXAMPLE_ID}:retry-scheduled:1",
                "_id": f"{EXAMPLE_ID}:retry-scheduled:1",
                "jobId": EXAMPLE_ID,
                "event": "retry_scheduled",
                "details": {
                    "dispatch": 1,
                    "attempts": 1,
                    "error": "Mock provider failed for email notification",
                    "delayMs": 1000,
                    "notBefore": "2026-01-01T00:00:01.101Z",
                },
                "createdAt": "2026-01-01T00:00:00.101Z",
            }
        }
    )

    id: str
    id_: str = Field(alias="_id", description="The same, as the reference names it.")
    jobId: str  # noqa: N815
    event: Told
    details: dict[str, Any]
    createdAt: datetime  # noqa: N815


class Post(BaseModel):
    """A post that can be liked; it may have more fields."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "post1",
                "_id": "post1",
                "authorId": "user2",
                "authorName": "Grace",
                "title": "Tides of the North Sea",
                "createdAt": "2026-01-01T00:00:00.000Z",
            }
        }
    )

    id: str
    id_: str = Field(alias="_id", description="The same, as the reference names it.")
    authorId: str  # noqa: N815
    authorName: str = Field(description="The id, if no name is known.")  # noqa: N815
    title: str
    createdAt: datetime  # noqa: N815


class FaultyParameter(BaseModel):
    """What is wrong with one parameter."""

    field: str
    message: str


class Trouble(BaseModel):
    """Why there is no other answer."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "message": "limit must be a whole number from 1 to 500",
                "details": [{"field": "limit", "message": "must be a whole number from 1 to 500"}],
            }
        }
    )

    message: str
    details: list[FaultyParameter] | None = None


Answers = dict[int | str, dict[str, Any]]

UNAVAILABLE: Answers = {
    503: {
        "model": Trouble,
        "description": "The database does not answer.",
        "headers": {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}},
    }
}
UNKNOWN: Answers = {404: {"model": Trouble, "description": "No such notification."}}
LIST: Answers = {
    200: {
        "model": list[Job],
        "description": "Newest first.",
        "headers": {"Link": {"description": '`<...>; rel="next"`: the next page.', "schema": {"type": "string"}}},
    },
    400: {"model": Trouble, "description": "Wrong parameters: `details` tells about each."},
    **UNAVAILABLE,
}
JOB: Answers = {200: {"model": Job, "description": "The job."}, **UNKNOWN, **UNAVAILABLE}
STORY: Answers = {200: {"model": list[LogEntry], "description": "Oldest first."}, **UNKNOWN, **UNAVAILABLE}
POSTS: Answers = {200: {"model": list[Post], "description": "The newest 100, newest first."}, **UNAVAILABLE}


class Policy(BaseModel):
    """Limits that differ from the settings'; windows in seconds."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "scope": "actor",
                "about": "user1",
                "since": "2026-01-01T00:00:00.000Z",
                "rateLimit": 20,
                "rateWindow": 10,
                "by": "ada",
                "why": "a partner's import",
            }
        }
    )

    scope: PolicyScope
    about: str = Field(description="The actor, the recipient, or LIKE, COMMENT ...")
    since: datetime
    rateLimit: int | None = None  # noqa: N815
    rateWindow: float | None = None  # noqa: N815
    dedupeWindow: float | None = None  # noqa: N815
    by: str = ""
    why: str = ""


class PolicyChange(BaseModel):
    """What is left out is as the settings have it."""

    rateLimit: int | None = Field(None, ge=0)  # noqa: N815
    rateWindow: float | None = Field(None, gt=0, le=86_400)  # noqa: N815
    dedupeWindow: float | None = Field(None, ge=0, le=86_400)  # noqa: N815
    by: str = "api"
    why: str = ""


KAFKA_AWAY: Answers = {503: {**UNAVAILABLE[503], "description": "Kafka does not answer."}}
POLICY: Answers = {
    200: {"model": Policy, "description": "On the log, and in force for what comes after it."},
    400: {"model": Trouble, "description": "Wrong: `details` tells about each."},
    **KAFKA_AWAY,
}
POLICIES: Answers = {200: {"model": list[Policy], "description": "All that are in force."}, **KAFKA_AWAY}


class CoolOffEnd(BaseModel):
    """When it was ended."""

    actor: str
    lifted: datetime


COOL_OFF: Answers = {200: {"model": CoolOffEnd, "description": "The actor may act again."}, **KAFKA_AWAY}


def path(name: str, description: str, **schema: object) -> dict[str, Any]:
    """A parameter that is a part of the path."""
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


ACTOR: dict[str, Any] = {"parameters": [path("about", "The actor.", type="string")]}
POLICY_PARAMETERS: dict[str, Any] = {
    "parameters": [
        path("scope", "Whom it concerns.", type="string", enum=list(get_args(PolicyScope))),
        path("about", "Which of them.", type="string"),
    ]
}
POLICY_REQUEST: dict[str, Any] = {
    **POLICY_PARAMETERS,
    "requestBody": {"required": True, "content": {"application/json": {"schema": PolicyChange.model_json_schema()}}},
}
