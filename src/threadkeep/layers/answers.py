"""Answers of requests that may come again: in the hidden map `#answers`, while their request id is known."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from msgspec.structs import replace

from threadkeep.layers.values import load
from threadkeep.model.codec import encode
from threadkeep.model.leases import Sliding
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch, Plan
from threadkeep.ops.ops import Get, Set
from threadkeep.ops.reply import Fields, Reply
from threadkeep.ops.sealed import ANSWERS

T = TypeVar("T")


class RepeatedError(Exception):
    """The request was answered before, and its answer is kept."""


KEPT: Final = Sliding(600)  # as long as an engine knows a request id at least; no read renews it


def kept(ref: Ref, request: str) -> Plan[Any]:
    """Plan to read what a request was answered; None where it was not."""

    def read(reply: Reply) -> Any:
        result = reply.results[0]
        assert isinstance(result, Fields)  # noqa: S101 - the reply to a Get
        found = result.fields.get(request)
        return None if found is None else load(found.value, None, ref, "answer", request)

    return Plan(Batch(ref, (Get(ANSWERS, (request,), renew=False),)), read)


def keeping(plan: Plan[T], request: str, answer: object) -> Plan[T]:
    """Return the plan, done once for the request, whose answer it keeps; RepeatedError where it was done."""
    keep = Set(ANSWERS, {request: encode(answer)}, KEPT)
    batch: Batch = plan.batch

    def read(reply: Reply) -> T:
        if reply.repeated:
            raise RepeatedError
        return plan.decode(reply)

    return Plan(replace(batch, ops=(*batch.ops, keep), once=request), read)
