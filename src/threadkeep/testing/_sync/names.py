# Generated from src/threadkeep/testing/_async/names.py by scripts/unasync. Do not edit.
"""Names: any Unicode, compared byte by byte, and no two of them share anything."""

from __future__ import annotations

import re
from typing import Any

import pytest

from threadkeep._sync.entity import Thread
from threadkeep._sync.store import Store
from threadkeep.errors import UsageError
from threadkeep.ops.ops import Append, Get, Read, Set
from threadkeep.ops.reply import Fields, Items
from threadkeep.testing._sync.fixtures import MakeStore
from threadkeep.testing._sync.subject import LOG, Subject, answer

NAMES = [
    "acme",
    "acme:bob",
    "acme:",
    ":acme",
    "acme::bob",
    "Acme",
    "ACME",
    "acme ",
    " acme",
    "a c m e",
    "acme\u00a0",
    "acme\u200b",
    "/",
    "a/b",
    "../acme",
    "..",
    ".",
    "%",
    "ac%",
    "_cme",
    "{acme}",
    "acme}",
    "*",
    "?cme",
    "[a]cme",
    "\\",
    "acme\\",
    "acme\\:bob",
    "acme%3Abob",
    "'",
    "acme' or '1'='1",
    '"acme"',
    "acme;--",
    "`acme`",
    "$acme",
    "#acme",
    "~acme",
    "0",
    "00",
    "1e3",
    "null",
    "None",
    "\u00e9",
    "e\u0301",
    "E\u0301",
    "e",
    "stra\u00dfe",
    "strasse",
    "\u0130",
    "i\u0307",
    "\ufb01",
    "fi",
    "日本語",
    "🦀",
    "👩\u200d👩\u200d👧",
    "👩",
    "\U0010ffff",
    "\ufffd",
    "\ufeff",
    "\u202eacme",
    "a" * 512,
    "a" * 511 + "b",
    "a" * 511,
    "é" * 256,
    "🦀" * 128,
]
INVALID: list[Any] = [
    "",
    "a" * 513,
    "é" * 257,
    "a\x00",
    "\n",
    "a\tb",
    "\x7f",
    "\x85",
    "\x1b[0m",
    "\ud83d",
    b"acme",
    7,
    type("Name", (str,), {})("acme"),
]
PREFIXES = ["acme", "acme:", "%", "_", "*", "[", "\\", "'", "é", "e", "a" * 511, "🦀", "\U0010ffff"]


class TestNames:
    """A thread named `acme` never sees `acme:bob`."""

    def test_threads_are_apart(self, store: Store) -> None:
        for number, name in enumerate(NAMES):
            thread = store.thread(name)
            assert thread.info() is None
            thread.state.set("n", number)
            thread.messages.append(number)
            thread.set_labels(n=str(number))
        assert [t.id for t in store.threads(prefix="")] == sorted(NAMES)
        assert sorted([t.id for t in store.threads()]) == sorted(NAMES)
        for number, name in enumerate(NAMES):
            thread = store.thread(name)
            assert thread.state.get_all() == {"n": number}
            assert thread.messages.list() == [number]
            assert [t.id for t in store.threads(n=str(number))] == [name]
        for name in NAMES[::2]:
            assert store.thread(name).destroy() == 2
        assert [t.id for t in store.threads(prefix="")] == sorted(NAMES[1::2])
        for number, name in enumerate(NAMES):
            expected = {"n": number} if number % 2 else {}
            assert store.thread(name).state.get_all() == expected

    @pytest.mark.parametrize("prefix", PREFIXES)
    def test_a_prefix_is_text_not_a_pattern(self, store: Store, prefix: str) -> None:
        thread = store.thread("t")
        thread.state.update(dict.fromkeys(NAMES, 1))
        for name in NAMES:
            store.user(name).state.set("a", 1)
            if name[:1] == prefix[:1] or name in ("acme", "0"):
                store.thread(name).state.set("a", 1)
        expected = sorted(n for n in NAMES if n.startswith(prefix))
        assert [t.id for t in store.threads(prefix=prefix)] == expected
        assert thread.state.keys(prefix) == expected
        assert list(thread.state.get_all(prefix)) == expected
        assert thread.state.clear(prefix) == len(expected)
        assert thread.state.keys() == sorted(set(NAMES) - set(expected))

    def test_fields_are_apart(self, thread: Thread) -> None:
        values = {name: number for number, name in enumerate(NAMES)}
        thread.state.update(values)
        assert thread.state.get_all() == values
        assert list(thread.state.get_all()) == sorted(NAMES)
        assert thread.state.get_many(NAMES) == values
        for number, name in enumerate(NAMES):
            assert thread.state.get(name) == number
        assert thread.state.delete(*NAMES[::2]) == len(NAMES[::2])
        assert thread.state.keys() == sorted(NAMES[1::2])

    def test_namespaces_are_apart(self, make_store: MakeStore, namespace: str) -> None:
        own = [namespace, *(f"{namespace}{n}"[:512] for n in NAMES if len(n.encode()) < 400)]
        for number, name in enumerate(own):
            store = make_store(namespace=name)
            assert store.thread("t").info() is None
            store.thread("t").state.set("n", number)
            store.app().state.set("n", number)
            store.user("u").set_labels(n=str(number))
        for number, name in enumerate(own):
            store = make_store(namespace=name)
            assert store.thread("t").state.get_all() == {"n": number}
            assert store.app().state.get_all() == {"n": number}
            assert [t.namespace for t in store.threads()] == [name]
        assert make_store(namespace=own[3]).thread("t").destroy() == 1
        for number, name in enumerate(own):
            expected = {} if number == 3 else {"n": number}
            assert make_store(namespace=name).thread("t").state.get_all() == expected

    def test_kinds_are_apart(self, store: Store) -> None:
        store.thread("app").state.set("a", "thread")
        store.user("app").state.set("a", "user")
        store.app().state.set("a", "app")
        assert store.user("app").destroy() == 1
        assert store.thread("app").state.get("a") == "thread"
        assert store.app().state.get("a") == "app"
        assert store.user("app").state.get("a") is None

    def test_label_values_are_apart(self, store: Store) -> None:
        for number, name in enumerate(NAMES):
            store.thread(f"t{number}").set_labels(value=name)
        for number, name in enumerate(NAMES):
            assert [t.id for t in store.threads(value=name)] == [f"t{number}"]

    def test_label_names_are_apart(self, store: Store) -> None:
        names = [n for n in NAMES if len(n.encode()) <= 128 and not n.startswith("#")]
        for number, name in enumerate(names):
            store.thread(f"t{number}").set_labels(**{name: "x"})
        for number, name in enumerate(names):
            assert [t.id for t in store.threads(labels={name: "x"})] == [f"t{number}"]

    def test_message_ids_are_apart(self, thread: Thread) -> None:
        done = thread.messages.append(*NAMES, ids=NAMES)
        assert (len(done.seqs), done.skipped) == (len(NAMES), ())
        again = thread.messages.append(*NAMES, ids=NAMES)
        assert (again.seqs, again.skipped) == (done.seqs, tuple(NAMES))
        assert [m.id for m in thread.messages.entries()] == NAMES

    def test_maps_and_logs_are_apart(self, subject: Subject) -> None:
        names = [n for n in NAMES if len(n.encode()) <= 128]
        for number, name in enumerate(names):
            value = b"%d" % number
            subject.run(Set(name, {"a": value}), Append(name, (value,)))
        for number, name in enumerate(names):
            reply = subject.run(Get(name), Read(name))
            fields = answer(reply, Fields).fields
            assert {n: f.value for n, f in fields.items()} == {"a": b"%d" % number}
            assert [i.value for i in answer(reply, Items, 1).items] == [b"%d" % number]
        info = subject.info()
        seen = sorted(n for n in names if not n.startswith("#"))
        assert info is not None and sorted(info.maps) == seen
        assert (subject.items(Read(LOG))).count == 0

    @pytest.mark.parametrize("name", INVALID, ids=lambda n: ascii(n)[:20])
    def test_a_name_that_cannot_be_is_refused(self, store: Store, name: Any) -> None:
        thread = store.thread("t")
        for call in (
            lambda: store.thread(name).state.set("a", 1),
            lambda: store.user(name).state.set("a", 1),
            lambda: thread.state.set(name, 1),
            lambda: thread.state.update({"ok": 1, name: 1}),
            lambda: thread.state.increment(name),
            lambda: thread.state.push(name, 1),
            lambda: thread.state.get(name),
            lambda: thread.state.get_many([name]),
            lambda: thread.state.has(name),
            lambda: thread.state.delete(name),
            lambda: thread.state.touch(name),
            lambda: thread.messages.append("m", ids=[name]),
            lambda: thread.set_labels(ok="1", value=name),
            lambda: store.sessions.save(name, 1),
            lambda: thread.fork(name),
        ):
            with pytest.raises(UsageError):
                call()
        assert thread.info() is None
        assert [t.id for t in store.threads()] == []

    @pytest.mark.parametrize("name", INVALID, ids=lambda n: ascii(n)[:20])
    def test_a_namespace_that_cannot_be_is_refused(self, make_store: MakeStore, name: Any) -> None:
        with pytest.raises(UsageError):
            make_store(namespace=name)

    @pytest.mark.parametrize("name", ["", "a" * 129, "é" * 65, "a\n", "#mine"])
    def test_a_label_name_has_up_to_128_bytes(self, thread: Thread, name: str) -> None:
        with pytest.raises(UsageError):
            thread.set_labels(**{"ok": "1", name: "x"})
        assert thread.info() is None

    def test_one_name_is_not_several(self, thread: Thread) -> None:
        for names in ("abc", b"abc", 7):
            with pytest.raises(UsageError):
                thread.state.get_many(names)  # pyright: ignore[reportArgumentType] - what is refused

    def test_generated_ids(self, store: Store) -> None:
        names = {store.thread().id for _ in range(50)}
        assert len(names) == 50
        assert all(re.fullmatch(r"thrd_[0-9a-f]{32}", name) for name in names)
