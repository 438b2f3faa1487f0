"""Two copies of a read model in, what differs between them out, while both go on being written.

A document is judged only as far as both copies have folded the log: by the positions as they were before anything was
read. One that stands past them is ahead, in whichever copy. The live copy is read as it lies, and the other's documents
of the same ids beside it; then the other's ids, for those that the live one has not.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from aiokafka import TopicPartition

from projections.copies.places import place, positions, reached
from projections.fingerprints import digest, plain
from projections.models import READ_MODELS, Part
from projections.mongo.connection import Collection, Database, by_id
from projections.mongo.pages import in_batches
from projections.position import Document
from projections.rebuild.gate import Compared, Difference
from streams.topics import EVENTS

Told = Callable[[int], None]


async def compare(base: Database, projection: str, names: tuple[str, str], compared: Compared, told: Told) -> None:
    """Of the live copy and the other one, by name; takes all into `compared`. Raises `Unavailable`."""
    live, other = [await positions(base, name) for name in names]
    ours, theirs = reached(live), reached(other)
    common = {place: min(offset, theirs.get(place, -1)) for place, offset in ours.items()}
    _compare_counters(live, other, compared)
    model = READ_MODELS[projection]
    ours_in, theirs_in = [model.collections(name) for name in names]
    sums, begun = Counter[str](), 0
    for name, part in model.parts.items():
        both = _Both(
            base[ours_in[name]], base[theirs_in[name]], part, common, compared, partial(_tell_more, told, begun)
        )
        begun += await both.read()
        sums.update(both.sums)
    compared.digests.update({side: digest(total) for side, total in sums.items()})


def fields(live: Document | None, other: Document | None) -> list[str]:
    """The fields in which they differ."""
    ours, theirs = plain(live or {}), plain(other or {})
    return [name for name in sorted(ours.keys() | theirs.keys()) if ours.get(name, ...) != theirs.get(name, ...)]


class _Both:
    def __init__(
        self,
        live: Collection,
        other: Collection,
        judging: Part,
        common: Mapping[TopicPartition, int],
        compared: Compared,
        told: Told,
    ) -> None:
        self._live, self._other, self._judging, self._common = live, other, judging, common
        self._compared, self._told = compared, told
        self.sums = Counter[str]()
        self._read = 0

    async def read(self) -> int:
        async for batch in in_batches(self._live):
            others = await by_id(self._other, _names(batch))
            for document in batch:
                self._judge(document, others.get(document["_id"]))
            self._count(len(batch))
        async for batch in in_batches(self._other):
            known = await by_id(self._live, _names(batch), ["_id"])
            for document in batch:
                if document["_id"] not in known:
                    self._judge(None, document)
            self._count(len(batch))
        return self._read

    def _judge(self, live: Document | None, other: Document | None) -> None:
        if not all(self._settled(document) for document in (live, other) if document is not None):
            self._compared.ahead += 1
            return
        prints = []
        for side, document in (("live", live), ("other", other)):
            if document is not None:
                prints.append(self._judging.fingerprint(document))
                self.sums[side] += prints[-1]
                self._compared.documents[side] += 1
        if live is None:
            self._compared.add(Difference("added", str(other and other["_id"]), None, other))
        elif other is None:
            self._compared.add(Difference("missing", str(live["_id"]), live, None))
        elif prints[0] != prints[1]:
            self._compared.add(Difference("differs", str(live["_id"]), live, other))

    def _settled(self, document: Document) -> bool:
        stands = self._judging.stands(document)
        return all(offset <= self._common.get(_place(where), -1) for where, offset in stands.items())

    def _count(self, documents: int) -> None:
        self._read += documents
        self._told(self._read)


def _compare_counters(live: Iterable[Document], other: Iterable[Document], compared: Compared) -> None:
    """Where both stand at the same place of the log, they must have counted the same."""
    theirs = {tuple(reached([document]).items()): document for document in other}
    for document in live:
        there = theirs.get(tuple(reached([document]).items()))
        if there is not None and there["counts"] != document["counts"]:
            compared.add(Difference("counters", document["_id"], document["counts"], there["counts"]))


def _names(batch: list[Document]) -> list[str]:
    return [document["_id"] for document in batch]


def _place(where: str | int) -> TopicPartition:
    return place(where) if isinstance(where, str) else place(EVENTS, where)


def _tell_more(told: Told, before: int, read: int) -> None:
    told(before + read)
