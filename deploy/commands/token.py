"""`token`: a token to try things with, signed with `JWT_SECRET`."""

from datetime import timedelta
from typing import Annotated

import typer

from deploy.stack.environment import read_settings
from deploy.stack.errors import StackError
from streams import clock


def token(
    subject: Annotated[str, typer.Argument(metavar="NAME", help="Of the user, or the service, it speaks for.")],
    *,
    service: Annotated[bool, typer.Option("--service", help="For a service, which may do everything.")] = False,
    minutes: Annotated[float, typer.Option(min=0, help="For how many it is valid.")] = 60,
) -> None:
    """Print a token for a user, or with --service for a service; whoever has JWT_SECRET can make them."""
    import jwt

    from streams.tokens import SERVICE

    secret = read_settings().jwt_secret
    if secret is None:
        raise StackError("expected JWT_SECRET to be set, as it is for the stack: it signs the token")
    claims = {"sub": subject, "exp": clock.now() + timedelta(minutes=minutes)} | ({"scope": SERVICE} if service else {})
    typer.echo(jwt.encode(claims, secret.get_secret_value()))
