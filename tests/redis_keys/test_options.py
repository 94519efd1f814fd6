"""How the layout is asked for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import redis

from tests.redis.users import add_user
from tests.servers.redis import RedisServer
from threadkeep import Store
from threadkeep.errors import CodecError, UsageError
from threadkeep.wrapping import KeyRing, encrypt

DOCS = Path(__file__).parents[2] / "docs/how-to"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("layout=hash", "write layout=keys"),
        ("name=betterdb_ac", "goes with layout=keys"),
        ("layout=keys&name=a:b", "letters, digits"),
        ("layout=keys&name=", "letters, digits"),
    ],
)
def test_what_makes_no_sense_is_refused(options: str, said: str):
    with pytest.raises(UsageError, match=said):
        Store(f"redis://localhost?{options}")


def test_a_client_takes_them_too(valkey9_url: str, cache: str):
    with redis.Redis.from_url(valkey9_url, decode_responses=True) as client:
        with Store.from_client(client, layout="keys", name=cache) as store:
            store.thread("t").state.set("city", "Sofia")
            assert client.get(f"{cache}:session:t:city") == "Sofia"
            assert store.capabilities().name == "redis-keys"
            store.thread("t").destroy()
        with pytest.raises(UsageError, match="layout"):
            Store.from_client(client, layout="hash")


def test_the_name_is_theirs_if_none_is_given(valkey9_url: str):
    with (
        redis.Redis.from_url(valkey9_url, decode_responses=True) as client,
        Store(f"{valkey9_url}?layout=keys") as store,
    ):
        store.thread("t").state.set("city", "Sofia")
        assert client.get("betterdb_ac:session:t:city") == "Sofia"
        store.thread("t").destroy()


def test_a_store_is_of_one_layout(valkey9_url: str, cache: str):
    own = f"{valkey9_url}?prefix={cache}"
    with Store(own) as plain, Store(f"{own}&layout=keys&name={cache}") as keyed:
        plain.thread("plain").state.set("city", "Sofia")
        keyed.thread("keyed").state.set("city", "Sofia")
        for read in ("get", "entry"):
            with pytest.raises(UsageError, match="own layout"):
                getattr(keyed.thread("plain").state, read)("city")
            with pytest.raises(CodecError):
                getattr(plain.thread("keyed").state, read)("city")
        with pytest.raises(UsageError, match="own layout"):
            keyed.thread("plain").state.get_all()


def test_encrypted_it_is_unreadable_to_others(valkey9_url: str, cache: str):
    url = f"{valkey9_url}?prefix={cache}.tk&layout=keys&name={cache}"
    with (
        Store(url, wrap=[encrypt(KeyRing({"k": bytes(32)}))]) as store,
        redis.Redis.from_url(valkey9_url) as client,
    ):
        state = store.thread("t").state
        state.set("city", "Sofia")
        assert state.increment("n", 2) == 2
        assert state.get_all() == {"city": "Sofia", "n": 2}
        stored = client.get(f"{cache}:session:t:city")
        assert isinstance(stored, bytes)
        assert b"Sofia" not in stored


def test_a_user_needs_what_the_page_says(valkey9: RedisServer, cache: str):
    page = (DOCS / "move-from-betterdb.md").read_text()
    found = re.search(r"server user needs (.*?) beside", page, re.DOTALL)
    assert found is not None
    more = [rule.replace("betterdb_ac", cache) for rule in re.findall(r"[~+][^` ]+", found[1])]
    assert len(more) == 4
    login = add_user(valkey9, f"{cache}.tk")
    with valkey9.client() as admin:
        admin.execute_command("ACL", "SETUSER", f"{cache}.tk", *more)
    url = valkey9.url.replace("://", f"://{login}@")
    with Store(f"{url}?prefix={cache}.tk&layout=keys&name={cache}") as store:
        thread = store.thread("t")
        thread.state.set("city", "Sofia", ttl=500)
        assert (thread.state.get_all(), thread.state.increment("n")) == ({"city": "Sofia"}, 1)
        assert thread.destroy() == 2
