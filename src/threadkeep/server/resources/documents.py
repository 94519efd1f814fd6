"""Routes of the documents: OpenAPI as data and as a page, from files of the package alone."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from starlette.responses import Response

from threadkeep.server.call import Call
from threadkeep.server.openapi import document
from threadkeep.server.routing import Handler, Route

_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'"


@cache
def _file(name: str) -> bytes:
    return files("threadkeep.server").joinpath("pages", name).read_bytes()


def _page(name: str, kind: str) -> Handler:
    async def page(_: Call) -> Response:
        """Return a part of the page that shows the document."""
        return Response(_file(name), media_type=kind, headers={"Content-Security-Policy": _POLICY})

    return page


async def openapi(call: Call) -> Response:
    """Return the OpenAPI document."""
    return Response(document(call.host.routes), media_type="application/json")


ROUTES = (
    Route("GET", "/openapi.json", openapi, None, root=True, hidden=True),
    Route("GET", "/docs", _page("docs.html", "text/html"), None, root=True, hidden=True),
    Route("GET", "/docs/style.css", _page("style.css", "text/css"), None, root=True, hidden=True),
    Route(
        "GET",
        "/docs/script.js",
        _page("script.js", "text/javascript"),
        None,
        root=True,
        hidden=True,
    ),
)
