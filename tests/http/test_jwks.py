"""The keys of an identity provider that has a URL: cached, fetched again with a bound."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from tests.http.raw import Client
from tests.http.test_jwt import token
from threadkeep import Unavailable, UsageError
from threadkeep.server.access import jwks
from threadkeep.server.access.jwt import JwtSettings

KEYS = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("k1", "k2")}


def published(*names: str) -> bytes:
    keys = [
        json.loads(ECAlgorithm.to_jwk(KEYS[name].public_key())) | {"kid": name, "alg": "ES256"}
        for name in names
    ]
    return json.dumps({"keys": keys}).encode()


class Provider:
    """An identity provider that publishes keys at a URL and counts who asks."""

    def __init__(self) -> None:
        self.body, self.status, self.asked = published("k1"), 200, 0
        provider = self

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.asked += 1
                self.send_response(provider.status)
                self.end_headers()
                self.wfile.write(provider.body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self._server.server_port}/jwks.json"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def provider() -> Iterator[Provider]:
    found = Provider()
    yield found
    found.close()


class Time:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def keys(provider: Provider, clock: Time) -> jwks.KeySet:
    return jwks.KeySet(provider.url, clock)


async def missing(keys: jwks.KeySet, name: str) -> None:
    with pytest.raises(jwt.InvalidKeyError):
        await keys.key(name)


@pytest.mark.anyio
class TestKeySet:
    async def test_it_is_fetched_once_and_kept(
        self, keys: jwks.KeySet, provider: Provider, clock: Time
    ):
        await asyncio.gather(*(keys.key("k1") for _ in range(20)))
        assert provider.asked == 1
        clock.now += jwks.KEPT_SECONDS - 1
        await keys.key("k1")
        assert provider.asked == 1
        clock.now += 2
        await keys.key("k1")
        assert provider.asked == 2

    async def test_an_unknown_key_fetches_again_but_not_for_each_token(
        self, keys: jwks.KeySet, provider: Provider, clock: Time
    ):
        await keys.key("k1")
        provider.body = published("k2")
        for _ in range(100):
            await missing(keys, "k2")
        assert provider.asked == 1
        clock.now += jwks.PAUSE_SECONDS
        assert (await keys.key("k2")).key_id == "k2"
        await missing(keys, "k1")  # the provider took it back
        for number in range(100):
            await missing(keys, f"made-up-{number}")
        assert provider.asked == 2

    async def test_a_provider_that_fails_is_asked_seldom_and_its_keys_hold_for_a_while(
        self, keys: jwks.KeySet, provider: Provider, clock: Time
    ):
        await keys.key("k1")
        for status, body in (
            (500, b""),
            (302, b""),
            (200, b"[]"),
            (200, b"{"),
            (200, b'{"keys": []}'),
        ):
            provider.status, provider.body = status, body
            clock.now += jwks.KEPT_SECONDS + 1
            asked = provider.asked
            for _ in range(20):
                assert (await keys.key("k1")).key_id == "k1"
            assert provider.asked == asked + 1
        clock.now += jwks.STALE_SECONDS
        with pytest.raises(Unavailable, match="identity provider"):
            await keys.key("k1")
        provider.status, provider.body = 200, published("k1")
        clock.now += jwks.PAUSE_SECONDS
        await keys.key("k1")

    async def test_a_provider_that_is_away(self, clock: Time):
        keys = jwks.KeySet("http://127.0.0.1:1/jwks.json", clock)
        for _ in range(3):
            with pytest.raises(Unavailable):
                await keys.key("k1")


@pytest.mark.parametrize("place", ["http://id.example.org/k", "ftp://id/k", "file:///etc/passwd"])
def test_other_places_are_refused(place: str):
    with pytest.raises(UsageError, match="https://"):
        jwks.KeySet(place)


@pytest.mark.parametrize("place", ["none.json", "."])
def test_a_file_that_is_none(place: str):
    with pytest.raises(UsageError, match="cannot be read"):
        jwks.KeySet(place)


def test_tokens_of_a_provider_with_a_url(served: Callable[..., Client], provider: Provider):
    call = served(jwt=JwtSettings(jwks=provider.url, issuer="https://id", audience="threadkeep"))
    path, body = "/v1/sessions/s/values", {"key": "k", "value": 1}
    good = call.of(authorization=f"Bearer {token(KEYS['k1'])}")
    assert [good("POST", path, body).status for _ in range(5)] == [204] * 5
    assert provider.asked == 1
    unknown = call.of(authorization=f"Bearer {token(KEYS['k2'], kid='k2')}")
    assert [unknown("GET", path).status for _ in range(5)] == [401] * 5
    assert provider.asked == 1


def test_a_provider_that_is_away_is_503(served: Callable[..., Client]):
    given = JwtSettings(jwks="http://127.0.0.1:1/k", issuer="https://id", audience="threadkeep")
    found = served(jwt=given).of(authorization=f"Bearer {token()}")("GET", "/v1/sessions")
    assert (found.status, found.headers["retry-after"]) == (503, "1")
    assert "127.0.0.1" not in found.error
