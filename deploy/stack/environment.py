"""The settings, read from the environment once per command."""

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import SettingsError

from deploy.stack.errors import StackError
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


def _told(details: ErrorDetails) -> str:
    variable = ".".join(str(part) for part in details["loc"]).upper()
    return f"{variable}={details['input']!r}: {details['msg']}"
