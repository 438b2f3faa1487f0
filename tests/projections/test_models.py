"""What is declared of read models: how far a document stands, whoever wrote it."""

import pytest

from projections.models import READ_MODELS
from projections.position import UNREAD, Document
from streams.topics import DEAD_LETTERS, OPERATIONS

PARTS = {name: part for model in READ_MODELS.values() for name, part in model.parts.items()}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    "document",
    [
        {},
        {"fold": None, "position": 7},
        {"fold": {}, "position": {}},
        {"fold": {"taken": None, "position": "7"}, "position": {"offset": None}, "offset": "7"},
        {"fold": {"taken": {DEAD_LETTERS: None}}},
    ],
)
def test_a_document_that_does_not_say_where_it_stands_is_before_all_others_and_judged(
    part: str, document: Document
) -> None:
    assert set(PARTS[part].stands(document).values()) <= {UNREAD}
    assert isinstance(PARTS[part].fingerprint(document), int)


def test_a_letter_stands_where_the_last_records_of_both_topics_lie() -> None:
    taken = {DEAD_LETTERS: 7, OPERATIONS: UNREAD}
    assert PARTS["DeadLetter"].stands({"fold": {"taken": taken}}) == taken
