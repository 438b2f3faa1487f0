"""Asking the servers of a stack: what their clients raise comes out as what a user can do about it."""

import asyncio
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from deploy.stack.errors import StackError
from gateway.redelivery import asking
from projections.mongo import errors as mongo
from projections.mongo.connection import Database, database
from streams.kafka.waiting import AWAY
from streams.said import said
from streams.settings import Settings

PATIENCE = 5.0
"""Seconds after which a server that does not answer is away, for a person who waits for it."""

ResultT = TypeVar("ResultT")


def ask(work: Coroutine[Any, Any, ResultT], *refusals: type[Exception]) -> ResultT:
    """What the work returns. Raises `StackError`: one of the refusals in its own words, or that a server is away."""
    try:
        return asyncio.run(work)
    except refusals as error:
        raise StackError(str(error)) from error
    except (*AWAY, mongo.Unavailable, asking.Unavailable) as error:
        raise StackError(f"{said(error)}: is the stack up? See ./tidings status") from error


def read_models(settings: Settings) -> AbstractAsyncContextManager[Database]:
    """The database that they are in."""
    return database(settings, patience=PATIENCE)
