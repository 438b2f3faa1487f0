"""Lane records that no worker has claimed: what queued notifications wait for."""

from collections.abc import Iterator, Mapping
from contextlib import aclosing

from projections.audit.bounds import Bounds, unclaimed
from projections.audit.finding import Finding
from projections.audit.ledger import Ledger
from streams import codec
from streams.events import Attempt
from streams.kafka.topic_reading import records


async def stuck_in_no_lane(url: str, scene: Bounds, ledgers: Mapping[int, Ledger]) -> list[Finding]:
    """Queued notifications without a lane record. To be asked once the log has been read, as lanes are written after.

    A worker writes `sending` before it commits: of a notification that the log shows as queued, the record was not
    claimed when the offsets were asked for, and so it lies past them.
    """
    if any(ledger.waits() for ledger in ledgers.values()):
        async with aclosing(records(url, await unclaimed(url, scene.committed, len(ledgers)))) as batches:
            async for batch in batches:
                partition = batch[0].partition if batch else 0
                ledgers[partition].strike_waits(_attempts(record.value for record in batch))
    return [
        Finding("stuck", name, f"queued as dispatch {dispatch}, and no lane has an unread record of it")
        for ledger in ledgers.values()
        for name, dispatch in ledger.waiting()
    ]


def _attempts(values: Iterator[bytes | None]) -> Iterator[tuple[str, int]]:
    for value in values:
        try:
            event = codec.decode(value)
        except (codec.Undecodable, codec.UnknownType):
            continue
        if isinstance(event.body, Attempt):
            yield event.notification, event.body.dispatch
