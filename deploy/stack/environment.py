"""The settings, read from the environment once per command."""

import re

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import SettingsError

from deploy.stack.errors import StackError
from deploy.stack.home import Home
from deploy.stack.plan import Facts, external
from deploy.stack.supervision import Supervision
from streams.settings import Settings


def read_settings() -> Settings:
    """Raises `StackError` that names the variables which don't fit."""
    try:
        return Settings().expand()
    except ValidationError as error:
        lines = "\n".join(f"  {_told(details)}" for details in error.errors())
        raise StackError(f"the environment does not fit:\n{lines}") from error
    except SettingsError as error:
        raise StackError(f"the environment does not fit: {_unreadable(str(error))}") from error


def running_settings() -> Settings:
    """The settings with the addresses of the stack that was started in this home, where the environment names none.

    Raises `StackError` if nothing runs there and no server elsewhere is named.
    """
    settings = read_settings()
    home = Home(settings.tidings_home)
    facts = Facts.load(home)
    elsewhere = external(settings) or (facts is not None and facts.external)
    if not elsewhere and Supervision(home).pid() is None:
        raise StackError(
            f"nothing runs in {home.root}: start it with ./tidings up, or name another stack by TIDINGS_HOME, or "
            "servers elsewhere by KAFKA_URL, MONGO_URL, RABBITMQ_URL and REDIS_URL"
        )
    known = {} if facts is None else {**facts.urls, "host": facts.host, "port": facts.port}
    given = {name: url for name, url in known.items() if name not in settings.model_fields_set}
    return settings.model_copy(update=given)


def _unreadable(error: str) -> str:
    """What pydantic-settings says of a list or a table, in the user's words."""
    found = re.search(r'value for field "(\w+)"', error)
    if found is None:
        return error
    return f"expected JSON in {found[1].upper()}, as docs/reference/settings.md shows it"


def _told(details: ErrorDetails) -> str:
    variable = ".".join(str(part) for part in details["loc"]).upper()
    value = repr(details["input"])
    if variable.endswith("SECRET") or "@" in value:
        value = "***"
    return f"{variable}={value}: {details['msg']}"
