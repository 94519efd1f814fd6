"""The servers of the tests do what tests rely on."""

from __future__ import annotations

import pytest

from tests.servers.redis import RedisServer


@pytest.mark.parametrize(
    ("name", "version"), [("redis7", "7.0."), ("redis8", "8."), ("valkey9", "9.")]
)
def test_a_server_answers(name: str, version: str, request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue(name)
    assert isinstance(server, RedisServer)
    assert server.client().ping()
    assert server.version.startswith(version)
    assert request.getfixturevalue(f"{name}_url") == server.url
