"""Routes of turns: one writer of a thread at a time. A turn is a token; writes carry it in `X-Turn`."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Annotated, Literal

import msgspec
from starlette.responses import Response

from threadkeep._async.scope import fences
from threadkeep._async.turn import AsyncTurn
from threadkeep.errors import Conflict, Timeout, TurnLost, UsageError
from threadkeep.layers import turns
from threadkeep.model.refs import Ref
from threadkeep.server.call import Call
from threadkeep.server.routing import Route
from threadkeep.server.statuses import json_answer


class TakeTurn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to take the turn.

    `policy` when another has it: `queue` waits in order, `timeout` seconds at most, then 409; `reject` gives
    409 at once; `interrupt` takes it over. `lease`: seconds after which it is free again unless it was renewed.
    """

    policy: Literal["queue", "reject", "interrupt"] = "queue"
    lease: Annotated[float, msgspec.Meta(ge=1e-6, le=3_600)] = 30.0
    timeout: Annotated[float, msgspec.Meta(ge=0, le=60)] = 5.0


class Turn(msgspec.Struct, frozen=True):
    """A turn; send `token` as `X-Turn` with every write that belongs to it."""

    token: int
    lease: float


class Ended(msgspec.Struct, frozen=True):
    """Whether the turn was still the caller's."""

    held: bool


@contextmanager
def fenced(call: Call, ref: Ref) -> Generator[None]:
    """Let writes to the entity carry the turn that the request names."""
    token = call.request.header(b"x-turn")
    if token is None:
        yield
        return
    mark = fences.set({ref: turns.fence(number_of(token))})
    try:
        yield
    finally:
        fences.reset(mark)


def number_of(token: str) -> int:
    """Return the number of a turn; UsageError for what is none."""
    if not (token.isascii() and token.isdecimal() and len(token) <= 18):
        raise UsageError("a turn is a number, as the server gave it")
    return int(token)


async def take(call: Call) -> Response:
    """Take the turn on a thread; wait for it where the policy says so."""
    given = await call.body(TakeTurn)
    turn = AsyncTurn(call.entity(), given.policy, given.lease, given.timeout)
    try:
        token = await turn.acquire()
    except Timeout as error:
        if error.maybe_applied:
            raise
        raise Conflict(str(error)) from error  # the engine answers; another holds the turn
    return json_answer(Turn(token, given.lease), 201)


async def renew(call: Call) -> Response:
    """Hold on to a turn for its lease; 409 when it is lost."""
    scope = call.entity()
    if not await scope.write(turns.renew(scope.ref, number_of(call.params[1]))):
        raise TurnLost("the turn is over: its lease ran out or another caller took it")
    return json_answer(Ended(held=True))


async def release(call: Call) -> Response:
    """End a turn."""
    scope = call.entity()
    held = await scope.write(turns.release(scope.ref, number_of(call.params[1])))
    return json_answer(Ended(held=held))


_TURN = "/threads/{thread_id}/turns"
ROUTES = (
    Route("POST", _TURN, take, "write", body=TakeTurn, answer=Turn, status=201),
    Route("POST", f"{_TURN}/{{token}}/renew", renew, "write", answer=Ended),
    Route("DELETE", f"{_TURN}/{{token}}", release, "write", answer=Ended),
)
