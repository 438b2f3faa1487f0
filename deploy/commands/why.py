"""`why`: what led to where a notification stands, as a tree or as JSON."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from deploy.commands.options import Json
from deploy.stack.environment import running_settings
from deploy.stack.errors import StackError
from streams.settings import Settings

if TYPE_CHECKING:
    from projections.past.why import Why


def why(
    notification: Annotated[str, typer.Argument(metavar="ID", help="Of the notification.")],
    *,
    json: Json = False,
) -> None:
    """Show each event of a notification under what caused it: when, after how long, by which policy and worker."""
    import msgspec

    from deploy.admin.asking import ask
    from deploy.admin.causes import tree

    told = ask(_told(running_settings(), notification))
    if json:
        typer.echo(msgspec.json.format(msgspec.json.encode(told)).decode())
    else:
        Console().print(tree(told), highlight=False)


async def _told(settings: Settings, notification: str) -> "Why":
    """Raises `StackError` if it has no story, and `Unavailable`."""
    from deploy.admin.asking import read_models
    from projections.past.reads import Past, causes

    async with read_models(settings) as base:
        told = await causes(notification, Past(base))
    if told is None:
        raise StackError(f"the read models have no story of {notification}: is that its id? It may be a moment behind")
    return told
