"""What the answers about read models look like, for the OpenAPI pages: nothing here is run on the way of a request."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.documents import UNAVAILABLE, Answers


class Copy(BaseModel):
    """A collection that holds a read model."""

    name: str
    version: int = Field(description="Of the fold that makes it.")
    is_: Literal["live", "kept", "shadow"] = Field(
        alias="is", description="`live` is read; `kept` was, and can be gone back to; `shadow` is being made."
    )
    behind: int | None = Field(description="Records of the log that it has not folded; null if Kafka does not answer.")


class DifferingField(BaseModel):
    """As JSON, of 120 characters at most; `-` where it is not there. Without a name: the whole document."""

    name: str
    live: str
    other: str


class Differing(BaseModel):
    """One of the first documents that differ."""

    id: str
    kind: Literal["missing", "added", "differs", "counters"]
    fields: list[DifferingField]


class BySide(BaseModel):
    """Documents that were compared."""

    live: int
    other: int


class Digests(BaseModel):
    """Of what was compared; empty if nothing was."""

    live: str
    other: str


class Comparison(BaseModel):
    """Two copies, held against each other as far as both had folded the log."""

    live: str
    other: str
    documents: BySide
    digests: Digests
    ahead: int = Field(description="Documents that moved meanwhile, and were not compared.")
    kinds: dict[str, int]
    unexplained: int = Field(description="Differences that the versions don't explain.")
    first: list[Differing]


class Folded(BaseModel):
    """What it took."""

    events: int
    seconds: float


class Rebuild(BaseModel):
    """The last one. `count` of `total` is how far its `part` is."""

    state: Literal["running", "asking", "done", "refused", "failed", "silent"] = Field(
        description="`asking`: a person is, whether readers go over. `silent`: it was killed."
    )
    by: str
    why: str
    began: datetime
    updated: datetime
    part: str
    count: int
    total: int | None
    folded: Folded | None
    compared: Comparison | None
    moved: bool = Field(description="Whether readers went over.")
    reasons: list[str] = Field(description="Why they did not, or why it failed.")


class ReadModel(BaseModel):
    """A read model."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "NotificationJob",
                "copies": [
                    {"name": "NotificationJob", "version": 3, "is": "live", "behind": 0},
                    {"name": "NotificationJob_2", "version": 3, "is": "shadow", "behind": 48210},
                ],
                "rebuild": {
                    "state": "running",
                    "by": "ada",
                    "why": "lastError was cut off",
                    "began": "2026-01-01T00:00:00.000Z",
                    "updated": "2026-01-01T00:00:07.004Z",
                    "part": "folding NotificationJob",
                    "count": 151790,
                    "total": 200000,
                    "folded": None,
                    "compared": None,
                    "moved": False,
                    "reasons": [],
                },
            }
        }
    )

    name: str
    copies: list[Copy] = Field(description="The one that is written first, first.")
    rebuild: Rebuild | None = Field(description="Null if there never was one.")


READ_MODELS: Answers = {200: {"model": list[ReadModel], "description": "As of now."}, **UNAVAILABLE}
