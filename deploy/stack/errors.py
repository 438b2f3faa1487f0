"""What can keep the stack from starting; each text says what was expected, what came, and what to do."""


class StackError(Exception):
    """Shown to the user as it is, without a traceback."""


class Missing(StackError):
    """A program is not installed and can't be installed from here."""


class PortTaken(StackError):
    """A port that was asked for belongs to another program."""


class ServerFailed(StackError):
    """A server ended, or did not answer in time."""


class ProcessFailed(StackError):
    """A process of ours does not stay up, or `/ready` does not say that all is well."""
