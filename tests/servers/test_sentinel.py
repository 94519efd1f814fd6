"""Sentinels of the tests name the server that has taken over."""

from __future__ import annotations

from tests.servers.sentinel import Watched, role


def test_a_killed_primary_is_replaced_and_comes_back_as_a_replica() -> None:
    with Watched("redis7", password="pw") as watched:
        old = watched.kill()
        new = watched.primary()
        assert new is not old
        watched.restore()
        assert watched.primary() is new
        assert role(old) == "slave"
