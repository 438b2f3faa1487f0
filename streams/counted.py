"""Numbers of things as people say them."""


def counted(count: int, noun: str, plural: str = "") -> str:
    """`1 letter`, `1,234 letters`; `plural` where an s is not enough."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"
