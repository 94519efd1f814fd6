# Generated from src/threadkeep/_async/drivers/http.py by scripts/unasync. Do not edit.
"""The driver of a threadkeep server: one request for each call."""

from __future__ import annotations

import random
import ssl
import time
from collections.abc import Iterator

import httpx
import msgspec

from threadkeep.concurrency import Flow, Home
from threadkeep.engines.http.answers import (
    LONGEST,
    WIRE,
    error_of,
    refused_at_once,
    retry_after,
)
from threadkeep.engines.http.url import HttpSettings
from threadkeep.errors import Timeout, Unavailable, UsageError
from threadkeep.model.refs import Ref
from threadkeep.ops import wire
from threadkeep.ops.batch import Batch, check
from threadkeep.ops.engine import Capabilities, Claim, Due, Page, Query
from threadkeep.ops.reply import Reply

_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_LONGEST_PAUSE = 1.0


class HttpEngine:
    """Keep entities on a server of threadkeep."""

    def __init__(self, settings: HttpSettings) -> None:
        self._settings = settings
        self._home = Home()
        self._client: httpx.Client | None = None
        self._found = Capabilities(name="http", durability="none", remote=True)

    @property
    def capabilities(self) -> Capabilities:
        """Say what the engine behind the server can do; final after `setup`."""
        return self._found

    def setup(self) -> None:
        """Connect and ask the server what it can do. Raises Unavailable, Forbidden or UsageError."""
        answer = self._call("GET", "/engine", None, again=True)
        try:
            found = msgspec.json.decode(answer, type=Capabilities)
        except msgspec.MsgspecError as error:
            raise UsageError(f"{self._settings.base} is no threadkeep server: {error}") from None
        self._found = msgspec.structs.replace(
            found, name="http", clock=False, remote=True, processes=True
        )

    def run(self, batch: Batch) -> Reply:
        """Run a batch on one entity, atomically, in one trip."""
        check(batch)
        sent = wire.encode_batch(batch)
        answer = self._call("POST", "/batch", sent, again=batch.repeatable)
        return wire.decode_reply(answer, limit=LONGEST)

    def scan(self, query: Query) -> Page:
        """Return one page of a listing."""
        answer = self._call("POST", "/scan", wire.encode_query(query), again=True)
        return wire.decode_page(answer, limit=LONGEST)

    def claim(self, due: Due) -> tuple[Claim, ...]:
        """Lease expired entities to this caller and reclaim what has run out elsewhere."""
        again = due.token is not None
        answer = self._call("POST", "/claim", wire.encode_due(due), again=again)
        return wire.decode_claims(answer, limit=LONGEST)

    def watch(self, ref: Ref) -> Iterator[int]:
        """Yield the revision now and then after each change, coalesced; also after a lost connection."""
        last = -1
        query = {"namespace": ref.namespace, "kind": ref.kind, "id": ref.id}
        while True:
            try:
                with self._open().stream(
                    "GET", "/watch", params=query, timeout=self._patience(60.0)
                ) as answer:
                    if answer.status_code != 200:
                        raise error_of(answer.status_code, answer.read())
                    for line in answer.iter_lines():
                        if line.startswith("data: ") and line[6:].isdecimal():
                            revision = int(line[6:])
                            if revision != last:
                                last = revision
                                yield revision
            except httpx.HTTPError:
                pass
            Flow.sleep(random.uniform(0.05, 0.5))  # noqa: S311 - spreads who comes back

    def close(self) -> None:
        """Close the connections; twice is fine."""
        if self._client is not None:
            client, self._client = self._client, None
            client.close()

    def _patience(self, read: float) -> httpx.Timeout:
        timeout = self._settings.timeout
        return httpx.Timeout(read, connect=timeout, write=timeout, pool=timeout)

    def _open(self) -> httpx.Client:
        self._home.check()
        if self._client is None:
            given = self._settings
            headers = {"Accept-Encoding": "identity"}
            if given.token is not None:
                headers["Authorization"] = f"Bearer {given.token}"
            self._client = httpx.Client(
                base_url=given.base,
                headers=headers,
                http2=given.http2,
                verify=given.base.startswith("https") and _trusting(given.ca),
                limits=httpx.Limits(
                    max_connections=given.connections, max_keepalive_connections=given.connections
                ),
                follow_redirects=False,
                trust_env=False,
            )
        return self._client

    def _call(self, method: str, path: str, content: bytes | None, *, again: bool) -> bytes:
        """Return the body of a good answer; tried again where that is safe, until the deadline."""
        deadline = time.monotonic() + self._settings.timeout
        pause = 0.02
        applied = False
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Timeout(
                    f"{self._settings.base} did not answer within {self._settings.timeout:g} seconds",
                    maybe_applied=applied,
                )
            try:
                answer = Flow.limit(self._send(method, path, content, left), left)
            except (httpx.HTTPError, TimeoutError) as error:
                unsent = isinstance(error, _NOT_SENT)
                applied = applied or not (unsent or again)
                if not (unsent or again):
                    raise self._lost(error) from error
                if deadline - time.monotonic() <= pause:
                    raise self._lost(error, applied=applied) from error
            else:
                if answer.status_code == 200:
                    return answer.content
                if not refused_at_once(answer.status_code, answer.content):
                    raise error_of(answer.status_code, answer.content)
                pause = max(pause, retry_after(answer.headers.get("retry-after")))
                if deadline - time.monotonic() <= pause:
                    raise error_of(answer.status_code, answer.content)
            Flow.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - spreads who comes back
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _send(self, method: str, path: str, content: bytes | None, left: float) -> httpx.Response:
        headers = {"Content-Type": WIRE} if content is not None else None
        return self._open().request(
            method, path, content=content, headers=headers, timeout=httpx.Timeout(left)
        )

    def _lost(self, error: Exception, *, applied: bool = True) -> Unavailable:
        where = self._settings.base
        if isinstance(error, (TimeoutError, httpx.TimeoutException)):
            seconds = self._settings.timeout
            return Timeout(
                f"{where} did not answer within {seconds:g} seconds", maybe_applied=applied
            )
        return Unavailable(
            f"the connection to {where} failed: {type(error).__name__}", maybe_applied=applied
        )


def _trusting(file: str | None) -> ssl.SSLContext:
    """Return the context of TLS; making one takes 20 ms, so plain HTTP does without."""
    return ssl.create_default_context(cafile=file)
