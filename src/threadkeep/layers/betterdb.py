"""What BetterDB agent-cache keeps under which key, and how what it keeps is written into an entity.

Its keys are joined with colons and nothing is escaped, so `{name}:session:a:b:c` is field `c` of thread `a:b` or
field `b:c` of thread `a`; only the fields of its LangGraph saver tell themselves apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

import msgspec

from threadkeep.errors import UsageError
from threadkeep.layers.transfer import FieldPiece
from threadkeep.layers.transfer_writing import sets
from threadkeep.model.codec import encode
from threadkeep.model.leases import FOREVER, Lease
from threadkeep.model.refs import Ref, check_name
from threadkeep.ops.batch import Batch, Plan
from threadkeep.ops.ops import AnyGuard, Get, Missing, Same
from threadkeep.ops.reply import Field, Fields, Reply

Split = Literal["first", "last"]
Unmapped = Literal[
    "results that cannot be read",
    "results over the limit",
    "policies that cannot be read",
    "statistics and marks of its own",
    "keys of another layout",
    "names that cannot be",
    "values of another type",
]
_SAVED = re.compile(r"(.+):(checkpoint:[^:]+|__checkpoint_latest|writes:[^:]+)", re.DOTALL)
_MARKS = ("__stats", "__instance_id")
_GLOB = re.compile(r"([\\*?\[\]])")


class SessionField(msgspec.Struct, frozen=True):
    """A key that is a field of a thread; `guessed`: the key has several colons and could be cut elsewhere."""

    thread: str
    field: str
    guessed: bool


class ResultKey(msgspec.Struct, frozen=True):
    """A key that is a result; `rest` is what follows the tier."""

    tier: Literal["tool", "llm"]
    rest: str


class PoliciesKey(msgspec.Struct, frozen=True):
    """The key of the policies, a hash."""


def pattern(name: str) -> str:
    """Return the pattern that finds the keys of a cache, and those of caches whose names begin with `name:`."""
    return _GLOB.sub(r"\\\1", name) + ":*"


def place(key: bytes, name: str, split: Split) -> SessionField | ResultKey | PoliciesKey | Unmapped:
    """Return what a key of the cache `name` is."""
    try:
        rest = key.decode().removeprefix(f"{name}:")
    except UnicodeDecodeError:
        return "names that cannot be"
    kind, colon, rest = rest.partition(":")
    if kind == "session" and colon:
        return _session(rest, split)
    if colon and kind in {"tool", "llm"}:
        return ResultKey("tool" if kind == "tool" else "llm", rest)
    if kind == "__tool_policies" and not colon:
        return PoliciesKey()
    return "statistics and marks of its own" if kind in _MARKS else "keys of another layout"


def _session(rest: str, split: Split) -> SessionField | Unmapped:
    saved = _SAVED.fullmatch(rest)
    if saved is not None:
        thread, field = saved[1], saved[2]
    else:
        cut = rest.partition if split == "first" else rest.rpartition
        thread, _, field = cut(":")
    try:
        check_name(thread, "thread id")
        check_name(field, "field name")
    except UsageError:
        return "names that cannot be"
    return SessionField(thread, field, guessed=saved is None and rest.count(":") > 1)


def lease(ends: int | None, window: int | None) -> Lease:
    """Return the lease of a field that ends at `ends` (None: never) and is renewed by `window`, if at all."""
    if ends is None:
        return FOREVER
    return Lease(window, ends)


def value(raw: bytes) -> bytes:
    """Return the stored form of a value: text where it is text, else bytes as they are."""
    try:
        return encode(raw.decode())
    except UnicodeDecodeError:
        return encode(raw)


def standing(ref: Ref, map_: str, names: tuple[str, ...]) -> Plan[dict[str, Field]]:
    """Plan to read what stands at these fields, renewing nothing."""

    def read(reply: Reply) -> dict[str, Field]:
        result = reply.results[0]
        assert isinstance(result, Fields)  # noqa: S101 - the reply to a Get
        return result.fields

    return Plan(Batch(ref, (Get(map_, names, renew=False),)), read)


def write(
    ref: Ref,
    map_: str,
    fields: Mapping[str, tuple[bytes, Lease]],
    there: Mapping[str, Field],
) -> Plan[bool]:
    """Plan to write fields in place of what was seen `there`; False when that has changed."""
    guards: tuple[AnyGuard, ...] = tuple(
        Same(map_, name, there[name].revision) if name in there else Missing(map_, name)
        for name in fields
    )
    made = {name: Field(data, 0, lease.window, lease.end) for name, (data, lease) in fields.items()}
    return Plan(Batch(ref, tuple(sets(FieldPiece(map_, made))), guards), lambda reply: reply.ok)
