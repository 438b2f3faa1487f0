import pytest

from deploy.declare import CHANGELOGS
from projections.replay.targets import Target, TargetRefused, parse, refuse_ours
from projections.replay.writing import TopicWriter
from streams.topics import catalogue

OURS = sorted({topic.name for topic in catalogue(4, CHANGELOGS)})


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("stdout", Target("stdout")),
        ("collection:failures", Target("collection", "failures")),
        ("topic:audit.copy", Target("topic", "audit.copy")),
        ("https://example.org/hook?x=1", Target("webhook", "https://example.org/hook?x=1")),
    ],
)
def test_a_target_is_named_in_writing(text: str, target: Target) -> None:
    assert parse(text) == target


@pytest.mark.parametrize("topic", [*OURS, "notification-attempts.fax.retries", "__consumer_offsets", "tidings-new"])
def test_our_topics_are_refused_by_name_and_by_prefix_wherever_they_are_named(topic: str) -> None:
    for name in (lambda: parse(f"topic:{topic}"), lambda: refuse_ours(topic)):
        with pytest.raises(TargetRefused, match="Tidings' own"):
            name()
    with pytest.raises(TargetRefused, match="Tidings' own"):
        TopicWriter("kafka://127.0.0.1:1", topic)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "stderr",
        "collection:",
        "collection:a$b",
        "collection:system.users",
        "topic:a/b",
        "ftp://x/",
        "http://",
        "http://[",
        "http://a:b/",
        "topic",
    ],
)
def test_what_is_no_target_is_refused(text: str) -> None:
    with pytest.raises(TargetRefused):
        parse(text)


def test_a_password_does_not_get_on_record() -> None:
    with pytest.raises(TargetRefused, match="without user and password"):
        parse("https://ada:secret@example.org/hook")
