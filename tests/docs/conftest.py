"""What pages are held against."""

import asyncio
from typing import Any

import pytest

from deploy.web.app import application
from gateway.socket.app import Live
from streams.health.vitals import Vitals
from streams.settings import Settings


@pytest.fixture(scope="session")
def openapi() -> dict[str, Any]:
    """Of all that is served."""
    settings = Settings()
    return application(settings, Live(settings, asyncio.Event(), Vitals())).openapi()
