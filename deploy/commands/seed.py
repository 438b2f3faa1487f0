"""`seed`: users and posts to try the social calls with."""

import json

import typer
from rich.console import Console

from deploy.address import http_url
from deploy.stack.environment import running_settings
from streams.settings import Settings

LIKE = {"actorId": "user1", "targetId": "user2", "postId": "post1", "type": "LIKE"}


def seed() -> None:
    """Make user1, user2 and posts of theirs, where they are missing; to be run as often as you like."""
    from deploy.admin import seeding

    settings = running_settings()
    made = seeding.seed(settings)
    missing = [document["_id"] for document in (*seeding.USERS, *seeding.POSTS) if document["_id"] not in made]
    console = Console(highlight=False, soft_wrap=True)
    if made:
        console.print(f"[green]✓[/green] made {', '.join(made)}")
    if missing:
        console.print(f"[green]✓[/green] there already: {', '.join(missing)}")
    typer.echo(f"\nTell user2 that user1 likes post1:\n{example(settings)}")


def example(settings: Settings) -> str:
    """A call for the shell."""
    url = http_url(settings.host, settings.port)
    return f"  curl {url}/like -H 'Content-Type: application/json' \\\n    -d '{json.dumps(LIKE)}'"
