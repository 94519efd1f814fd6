"""Names: any Unicode, compared byte by byte, and no two of them share anything."""

from __future__ import annotations

import re
from typing import Any

import pytest

from threadkeep._async.entity import AsyncThread
from threadkeep._async.store import AsyncStore
from threadkeep.errors import UsageError
from threadkeep.ops.ops import Append, Get, Read, Set
from threadkeep.ops.reply import Fields, Items
from threadkeep.testing._async.fixtures import MakeStore
from threadkeep.testing._async.subject import LOG, AsyncSubject, answer

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


@pytest.mark.anyio
class TestNames:
    """A thread named `acme` never sees `acme:bob`."""

    async def test_threads_are_apart(self, store: AsyncStore) -> None:
        for number, name in enumerate(NAMES):
            thread = store.thread(name)
            assert await thread.info() is None
            await thread.state.set("n", number)
            await thread.messages.append(number)
            await thread.set_labels(n=str(number))
        assert [t.id async for t in store.threads(prefix="")] == sorted(NAMES)
        assert sorted([t.id async for t in store.threads()]) == sorted(NAMES)
        for number, name in enumerate(NAMES):
            thread = store.thread(name)
            assert await thread.state.get_all() == {"n": number}
            assert await thread.messages.list() == [number]
            assert [t.id async for t in store.threads(n=str(number))] == [name]
        for name in NAMES[::2]:
            assert await store.thread(name).destroy() == 2
        assert [t.id async for t in store.threads(prefix="")] == sorted(NAMES[1::2])
        for number, name in enumerate(NAMES):
            expected = {"n": number} if number % 2 else {}
            assert await store.thread(name).state.get_all() == expected

    @pytest.mark.parametrize("prefix", PREFIXES)
    async def test_a_prefix_is_text_not_a_pattern(self, store: AsyncStore, prefix: str) -> None:
        thread = store.thread("t")
        await thread.state.update(dict.fromkeys(NAMES, 1))
        for name in NAMES:
            await store.user(name).state.set("a", 1)
            if name[:1] == prefix[:1] or name in ("acme", "0"):
                await store.thread(name).state.set("a", 1)
        expected = sorted(n for n in NAMES if n.startswith(prefix))
        assert [t.id async for t in store.threads(prefix=prefix)] == expected
        assert await thread.state.keys(prefix) == expected
        assert list(await thread.state.get_all(prefix)) == expected
        assert await thread.state.clear(prefix) == len(expected)
        assert await thread.state.keys() == sorted(set(NAMES) - set(expected))

    async def test_fields_are_apart(self, thread: AsyncThread) -> None:
        values = {name: number for number, name in enumerate(NAMES)}
        await thread.state.update(values)
        assert await thread.state.get_all() == values
        assert list(await thread.state.get_all()) == sorted(NAMES)
        assert await thread.state.get_many(NAMES) == values
        for number, name in enumerate(NAMES):
            assert await thread.state.get(name) == number
        assert await thread.state.delete(*NAMES[::2]) == len(NAMES[::2])
        assert await thread.state.keys() == sorted(NAMES[1::2])

    async def test_namespaces_are_apart(self, make_store: MakeStore, namespace: str) -> None:
        own = [namespace, *(f"{namespace}{n}"[:512] for n in NAMES if len(n.encode()) < 400)]
        for number, name in enumerate(own):
            store = make_store(namespace=name)
            assert await store.thread("t").info() is None
            await store.thread("t").state.set("n", number)
            await store.app().state.set("n", number)
            await store.user("u").set_labels(n=str(number))
        for number, name in enumerate(own):
            store = make_store(namespace=name)
            assert await store.thread("t").state.get_all() == {"n": number}
            assert await store.app().state.get_all() == {"n": number}
            assert [t.namespace async for t in store.threads()] == [name]
        assert await make_store(namespace=own[3]).thread("t").destroy() == 1
        for number, name in enumerate(own):
            expected = {} if number == 3 else {"n": number}
            assert await make_store(namespace=name).thread("t").state.get_all() == expected

    async def test_kinds_are_apart(self, store: AsyncStore) -> None:
        await store.thread("app").state.set("a", "thread")
        await store.user("app").state.set("a", "user")
        await store.app().state.set("a", "app")
        assert await store.user("app").destroy() == 1
        assert await store.thread("app").state.get("a") == "thread"
        assert await store.app().state.get("a") == "app"
        assert await store.user("app").state.get("a") is None

    async def test_label_values_are_apart(self, store: AsyncStore) -> None:
        for number, name in enumerate(NAMES):
            await store.thread(f"t{number}").set_labels(value=name)
        for number, name in enumerate(NAMES):
            assert [t.id async for t in store.threads(value=name)] == [f"t{number}"]

    async def test_label_names_are_apart(self, store: AsyncStore) -> None:
        names = [n for n in NAMES if len(n.encode()) <= 128 and not n.startswith("#")]
        for number, name in enumerate(names):
            await store.thread(f"t{number}").set_labels(**{name: "x"})
        for number, name in enumerate(names):
            assert [t.id async for t in store.threads(labels={name: "x"})] == [f"t{number}"]

    async def test_message_ids_are_apart(self, thread: AsyncThread) -> None:
        done = await thread.messages.append(*NAMES, ids=NAMES)
        assert (len(done.seqs), done.skipped) == (len(NAMES), ())
        again = await thread.messages.append(*NAMES, ids=NAMES)
        assert (again.seqs, again.skipped) == (done.seqs, tuple(NAMES))
        assert [m.id for m in await thread.messages.entries()] == NAMES

    async def test_maps_and_logs_are_apart(self, subject: AsyncSubject) -> None:
        names = [n for n in NAMES if len(n.encode()) <= 128]
        for number, name in enumerate(names):
            value = b"%d" % number
            await subject.run(Set(name, {"a": value}), Append(name, (value,)))
        for number, name in enumerate(names):
            reply = await subject.run(Get(name), Read(name))
            fields = answer(reply, Fields).fields
            assert {n: f.value for n, f in fields.items()} == {"a": b"%d" % number}
            assert [i.value for i in answer(reply, Items, 1).items] == [b"%d" % number]
        info = await subject.info()
        seen = sorted(n for n in names if not n.startswith("#"))
        assert info is not None and sorted(info.maps) == seen
        assert (await subject.items(Read(LOG))).count == 0

    @pytest.mark.parametrize("name", INVALID, ids=lambda n: ascii(n)[:20])
    async def test_a_name_that_cannot_be_is_refused(self, store: AsyncStore, name: Any) -> None:
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
                await call()
        assert await thread.info() is None
        assert [t.id async for t in store.threads()] == []

    @pytest.mark.parametrize("name", INVALID, ids=lambda n: ascii(n)[:20])
    async def test_a_namespace_that_cannot_be_is_refused(
        self, make_store: MakeStore, name: Any
    ) -> None:
        with pytest.raises(UsageError):
            make_store(namespace=name)

    @pytest.mark.parametrize("name", ["", "a" * 129, "é" * 65, "a\n", "#mine"])
    async def test_a_label_name_has_up_to_128_bytes(self, thread: AsyncThread, name: str) -> None:
        with pytest.raises(UsageError):
            await thread.set_labels(**{"ok": "1", name: "x"})
        assert await thread.info() is None

    async def test_one_name_is_not_several(self, thread: AsyncThread) -> None:
        for names in ("abc", b"abc", 7):
            with pytest.raises(UsageError):
                await thread.state.get_many(names)  # pyright: ignore[reportArgumentType] - what is refused

    async def test_generated_ids(self, store: AsyncStore) -> None:
        names = {store.thread().id for _ in range(50)}
        assert len(names) == 50
        assert all(re.fullmatch(r"thrd_[0-9a-f]{32}", name) for name in names)
