"""Lists of the newest documents, by their sequences (see `windows`), and whole collections as they lie."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from projections.mongo.connection import Collection, answered
from projections.mongo.windows import END, Window, pipeline, since, windows
from projections.position import Document
from streams.clock import EPOCH, milliseconds

AT_ONCE = 1000
"""Documents of a whole collection that are held together."""


class Page(NamedTuple):
    """What is asked for: documents with a sequence below `before`, from `begin` on, newest first."""

    filters: Mapping[str, str]
    before: str = END
    limit: int = 100
    begin: datetime = EPOCH


async def newest(collection: Collection, wanted: Page, selective: Sequence[str], latest: datetime) -> list[Document]:
    """The page; `latest` is about when the newest document was created, `selective` as in `windows.pipeline`.

    Raises `Unavailable`.
    """
    page: list[Document] = []
    lowest = since(milliseconds(wanted.begin))
    with answered():
        for window in windows(wanted.before, latest):
            missing = wanted.limit - len(page)
            bounded = Window(max(window.low, lowest), window.high)
            query = pipeline(bounded, wanted.filters, missing, selective)
            found = await collection.aggregate(query, batchSize=missing + 1)
            page += await found.to_list()
            if len(page) == wanted.limit or window.low <= lowest:
                break
    return page


async def in_batches(collection: Collection) -> AsyncIterator[list[Document]]:
    """All documents, as they lie. Raises `Unavailable`."""
    with answered():
        async with collection.find({}, batch_size=AT_ONCE) as found:
            while batch := await found.to_list(AT_ONCE):
                yield batch
