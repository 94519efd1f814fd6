"""The batches that a subject writes, so that what stands can be told from what is missing or half.

A caller WHO writes batches number 1, 2, 3, ... to its own thread (kind `shared`: to one thread of
all callers). Each batch holds its number several times: in three fields, in two messages, or both.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

from threadkeep.model.codec import encode
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import Append, Incr, Set

FIELDS = ("left", "middle", "right")
HALVES = ("a", "b")
SHARED = "shared"
WHOLE = "whole"  # the map and the log of the batches that write both


class Kind(enum.IntEnum):
    """What a batch writes; batch n is of kind n modulo 4."""

    STATE = 0
    MESSAGES = 1
    BOTH = 2
    SHARED = 3


class Slip(enum.Enum):
    """A wrong subject, for the controls: verification must find out each of them."""

    NONE = "none"
    EARLY = "early"  # acknowledges before it writes
    SPLIT = "split"  # writes a batch in two calls
    SWALLOW = "swallow"  # acknowledges although the call failed


def kind_of(number: int) -> Kind:
    return Kind(number % len(Kind))


Step = Callable[[], Any]  # the call's result: an awaitable where the store is an AsyncStore


def steps(store: Any, who: str, number: int, slip: Slip) -> list[Step]:
    """The calls that write one batch: one, or two where the subject splits it."""
    whole = list(_parts(store, who, number))
    if slip is Slip.SPLIT:
        return whole[1:]
    return whole[:1]


def _parts(store: Any, who: str, number: int) -> tuple[Step, Step, Step]:
    """The whole batch as one call, then its two halves as two calls."""
    padding = "x" * (number * 37 % 1500)
    match kind_of(number):
        case Kind.STATE:
            fields = {**dict.fromkeys(FIELDS, number), "padding": padding}
            state = store.thread(who).state
            return (
                lambda: state.update(fields),
                lambda: state.update({FIELDS[0]: number}),
                lambda: state.update({n: v for n, v in fields.items() if n != FIELDS[0]}),
            )
        case Kind.MESSAGES | Kind.SHARED as kind:
            messages = store.thread(SHARED if kind is Kind.SHARED else who).messages
            first, second = (
                {"role": "user", "content": padding, "who": who, "number": number, "half": half}
                for half in HALVES
            )
            return (
                lambda: messages.append(first, second),
                lambda: messages.append(first),
                lambda: messages.append(second),
            )
        case Kind.BOTH:
            ref = Ref("default", "thread", who)
            put = Set(WHOLE, dict.fromkeys(FIELDS, encode(number)))
            items = tuple(encode([number, half, padding]) for half in HALVES)
            rest = (Append(WHOLE, items), Incr(WHOLE, "batches"))
            return (
                lambda: store.engine.run(Batch(ref, (put, *rest))),
                lambda: store.engine.run(Batch(ref, (put,))),
                lambda: store.engine.run(Batch(ref, rest)),
            )
