"""Users of a server that may do what the docs say and no more."""

from __future__ import annotations

import re
from pathlib import Path

from tests.servers.redis import RedisServer

PAGE = Path(__file__).parents[2] / "docs/how-to/valkey.md"


def command() -> list[str]:
    """Return the words of the page that make a user."""
    found = re.search(r"^ACL SETUSER agent .*?(?=```)", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert found is not None, "the page makes no user"
    return found[0].split()


def add_user(server: RedisServer, prefix: str) -> str:
    """Make the user of the page, named and limited as a prefix, and return its `name:password`."""
    acl, setuser, _, *rules = command()
    mine = [rule.replace("tk:", f"{prefix}:") for rule in rules]
    with server.client() as client:
        client.execute_command(acl, setuser, prefix, *mine)
    return f"{prefix}:secret"
