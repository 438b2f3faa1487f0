"""Every case through two shadows, one by the rules as they are and one by others, and into the report. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from typing import get_args

from projections.whatif.answers import Sample
from projections.whatif.cases import Case
from projections.whatif.recorded import Recorded
from projections.whatif.report import Report
from projections.whatif.shadow import Rules, Shadow
from streams.events import PolicySet, SuppressionReason

REASONS = frozenset(get_args(SuppressionReason))


def compare(
    partitions: Iterable[Iterable[Case]],
    rules: tuple[Rules, Rules],
    sample: Sample,
    before: Sequence[PolicySet],
    report: Report,
) -> Iterator[int]:
    """Yields how many cases are done. A partition's come in the order of their requests; `before` held at its start."""
    done, alike = 0, rules[0].lives_as(rules[1])
    for partition in partitions:
        as_is, tried = (Shadow(each, sample, before) for each in rules)
        for case in partition:
            _compare(case, as_is, tried, report, alike=alike)
            done += 1
            yield done


def _compare(case: Case, as_is: Shadow, tried: Shadow, report: Report, *, alike: bool) -> None:
    if not isinstance(case, Recorded):
        as_is.note(case)
        tried.note(case)
        return
    known = as_is.decide(case)
    lived = known if alike and known is not None and known.end not in REASONS else None
    other = tried.decide(case, lived)
    if known is not None and other is not None:
        report.add(case, known, other)
