"""The application inside others: FastAPI, Starlette, Django, and below a prefix of a proxy."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.http.hosting import ON_BOTH, Hosted
from tests.http.raw import Client
from tests.http.test_values import NAMES, encoded
from threadkeep import AsyncStore, UsageError
from threadkeep.server import app


def in_fastapi(inner: ASGIApp) -> ASGIApp:
    outer = FastAPI()

    @outer.get("/hello")
    async def hello() -> str:
        return "hello"

    outer.mount("/store", inner)
    return outer


def in_starlette(inner: ASGIApp) -> ASGIApp:
    async def hello(_: Any) -> PlainTextResponse:
        return PlainTextResponse("hello")

    return Starlette(routes=[Route("/hello", hello), Mount("/store", inner)])


def in_django(inner: ASGIApp) -> ASGIApp:
    from django.conf import settings
    from django.core.asgi import get_asgi_application
    from django.http import HttpResponse
    from django.urls import path

    def hello(_: Any) -> HttpResponse:
        return HttpResponse(b"hello")

    urls = type("Urls", (), {"urlpatterns": [path("hello", hello)]})
    if not settings.configured:
        settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=urls, SECRET_KEY="x" * 50)
    django = get_asgi_application()

    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        root = scope.get("root_path", "")
        if scope["type"] == "lifespan" or scope["path"].startswith(f"{root}/store/"):
            await inner({**scope, "root_path": f"{root}/store"}, receive, send)
        else:
            await django(scope, receive, send)

    return outer


@pytest.fixture(params=[in_fastapi, in_starlette, in_django])
def mounted(request: pytest.FixtureRequest, hosted: Hosted) -> Iterator[Client]:
    """A client of an application that has the store below `/store`."""
    store = AsyncStore("memory://")
    name = os.urandom(6).hex()
    hosted.mount(name, request.param(app(store)))
    yield Client(hosted.port, f"/{name}")
    hosted.run(store.aclose)


@ON_BOTH
def test_the_store_beside_other_routes(mounted: Client):
    assert b"hello" in mounted("GET", "/hello").body
    path = "/store/v1/sessions/s/values"
    assert mounted("POST", path, {"key": "k", "value": 1}).status == 204
    assert mounted("GET", f"{path}/k").json == {"value": 1}
    assert mounted("GET", "/store/health").json["status"] == "healthy"
    assert mounted("GET", "/store/nothing").json["code"] == "Refused"
    assert mounted("GET", "/store/openapi.json").json["openapi"] == "3.1.0"
    assert mounted("GET", "/store/docs").status == 200
    assert mounted.head_of("GET", "/store/v1/threads/t/watch").status == 200


def test_any_id_and_key(mounted: Client):
    for name in NAMES:
        path = f"/store/v1/sessions/{encoded(name)}/values"
        assert mounted("POST", path, {"key": name, "value": name}).status == 204
        assert mounted("GET", f"{path}/{encoded(name)}").json == {"value": name}
    assert mounted("DELETE", "/store/v1/sessions/s/").status == 404  # no redirect either


@pytest.mark.anyio
async def test_it_runs_within_the_lifespan_of_another():
    store = AsyncStore("memory://")
    inner = app(store, sweep=60.0, close=True)

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        async with inner.running():
            yield

    outer = Starlette(routes=[Mount("/store", inner)], lifespan=lifespan)
    async with outer.router.lifespan_context(outer):
        await store.thread("t").state.set("a", 1)
        assert not inner.ending.is_set()
    assert inner.ending.is_set()
    with pytest.raises(UsageError, match="closed"):
        await store.thread("t").state.get("a")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "root"),
    [
        ("/v1/sessions/a%2Fb/values", ""),
        ("/proxy/v1/sessions/a%2Fb/values", "/proxy"),
        ("/v1/sessions/a%2Fb/values", "/proxy"),  # a proxy that takes its prefix away
        ("/pr%6Fxy/v1/sessions/a%2Fb/values", "/proxy"),
    ],
)
async def test_prefixes_of_proxies(path: str, root: str):
    async with AsyncStore("memory://") as store:
        await store.thread("a/b").state.set("k", 1)
        found = await _ask(app(store, anyone=True), path, root)
        assert found == (200, b'{"values":{"k":1}}')


async def _ask(target: Callable[..., Awaitable[None]], path: str, root: str) -> tuple[int, bytes]:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "root_path": root,
        "query_string": b"",
        "headers": [],
    }
    await target(scope, receive, send)
    return sent[0]["status"], sent[1]["body"]
