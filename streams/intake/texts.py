"""What a social notification says: the kind of activity, actor and post title in, a sentence out. Pure.

LIKE, COMMENT and FOLLOW are the social reference's own sentences; SHARE and MENTION follow their pattern.
"""

from streams.events import Activity

UNKNOWN_TITLE = "unknown"
"""Stands for the title of a post that nobody knows."""

SENTENCES: dict[Activity, str] = {
    "LIKE": "{actor} liked your post titled '{title}'",
    "COMMENT": "{actor} commented on your post titled '{title}'",
    "SHARE": "{actor} shared your post titled '{title}'",
    "FOLLOW": "{actor} started following you",
    "MENTION": "{actor} mentioned you in the post titled '{title}'",
}


def text(activity: Activity, actor: str, title: str | None = None) -> str:
    """The sentence for the person it concerns. `actor` is a name, or the id of one without a known name."""
    return SENTENCES[activity].format(actor=actor, title=title or UNKNOWN_TITLE)
