"""The limit on open files: a socket is one, and what a shell gives a program by default is often 1,024."""

import resource


def raise_limit(wanted: int = 0) -> int:
    """As high as this process may have it, or higher if it is told to and may; returns what it is now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(wanted, hard), max(wanted, hard)))
    except (ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, hard), hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
