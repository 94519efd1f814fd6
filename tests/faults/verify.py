"""Open what a fault left with threadkeep and compare it with what was acknowledged."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.ledger import Account
from tests.faults.script import FIELDS, HALVES, SHARED, WHOLE, Kind, kind_of
from threadkeep import Store
from threadkeep.model.codec import decode_as
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import Get, Read
from threadkeep.ops.reply import Fields, Items


@dataclass
class Verdict:
    """What was found: `lost` is acknowledged and not there, `half` there in part."""

    acknowledged: int
    lost: set[str] = field(default_factory=set[str])
    half: list[str] = field(default_factory=list[str])
    wrong: list[str] = field(default_factory=list[str])

    @property
    def fine(self) -> bool:
        return not (self.lost or self.half or self.wrong)

    def __str__(self) -> str:
        found = [f"{self.acknowledged} acknowledged"]
        for name, items in (("lost", self.lost), ("half", self.half), ("wrong", self.wrong)):
            if items:
                found.append(f"{len(items)} {name} ({min(items)}, ...)")
        return ", ".join(found)


def verify(database: Path, account: Account) -> Verdict:
    """Open, compare, write and read once more, close, check the file."""
    verdict = Verdict(account.acknowledged)
    with Store(f"sqlite:///{database}") as store:
        _check_shared(store, account, verdict)
        for who in sorted(account.begun):
            _check_own(store, who, account, verdict)
        probe = store.thread("probe").state
        probe.set("works", account.acknowledged)
        if probe.get("works") != account.acknowledged:
            verdict.wrong.append("the opened store does not keep a new value")
    with closing(sqlite3.connect(database)) as connection:
        for (line,) in connection.execute("PRAGMA integrity_check"):
            if line != "ok":
                verdict.wrong.append(f"integrity_check: {line}")
    return verdict


def _check_own(store: Store, who: str, account: Account, verdict: Verdict) -> None:
    thread = store.thread(who)
    _Fields(who, Kind.STATE, account, verdict).check(thread.state.get_all())
    halves = [(m["number"], m["half"]) for m in _messages(thread)]
    _Log(who, Kind.MESSAGES, account, verdict).check(halves)
    _check_both(store, who, account, verdict)


def _check_both(store: Store, who: str, account: Account, verdict: Verdict) -> None:
    ref = Ref("default", "thread", who)
    fields, items = store.ready().run(Batch(ref, (Get(WHOLE), Read(WHOLE)))).results
    assert isinstance(fields, Fields)
    assert isinstance(items, Items)
    values = {name: decode_as(field.value, int) for name, field in fields.fields.items()}
    words = [decode_as(item.value, tuple[int, str, str]) for item in items.items]
    halves = [(number, half) for number, half, _ in words]
    _Fields(who, Kind.BOTH, account, verdict).check(values)
    _Log(who, Kind.BOTH, account, verdict).check(halves)
    if (counted := values.get("batches", 0)) * 2 != len(halves):
        verdict.half.append(f"{who}: counted {counted} batches, {len(halves)} items stand")
    if halves and values.get(FIELDS[0]) != halves[-1][0]:
        verdict.half.append(f"{who}: fields of {values}, last item of {halves[-1][0]}")


def _check_shared(store: Store, account: Account, verdict: Verdict) -> None:
    messages = _messages(store.thread(SHARED))
    for one, other in zip(messages[::2], messages[1::2], strict=False):
        if (one["who"], one["number"]) != (other["who"], other["number"]):
            verdict.half.append(f"shared: {_name(one)} is followed by {_name(other)}")
            break
    halves: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for message in messages:
        halves[message["who"]].append((message["number"], message["half"]))
    for who in account.begun:
        _Log(who, Kind.SHARED, account, verdict).check(halves.pop(who, []))
    verdict.wrong += [f"shared: messages of {who}, who wrote none" for who in halves]


def _messages(thread: Any) -> list[dict[str, Any]]:
    return list(thread.messages.list())


def _name(message: dict[str, Any]) -> str:
    return f"{message['who']} {message['number']}{message['half']}"


class _Part:
    """What one kind of batches of one caller left."""

    def __init__(self, who: str, kind: Kind, account: Account, verdict: Verdict) -> None:
        self.name = f"{who} {kind.name.lower()}"
        self.acked = sorted(n for n in account.acked[who] if kind_of(n) is kind)
        self.begun = {n for n in account.begun[who] if kind_of(n) is kind}
        self.refused = account.refused[who]
        self.verdict = verdict

    def _nothing_strange(self, standing: set[int]) -> None:
        for number in sorted(standing - self.begun):
            self.verdict.wrong.append(f"{self.name}: {number} was never begun")
        for number in sorted(standing & self.refused):
            self.verdict.wrong.append(f"{self.name}: {number} stands, its error said it does not")


class _Fields(_Part):
    def check(self, fields: dict[str, Any]) -> None:
        values = {fields.get(name) for name in FIELDS}
        if len(values) > 1:
            self.verdict.half.append(f"{self.name}: fields {[fields.get(n) for n in FIELDS]}")
        standing = {v for v in values if v is not None}
        self._nothing_strange(standing)
        last = max(standing, default=0)
        self.verdict.lost |= {f"{self.name} {n}" for n in self.acked if n > last}


class _Log(_Part):
    def check(self, halves: list[tuple[int, str]]) -> None:
        numbers = [number for number, half in halves if half == HALVES[0]]
        whole = {(number, half) for number in numbers for half in HALVES}
        for number, half in sorted(whole ^ set(halves)):
            self.verdict.half.append(f"{self.name}: one half of {number} (at {half})")
        if halves != sorted(set(halves)):
            self.verdict.wrong.append(f"{self.name}: out of order or twice")
        standing = {number for number, _ in halves}
        self._nothing_strange(standing)
        self.verdict.lost |= {f"{self.name} {n}" for n in self.acked if n not in standing}
