"""What redeliveries look like over HTTP, for the OpenAPI pages: nothing here is run on the way of a request."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.documents import Answers, Trouble, away, body
from gateway.notifications.documents import UNKNOWN
from gateway.redelivery.bodies import MOST
from streams.events import Channel


class RedeliverOne(BaseModel):
    """Who wants it, and why: the log keeps it."""

    model_config = ConfigDict(extra="forbid")

    why: str = Field(pattern=r"\S", max_length=1000)
    by: str = Field("api", pattern=r"\S", max_length=1000)


class RedeliverMany(BaseModel):
    """Filters as of the list. `why` may be left out of a preview."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["failed", "sent"]
    type: Channel | None = None
    recipient: str | None = None
    from_: datetime | None = Field(None, alias="from", description="Created then or later.")
    to: datetime | None = Field(None, description="Created before.")
    limit: int = Field(1000, ge=1, le=MOST, description="The newest of them.")
    rate: float = Field(50, gt=0, le=1000, description="A second, at most.")
    preview: bool = False
    why: str = ""
    by: str = "api"


class Redelivery(BaseModel):
    """It is on the log."""

    id: str
    redelivery: str = Field(description="What the log calls it.")


class Bulk(BaseModel):
    """What is meant; `bulk` is missing from a preview."""

    bulk: str | None = Field(None, description="What `notification-operations` calls it.")
    count: int
    types: dict[str, int]
    first: list[str] = Field(description="The ids that come first.")
    rate: float | None = None
    preview: bool = False


KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "What is asked for twice with one key is done once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}
AWAY = away("Kafka or the database does not answer, or is behind.")
REDELIVERY: Answers = {
    202: {"model": Redelivery, "description": "Asked for on the log; what came of it is told there."},
    409: {"model": Trouble, "description": "It makes no sense: under way, suppressed or acknowledged."},
    422: {"model": Trouble, "description": "The key was used with other words."},
    **UNKNOWN,
    **AWAY,
}
BULK: Answers = {
    200: {"model": Bulk, "description": "A preview."},
    202: {"model": Bulk, "description": "Begun."},
    **AWAY,
}
ONE, MANY = body(RedeliverOne), body(RedeliverMany)
