"""What the OpenAPI pages say of replays."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from gateway.documents import KAFKA_AWAY, Answers, Trouble, body, path
from gateway.replays.bodies import MAX_RATE, RATE
from projections.replay.book import State
from projections.replay.targets import EXPECTED


class Words(BaseModel):
    """Who wants it, and why; kept on record."""

    model_config = ConfigDict(extra="forbid")

    by: str = "api"
    why: str = ""


class Asked(Words):
    """The events that meet all of it; what is left out leaves none out."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "into": "https://example.org/hooks/tidings",
                "from": "2026-01-01T00:00:00Z",
                "to": "2026-01-02T00:00:00Z",
                "statuses": ["failed"],
                "rate": 50,
                "preview": True,
                "by": "ada",
                "why": "our importer was down",
            }
        },
    )

    into: str = Field(description=EXPECTED.removeprefix("stdout, "))
    since: datetime | None = Field(None, alias="from", description="The events' own time, inclusive.")
    until: datetime | None = Field(None, alias="to", description="Exclusive.")
    recipient: str | None = None
    notification: str | None = None
    types: list[str] = Field([], description="Of events, as sent.")
    statuses: list[str] = Field([], description="That an event gives to its notification.")
    rate: float = Field(RATE, gt=0, le=MAX_RATE, description="Events a second, at most.")
    preview: bool = Field(default=False, description="Count, then wait to be resumed.")


class Order(BaseModel):
    """What was asked for; `recipientKey` is the key of the recipient's records."""

    selection: dict[str, Any]
    into: str
    rate: float
    preview: bool = False


class Replay(BaseModel):
    """A replay; `counts` by type, null until counted. `reached` are the offsets, by partition, it was told up to."""

    id: str
    state: State
    order: Order
    created: datetime
    updated: datetime
    by: str
    why: str
    extents: dict[str, tuple[int, int]]
    counts: dict[str, int] | None
    total: int
    unreadable: int
    reached: dict[str, int]
    delivered: int
    error: str = Field(description="Why it failed.")


UNKNOWN: Answers = {404: {"model": Trouble, "description": "There is no such replay."}}
LIST: Answers = {200: {"model": list[Replay], "description": "Newest first."}, **KAFKA_AWAY}
REPLAY: Answers = {200: {"model": Replay, "description": "The replay."}, **UNKNOWN, **KAFKA_AWAY}
STARTED: Answers = {202: {"model": Replay, "description": "It is being counted."}, **KAFKA_AWAY}
SAID: Answers = {
    **REPLAY,
    409: {"model": Trouble, "description": "Not in the state it is in."},
}
REQUEST, WORDS = body(Asked), body(Words, required=False)
ID = path("id", "The replay's.", type="string")
