"""An error in, what it says out: some, such as a `TimeoutError`, say nothing but their name. Pure."""


def said(error: BaseException) -> str:
    """Trap: `error or ...` would never come to its second half, since an exception is always true."""
    return str(error) or type(error).__name__
