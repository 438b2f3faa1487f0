"""What subjects have in common on the OpenAPI pages: nothing here is run on the way of a request."""

from typing import Any

from pydantic import BaseModel, ConfigDict


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


def away(description: str) -> Answers:
    """503, and when to ask again."""
    retry = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    return {503: {"model": Trouble, "description": description, "headers": retry}}


UNAVAILABLE, KAFKA_AWAY = away("The database does not answer."), away("Kafka does not answer.")
BODY: Answers = {
    408: {"model": Trouble, "description": "The body did not come in time."},
    413: {"model": Trouble, "description": "The body is too large."},
}
NOT_JSON: Answers = {415: {"model": Trouble, "description": "The body does not come as JSON."}}
WRONG: Answers = {400: {"model": Trouble, "description": "Wrong: `details` tells about each."}}


def path(name: str, description: str, **schema: object) -> dict[str, Any]:
    """A parameter that is a part of the path."""
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


def body(model: type[BaseModel], *, required: bool = True) -> dict[str, Any]:
    """What is sent as JSON."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    return {"content": {"application/json": {"schema": schema}}} | ({"required": True} if required else {})
