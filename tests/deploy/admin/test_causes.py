"""How causes and effects look in a terminal."""

from io import StringIO

from rich.console import Console

from deploy.admin.causes import tree
from projections.past.why import why
from streams.events import Event, Noted, Origin, SendFailed, Sent, Suppressed
from tests.projections.lives import Events, accepted, event, items, life, request
from tests.projections.past.test_history import story
from tests.projections.past.test_why import ASKED, POLICY, SET


def shown(told: Events) -> list[str]:
    noted = story(items([SET.then(Noted(Origin(0, 5), policy=POLICY), "admit")]))
    screen = StringIO()
    console = Console(width=120, file=screen)
    console.print(tree(why(story(items(told)), {noted.subject: noted})), highlight=False)
    return screen.getvalue().splitlines()


def test_a_chain_of_causes_is_a_straight_list_with_times_gaps_and_who_acted() -> None:
    assert shown(life(accepted("n"), "fs")) == [
        "n is sent, after 1.400 s",
        "├── 00:00:00.000 requested · channel email · maxAttempts 3",
        "├── 00:00:00.000 accepted · +0 ms · priority transactional",
        "├── 00:00:00.000 queued 1 · +0 ms · lane notification-attempts.email.transactional",
        "├── 00:00:00.100 sending 1 · +100 ms in the lane · worker w",
        "├── 00:00:00.200 send-failed 1 · +100 ms in the provider's call · error refused the 1. time",
        "├── 00:00:00.200 retry-scheduled 1 · +0 ms · error refused the 1. time",
        "├── 00:00:01.200 came-due 1 · +1.000 s until the next attempt · 0 ms late",
        "├── 00:00:01.200 queued 2 · +0 ms · lane notification-attempts.email.retries",
        "├── 00:00:01.300 sending 2 · +100 ms in the lane · worker w",
        "└── 00:00:01.400 sent 2 · +100 ms in the provider's call",
    ]


def test_what_led_to_two_things_has_both_below_it_each_with_its_consequences() -> None:
    told = life(accepted("n"), "l")[:5]
    late = Event(Sent(1), "n", told[-1].time, "deliver", "n", "n:attempt:1")
    lines = shown([*told, late])
    assert [line.split(" · ")[0] for line in lines[-4:]] == [
        "└── 00:00:00.100 sending 1",
        "    ├── 00:00:15.100 came-due 1",
        "    │   └── 00:00:15.100 send-lost 1",
        "    └── 00:00:15.100 sent 1",
    ]


def test_a_policy_in_force_stands_on_top_with_its_numbers() -> None:
    refused = Suppressed(request(), "promotional", Origin(0, 1), "rate-limited", policies=(SET.id,))
    lines = shown([ASKED.then(refused, "admit")])
    assert lines[1] == "├── policy for the actor ada, set 2026-01-01T00:00:00.000Z: at most 7"
    assert "reason rate-limited" in lines[-1]


def test_words_of_a_provider_are_shown_as_they_are() -> None:
    told = life(accepted("n"), "f")
    odd = event(SendFailed(1, "[bold]no[/]"), "n", 0.2)
    assert any("error [bold]no[/]" in line for line in shown([*told[:3], odd]))
