"""Fingerprints of what is stored, held against those of what the log says."""

import pytest

from projections import fingerprints
from projections.position import Document
from projections.present import jobs
from projections.present.jobs import Standing
from streams.events import Accepted, Channel, Suppressed
from tests.projections.lives import accepted, items, life, request


def folded(outcomes: str, channel: Channel) -> tuple[Document, Standing]:
    """What a notification's document should be at its end, and where it stands."""
    events = items(life(accepted("n", asked=request("user1", channel)), outcomes))
    standing = None
    for each in events:
        standing = jobs.evolve(standing, *each)
    first, place = events[0]
    assert standing is not None
    assert isinstance(first.body, Accepted | Suppressed)
    return jobs.document(first, first.body, place, standing), standing


@pytest.mark.parametrize("channel", ["email", "in-app"])
@pytest.mark.parametrize("outcomes", ["", "f", "s", "sa", "fff"])
def test_a_document_as_it_should_be_has_the_print_of_its_standing(outcomes: str, channel: Channel) -> None:
    document, standing = folded(outcomes, channel)
    assert fingerprints.job(document) == fingerprints.standing(fingerprints.lasting(document), standing)


@pytest.mark.parametrize(
    ("outcomes", "channel", "wrong"),
    [("s", "in-app", "delivered"), ("sa", "in-app", "pending"), ("s", "email", "pending"), ("", "in-app", "pending")],
)
def test_a_document_with_another_mailbox_has_another_print(outcomes: str, channel: Channel, wrong: str) -> None:
    document, standing = folded(outcomes, channel)
    assert fingerprints.job(document | {"mailbox": wrong}) != fingerprints.standing(
        fingerprints.lasting(document), standing
    )


@pytest.mark.parametrize("outcomes", ["s", "sa"])
def test_a_document_without_its_mailbox_has_another_print(outcomes: str) -> None:
    document, standing = folded(outcomes, "in-app")
    del document["mailbox"]
    assert fingerprints.job(document) != fingerprints.standing(fingerprints.lasting(document), standing)
