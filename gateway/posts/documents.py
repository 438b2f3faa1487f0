"""What the answers about posts look like, for the OpenAPI pages: nothing here is run on the way of a request."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from gateway.documents import UNAVAILABLE, Answers


class Post(BaseModel):
    """A post that can be liked; it may have more fields."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "post1",
                "_id": "post1",
                "authorId": "user2",
                "authorName": "Grace",
                "title": "Tides of the North Sea",
                "createdAt": "2026-01-01T00:00:00.000Z",
            }
        }
    )

    id: str
    id_: str = Field(alias="_id", description="The same, as the reference names it.")
    authorId: str  # noqa: N815
    authorName: str = Field(description="The id, if no name is known.")  # noqa: N815
    title: str
    createdAt: datetime  # noqa: N815


POSTS: Answers = {200: {"model": list[Post], "description": "The newest 100, newest first."}, **UNAVAILABLE}
