"""How long to wait after a failed attempt. The default is the WaveCom reference's: 1 s times the failed attempts."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class LinearRetry:
    """Wait `step` after the first failure, twice that after the second, and so on."""

    step: timedelta = timedelta(seconds=1)

    def delay(self, attempts: int) -> timedelta:
        """The pause after this many failed attempts (1 or more)."""
        return self.step * attempts
