"""`threadkeep kv`."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Program, one_line


def test_what_is_set_is_got(tk: Program):
    assert tk.ok("kv", "set", "archives", "a", '{"x":1}', "--ttl", "5m", "--json").data == {
        "namespace": "archives",
        "key": "a",
        "revision": 1,
    }
    tk.ok("kv", "set", "archives", "t", "-", "--content-type", "text/markdown", stdin="# text\n")
    assert tk.ok("kv", "get", "archives", "a").out == '{"x": 1}\n'
    assert tk.ok("kv", "get", "archives", "t").out == "# text\n\n"
    found = tk.ok("kv", "get", "archives", "a", "--json").data
    assert list(found) == [
        "namespace", "key", "value", "content_type", "bytes", "revision", "ttl", "expires_at",
        "remaining",
    ]  # fmt: skip
    assert (found["value"], found["content_type"], found["ttl"]) == (
        {"x": 1},
        "application/json",
        300,
    )
    assert tk.ok("kv", "get", "archives", "t", "--json").data["content_type"] == "text/markdown"


def test_lists_keys_and_namespaces_in_pages(tk: Program):
    with tk.store() as store:
        store.kv("b").set_many({"k1": 1, "k2": 2, "k3": 3, "other": 4})
        store.kv("a").set("k", 1)
    assert tk.ok("kv", "list", "--json").data == {"namespaces": ["a", "b"], "cursor": None}
    first = tk.ok("kv", "list", "b", "--prefix", "k", "--limit", "2", "--json").data
    assert first["keys"] == ["k1", "k2"]
    words = ["--prefix", "k", "--limit", "2", "--cursor", first["cursor"]]
    assert tk.ok("kv", "list", "b", *words, "--json").data == {"keys": ["k3"], "cursor": None}
    people = tk.ok("kv", "list", "b", "--limit", "1")
    assert people.out.split() == ["key", "k1"]
    assert people.err.startswith("more with --cursor ")
    assert tk.ok("kv", "list", "never").err == "no keys\n"


def test_deletes_and_says_what_was_not_there(tk: Program):
    with tk.store() as store:
        store.kv("a").set_many({"k1": 1, "k2": 2})
    ended = tk("kv", "delete", "a", "k1", "never", "--json")
    assert ended.code == 3
    assert ended.data == {"namespace": "a", "removed": 1, "missing": ["never"]}
    assert tk.ok("kv", "delete", "a", "k2").err == "1 key removed\n"
    for words in (["delete", "a", "k2"], ["get", "a", "k2"]):
        ended = tk("kv", *words)
        assert ended.code == 3
        assert one_line(ended.err) == "threadkeep: key-value namespace 'a' has no key 'k2'"


def test_conditions(tk: Program):
    tk.ok("kv", "set", "a", "k", "1", "--if-absent")
    assert tk("kv", "set", "a", "k", "2", "--if-absent").code == 5
    assert tk("kv", "set", "a", "k", "2", "--if-revision", "9").code == 5
    tk.ok("kv", "set", "a", "k", "2", "--if-revision", "1")
    assert tk.ok("kv", "get", "a", "k").out == "2\n"


def test_looking_renews_nothing(tk: Program):
    with tk.store() as store:
        store.kv("a").set("k", 1, ttl=1_000)
        before = store.kv("a").get("k", renew=False)
    tk.ok("kv", "get", "a", "k")
    tk.ok("kv", "list", "a")
    with tk.store() as store:
        assert store.kv("a").get("k", renew=False) == before


@pytest.mark.parametrize(
    "words",
    [
        ["nope"],
        ["set", "a", "k"],
        ["set", "a", "k", "--valu"],
        ["delete", "a"],
        ["list", "a", "--ttl", "5"],
        ["set", "", "k", "1"],
        ["set", "a", "", "1"],
    ],
    ids=" ".join,
)
def test_what_makes_no_sense_is_refused(tk: Program, words: list[str]):
    with tk.store() as store:
        store.kv("a").set("k", 0)
    ended = tk("kv", *words)
    assert ended.code == 2, ended
    one_line(ended.err)
    with tk.store() as store:
        assert list(store.kv("a").keys()) == ["k"]


def test_the_options_of_a_store_may_stand_before_it(tk: Program):
    tk.ok("--namespace", "acme", "kv", "set", "a", "k", "1")
    tk.ok("--store", "sqlite:///other.db", "--json", "kv", "set", "a", "k", "2")
    assert tk("kv", "get", "a", "k").code == 3
    assert tk.ok("kv", "get", "a", "k", "--namespace", "acme").out == "1\n"
    assert tk("kv", "get", "a", "k", "--store", "sqlite:///never.db").code == 3
