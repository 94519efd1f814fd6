"""What must be read of an entity before a batch can be decided. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from threadkeep.engines.apply import ONCE_MAP
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import (
    AnyGuard,
    AnyOp,
    Append,
    Cut,
    Del,
    Epoch,
    Get,
    Incr,
    Missing,
    Read,
    Restore,
    Same,
    Set,
    Touch,
)

Span = tuple[str, int, int | None, int | None, bool]  # log, after, before, limit, newest


class Need(msgspec.Struct):
    """Reads of one entity beside its row; where a value is True the values are read too.

    `fields` by map and name, `maps` by map and prefix ("": all), `spans` of logs, `ids` by log and id,
    `seqs` by log, `sums` of the items below a number, `epochs` of tombstones, `ends` of all fields.
    """

    fields: dict[tuple[str, str], bool] = {}
    maps: dict[tuple[str, str], bool] = {}
    spans: dict[Span, bool] = {}
    ids: dict[tuple[str, str], bool] = {}
    seqs: dict[tuple[str, int], bool] = {}
    sums: dict[tuple[str, int], bool] = {}
    epochs: dict[str, bool] = {}
    ends: bool = False

    def add(self, other: Need) -> None:
        """Ask for what another asks for too."""
        for name in ("fields", "maps", "spans", "ids", "seqs", "sums", "epochs"):
            mine: dict[Any, bool] = getattr(self, name)
            for key, values in getattr(other, name).items():
                mine[key] = values or mine.get(key, False)
        self.ends = self.ends or other.ends


def needs_of(batch: Batch) -> Need:
    """Return what a batch will ask for, as far as it can be known; what it links to is not."""
    need = Need()
    if batch.once is not None:
        need.fields[ONCE_MAP, batch.once] = True
    for guard in batch.guards:
        _guard(need, guard)
    for op in batch.ops:
        _op(need, op)
    for op in batch.otherwise:
        _op(need, op)
    return need


def _guard(need: Need, guard: AnyGuard) -> None:
    if isinstance(guard, Missing | Same):
        need.fields.setdefault((guard.map, guard.field), False)
    elif isinstance(guard, Epoch):
        need.epochs[guard.epoch] = True


def _named(need: Need, map_: str, names: Iterable[str], *, values: bool) -> None:
    fields = need.fields
    for name in names:
        fields[map_, name] = values or fields.get((map_, name), False)


def _fields(
    need: Need, map_: str, names: tuple[str, ...] | None, prefix: str | None, *, values: bool
) -> None:
    if names is not None:
        _named(need, map_, names, values=values)
    else:
        key = (map_, prefix or "")
        need.maps[key] = values or need.maps.get(key, False)


def _span(need: Need, span: Span, *, values: bool) -> None:
    need.spans[span] = values or need.spans.get(span, False)


def _op(need: Need, op: AnyOp) -> None:
    rule = _RULES.get(type(op))
    if rule is not None:
        rule(need, op)


def _get(need: Need, op: Get) -> None:
    _fields(need, op.map, op.fields, op.prefix, values=op.values)


def _set(need: Need, op: Set) -> None:
    _named(need, op.map, op.items, values=False)


def _incr(need: Need, op: Incr) -> None:
    _named(need, op.map, (op.field,), values=True)


def _del(need: Need, op: Del) -> None:
    _fields(need, op.map, op.fields, op.prefix, values=False)


def _touch(need: Need, op: Touch) -> None:
    if op.map is not None:
        _fields(need, op.map, op.fields, None, values=False)


def _read(need: Need, op: Read) -> None:
    if op.ids is not None:
        need.ids |= dict.fromkeys([(op.log, name) for name in op.ids], True)
    elif op.limit != 0:
        _span(need, (op.log, op.after, op.before, op.limit, op.newest), values=op.values)


def _append(need: Need, op: Append) -> None:
    for name in op.ids or ():
        if name is not None:
            need.ids.setdefault((op.log, name), False)


def _restore(need: Need, op: Restore) -> None:
    for item in op.items:
        need.seqs[op.log, item.seq] = True
        if item.id is not None:
            need.ids.setdefault((op.log, item.id), False)


def _cut(need: Need, op: Cut) -> None:
    if op.before is not None:
        need.sums[op.log, op.before] = False
    elif op.keep:
        _span(need, (op.log, 0, None, op.keep, True), values=False)
    elif op.newest:
        _span(need, (op.log, 0, None, op.newest, True), values=False)


_RULES: Final[dict[type, Callable[..., None]]] = {
    Get: _get,
    Set: _set,
    Incr: _incr,
    Del: _del,
    Touch: _touch,
    Read: _read,
    Append: _append,
    Cut: _cut,
    Restore: _restore,
}
