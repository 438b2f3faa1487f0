"""The Content-Type of a request's body in, why it is not taken out. Pure.

Trap: a browser lets a page of any site POST text or a form to a stack on loopback, which needs no token, without
asking first. For JSON it asks, and nobody here answers yes.
"""

JSON = "application/json"


def not_json(content_type: str) -> str | None:
    """What is wrong with it, if it is not JSON's: `application/json` or `application/*+json`, with any parameters."""
    if content_type == JSON:  # as nearly all say it
        return None
    kind = content_type.partition(";")[0].strip().lower()
    if kind == JSON or (kind.startswith("application/") and kind.endswith("+json")):
        return None
    return f"expected a body of JSON, got {kind or 'one without a type'}: send it with Content-Type: {JSON}"
