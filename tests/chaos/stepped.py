"""A stock process whose clock is wrong: `python -m tests.chaos.stepped KIND FILE` adds the seconds in FILE to the time.

Only `streams.clock.now` is stepped, which all of our code asks; durations are measured by the monotonic clock.
"""

import sys
from datetime import datetime, timedelta
from pathlib import Path

from streams import clock


def step_by(file: Path) -> None:
    """From now on, and as the file changes."""
    right = clock.now

    def now() -> datetime:
        return right() + timedelta(seconds=float(file.read_text() or 0))

    clock.now = now


if __name__ == "__main__":
    step_by(Path(sys.argv[2]))
    from deploy.process import main

    main(sys.argv[1])
