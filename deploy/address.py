"""The address of the HTTP port: which ones are allowed, and how each is written."""

from ipaddress import ip_address

from streams.settings import Settings

ANYWHERE = {"0.0.0.0": "localhost", "::": "localhost", "127.0.0.1": "localhost"}  # noqa: S104 - it binds nothing
"""What a program on this machine calls them."""


class Exposed(ValueError):
    """Others could reach the address, and nobody would ask them who they are."""


def require_safe(settings: Settings) -> None:
    """Raises `Exposed` for an address that others could reach, unless tokens are wanted of them or it was told so."""
    asked = settings.jwt_secret is not None or settings.jwt_public_key is not None
    if not (asked or settings.open_access or _is_loopback(settings.host)):
        raise Exposed(
            f"expected a loopback address such as HOST=127.0.0.1, got {settings.host!r}: others can reach it, so set "
            "JWT_SECRET or JWT_PUBLIC_KEY, or OPEN_ACCESS=true if a proxy in front of it authenticates "
            "(docs/how-to/authentication.md)"
        )


def http_url(host: str, port: int) -> str:
    """What a person or a program on this machine opens."""
    name = ANYWHERE.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{name}:{port}"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
