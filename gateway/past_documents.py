"""What the answers about the past and about causes look like, for the OpenAPI pages: nothing of it is run."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from gateway import documents
from gateway.documents import EXAMPLE_ID, UNAVAILABLE, UNKNOWN, Answers, Trouble
from gateway.query import STATUSES

WRONG: Answers = {400: {"model": Trouble, "description": "A time that can't be: `details` tells what is expected."}}
NOT_THEN: Answers = {404: {"model": Trouble, "description": "Not there, or not at that time; or before the log."}}
BEFORE: Answers = {404: {"model": Trouble, "description": "A time before the log begins, of which nothing is known."}}


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


LIST: Answers = {**documents.LIST, **BEFORE}
JOB: Answers = {**documents.JOB, **WRONG, **NOT_THEN}
COUNTS: Answers = {
    200: {
        "description": "Notifications by status.",
        "content": {"application/json": {"example": dict.fromkeys(STATUSES, 0) | {"sent": 4711, "failed": 3}}},
    },
    **WRONG,
    **BEFORE,
    **UNAVAILABLE,
}
WHY: Answers = {200: {"model": Why, "description": "Its steps."}, **UNKNOWN, **UNAVAILABLE}
