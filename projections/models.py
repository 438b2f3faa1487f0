"""The read models: each declared here, once. Pure.

To add one: its fold in a module of its own, a declaration here, and its documents in the folder of its `family`.
Copies, rebuild, comparison and audit go by what is said here.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from projections import fingerprints
from projections.letters import letters
from projections.past import history, tallies
from projections.position import UNREAD, Document
from projections.present import jobs, preferences, story
from projections.present.jobs import SELECTIVE

Family = Literal["present", "past", "letters"]
"""Those of one family are folded together, out of one reading (see `present.projector`, `past.fold`, `letters.fold`).

`present` and `past` are folds of `notification-events`, with a position for each partition.
"""
GROUPS: dict[Family, str] = {"present": "projections", "past": "histories", "letters": "dead-letters"}
"""The consumer groups in which they are read."""
Stands = Callable[[Document], dict[Any, int]]
Index = tuple[tuple[str, ...], bool]
"""Fields, and whether they are unique."""


class Part(NamedTuple):
    """A collection: its indexes, and how its documents are judged.

    By a fingerprint, which is equal if two folds of one log agree; and by the last offsets that a document tells of, by
    partition of the log (or by topic, for letters). One that tells of none stands before all of them: it is judged.
    """

    indexes: tuple[Index, ...]
    fingerprint: Callable[[Document], int]
    stands: Stands


class ReadModel(NamedTuple):
    """`parts` are its collections, by the name they have in its first copy; the model's own is one of them."""

    name: str
    version: int
    family: Family
    parts: Mapping[str, Part]

    def collections(self, copy: str) -> dict[str, str]:
        """The names of a copy's collections, by part: each with the number that the copy has."""
        return {part: companion(part, self.name, copy) for part in self.parts}


def companion(part: str, model: str, copy: str) -> str:
    """The collection of a part that belongs to this copy of a read model."""
    return part + copy.removeprefix(model)


def _of_log(where: str | None, offset: str) -> Stands:
    def stands(document: Document) -> dict[Any, int]:
        known = document if where is None else _grouped(document, where)
        return {known.get("partition", -1): _number(known.get(offset))}

    return stands


def _of_letters(document: Document) -> dict[Any, int]:
    return {topic: _number(offset) for topic, offset in _grouped(_grouped(document, "fold"), "taken").items()}


def _grouped(document: Document, where: str) -> Document:
    found = document.get(where)
    return found if isinstance(found, dict) else {}


def _number(offset: object) -> int:
    return offset if isinstance(offset, int) else UNREAD


def _sorted(*fields: str) -> Index:
    return fields, False


DECLARED = (
    ReadModel(
        jobs.PROJECTION,
        jobs.VERSION,
        "present",
        {
            jobs.PROJECTION: Part(
                ((("seq",), True), *(_sorted(name, "seq") for name in SELECTIVE)),
                fingerprints.job,
                _of_log("fold", "position"),
            )
        },
    ),
    ReadModel(
        story.PROJECTION,
        story.VERSION,
        "present",
        {story.PROJECTION: Part((_sorted("jobId"),), fingerprints.whole, _of_log("position", "offset"))},
    ),
    ReadModel(
        preferences.PROJECTION,
        preferences.VERSION,
        "present",
        {preferences.PROJECTION: Part((_sorted("since"),), fingerprints.whole, _of_log("position", "offset"))},
    ),
    ReadModel(
        history.PROJECTION,
        history.VERSION,
        "past",
        {
            history.PROJECTION: Part((_sorted("partition"),), fingerprints.whole, _of_log(None, "offset")),
            tallies.PROJECTION: Part((_sorted("span", "start"),), fingerprints.whole, _of_log(None, "offset")),
        },
    ),
    ReadModel(
        letters.PROJECTION,
        letters.VERSION,
        "letters",
        {
            letters.PROJECTION: Part(
                (_sorted("seq"), *(_sorted(name, "seq") for name in letters.FILTERS.values())),
                fingerprints.letter,
                _of_letters,
            )
        },
    ),
)
READ_MODELS = {model.name: model for model in DECLARED}
VERSIONS = {model.name: model.version for model in DECLARED}
"""Of the folds."""


def family(name: Family) -> dict[str, int]:
    """The versions of the read models of a family, by name."""
    return {model.name: model.version for model in DECLARED if model.family == name}


def versions(copies: Mapping[str, str]) -> dict[str, int]:
    """By their names, the versions of copies that are given by read model."""
    return {copy: VERSIONS[projection] for projection, copy in copies.items()}


OF_LOG = tuple(model.name for model in DECLARED if model.family != "letters")
"""The folds of `notification-events`."""
