"""What the answers about preferences look like, for the OpenAPI pages: nothing here is run on the way of a request."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from gateway.documents import KAFKA_AWAY, UNAVAILABLE, Answers, body
from gateway.preferences.bodies import MAX_ACTOR, MAX_MUTED
from streams.events import Activity, Channel

Actor = Annotated[str, Field(min_length=1, max_length=MAX_ACTOR)]
TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"


class QuietHours(BaseModel):
    """Every day from one local time to the other, past midnight if `to` is the earlier one."""

    model_config = ConfigDict(populate_by_name=True, extra="forbid")

    start: str = Field(alias="from", pattern=TIME)
    end: str = Field(alias="to", pattern=TIME, description="The first minute that is not quiet.")
    zone: str = Field(description="Of the IANA database.", examples=["Europe/Berlin"])
    transactionalPasses: bool = Field(default=False, description="Whether transactional ones come all the same.")  # noqa: N815


class PreferencesChange(BaseModel):
    """Replaces all that was set before; what is left out is on, not muted and never quiet."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "types": {"FOLLOW": False},
                "channels": {"sms": False},
                "mutedActors": ["user7"],
                "quietHours": {"from": "22:00", "to": "07:00", "zone": "Europe/Berlin", "transactionalPasses": True},
                "by": "ada",
                "why": "too many at night",
            }
        },
    )

    types: dict[Activity, bool] = {}
    channels: dict[Channel, bool] = {}
    mutedActors: list[Actor] = Field([], max_length=MAX_MUTED)  # noqa: N815
    quietHours: QuietHours | None = None  # noqa: N815
    by: str = "api"
    why: str = ""


class Preferences(PreferencesChange):
    """What holds for a recipient."""

    recipient: str
    since: datetime | None = Field(description="None if nothing was ever set.")
    event: str | None = Field(description="The id by which decisions name it.")


RECIPIENT: list[dict[str, Any]] = [{"name": "recipient", "in": "path", "required": True, "schema": {"type": "string"}}]
CHANGE = body(PreferencesChange)
SHOWN: Answers = {200: {"model": Preferences, "description": "What was set last."}, **UNAVAILABLE}
SET: Answers = {
    200: {"model": Preferences, "description": "On the log, and in force for what comes after it."},
    **KAFKA_AWAY,
}
