"""The address of the HTTP port: which ones are allowed, and how each is written."""

from ipaddress import ip_address


class Exposed(ValueError):
    """The address is not this machine's own."""


def require_loopback(host: str) -> None:
    """Raises `Exposed` for an address that others could reach, since nobody is asked who they are yet."""
    try:
        loopback = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise Exposed(
            f"expected a loopback address such as HOST=127.0.0.1, got {host!r}: Tidings has no authentication yet, so "
            "it is not served to other machines. Put a proxy that authenticates in front of it"
        )


def http_url(host: str, port: int) -> str:
    """What a person or a program on this machine opens."""
    name = {"127.0.0.1": "localhost"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{name}:{port}"
