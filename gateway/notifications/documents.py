"""What answers about notifications look like, for the OpenAPI pages: nothing here is run on the way of a request."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.documents import UNAVAILABLE, Answers, Trouble, path
from gateway.notifications.query import STATUSES
from streams.events import Activity, Channel, Priority, SuppressionReason, WithholdingReason
from streams.rules.phase import Status

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


class Step(BaseModel):
    """An event of a notification's story, and what led to it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": f"{EXAMPLE_ID}:sending:1",
                "event": "sending",
                "at": "2026-01-01T00:00:00.130Z",
                "topic": "notification-events",
                "partition": 2,
                "offset": 4711,
                "source": "deliver",
                "cause": f"{EXAMPLE_ID}:queued:1",
                "afterMs": 130,
                "spent": "in the lane",
                "worker": "local",
                "provider": "MockProvider",
                "details": {"dispatch": 1, "deadline": "2026-01-01T00:00:15.130Z"},
            }
        }
    )

    id: str
    event: str
    at: datetime
    topic: str
    partition: int
    offset: int
    source: str | None = Field(None, description="The stage that wrote it.")
    cause: str | None = Field(None, description="The id of the step that led to it.")
    afterMs: int | None = Field(None, description="Since its cause, by the clocks of who wrote them.")  # noqa: N815
    spent: str | None = Field(None, description="Where that time went.")
    lateMs: int | None = Field(None, description="How long after its planned time a timer came.")  # noqa: N815
    worker: str | None = None
    provider: str | None = None
    details: dict[str, Any] = {}


class PolicyInForce(BaseModel):
    """Limits that a notification was judged by, where these are not the settings' alone; windows in seconds."""

    id: str
    scope: str
    about: str
    version: int = Field(description="When it was set, in milliseconds since 1970.")
    since: datetime
    rateLimit: int | None = None  # noqa: N815
    rateWindow: float | None = None  # noqa: N815
    dedupeWindow: float | None = None  # noqa: N815


class Why(BaseModel):
    """The causes and effects that are a notification's story: steps in log order, each naming its cause."""

    id: str
    correlationId: str  # noqa: N815
    status: str
    tookMs: int = Field(description="From the first event to the last.")  # noqa: N815
    steps: list[Step]
    policies: list[PolicyInForce] = []


UNKNOWN: Answers = {404: {"model": Trouble, "description": "No such notification."}}
NOT_THEN: Answers = {404: {"model": Trouble, "description": "Not there, or not at that time; or before the log."}}
BEFORE: Answers = {404: {"model": Trouble, "description": "A time before the log begins, of which nothing is known."}}
LIST: Answers = {
    200: {
        "model": list[Job],
        "description": "Newest first.",
        "headers": {"Link": {"description": '`<...>; rel="next"`: the next page.', "schema": {"type": "string"}}},
    },
    **BEFORE,
    **UNAVAILABLE,
}
JOB: Answers = {200: {"model": Job, "description": "The job."}, **NOT_THEN, **UNAVAILABLE}
COUNTS: Answers = {
    200: {
        "description": "Notifications by status.",
        "content": {"application/json": {"example": dict.fromkeys(STATUSES, 0) | {"sent": 4711, "failed": 3}}},
    },
    **BEFORE,
    **UNAVAILABLE,
}
WHY: Answers = {200: {"model": Why, "description": "Its steps."}, **UNKNOWN, **UNAVAILABLE}
STORY: Answers = {200: {"model": list[LogEntry], "description": "Oldest first."}, **UNKNOWN, **UNAVAILABLE}
ID = path("id", "The notification's.", type="string")
