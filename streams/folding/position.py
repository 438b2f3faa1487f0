"""What the broker and the changelog say about one partition goes in, where to start folding comes out: pure.

The group's committed offset C and the changelog's *applied up to* M are kept apart, so that losing one of them is
noticed: with history taken for news, everything would be sent again. When a batch is done its changelog records are
written, M the last of them, and then C is committed; so a crash leaves M at or past C, and the later of the two is
where to go on. (C passes M by batches that changed no state, and when a zombie wrote an old M: see `table`.)

"Exists" for C: the group has a committed offset, 0 included. For the changelog: any record of the partition was read,
be it M or a row. A partition that was never folded has neither. Its first start writes M = the log's first offset,
marked `fresh`, awaits the ack, then commits C = the same offset, awaits, and only then folds. Crashes on the way:
- before M is acked: neither exists, or only M marked fresh and no row: it is a first start again;
- between M and C: only M marked fresh, once or several times, no row: a first start again;
- after C: both exist.
A row can only come after C, hence "no C, but rows or an M that is not fresh" means that the group's offsets are lost
(deleted, or expired after the broker's offsets.retention.minutes without a member), and "C but nothing in the
changelog" that the changelog is lost.
"""

from dataclasses import dataclass

from streams.exits import Refused

REBUILD = "run `./tidings recover` for this stage, which rebuilds both from the log and sends nothing again"


@dataclass(frozen=True, slots=True)
class Found:
    """All there is to know of a partition: `first` and `end` are the source's offsets, `rows` the table's."""

    committed: int | None
    applied: int | None
    fresh: bool
    rows: int
    first: int
    end: int
    rebuilding: bool = False
    """A rebuild of the table was begun and not finished."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where to go on; `first_time` if nothing was ever folded; `lost` counts records that retention removed unread."""

    offset: int
    first_time: bool = False
    lost: int = 0


def start(found: Found, where: str) -> Start:
    """Raises `Refused`, naming the partition, both values, and what to do; what is lost is for `gaps` to judge."""
    if found.rebuilding:
        raise Refused(f"{where}: expected a whole table, got one whose rebuild did not end: {REBUILD}")
    if found.committed is None and (found.applied is None or found.fresh) and not found.rows:
        return Start(found.first, first_time=True)
    if found.committed is None or found.applied is None:
        raise Refused(
            f"{where}: expected a committed offset and an 'applied up to' in the changelog, or neither; got committed "
            f"{found.committed}, applied {found.applied}, {found.rows} rows: {REBUILD}"
        )
    offset = max(found.committed, found.applied)
    if offset > found.end:
        raise Refused(
            f"{where}: expected the topic to reach offset {offset} (committed {found.committed}, applied "
            f"{found.applied}), it ends at {found.end}: the topic was lost or made anew; {REBUILD}"
        )
    lost = max(found.first - offset, 0)
    return Start(offset + lost, lost=lost)
