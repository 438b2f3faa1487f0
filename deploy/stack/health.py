"""What the processes of a stack say about themselves at `/healthz`."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from deploy.address import http_url
from deploy.stack.ports import LOOPBACK

PATIENCE = 1.0
"""Seconds; a process that is well answers within some milliseconds."""


def ask(ports: Mapping[str, int], web_host: str) -> dict[str, str]:
    """By process: `ok`, `stalled` with what is, or why there is no answer. All are asked at once."""
    if not ports:
        return {}
    urls = [http_url(web_host if name == "web" else LOOPBACK, port) for name, port in ports.items()]
    with ThreadPoolExecutor(len(urls)) as pool:
        return dict(zip(ports, pool.map(_ask, urls), strict=True))


def _ask(url: str) -> str:
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=PATIENCE):  # noqa: S310 - the scheme is ours
            return "ok"
    except urllib.error.HTTPError as error:
        with error:
            return told(error.read())
    except OSError as error:
        return f"no answer: {getattr(error, 'reason', error)}"


def told(body: bytes) -> str:
    """What an unhealthy process says, in a line."""
    checks = json.loads(body)["checks"]
    return "; ".join(
        ["stalled", *(f"{name}: {check['told']}" for name, check in checks.items() if check["state"] != "ok")]
    )
