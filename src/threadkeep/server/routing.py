"""Routes: a method, the segments of a path, a handler, and what the documents say of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

import msgspec
from starlette.responses import Response

from threadkeep.server.access.callers import Right
from threadkeep.server.bodies import Refused
from threadkeep.server.call import Call

Handler = Callable[[Call], Awaitable[Response]]
PREFIXES: Final = (("v1",), ("api", "v1"))
KEY: Final = "Idempotency-Key"
_HOLE: Final = ""
_ENTITIES: Final = ("/threads/{", "/sessions/{", "/session/{", "/users/{", "/app")


class Route(msgspec.Struct, frozen=True):
    """One route: `path` is a template such as `/sessions/{session_id}/values`."""

    method: str
    path: str
    handler: Handler
    right: Right | None  # None: anybody, without a credential
    body: Any = None
    query: Any = None
    answer: Any = None
    status: int = 200
    kind: str = "thread"  # of the entity that the path names
    root: bool = False  # beside /v1, not below it
    hidden: bool = False  # not in the documents
    headers: tuple[str, ...] = ()  # that it looks at, beside those of every route
    events: bool = False  # answers with server-sent events
    binary: bool = False  # takes and gives the wire form

    @property
    def entity(self) -> bool:
        """Tell whether the path names one thread, one user or the app."""
        return self.path.startswith(_ENTITIES)

    @property
    def safe(self) -> bool:
        """Tell whether it may be asked with HEAD: a GET that ends and uses nothing up."""
        return self.method == "GET" and not self.events and KEY not in self.headers


class _Node:
    __slots__ = ("below", "methods")

    def __init__(self) -> None:
        self.below: dict[str, _Node] = {}
        self.methods: dict[str, Route] = {}


class Router:
    """All routes, found by the segments of a path."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            for prefix in ((),) if route.root else PREFIXES:
                self._add((*prefix, *route.path.strip("/").split("/")), route)

    def _add(self, steps: tuple[str, ...], route: Route) -> None:
        node = self._root
        for step in steps:
            node = node.below.setdefault(_HOLE if step.startswith("{") else step, _Node())
        node.methods[route.method] = route
        if route.safe:
            node.methods["HEAD"] = route

    def find(self, method: str, segments: tuple[str, ...]) -> tuple[Route, tuple[str, ...]]:
        """Return the route and what fills its holes; 404 or 405 where there is none."""
        node, params = self._root, list[str]()
        for segment in segments:
            step = node.below.get(segment) if segment else None
            if step is None:
                step = node.below.get(_HOLE) if segment else None
                params.append(segment)
            if step is None:
                raise Refused(404, "there is no such resource")
            node = step
        if not node.methods:
            raise Refused(404, "there is no such resource")
        route = node.methods.get(method)
        if route is None:
            allowed = ", ".join(sorted(node.methods))
            raise Refused(405, f"this resource takes {allowed}", Allow=allowed)
        return route, tuple(params)
