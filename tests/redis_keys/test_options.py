"""How the layout is asked for."""

from __future__ import annotations

import pytest
import redis

from threadkeep import Store
from threadkeep.errors import UsageError


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
