"""What a message may ask for, whoever sent it.

Hidden maps and labels (`#...`): the layers run on the side of the caller, so the maps of turns, ends,
sealed counts and imports (`#turn`, `#end`, `#seal`, `#import`) and the label
`#snapshot` come over the wire; whoever may write to a thread could take its turn anyhow.
`#once`, in which an engine remembers what it answered,
is refused to everybody. Any other hidden name needs `trusted`: both ends are one program.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final

from threadkeep.errors import UsageError
from threadkeep.model.leases import Lease
from threadkeep.model.refs import LABEL_VALUE_BYTES, SHORT_BYTES, Ref, check_name, ref
from threadkeep.ops.batch import ONCE_BYTES, Batch, check
from threadkeep.ops.engine import Claim, Due, Page, Query
from threadkeep.ops.numbers import INT64
from threadkeep.ops.ops import (
    AnyGuard,
    AnyOp,
    Append,
    Claimed,
    Cut,
    Del,
    Drop,
    Epoch,
    Get,
    Head,
    Incr,
    Info,
    Label,
    Missing,
    Now,
    Read,
    Restore,
    Revision,
    Same,
    Set,
    Touch,
)
from threadkeep.ops.reply import Number, Reply

MAPS: Final = frozenset({"#turn", "#end", "#seal", "#import"})
LABELS: Final = frozenset({"#snapshot"})
NOBODYS: Final = "#once"
CURSOR_BYTES: Final = 4096


class Checks:
    """Checks of one message; every method raises UsageError."""

    def __init__(self, *, trusted: bool) -> None:
        self._trusted = trusted

    def batch(self, batch: Batch) -> None:
        """Check a batch."""
        check_ref(batch.ref)
        if batch.once is not None:
            check_name(batch.once, "once", ONCE_BYTES)
        for op in (*batch.ops, *batch.otherwise):
            self._op(op)
        for guard in batch.guards:
            self._guard(guard)
        check(batch)

    def query(self, query: Query) -> None:
        """Check a listing."""
        ref(query.namespace, query.kind, "any")
        _prefix(query.prefix)
        for name, value in query.labels:
            self._label(name, value)
        if query.cursor is not None:
            check_name(query.cursor, "cursor", CURSOR_BYTES)
        if query.after is not None:
            check_name(query.after, "after")
        _count("limit", query.limit, least=1)

    def _op(self, op: AnyOp) -> None:
        if isinstance(op, (Append, Cut, Read, Restore)):
            self._log_op(op)
        elif isinstance(op, Label):
            for name, value in op.labels.items():
                self._label(name, value)
        elif not isinstance(op, (Info, Now, Drop)):
            self._map_op(op)

    def _map_op(self, op: Get | Set | Del | Incr | Touch) -> None:
        if op.map is not None:
            self._map(op.map)
        if isinstance(op, (Get, Del, Touch)):
            _names("field name", op.fields or ())
        if isinstance(op, (Get, Del)):
            _prefix(op.prefix)
        if isinstance(op, (Set, Incr, Touch)):
            _lease(op.lease)
        if isinstance(op, Get) and op.refs is not None:
            self._map(op.refs)
        elif isinstance(op, Set):
            _names("field name", op.items)
            for name, links in (op.refs or {}).items():
                _names("field name", (name, *links))
        elif isinstance(op, Incr):
            check_name(op.field, "field name")
            _number("by", op.by)

    def _log_op(self, op: Append | Cut | Read | Restore) -> None:
        self._hidden(check_name(op.log, "log name", SHORT_BYTES), "log", frozenset())
        if isinstance(op, Append):
            _names("item id", (i for i in op.ids or () if i is not None))
            for links in op.refs or ():
                _names("field name", links)
        elif isinstance(op, Restore):
            for item in op.items:
                _counts({"seq": item.seq, "at": item.at, "size": item.size})
                _names("field name", item.refs)
                _names("item id", () if item.id is None else (item.id,))
        elif isinstance(op, Cut):
            _counts({"keep": op.keep, "before": op.before, "newest": op.newest})
        else:
            _counts({"after": op.after, "before": op.before, "limit": op.limit})
            _names("item id", op.ids or ())
            if op.refs is not None:
                self._map(op.refs)

    def _guard(self, guard: AnyGuard) -> None:
        if isinstance(guard, (Missing, Same)):
            self._map(guard.map)
            check_name(guard.field, "field name")
        if isinstance(guard, (Same, Revision)):
            _count("revision", guard.revision)
        elif isinstance(guard, Head):
            self._hidden(check_name(guard.log, "log name", SHORT_BYTES), "log", frozenset())
            _count("seq", guard.seq)
        elif isinstance(guard, Epoch):
            check_name(guard.epoch, "epoch", SHORT_BYTES)
        elif isinstance(guard, Claimed):
            _count("token", guard.token)

    def _map(self, name: str) -> None:
        self._hidden(check_name(name, "map name", SHORT_BYTES), "map", MAPS)

    def _label(self, name: str, value: str | None) -> None:
        self._hidden(check_name(name, "label name", SHORT_BYTES), "label", LABELS)
        if value is not None:
            check_name(value, f"value of label {name!r}", LABEL_VALUE_BYTES)

    def _hidden(self, name: str, what: str, shared: frozenset[str]) -> None:
        if not name.startswith("#") or name in shared:
            return
        if name == NOBODYS or not self._trusted:
            raise UsageError(f"{what} {name!r} begins with '#', which threadkeep keeps for itself")


def check_ref(found: Ref) -> None:
    """Check the address of an entity."""
    ref(found.namespace, found.kind, found.id)


def check_due(due: Due) -> None:
    """Check a claim."""
    _count("lease", due.lease, least=1)
    _count("limit", due.limit, least=1)
    _counts({"token": due.token})
    if due.namespace is not None:
        check_name(due.namespace, "namespace")
    if due.ref is not None:
        check_ref(due.ref)


def check_reply(reply: Reply) -> None:
    """Check an answer, which comes from where the data is: numbers, no names."""
    _counts({"revision": reply.revision, "failed": reply.failed})
    for result in reply.results:
        if isinstance(result, Number):
            _number("number", result.value)


def check_page(page: Page) -> None:
    """Check a page of a listing."""
    for listed in page.items:
        check_ref(listed.ref)


def check_claims(claims: tuple[Claim, ...]) -> None:
    """Check claims."""
    for claim in claims:
        check_ref(claim.ref)
        _count("token", claim.token)


def _names(what: str, names: Iterable[str]) -> None:
    for name in names:
        check_name(name, what)


def _prefix(prefix: str | None) -> None:
    if prefix:
        check_name(prefix, "prefix")


def _lease(lease: Lease | None) -> None:
    if lease is None:
        return
    if lease.window is not None:
        _count("window", lease.window, least=1)
    if lease.end is not None and not -INT64 <= lease.end < INT64:
        raise UsageError(f"end is {lease.end}; it must fit 64 bits")


def _counts(given: Mapping[str, int | None]) -> None:
    for what, value in given.items():
        if value is not None:
            _count(what, value)


def _count(what: str, value: int, *, least: int = 0) -> None:
    if not least <= value < INT64:
        raise UsageError(f"{what} is {value}; it must be {least} or more and fit 64 bits")


def _number(what: str, value: float) -> None:
    fits = math.isfinite(value) if isinstance(value, float) else -INT64 <= value < INT64
    if not fits:
        raise UsageError(f"{what} is {value}; it must be a finite number that fits 64 bits")
