"""What the answers about policies look like, for the OpenAPI pages: nothing here is run on the way of a request."""

from datetime import datetime
from typing import get_args

from pydantic import BaseModel, ConfigDict, Field

from gateway.documents import KAFKA_AWAY, Answers, body, path
from streams.events import PolicyScope


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


POLICY: Answers = {
    200: {"model": Policy, "description": "On the log, and in force for what comes after it."},
    **KAFKA_AWAY,
}
POLICIES: Answers = {200: {"model": list[Policy], "description": "All that are in force."}, **KAFKA_AWAY}


class CoolOffEnd(BaseModel):
    """When it was ended."""

    actor: str
    lifted: datetime


COOL_OFF: Answers = {200: {"model": CoolOffEnd, "description": "The actor may act again."}, **KAFKA_AWAY}
ACTOR = path("about", "The actor.", type="string")
SUBJECT = [
    path("scope", "Whom it concerns.", type="string", enum=list(get_args(PolicyScope))),
    path("about", "Which of them.", type="string"),
]
CHANGE = body(PolicyChange)
