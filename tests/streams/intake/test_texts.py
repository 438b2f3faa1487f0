import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.events import ACTIVITIES, Activity
from streams.intake.texts import text


@pytest.mark.parametrize(
    ("activity", "sentence"),
    [
        ("LIKE", "Ann liked your post titled 'Tides'"),
        ("COMMENT", "Ann commented on your post titled 'Tides'"),
        ("SHARE", "Ann shared your post titled 'Tides'"),
        ("FOLLOW", "Ann started following you"),
        ("MENTION", "Ann mentioned you in the post titled 'Tides'"),
    ],
)
def test_each_kind_has_its_sentence(activity: Activity, sentence: str) -> None:
    assert text(activity, "Ann", "Tides") == sentence


@pytest.mark.parametrize("title", [None, ""])
def test_a_post_without_a_title_is_called_unknown(title: str | None) -> None:
    assert text("LIKE", "Ann", title) == "Ann liked your post titled 'unknown'"


@given(st.sampled_from(ACTIVITIES), st.text(), st.text(min_size=1))
def test_names_and_titles_come_through_as_they_are_braces_included(activity: Activity, actor: str, title: str) -> None:
    sentence = text(activity, actor, title)
    assert sentence.startswith(actor)
    assert activity == "FOLLOW" or sentence.endswith(f"'{title}'")
