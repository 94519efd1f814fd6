"""What stands in a store of an earlier schema, and finding it there again. Nothing of it runs out in this century."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from threadkeep import Store

NAME = "user/42:001 %{}*é 谢"
LONG = 3_000_000_000.0  # seconds
END = datetime(2999, 1, 1, tzinfo=UTC)
STATE: dict[str, Any] = {
    "bytes": b"\x00\xff\n",
    "intent": "book_flight",
    "lone": ["\ud83d", "x\x00"],
    "number": 9007199254740993,
    "sum": Decimal("1.10"),
    "tagged": {"id": UUID(int=7), "set": {1, 2}, "t": (1,)},
    "time": datetime(2026, 6, 1, 12, tzinfo=UTC),
    "until": 1.5,
}


def fill(url: str) -> None:
    """Write something of every kind, in two namespaces."""
    with Store(url, namespace="other") as store:
        store.thread(NAME).state.set("whose", "other")
    with Store(url) as store:
        _fill(store)


def _fill(store: Store) -> None:
    thread = store.thread(NAME)
    thread.state.update(STATE)
    thread.state.set("intent", STATE["intent"], ttl=LONG)
    thread.state.set("until", STATE["until"], expires_at=END)
    thread.messages.append(*({"id": f"m{n}", "role": "user", "content": n} for n in range(30)))
    thread.messages.trim(keep_last=20)
    thread.snapshots.save({"step": 1})
    thread.snapshots.save({"step": 2})
    thread.set_labels(user="alice", lang="bg")
    thread.touch(ttl=LONG)
    for n in range(40):
        store.thread(f"t{n:02}").state.set("n", n)
        store.thread(f"t{n:02}").set_labels(user="alice" if n % 2 else "bob")
    store.thread("gone").state.set("x", 1)
    store.thread("gone").destroy()
    store.user("alice").state.set("seat", "window")
    store.app().state.set("version", 3)
    store.kv("archives").set("a/1", {"kept": True})


def check(store: Store) -> None:
    """Find all of it, and write to it."""
    thread = store.thread(NAME)
    assert thread.state.get_all() == STATE
    entry, until = thread.state.entry("intent"), thread.state.entry("until")
    assert entry is not None
    assert until is not None
    assert (entry.lease.window, until.expires_at) == (LONG * 1_000_000, END)
    assert [message["content"] for message in thread.messages.list()] == list(range(10, 30))
    assert thread.snapshots.load() == {"step": 2}
    assert len(list(thread.snapshots.history())) == 2
    info = thread.info()
    assert info is not None
    assert info.labels == {"user": "alice", "lang": "bg"}
    listed = {t.id for t in store.threads(user="bob")}
    assert listed == {f"t{n:02}" for n in range(0, 40, 2)}
    assert store.user("alice").state.get("seat") == "window"
    assert store.app().state.get("version") == 3
    found = store.kv("archives").get("a/1")
    assert found is not None
    assert found.value == {"kept": True}
    assert store.within("other").thread(NAME).state.get("whose") == "other"
    assert store.thread("gone").info() is None
    before = info.revision
    assert thread.state.set("more", 1) == before + 1
    thread.messages.append({"id": "m29"}, {"id": "new"})
    assert thread.messages.count() == 21
    thread.state.delete("more")
    thread.messages.pop()
