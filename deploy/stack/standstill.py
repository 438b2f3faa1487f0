"""Workers of a running stack that stand still for as long as something is done that they must not meet."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from deploy.stack.home import Home
from deploy.stack.report import Report
from deploy.stack.supervision import Supervision


@contextmanager
def stopped(home: Home, kinds: Collection[str], report: Report) -> Iterator[None]:
    """The workers of these kinds, if the stack runs, are stopped, and started again afterwards."""
    supervision = Supervision(home)
    workers = [state for state in supervision.states() if state.name.split("-")[0] in kinds]
    try:
        with report.working(f"stopping {', '.join(kinds)}"):
            for state in workers:
                supervision.halt(state)
        yield
    finally:
        for state in workers:
            supervision.start(state)
        if workers:
            report.done(f"started {', '.join(state.name for state in workers)}")
