"""`down`: ends a stack, wherever it was started from, and whatever state it is in."""

from rich.console import Console

from deploy.stack import leftovers
from deploy.stack.environment import read_settings
from deploy.stack.home import Home
from deploy.stack.report import Report
from deploy.stack.supervision import Supervision
from streams.counted import counted


def down() -> None:
    """Stop the processes, then the servers; the data stays."""
    home = Home(read_settings().tidings_home)
    report, supervision = Report(Console(stderr=True)), Supervision(home)
    was_up = supervision.pid() is not None
    with report.working("stopping: processes finish what is in flight, then the servers"):
        supervision.stop()
        ended = leftovers.end(home)
    if ended:
        report.warn(f"ended, since supervisord was gone: {counted(ended, 'process', 'processes')}")
    report.done("stopped" if was_up or ended else f"nothing runs in {home.root}")
