"""The settings, read from the environment once per command."""

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import SettingsError

from deploy.stack.errors import StackError
from deploy.stack.home import Home
from deploy.stack.plan import Facts
from streams.settings import Settings


def read_settings() -> Settings:
    """Raises `StackError` that names the variables which don't fit."""
    try:
        return Settings().expand()
    except ValidationError as error:
        lines = "\n".join(f"  {_told(details)}" for details in error.errors())
        raise StackError(f"the environment does not fit:\n{lines}") from error
    except SettingsError as error:
        raise StackError(f"the environment does not fit: {error}") from error


def running_settings() -> Settings:
    """The settings with the addresses of the stack that was started in this home, where the environment names none."""
    settings = read_settings()
    facts = Facts.load(Home(settings.tidings_home))
    known = {} if facts is None else {**facts.urls, "host": facts.host, "port": facts.port}
    given = {name: url for name, url in known.items() if name not in settings.model_fields_set}
    return settings.model_copy(update=given)


def _told(details: ErrorDetails) -> str:
    variable = ".".join(str(part) for part in details["loc"]).upper()
    value = "***" if variable.endswith("SECRET") else repr(details["input"])
    return f"{variable}={value}: {details['msg']}"
