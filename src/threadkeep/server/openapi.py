"""The OpenAPI 3.1 document, made from the routes and the structs they take and give."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any, Final

import msgspec

from threadkeep import __version__
from threadkeep.engines.http.answers import WIRE
from threadkeep.model.refs import NAME_BYTES
from threadkeep.server.routing import KEY, Route
from threadkeep.server.shapes import KV, KV_BOTH, NAME, NUMBER, PART, Shape, bounded

_HOLE: Final = re.compile(r"\{(\w+)\}")
_REF: Final = "#/components/schemas/{name}"
_JSON: Final = "application/json"


class Problem(msgspec.Struct, frozen=True):
    """What every refused or failed request answers."""

    error: str
    code: str
    found: Any = None
    revision: int | None = None
    maybe_applied: bool | None = None


_USUAL: Final = {
    400: "The request is wrong as it stands; nothing was written.",
    401: "A key or token is needed, or the one given does not hold.",
    403: "The caller may not do this.",
    404: "There is no such resource.",
    409: "Something else stands there or came between; nothing was written.",
    410: "The thread was destroyed meanwhile.",
    412: "A condition of the request did not hold; nothing was written.",
    413: "A value or the body is over a limit, which the error names.",
    415: "The content encoding is unknown.",
    429: "The caller sent too much; Retry-After says when to come back.",
    503: "The engine cannot serve the call now; Retry-After says when to come back.",
}


@cache
def document(routes: tuple[Route, ...]) -> bytes:
    """Return the document as JSON."""
    schemas, by_type = _schemas(routes)
    paths: dict[str, Any] = {}
    for route in routes:
        path = route.path if route.root else f"/v1{route.path}"
        method = route.method.lower()
        paths.setdefault(path, {})[method] = _operation(route, by_type)
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "threadkeep",
                "version": __version__,
                "summary": "Keeps what an AI agent must remember between calls.",
            },
            "servers": [{"url": ".", "description": "the server that gave this document"}],
            "paths": paths,
            "components": {
                "schemas": schemas,
                "securitySchemes": {
                    "bearer": {"type": "http", "scheme": "bearer"},
                    "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
                },
            },
        }
    )


def _schemas(routes: Iterable[Route]) -> tuple[dict[str, Any], dict[Any, Any]]:
    found = {t for r in routes for t in (r.body, r.answer) if t is not None}
    types = [Problem, *sorted(found, key=str)]
    made, components = msgspec.json.schema_components(types, ref_template=_REF)
    for kind in found:
        if isinstance(kind, type):
            components.get(kind.__name__, {}).update(getattr(kind, "together", {}))
    return components, dict(zip(types, made, strict=True))


def _operation(route: Route, by_type: dict[Any, Any]) -> dict[str, Any]:
    summary, _, more = (route.handler.__doc__ or "").strip().partition("\n\n")
    made: dict[str, Any] = {
        "operationId": _name(route),
        "summary": summary,
        "parameters": [*_holes(route), *_query(route), *_headers(route)],
        "responses": _responses(route, by_type),
    }
    if more:
        made["description"] = " ".join(more.split())
    if route.body is not None:
        made["requestBody"] = {
            "required": True,
            "content": {_JSON: {"schema": by_type[route.body]}},
        }
    elif route.binary:
        made["requestBody"] = {
            "required": True,
            "description": f"In the wire form of the engine language ({WIRE}).",
            "content": {"application/octet-stream": {"schema": {}}},
        }
    made["security"] = [] if route.right is None else [{"bearer": []}, {"key": []}, {}]
    return made


_BYTES: Final = {"type": "string", "contentMediaType": WIRE}
_HOLES: Final[dict[str, Shape]] = {
    "kv_namespace": KV,
    "part": PART,
    "tool": bounded(NAME_BYTES),
    "model": bounded(NAME_BYTES),
    "token": NUMBER,
    "revision": {"type": "string", "pattern": "^(latest|[1-9][0-9]{0,8})$"},
}
_HEADERS: Final[dict[str, Shape]] = {
    "X-Workspace-Id": {
        "pattern": r"^([^#\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*)?$"
    },
    KEY: {"minLength": 1, "maxLength": 255},
    "X-Turn": NUMBER,
    "If-Match": {"description": "The ETag of a read; another text matches nothing: 412."},
}


def _name(route: Route) -> str:
    words = [w for w in re.split(r"[^a-z]+", _HOLE.sub("", route.path)) if w]
    ending = "_one" if route.path.endswith("}") else ""
    return "_".join([route.method.lower(), *words]) + ending


def _holes(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": _hole(name, route)}
        for name in _HOLE.findall(route.path)
    ]


def _hole(name: str, route: Route) -> Shape:
    if "{kv_namespace}" in route.path and "{key}" in route.path:
        return KV_BOTH
    return _HOLES.get(name, NAME)


def _query(route: Route) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    schema, components = msgspec.json.schema_components([route.query], ref_template=_REF)
    (only,) = components.values()
    del schema
    required = only.get("required", [])
    parts = {name: _plain(part) for name, part in only["properties"].items()}
    together = getattr(route.query, "together", {})
    more = not route.query.__struct_config__.forbid_unknown_fields
    if together or more:  # what goes with what, and what is ignored, can be said of an object alone
        whole = {"type": "object", "properties": parts, "additionalProperties": more, **together}
        return [{"name": "query", "in": "query", "style": "form", "explode": True, "schema": whole}]
    return [
        {"name": name, "in": "query", "required": name in required, "schema": part}
        for name, part in parts.items()
    ]


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a query parameter, which has no null: it is left out instead."""
    options = [part for part in schema.get("anyOf", []) if part != {"type": "null"}]
    found = dict(options[0]) if len(options) == 1 else dict(schema)
    if schema.get("default") is not None:
        found["default"] = schema["default"]
    elif "default" in found:
        del found["default"]
    return found


def _headers(route: Route) -> list[dict[str, Any]]:
    names = () if route.right is None else ("X-Workspace-Id", *route.headers)
    if route.entity and route.right == "write":
        names = (*names, "X-Turn")
    return [_header(name, route) for name in names]


def _header(name: str, route: Route) -> dict[str, Any]:
    shape = _HEADERS.get(name, {})
    if name == "If-None-Match" and route.method != "GET":
        shape = {"const": "*"}
    elif name == "Last-Event-ID" and route.entity:
        shape = {"pattern": "^[0-9]{0,18}$"}
    return {"name": name, "in": "header", "required": False, "schema": {"type": "string"} | shape}


def _responses(route: Route, by_type: dict[Any, Any]) -> dict[str, Any]:
    problem = {"content": {_JSON: {"schema": by_type[Problem]}}}
    made: dict[str, Any] = {
        str(status): {"description": text, **problem} for status, text in _USUAL.items()
    }
    good: dict[str, Any] = {"description": "Done."}
    if route.answer is not None:
        good["content"] = {_JSON: {"schema": by_type[route.answer]}}
    elif route.binary:
        good["content"] = {WIRE: {"schema": _BYTES}}
    elif route.events:
        good["content"] = {"text/event-stream": {"schema": {"type": "string"}}}
    made[str(route.status)] = good
    if "If-None-Match" in route.headers and route.method == "GET":
        made["304"] = {"description": "The client has this version already."}
    return dict(sorted(made.items()))
