"""The dashboard's files over HTTP: its page at each of its paths, and what the page loads.

`./tidings up` builds them from `gateway/dashboard/` (see `deploy.dashboard`). A file's name changes with its content,
so browsers keep it for ever and ask only for the page itself.
"""

import mimetypes
from pathlib import Path

import anyio
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response

BUILT = Path(__file__).parent / "dashboard" / "dist"
PATHS = (
    "/",
    "/notifications/{id}",
    "/flow",
    "/dead-letters",
    "/policies",
    "/preferences",
    "/replays",
    "/read-models",
    "/mailbox",
    "/docs",
)
"""Where the page is; which part of it is shown is its own business. `dashboard/src/main.tsx` has the same."""
FOR_EVER = "public, max-age=31536000, immutable"
SECURITY = {
    "Content-Security-Policy": (
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
NOT_BUILT = "The dashboard is not built: ./tidings up builds it. The HTTP API is there: see /docs.\n"


def router(built: Path = BUILT) -> APIRouter:
    """The page and its files, as they are on the disk when they are asked for."""

    async def page(_: Request) -> Response:
        return await _file(built / "index.html", {"Cache-Control": "no-cache", **SECURITY})

    async def asset(request: Request) -> Response:
        name: str = request.path_params["name"]
        return await _file(built / "assets" / name, {"Cache-Control": FOR_EVER if "-" in name else "no-cache"})

    routes = APIRouter(include_in_schema=False)
    for path in PATHS:
        routes.add_api_route(path, page, methods=["GET", "HEAD"], response_class=FileResponse)
    routes.add_api_route("/assets/{name}", asset, methods=["GET", "HEAD"], response_class=FileResponse)
    return routes


async def _file(path: Path, headers: dict[str, str]) -> Response:
    if not await anyio.Path(path).is_file():
        missing = path.name == "index.html"
        return PlainTextResponse(NOT_BUILT if missing else "Not found\n", 503 if missing else 404)
    kind = mimetypes.guess_type(path.name)[0]
    return FileResponse(path, media_type=kind, headers=headers)
