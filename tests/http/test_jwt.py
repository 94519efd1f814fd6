"""Tokens of an identity provider."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from tests.http.raw import Client
from threadkeep.server.access.jwt import JwtSettings

KEY = ec.generate_private_key(ec.SECP256R1())
OTHER = ec.generate_private_key(ec.SECP256R1())
GRANT = {"namespaces": ["acme"], "right": "write"}


@pytest.fixture
def guarded(served: Callable[..., Client], tmp_path: Path) -> Client:
    public = json.loads(ECAlgorithm.to_jwk(KEY.public_key()))
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [public | {"kid": "k1", "alg": "ES256"}]}))
    return served(jwt=JwtSettings(jwks=str(file), issuer="https://id", audience="threadkeep"))


def token(key: Any = KEY, algorithm: str = "ES256", kid: str = "k1", **claims: Any) -> str:
    usual = {
        "sub": "somebody",
        "iss": "https://id",
        "aud": "threadkeep",
        "exp": time.time() + 600,
        "threadkeep": GRANT,
    }
    found = {name: value for name, value in (usual | claims).items() if value is not None}
    return jwt.encode(found, key, algorithm, headers={"kid": kid})


def status(call: Client, text: str, method: str = "GET") -> int:
    body = {"key": "k", "value": 1} if method == "POST" else None
    return call.of(authorization=f"Bearer {text}")(method, "/v1/sessions/s/values", body).status


def test_a_good_token(guarded: Client):
    assert status(guarded, token(), "POST") == 204
    assert status(guarded, token(threadkeep=GRANT | {"right": "read"})) == 200
    assert status(guarded, token(threadkeep=GRANT | {"right": "read"}), "POST") == 403
    assert status(guarded, token(threadkeep=GRANT | {"threads": "mine-"})) == 403


@pytest.mark.parametrize(
    "bad",
    [
        lambda: token(OTHER),
        lambda: token(kid="k2"),
        lambda: token(exp=time.time() - 600),
        lambda: token(exp=None),
        lambda: token(iss="https://else"),
        lambda: token(aud="else"),
        lambda: token("x" * 32, "HS256"),
        lambda: token(None, "none"),
        lambda: "a.b.c",
        lambda: "nonsense",
    ],
)
def test_a_token_that_does_not_hold(guarded: Client, bad: Callable[[], str]):
    assert status(guarded, bad()) == 401


@pytest.mark.parametrize("grant", [None, {}, {"namespaces": []}, {"namespaces": ["a"], "x": 1}])
def test_a_token_without_a_usable_claim(guarded: Client, grant: Any):
    assert status(guarded, token(threadkeep=grant)) == 403
