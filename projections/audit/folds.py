"""The rest of the read models as the audit folds them: by their own rules, a bounded number of documents in memory.

Out come fingerprints of what NotificationHistory, StatusTally and RecipientPreferences should hold of a partition.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from projections.audit.letters import Letters
from projections.audit.spill import Spill
from projections.audit.story import Skipped
from projections.models import READ_MODELS
from projections.past import history, tallies
from projections.past.history import History
from projections.position import Document
from projections.present import jobs, preferences
from projections.present.jobs import Evolve
from projections.reading import Item
from streams.events import PreferencesSet

HELD = 8000
"""Stories of 3.5 kB, and as many sums and preferences, of less: 50 MB a process."""
AUDITED = {
    history.PROJECTION: history.PROJECTION,
    tallies.PROJECTION: history.PROJECTION,
    preferences.PROJECTION: preferences.PROJECTION,
}
"""The collections that are folded here, and the read models that they are of."""
_decoder = msgspec.json.Decoder(History)
PARTS = {part: READ_MODELS[model].parts[part] for part, model in AUDITED.items()}


class Expected(NamedTuple):
    """A document that should be there: its collection in the first copy, its id, and its fingerprint."""

    part: str
    id: str
    print: int


class Folds:
    """Takes all records of a partition, in order; then `expected` are to be read."""

    def __init__(
        self, folder: Path, partition: int, letters: Letters, evolve: Evolve = jobs.evolve, held: int = HELD
    ) -> None:
        self._evolve = evolve
        self._passed = {place for place, skipped in letters.log.items() if skipped is Skipped.ALL}
        self._histories = Spill(folder / f"histories-{partition}.sqlite", held, msgspec.json.encode, _decoder.decode)
        self._sums = Spill[Document](folder / f"sums-{partition}.sqlite", held)
        self._preferences = Spill[Document](folder / f"preferences-{partition}.sqlite", held)

    def take(self, items: Sequence[Item]) -> None:
        """The next ones."""
        self._tell(history.told(items))
        wishes = (item for item in items if isinstance(item.event.body, PreferencesSet))
        self._prefer(preferences.newest(item for item in wishes if item.place not in self._passed))

    def _tell(self, items: Sequence[Item]) -> None:
        self._histories.fetch({item.event.notification for item in items})
        after, moved = history.folded(self._histories.held, items, self._evolve)
        self._histories.held |= after
        self._histories.settle()
        wanted = {key: some for part, steps in moved.items() for key, some in tallies.touched(part, steps).items()}
        self._sums.fetch(wanted)
        writes = tallies.fold(wanted, self._sums.held)
        self._sums.held |= {document["_id"]: document for document in writes.documents}
        for update in writes.updates:
            self._sums.held[update.id] = self._sums.held[update.id] | update.changes
        self._sums.settle()

    def _prefer(self, documents: Sequence[Document]) -> None:
        self._preferences.fetch(document["_id"] for document in documents)
        for document in documents:
            known = self._preferences.held.get(document["_id"])
            if known is None or known["version"] <= document["version"]:
                self._preferences.held[document["_id"]] = document
        self._preferences.settle()

    def expected(self) -> Iterator[Expected]:
        """All documents that should be there."""
        stories = ((name, history.document(story)) for name, story in self._histories.everything())
        for part, documents in (
            (history.PROJECTION, stories),
            (tallies.PROJECTION, self._sums.everything()),
            (preferences.PROJECTION, self._preferences.everything()),
        ):
            for name, document in documents:
                yield Expected(part, name, PARTS[part].fingerprint(document))

    def close(self) -> None:
        """Forget all of them."""
        for spill in (self._histories, self._sums, self._preferences):
            spill.close()
