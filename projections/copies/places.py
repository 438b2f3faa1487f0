"""Where copies stand: the last offsets they have folded, by topic and partition, whatever log they are of.

All of it raises `Unavailable`.
"""

from collections.abc import Iterable, Mapping

from aiokafka import TopicPartition

from projections.letters import letters
from projections.mongo.connection import POSITIONS, Database, answered
from projections.position import Document
from streams.topics import EVENTS

Offsets = Mapping[TopicPartition, int]


def place(topic: str, partition: int = 0) -> TopicPartition:
    """As Kafka's client has it."""
    return TopicPartition(topic, partition)


def folded_from(projection: str, partitions: int) -> list[TopicPartition]:
    """The partitions that a read model is folded from; the log has so many."""
    if projection == letters.PROJECTION:
        return [place(topic) for topic in letters.TOPICS]
    return [place(EVENTS, partition) for partition in range(partitions)]


async def positions(base: Database, name: str) -> list[Document]:
    """The position documents of a copy. Raises `Unavailable`."""
    with answered():
        return await base[POSITIONS].find({"projection": name}).to_list()


def reached(documents: Iterable[Document]) -> dict[TopicPartition, int]:
    """What these position documents say."""
    found: dict[TopicPartition, int] = {}
    for one in documents:
        if "offsets" in one:
            found |= {place(topic): offset for topic, offset in one["offsets"].items()}
        else:
            found[place(EVENTS, one["partition"])] = one["offset"]
    return found


async def reached_by_all(base: Database, names: Iterable[str]) -> dict[TopicPartition, int]:
    """The last offsets that all of these copies have folded; nothing of where none of them began."""
    found: dict[TopicPartition, int] = {}
    for name in names:
        for where, offset in reached(await positions(base, name)).items():
            found[where] = min(offset, found.get(where, offset))
    return found


async def following(base: Database, name: str) -> dict[TopicPartition, int]:
    """The first offsets that a copy has not folded. Raises `Unavailable`."""
    return {where: offset + 1 for where, offset in reached(await positions(base, name)).items()}
