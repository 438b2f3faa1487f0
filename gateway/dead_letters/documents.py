"""What the answers about dead letters look like, for the OpenAPI pages: nothing here is run on the way of a request."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.documents import UNAVAILABLE, Answers, Trouble, away, body, path
from gateway.notifications.documents import LIST as JOBS
from projections.letters.letters import State
from streams.letters.dead_letters import Reason

EXAMPLE: dict[str, Any] = {
    "id": "dead:notification-events:2.4711",
    "state": "redriven",
    "reason": "rule-failed",
    "stages": ["lifecycle"],
    "error": "Traceback (most recent call last): ...",
    "source": {"name": "notification-events", "partition": 2, "offset": 4711},
    "size": 412,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "truncated": False,
    "preview": '{"id":"n1:sent:1","type":"tidings.notification.sent.v1"}',
    "properties": None,
    "record": {"topic": "dead-letters", "offset": 17},
    "createdAt": "2026-01-01T00:00:00.000Z",
    "updatedAt": "2026-01-01T09:30:00.000Z",
    "reports": [
        {
            "stage": "lifecycle",
            "reason": "rule-failed",
            "error": "Traceback (most recent call last): ...",
            "time": "2026-01-01T00:00:00.000Z",
        }
    ],
    "history": [
        {
            "operation": "redriven",
            "time": "2026-01-01T09:30:00.000Z",
            "by": "ada",
            "why": "mended in 1.2",
            "seen": 17,
            "target": "notification-events",
            "partition": 2,
            "offset": 5000,
        }
    ],
}


class Lay(BaseModel):
    """Where the original lay: a topic with its coordinates, or a queue by name alone."""

    name: str
    partition: int | None = None
    offset: int | None = None


class LetterRecord(BaseModel):
    """Where the letter itself lies, with the original in it."""

    topic: str
    offset: int


class Properties(BaseModel):
    """What an AMQP message is known by."""

    message_id: str | None
    app_id: str | None
    correlation_id: str | None
    timestamp: datetime | None
    time: int | None = Field(description="Milliseconds since 1970, from our own API.")


class ReportLine(BaseModel):
    """The last word of one stage."""

    stage: str
    reason: Reason
    error: str
    time: datetime


class HistoryLine(BaseModel):
    """What was done about it."""

    operation: Literal["redriven", "dropped"]
    time: datetime
    by: str
    why: str
    seen: int = Field(description="Offset of the letter's newest record that was known then.")
    target: str | None = Field(None, description="Where the original was put back: a topic or a queue.")
    partition: int | None = None
    offset: int | None = None


class DeadLetter(BaseModel):
    """What could not be handled, why, and what was done about it."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    id: str
    state: State
    reason: Reason = Field(description="The newest report's.")
    stages: list[str] = Field(description="Those that gave it up.")
    error: str
    source: Lay
    size: int = Field(description="Bytes of the original.")
    sha256: str
    truncated: bool = Field(description="Whether only the first bytes of the original were kept.")
    preview: str | None = Field(description="The first KiB of the original, as text.")
    properties: Properties | None = Field(description="Of a message from a queue.")
    record: LetterRecord
    createdAt: datetime  # noqa: N815 - the wire's spelling
    updatedAt: datetime  # noqa: N815
    reports: list[ReportLine]
    history: list[HistoryLine] = Field(description="Oldest first.")


class Counts(BaseModel):
    """How many there are: all by state, the open ones by reason and by stage."""

    states: dict[State, int]
    reasons: dict[Reason, int]
    stages: dict[str, int]


LIST: Answers = {
    200: {**JOBS[200], "model": list[DeadLetter]},
    **UNAVAILABLE,
}
LETTER: Answers = {
    200: {"model": DeadLetter, "description": "The dead letter."},
    404: {"model": Trouble, "description": "No such dead letter."},
    **UNAVAILABLE,
}
COUNTS: Answers = {200: {"model": Counts, "description": "The counts."}, **UNAVAILABLE}


class HandleLetters(BaseModel):
    """Which letters, who wants it, and why: kept on `notification-operations`."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"ids": [EXAMPLE["id"]], "by": "ada", "why": "mended in 1.2", "again": False}},
    )

    ids: list[Annotated[str, Field(min_length=1, max_length=500)]] = Field(min_length=1, max_length=100)
    by: str = Field(min_length=1, max_length=500)
    why: str = Field(min_length=1, max_length=500)
    again: bool = Field(default=False, description="Redrive also those that were redriven before.")


class Handled(BaseModel):
    """What was done, letter by letter."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"done": [EXAMPLE["id"]], "refused": {"dead:x": "there is no such dead letter"}}}
    )

    done: list[str]
    refused: dict[str, str] = Field(description="Why not, by id.")


class Stopped(BaseModel):
    """How far it came, if it came to a letter at all."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "message": "stopped after 1 letter, since Kafka did not answer within 10 s. Of dead:y, ...",
                "done": [EXAMPLE["id"]],
                "refused": {},
                "unsure": {"dead:y": "it was put back; whether that is on record is not known"},
            }
        }
    )

    message: str
    done: list[str] = []
    refused: dict[str, str] = Field({}, description="Why not, by id.")
    unsure: dict[str, str] = Field({}, description="What is not known, by id. What is named nowhere is untouched.")


HANDLED: Answers = {
    200: {"model": Handled, "description": "Done, but for what was refused."},
    503: {**away("A server does not answer.")[503], "model": Stopped},
}
HANDLE = body(HandleLetters)
ID = path("id", "The dead letter's, percent-encoded.", type="string")
