"""Fingerprints of documents: 16 bytes that are equal if the documents are, whoever made them and in whatever order.

Sets of documents have the sum of their fingerprints, which does not depend on order either. Pure.
"""

from hashlib import blake2b

import orjson

from projections.position import Document
from projections.present.jobs import MOVING, Standing, changes

SIZE = 16
MASK = (1 << 8 * SIZE) - 1
FOLD = "fold"
HISTORIC = ("counted", "epoch", "revision")
"""What two folds of one log need not agree in (see `projections.present.jobs`, `projections.letters.letters`)."""


def whole(document: Document) -> int:
    """Of a document in which two folds agree to the last."""
    return int.from_bytes(_hash(_canonical(document)), "little")


def letter(document: Document) -> int:
    """Of a dead letter's."""
    return whole(plain(document))


def lasting(document: Document) -> bytes:
    """Of the part of a job that never changes; what moves may be there as well."""
    return _hash(_canonical({name: value for name, value in document.items() if name not in MOVING}))


def job(document: Document) -> int:
    """Of a whole job, as it is stored."""
    return _job(lasting(document), {name: document[name] for name in MOVING if name in document})


def standing(fixed: bytes, now: Standing) -> int:
    """Of a whole job, as it should be stored: `fixed` is its `lasting` part's."""
    return _job(fixed, changes(now))


def digest(total: int) -> str:
    """Of a set of documents, by the sum of their fingerprints, in hexadecimal."""
    return (total & MASK).to_bytes(SIZE, "big").hex()


def plain(document: Document) -> Document:
    """Without what two folds need not agree in."""
    fold = document.get(FOLD)
    if not isinstance(fold, dict):
        return document
    return document | {FOLD: {name: value for name, value in fold.items() if name not in HISTORIC}}


def _job(fixed: bytes, moving: Document) -> int:
    return int.from_bytes(_hash(fixed + _canonical(plain(moving))), "little")


def _canonical(document: Document) -> bytes:
    return orjson.dumps(document, repr, orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z)


def _hash(data: bytes) -> bytes:
    return blake2b(data, digest_size=SIZE).digest()
