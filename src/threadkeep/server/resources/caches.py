"""Routes of the caches: results of tools and answers of models, by what they were asked."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from starlette.responses import Response

from threadkeep.model.caches import LlmHit, StoreStats, ToolHit
from threadkeep.server.call import Call
from threadkeep.server.resources.state import Removed
from threadkeep.server.routing import Route
from threadkeep.server.statuses import json_answer

Ttl = Annotated[float, msgspec.Meta(ge=1e-6, le=94_867_200_000)] | None
Dollars = Annotated[float, msgspec.Meta(ge=0, le=1e9)] | None


class ToolAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A call of a tool; `ignore`: arguments that do not count."""

    args: Any = None
    ignore: list[str] = []


class ToolStored(ToolAsked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A call of a tool and its result; `cost`: dollars that a hit saves."""

    response: Any
    ttl: Ttl = None
    cost: Dollars = None


class LlmAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request to a model; `ignore`: parameters that do not count."""

    params: dict[str, Any]
    ignore: list[str] = []


class TokensUsed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a call used."""

    input: Annotated[int, msgspec.Meta(ge=0, le=1 << 40)] = 0
    output: Annotated[int, msgspec.Meta(ge=0, le=1 << 40)] = 0


class LlmStored(LlmAsked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request to a model and its answer."""

    response: Any
    ttl: Ttl = None
    cost: Dollars = None
    tokens: TokensUsed | None = None


class Kept(msgspec.Struct, frozen=True):
    """The key under which a result is kept; null when it was not kept."""

    key: str | None


async def check_tool(call: Call) -> Response:
    """Look a tool's result up."""
    given = await call.body(ToolAsked)
    found = await call.whole().tools.check(call.params[0], given.args, ignore=given.ignore)
    return json_answer(found)


async def store_tool(call: Call) -> Response:
    """Keep a tool's result."""
    given = await call.body(ToolStored)
    key = await call.whole().tools.store(
        call.params[0],
        given.args,
        given.response,
        ttl=given.ttl,
        cost=given.cost,
        ignore=given.ignore,
    )
    return json_answer(Kept(key))


async def forget_tool(call: Call) -> Response:
    """Remove all results of a tool."""
    return json_answer(Removed(await call.whole().tools.invalidate_tool(call.params[0])))


async def check_llm(call: Call) -> Response:
    """Look a model's answer up."""
    given = await call.body(LlmAsked)
    return json_answer(await call.whole().llm.check(given.params, ignore=given.ignore))


async def store_llm(call: Call) -> Response:
    """Keep a model's answer."""
    given = await call.body(LlmStored)
    used = given.tokens
    key = await call.whole().llm.store(
        given.params,
        given.response,
        ttl=given.ttl,
        cost=given.cost,
        tokens=None if used is None else (used.input, used.output),
        ignore=given.ignore,
    )
    return json_answer(Kept(key))


async def forget_model(call: Call) -> Response:
    """Remove all answers of a model."""
    return json_answer(Removed(await call.whole().llm.invalidate_model(call.params[0])))


async def stats(call: Call) -> Response:
    """Return what both caches brought."""
    return json_answer(await call.whole().stats())


ROUTES = (
    Route("POST", "/tools/{tool}/check", check_tool, "read", body=ToolAsked, answer=ToolHit),
    Route("POST", "/tools/{tool}/store", store_tool, "write", body=ToolStored, answer=Kept),
    Route("DELETE", "/tools/{tool}", forget_tool, "write", answer=Removed),
    Route("POST", "/llm/check", check_llm, "read", body=LlmAsked, answer=LlmHit),
    Route("POST", "/llm/store", store_llm, "write", body=LlmStored, answer=Kept),
    Route("DELETE", "/llm/models/{model}", forget_model, "write", answer=Removed),
    Route("GET", "/caches", stats, "read", answer=StoreStats),
)
