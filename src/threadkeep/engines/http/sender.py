"""One request over httpx and what its answer means; connections are opened when they are first needed."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

import httpx

from threadkeep.engines.http.answers import WIRE, error_of, refused_at_once, retry_after
from threadkeep.engines.http.calls import BusyError, Fate, LostError
from threadkeep.engines.http.url import HttpSettings
from threadkeep.errors import ThreadkeepError, UsageError

_SENDING: Final = (
    "http11.send_request_headers.started",
    "http2.send_request_headers.started",
)


class Sender:
    """Sends requests to one server over at most `settings.connections` connections."""

    def __init__(self, settings: HttpSettings) -> None:
        self.settings = settings
        self._client: httpx.AsyncClient | None = None

    async def send(
        self, method: str, path: str, content: bytes | None, deadline: float, fates: list[Fate]
    ) -> httpx.Response:
        """Return the answer, whatever its status; the fates are marked when the request goes out."""

        async def trace(event: str, _: Mapping[str, Any]) -> None:
            if event in _SENDING:
                for fate in fates:
                    fate.sent = True

        headers = {"Content-Type": WIRE} if content is not None else None
        left = max(0.001, deadline - asyncio.get_running_loop().time())
        try:
            async with asyncio.timeout_at(deadline):
                return await self._open().request(
                    method,
                    path,
                    content=content,
                    headers=headers,
                    timeout=left,
                    extensions={"trace": trace},
                )
        except (httpx.HTTPError, TimeoutError) as error:
            raise LostError(_reason(error)) from error

    def stream(
        self, path: str, query: dict[str, str], last: str, silence: float
    ) -> AbstractAsyncContextManager[httpx.Response]:
        """Return an endless answer that goes on after the event `last`, with something every `silence` seconds."""
        headers = {"Last-Event-ID": last} if last else {}
        timeout = self.settings.timeout
        patience = httpx.Timeout(silence, connect=timeout, write=timeout, pool=timeout)
        return self._open().stream("GET", path, params=query, headers=headers, timeout=patience)

    def _open(self) -> httpx.AsyncClient:
        if self._client is None:
            given = self.settings
            headers = {"Accept-Encoding": "identity"}
            if given.token is not None:
                headers["Authorization"] = f"Bearer {given.token}"
            secure = given.base.startswith("https")
            try:
                self._client = httpx.AsyncClient(
                    base_url=given.base,
                    headers=headers,
                    http2=given.http2,
                    http1=secure
                    or not given.http2,  # without TLS the two sides cannot agree on one
                    verify=secure and ssl.create_default_context(cafile=given.ca),
                    limits=httpx.Limits(
                        max_connections=given.connections,
                        max_keepalive_connections=given.connections,
                    ),
                    follow_redirects=False,
                    trust_env=False,
                )
            except ImportError as error:
                raise UsageError(
                    "http2=true needs the extra http2: pip install 'threadkeep[http2]'"
                ) from error
            except OSError as error:
                raise UsageError(
                    f"the certificates in {given.ca!r} cannot be read: {error}"
                ) from error
        return self._client

    async def aclose(self) -> None:
        """Close the connections; twice is fine."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


def refusal_of(answer: httpx.Response) -> ThreadkeepError | LostError | BusyError:
    """Return the error of an answer that is not 200 and has been read."""
    return refusal(answer.status_code, answer.content, answer.headers.get("retry-after"))


def refusal(status: int, body: bytes, wait: str | None) -> ThreadkeepError | LostError | BusyError:
    """Return the error that a status, a body and a Retry-After mean."""
    error = error_of(status, body)
    if refused_at_once(status, body):
        return BusyError(error, retry_after(wait))
    if status in {502, 503, 504}:
        return LostError(str(error), error)
    return error


def _reason(error: Exception) -> str:
    return f"{type(error).__name__} {error}".strip()
