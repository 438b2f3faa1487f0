"""What the bench folds into where no database is: whatever a log holds."""

from aiokafka import TopicPartition

from deploy.bench.rebuilds import Nowhere
from projections.mongo.positions import Positions
from projections.present.projector import PresentProjector
from projections.rebuild.folding import Silent
from streams.events import PersonalPreferences, PreferencesSet
from streams.topics import EVENTS
from tests.projections.lives import event, many
from tests.projections.past.taken import raws


async def test_a_fold_into_nowhere_takes_in_all_that_a_log_holds() -> None:
    log = [*many(5), event(PreferencesSet(1, PersonalPreferences("ada")), "preferences:ada")]
    nowhere = Nowhere()
    projector = PresentProjector(nowhere, Positions(nowhere), Silent(), fresh=True)
    await projector.open([0])
    await projector.project(raws(log[:9]))
    await projector.project(raws(log[9:], first=9))
    assert projector.following() == {TopicPartition(EVENTS, 0): len(log)}
