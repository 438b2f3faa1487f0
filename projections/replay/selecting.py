"""Records of the log in, those that a replay is about out. Pure.

Only the envelope is read: what an event of a newer program says is told again as it is.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from projections.reading import Raw
from streams.codec import TYPE_PREFIX
from streams.events import KINDS, Instant, Suppressed
from streams.replays import Selection
from streams.rules.phase import PHASES, STATUS, Status

STATUS_OF: dict[str, Status] = {
    KINDS[Suppressed]: "suppressed",
    **{KINDS[fact]: STATUS[phase] for fact, phase in PHASES.items()},
}
"""What an event makes of its notification; the types that are missing make nothing of it."""


class Picked(NamedTuple):
    """An event to be told: its type as `sent`, its id, and its record."""

    type: str
    id: str
    record: Raw


class _Envelope(msgspec.Struct, gc=False):
    id: str
    type: str
    subject: str
    time: Instant


_decoder = msgspec.json.Decoder(_Envelope)


def select(records: Iterable[Raw], selection: Selection) -> Iterator[Picked | None]:
    """Those that are meant, in their order; None for a record that is no event."""
    key = None if selection.recipient_key is None else selection.recipient_key.encode()
    types = wanted_types(selection)
    for record in records:
        if key is not None and record.key != key:
            continue
        try:
            envelope = _decoder.decode(record.value or b"")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            yield None
            continue
        kind = _kind(envelope.type)
        if (types is None or kind in types) and _meant(envelope, selection):
            yield Picked(kind, envelope.id, record)


def wanted_types(selection: Selection) -> frozenset[str] | None:
    """The types that meet both what is said of types and of statuses; None for all."""
    types = frozenset(selection.types) if selection.types else None
    if not selection.statuses:
        return types
    by_status = frozenset(kind for kind, status in STATUS_OF.items() if status in selection.statuses)
    return by_status if types is None else types & by_status


def _meant(envelope: _Envelope, selection: Selection) -> bool:
    return (
        (selection.notification is None or envelope.subject == selection.notification)
        and (selection.since is None or envelope.time >= selection.since)
        and (selection.until is None or envelope.time < selection.until)
    )


def _kind(type_: str) -> str:
    """`tidings.notification.sent.v1` is `sent`."""
    return type_.removeprefix(TYPE_PREFIX).rpartition(".")[0] or type_
