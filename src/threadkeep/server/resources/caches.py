"""Routes of the caches: results of tools and answers of models, by what they were asked."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec
from starlette.responses import Response

from threadkeep.model.caches import LlmHit, StoreStats, ToolHit
from threadkeep.model.leases import FOREVER
from threadkeep.server.call import Call
from threadkeep.server.resources.state import Removed
from threadkeep.server.routing import Route
from threadkeep.server.shapes import Name
from threadkeep.server.statuses import empty_answer, json_answer

Ttl = Annotated[float, msgspec.Meta(ge=1e-6, le=94_867_200_000)] | None
Dollars = Annotated[float, msgspec.Meta(ge=0, le=1e9)] | None


class ToolAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A call of a tool; `ignore`: arguments that do not count."""

    args: Any = None
    ignore: list[Name] = []

    together: ClassVar[dict[str, Any]] = {
        "anyOf": [
            {"properties": {"ignore": {"maxItems": 0}}},
            {"properties": {"args": {"type": ["object", "null"]}}},
        ]
    }


class ToolStored(ToolAsked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A call of a tool and its result; `cost`: dollars that a hit saves."""

    response: Any
    ttl: Ttl = None
    cost: Dollars = None


class LlmAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request to a model; `ignore`: parameters that do not count."""

    params: dict[str, Any]
    ignore: list[Name] = []


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


class SetPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long a tool's results live, in seconds; null for without end."""

    ttl: Ttl


class PolicyShown(msgspec.Struct, frozen=True):
    """How long a tool's results live, in seconds; null for without end."""

    ttl: float | None


class PoliciesShown(msgspec.Struct, frozen=True):
    """Policies by tool."""

    policies: dict[str, PolicyShown]


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


async def forget_result(call: Call) -> Response:
    """Remove the result of one call of a tool."""
    given = await call.body(ToolAsked)
    gone = await call.whole().tools.invalidate(call.params[0], given.args, ignore=given.ignore)
    return json_answer(Removed(int(gone)))


async def forget_tools(call: Call) -> Response:
    """Remove the results of all tools."""
    return json_answer(Removed(await call.whole().tools.clear()))


async def forget_answer(call: Call) -> Response:
    """Remove a model's answer to one request."""
    given = await call.body(LlmAsked)
    gone = await call.whole().llm.invalidate(given.params, ignore=given.ignore)
    return json_answer(Removed(int(gone)))


async def forget_llm(call: Call) -> Response:
    """Remove the answers of all models."""
    return json_answer(Removed(await call.whole().llm.clear()))


async def policies(call: Call) -> Response:
    """Return how long results live, by tool, where that was set."""
    found = await call.whole().tools.policies()
    return json_answer(
        PoliciesShown({name: PolicyShown(one.lease.seconds) for name, one in found.items()})
    )


async def set_policy(call: Call) -> Response:
    """Set how long a tool's results live that are stored from now on without a ttl."""
    given = await call.body(SetPolicy)
    ttl = FOREVER if given.ttl is None else given.ttl
    await call.whole().tools.set_policy(call.params[0], ttl=ttl)
    return empty_answer()


async def delete_policy(call: Call) -> Response:
    """Take back what was set for a tool."""
    return json_answer(Removed(int(await call.whole().tools.delete_policy(call.params[0]))))


async def reset_stats(call: Call) -> Response:
    """Set the counts of both caches to zero."""
    await call.whole().reset_stats()
    return empty_answer()


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
    Route("POST", "/tools/{tool}/forget", forget_result, "write", body=ToolAsked, answer=Removed),
    Route("DELETE", "/tools", forget_tools, "write", answer=Removed),
    Route("GET", "/tools", policies, "read", answer=PoliciesShown),
    Route("PUT", "/tools/{tool}/policy", set_policy, "write", body=SetPolicy, status=204),
    Route("DELETE", "/tools/{tool}/policy", delete_policy, "write", answer=Removed),
    Route("POST", "/llm/forget", forget_answer, "write", body=LlmAsked, answer=Removed),
    Route("DELETE", "/llm", forget_llm, "write", answer=Removed),
    Route("DELETE", "/caches", reset_stats, "write", status=204),
    Route("GET", "/caches", stats, "read", answer=StoreStats),
)
