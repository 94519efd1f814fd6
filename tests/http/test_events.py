"""Server-sent events: resumed where they broke off, kept alive, ended for a reader that takes none."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.http.hosting import ON_BOTH
from tests.http.raw import Client
from threadkeep import AsyncStore
from threadkeep.server import app, events
from threadkeep.server.settings import ServerLimits

T = "/v1/threads/t"


@contextmanager
def stream(call: Client, path: str, **headers: str) -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", call.port, timeout=20)
    sent = call.headers | {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("GET", call.base + path, None, sent)
    answer = connection.getresponse()
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.readline() == b": open\n"
    assert answer.readline() == b"\n"
    yield answer
    answer.close()
    connection.close()


def event(answer: http.client.HTTPResponse) -> dict[str, str]:
    """Return the next event by its fields."""
    found: dict[str, str] = {}
    while (line := answer.readline().decode().rstrip("\n")) or not found:
        assert line or found or answer.fp, "the stream ended"
        if line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            found[name] = value
    return found


@ON_BOTH
def test_a_change_is_told_and_a_broken_stream_goes_on(call: Client):
    call("PUT", f"{T}/state/a", {"value": 1})
    with stream(call, f"{T}/watch", Last_Event_ID="0") as answer:
        first = event(answer)
    assert first == {"id": "1", "event": "change", "data": '{"revision": 1, "exists": true}'}
    call("PUT", f"{T}/state/a", {"value": 2})
    call("PUT", f"{T}/state/a", {"value": 3})
    with stream(call, f"{T}/watch", Last_Event_ID=first["id"]) as answer:
        assert event(answer)["id"] == "3"  # what was missed comes as one
        call("DELETE", T)
        assert event(answer)["data"].endswith('"exists": false}')


@ON_BOTH
@pytest.mark.parametrize("given", ["x", "-1", "1.5", "9" * 19])
def test_an_event_id_that_is_none(call: Client, given: str):
    found = call.head_of("GET", f"{T}/watch", Last_Event_ID=given)
    assert found.status == 400
    assert "Last-Event-ID" in found.error


@ON_BOTH
def test_the_engine_s_own_stream(call: Client):
    with stream(call, "/v1/watch?namespace=default&kind=thread&id=t") as answer:
        assert event(answer)["data"] == "0"
        call("PUT", f"{T}/state/a", {"value": 1})
        assert event(answer)["data"] == "1"


def test_a_quiet_stream_says_that_it_lives(call: Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(events, "HEARTBEAT", 0.05)
    with stream(call, f"{T}/watch") as answer:
        assert answer.readline() == b": still here\n"


@pytest.mark.anyio
@pytest.mark.parametrize("version", ["2.3", "2.4"])
async def test_a_reader_that_takes_nothing_is_let_go(version: str):
    async with AsyncStore("memory://") as store:
        target = app(store, anyone=True, limits=ServerLimits(body_seconds=0.1))
        taken = 0

        async def send(message: Any) -> None:
            nonlocal taken
            taken += 1
            if taken > 2:
                await asyncio.Event().wait()

        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": version},
            "method": "GET",
            "path": f"{T}/watch",
            "raw_path": f"{T}/watch".encode(),
            "query_string": b"",
            "headers": [(b"last-event-id", b"0")],
        }
        await store.thread("t").state.set("a", 1)
        async with asyncio.timeout(20):
            await target(scope, asyncio.Future[Any], send)
        assert (taken, target.streams) == (3, 0)
