"""Makes the pages of `docs/reference/` that tell what can be set and what is served: `python -m deploy.reference`."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import to_json

from deploy.stack.home import CHECKOUT
from deploy.web.app import application
from gateway.socket.app import Live
from streams.health.vitals import Vitals
from streams.settings import Settings

REFERENCE = CHECKOUT / "docs" / "reference"
MADE = "This page is made by `python -m deploy.reference`."
SETTINGS = f"""\
# Settings

Environment variables, read when a process or a command starts. Durations are in seconds; a list or a table is JSON.
What does not fit is refused at the start, with its name. {MADE}

| variable | default | what |
|---|---|---|"""
HTTP = f"""\
# HTTP

What `web` serves on `PORT`. Bodies and answers are at `/docs`, and as documents at `/openapi.json` and
`/asyncapi.json`; sockets (`/ws`) have [a page of their own](socket.md), and so has [/metrics](metrics.md). Who may ask
what where tokens are needed: [authentication](../how-to/authentication.md). {MADE}

| | what | answers |
|---|---|---|"""


def settings_page() -> str:
    """`docs/reference/settings.md`."""
    rows = (
        f"| `{name.upper()}` | {_default(field)} | {_linked(field.description or '')} |"
        for name, field in Settings.model_fields.items()
    )
    return "\n".join([SETTINGS, *rows, ""])


def http_page() -> str:
    """`docs/reference/http.md`."""
    settings = Settings()
    paths = application(settings, Live(settings, asyncio.Event(), Vitals())).openapi()["paths"]
    rows = (
        f"| `{method.upper()} {path}` | {told['summary']} | {', '.join(_answers(told))} |"
        for path, operations in paths.items()
        for method, told in operations.items()
    )
    return "\n".join([HTTP, *rows, ""])


def _default(field: FieldInfo) -> str:
    value = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
    match value:
        case None:
            return "-"
        case Path() | str():
            return f"`{value}`"
        case float():
            return f"`{value:g}`"
        case _:
            return f"`{to_json(value).decode()}`"


def _linked(description: str) -> str:
    """With the names of settings as a user writes them, and pages as links."""
    named = re.sub(r"`(\w+)`", lambda found: f"`{_variable(found[1])}`", " ".join(description.split()))
    return re.sub(r"`docs/(how-to/([\w-]+)\.md)`", r"[\2](../\1)", named)


def _variable(name: str) -> str:
    return name.upper() if name in Settings.model_fields else name


def _answers(told: dict[str, Any]) -> Iterator[str]:
    yield from sorted(told["responses"])


PAGES = {"settings.md": settings_page, "http.md": http_page}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page())
