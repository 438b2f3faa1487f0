"""Modules that the settings name: whoever adds a provider or a read model writes one file and names it there."""

import importlib
from types import ModuleType

from streams.exits import Refused


def module(setting: str, name: str, members: tuple[str, ...], page: str) -> ModuleType:
    """It, imported. Raises `Refused` if it is not there, or lacks one of the `members` that `page` tells of."""
    try:
        found = importlib.import_module(name)
    except (ImportError, TypeError, ValueError) as error:  # the last two for what is no full name
        raise Refused(f"{setting} names {name}, which can't be imported: {error}. See {page}") from error
    if missing := [member for member in members if not hasattr(found, member)]:
        raise Refused(f"{setting} names {name}: expected it to have {', '.join(missing)}. See {page}")
    return found
