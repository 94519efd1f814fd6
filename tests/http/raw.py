"""HTTP as it goes over the wire: a path is sent as it is written, nothing is normalised."""

from __future__ import annotations

import http.client
import json
from typing import Any, NamedTuple


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        found = self.json["error"]
        assert isinstance(found, str)
        return found


class Client:
    """Calls to one server; `base` goes before each path. `store` is what the server serves."""

    store: Any = None

    def __init__(self, port: int, base: str = "", **headers: str) -> None:
        self.port, self.base = port, base
        self._headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def __call__(self, method: str, path: str, content: Any = None, /, **headers: str) -> Answer:
        body = content
        if content is not None and not isinstance(content, bytes):
            body = json.dumps(content).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            sent = self._headers | {n.replace("_", "-"): v for n, v in headers.items()}
            connection.request(method, self.base + path, body, sent)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, found, answer.read())
        finally:
            connection.close()

    @property
    def headers(self) -> dict[str, str]:
        """The headers of every call."""
        return dict(self._headers)

    def head_of(self, method: str, path: str, **headers: str) -> Answer:
        """Call for an endless answer; return its beginning."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            sent = self._headers | {n.replace("_", "-"): v for n, v in headers.items()}
            connection.request(method, self.base + path, None, sent)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            endless = "content-length" not in found
            return Answer(answer.status, found, b"" if endless else answer.read())
        finally:
            connection.close()

    def from_afar(self, method: str, path: str) -> Answer:
        """Call as from another machine: the server that hosts the tests believes this header."""
        return self(method, path, None, X_Test_Client="203.0.113.7")

    def of(self, **headers: str) -> Client:
        """Return a client with other headers."""
        found = Client(self.port, self.base, **headers)
        found.store = self.store
        return found
