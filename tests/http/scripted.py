"""A server that refuses one call as it is told, as gateways and busy servers do, and the next with a conflict."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import msgspec

from threadkeep.ops.engine import Capabilities

Refusal = tuple[int, bytes, str | None]  # status, body, Retry-After
KNOWN = msgspec.json.encode(Capabilities(name="scripted", durability="none"))
LAST: Refusal = (409, b'{"error": "scripted", "code": "Conflict", "revision": 1}', None)


class Scripted:
    """Serves at `url`; `batches` counts the calls of POST /batch."""

    def __init__(self, refusal: Refusal) -> None:
        self.batches = 0
        answers = [refusal]
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._say(200, KNOWN, None)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                outer.batches += 1
                self._say(*(answers.pop() if answers else LAST))

            def _say(self, status: int, body: bytes, wait: str | None) -> None:
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                if wait is not None:
                    self.send_header("retry-after", wait)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
