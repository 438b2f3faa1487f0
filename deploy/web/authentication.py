"""Who may ask for what over HTTP: a request with a bearer token in, on to the application or back with a 401 or 403.

A service's token opens everything, a user's what is addressed to that user, and the posts. Whatever is not named here
needs a service's token: a new route is closed to users until somebody opens it.
"""

from http import HTTPStatus
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.front import PATHS
from streams.tokens import SERVICE, Caller, Rejected, Tokens

OPEN = frozenset({"/health", "/healthz", "/ready", "/openapi.json", "/asyncapi.json", *PATHS})
"""They tell nothing about anybody, and who asks for them (a load balancer, a browser, a reader) has no token."""
OPEN_FOLDERS = ("/assets/", "/notifications/")
"""The dashboard's: its files, and its pages about one notification, which ask for the rest with a token."""
SCHEME = "Bearer"


class Authenticated:
    """The application behind it sees only what its caller may ask for. It is ASGI; sockets are told who by AUTH."""

    def __init__(self, application: ASGIApp, tokens: Tokens) -> None:
        self._application, self._tokens = application, tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI's."""
        closed = scope["type"] == "http" and not is_open(scope["path"])
        refused = self._refusal(scope) if closed else None
        await (refused or self._application)(scope, receive, send)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
        if scheme.lower() != SCHEME.lower():
            return _answer(HTTPStatus.UNAUTHORIZED, f"expected the header Authorization: {SCHEME} <token>", SCHEME)
        try:
            caller = self._tokens.caller(token.strip())
        except Rejected as rejected:
            return _answer(HTTPStatus.UNAUTHORIZED, str(rejected), f'{SCHEME} error="invalid_token"')
        if may(caller, scope["method"], scope["path"], scope["query_string"].decode("latin-1")):
            return None
        challenge = f'{SCHEME} error="insufficient_scope", scope="{SERVICE}"'
        return _answer(HTTPStatus.FORBIDDEN, "this needs a service's token", challenge)


def is_open(path: str) -> bool:
    """Whether anybody may ask for this."""
    return path in OPEN or path.startswith(OPEN_FOLDERS)


def may(caller: Caller, method: str, path: str, query: str) -> bool:
    """Whether the caller may ask for this."""
    if caller.service:
        return True
    if method not in {"GET", "HEAD"}:
        return False
    if path == "/api/notifications":
        recipients = [value for name, value in parse_qsl(query, keep_blank_values=True) if name == "recipient"]
        return recipients == [caller.subject]
    return path in {"/posts", f"/api/users/{caller.subject}/presence"}


def _answer(status: HTTPStatus, message: str, challenge: str) -> JSONResponse:
    return JSONResponse({"message": message}, status, {"WWW-Authenticate": challenge})
