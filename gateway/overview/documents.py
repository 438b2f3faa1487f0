"""What the overview looks like, for the OpenAPI pages: nothing here is run on the way of a request."""

from pydantic import BaseModel, ConfigDict, Field

from gateway.documents import UNAVAILABLE, Answers
from streams.rules.phase import Status


class Lagging(BaseModel):
    """What a consumer group has not read yet of a topic."""

    group: str
    topic: str
    records: int
    seconds: float = Field(description="For how long the oldest of them has waited, as far as was looked.")


class Overview(BaseModel):
    """What is there, and what waits where."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "counts": {
                    "pending": 0,
                    "queued": 0,
                    "sending": 2,
                    "sent": 4711,
                    "retrying": 3,
                    "failed": 5,
                    "suppressed": 0,
                },
                "letters": 1,
                "reading": [
                    {
                        "group": "deliver-transactional",
                        "topic": "notification-attempts.email.transactional",
                        "records": 12,
                        "seconds": 0.4,
                    }
                ],
                "workers": {"admit": 1, "lifecycle": 1, "deliver-transactional": 1},
            }
        }
    )

    counts: dict[Status, int] = Field(description="Notifications by status.")
    letters: int = Field(description="Open dead letters.")
    reading: list[Lagging] | None = Field(description="Null as long as Kafka has not told.")
    workers: dict[str, int] = Field(description="Of each group.")


OVERVIEW: Answers = {200: {"model": Overview, "description": "As of now."}, **UNAVAILABLE}
