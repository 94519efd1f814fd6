"""Applications that do nothing, on the ASGI server that `threadkeep serve` uses: what that server alone can do.

`python -m benchmarks.served.bare asgi|starlette PORT`
"""

import sys
from typing import Any

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

VALUE = {"value": "book_flight"}
_BODY = b'{"value":"book_flight"}'


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    """Answer as the routes of thread values do, by the protocol alone."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    if scope["method"] == "POST":
        while (await receive()).get("more_body"):
            pass
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(_BODY))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": _BODY})


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return


async def _value(_: Request) -> Response:
    return JSONResponse(VALUE)


async def _taken(request: Request) -> Response:
    await request.json()
    return JSONResponse(VALUE)


starlette = Starlette(
    routes=[
        Route("/v1/sessions/{session_id}/values/{key}", _value),
        Route("/v1/sessions/{session_id}/values", _taken, methods=["POST"]),
        Route("/v1/threads/{thread_id}/messages", _taken, methods=["POST"]),
    ]
)


APPS = {"asgi": asgi, "starlette": starlette}


def loaded(which: str) -> Any:
    """Return one of them, in the worker's process."""
    return APPS[which]


def main(which: str, port: int) -> None:
    """Serve one of them."""
    server = Granian(
        which,
        port=port,
        interface=Interfaces.ASGI,
        websockets=False,
        log_level=LogLevels.error,
    )
    server.serve(target_loader=loaded, wrap_loader=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
