"""The numbers of the rules as the settings have them where nobody sets any, read once."""

from streams.settings import Settings

LIMITS, RETRY = Settings().limits, Settings().retry
