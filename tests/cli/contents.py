"""Stores to move, and what stands in them, told through the public surface."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from threadkeep import Store

BIG = "big thread"


def fill(store: Store, *, big: int = 0) -> None:
    """Write something of every kind; `big` messages of 1 KB in one thread."""
    thread = store.thread("user/42:001 %{}*é")
    thread.state.set("intent", "book_flight", ttl=1800)
    thread.state.set("prices", {"SOF": 129}, ttl=300)
    thread.state.set("seat", "aisle", ttl=86_400 * 30)
    thread.state.set("until", 1, expires_at=datetime(2040, 1, 1, tzinfo=UTC))
    thread.state.set("forever", [None, True, 1.5, "\n\r\t\x00"])
    thread.state.set("bytes", b"\x00\xff\n")
    thread.state.set("time", datetime(2026, 6, 1, 12, tzinfo=UTC))
    thread.state.set(
        "tagged", {"id": UUID(int=7), "sum": Decimal("1.10"), "set": {1, 2}, "t": (1,)}
    )
    thread.state.set("lone", ["\ud83d", "x"])
    thread.state.set("looks", {"$tk:uuid": "no"})
    thread.messages.append(
        {"id": "m1", "role": "user", "content": "hi"}, {"role": "assistant"}, "text"
    )
    thread.messages.append("four")
    thread.messages.pop()
    thread.snapshots.save({"step": 1})
    thread.snapshots.save({"step": 2})
    thread.set_labels(user="alice", lang="bg")
    thread.touch(ttl=86_400)
    trimmed = store.thread("trimmed")
    trimmed.messages.append(*range(10))
    trimmed.messages.trim(keep_last=3)
    store.thread("cleared").messages.append(1)
    store.thread("cleared").messages.clear()
    lease_only = store.thread("nothing but a lease")
    lease_only.state.set("x", 1)
    lease_only.touch(ttl=86_400)
    lease_only.state.delete("x")
    store.user("alice").state.set("seat", "window")
    store.app().state.set("version", 3)
    if big:
        many = store.thread(BIG)
        many.set_labels(size="big")
        many.state.update({f"field {n:03}": "f" * 10_000 for n in range(200)}, ttl=86_400)
        for low in range(0, big, 1_000):
            many.messages.append(
                *(
                    {"id": f"m{n}", "text": f"{n} " + "x" * 1_000}
                    for n in range(low, min(big, low + 1_000))
                )
            )


def contents(store: Store) -> dict[str, Any]:
    """Return everything that stands, by entity; fields with their leases and ends, no revisions."""
    found: dict[str, Any] = {}
    for info in store.threads(prefix=""):
        thread = store.thread(info.id)
        known = thread.info()
        assert known is not None
        found[info.id] = {
            "labels": known.labels,
            "lease": (known.lease.seconds, known.expires_at),
            "counts": (known.fields, known.items, known.bytes),
            "fields": entries(thread.state),
            "messages": thread.messages.entries(),
            "snapshots": [
                thread.snapshots.entry(revision=s.revision) for s in thread.snapshots.history()
            ],
        }
    found["user alice"] = entries(store.user("alice").state)
    found["app"] = entries(store.app().state)
    return found


def entries(state: Any) -> dict[str, Any]:
    """Return fields with value, lease and end."""
    return {n: (e.value, e.lease, e.expires_at) for n, e in state.entries().items()}
