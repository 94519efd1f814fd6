"""Routes of snapshots: images of a running agent."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from starlette.responses import Response

from threadkeep._async.snapshots import AsyncSnapshots
from threadkeep.errors import NotFound, UsageError
from threadkeep.server.call import Call
from threadkeep.server.resources.state import Removed, Revised
from threadkeep.server.routing import KEY, Route
from threadkeep.server.statuses import json_answer

LATEST = "latest"


class SaveSnapshot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An image to save; `if_revision`: only if the last one saved has it (0: none was ever saved)."""

    data: Any
    if_revision: Annotated[int, msgspec.Meta(ge=0, le=1 << 31)] | None = None
    keep: Annotated[int, msgspec.Meta(ge=1, le=1_000)] | None = None


class SnapshotShown(msgspec.Struct, frozen=True):
    """A snapshot with its data."""

    revision: int
    created_at: datetime
    bytes: int
    data: Any


class SnapshotListed(msgspec.Struct, frozen=True):
    """A snapshot without its data."""

    revision: int
    created_at: datetime
    bytes: int


class SnapshotsShown(msgspec.Struct, frozen=True):
    """The snapshots that stand, newest first."""

    snapshots: list[SnapshotListed]


def _snapshots(call: Call) -> AsyncSnapshots:
    return call.thread(call.params[0]).snapshots


async def history(call: Call) -> Response:
    """List the snapshots of a thread, newest first, without their data."""
    found = await _snapshots(call).history()
    listed = [SnapshotListed(s.revision, s.created_at, s.bytes) for s in found]
    return json_answer(SnapshotsShown(listed))


async def save(call: Call) -> Response:
    """Save a snapshot."""
    given = await call.body(SaveSnapshot)
    revision = await _snapshots(call).save(
        given.data, if_revision=given.if_revision, keep=given.keep
    )
    return json_answer(Revised(revision), 201)


async def load(call: Call) -> Response:
    """Return the snapshot of a revision, or the `latest`; 404 where none stands."""
    asked = call.params[1]
    if asked != LATEST and not (asked.isascii() and asked.isdecimal() and 0 < len(asked) < 10):
        raise UsageError("a snapshot is a revision or latest")
    found = await _snapshots(call).entry(revision=None if asked == LATEST else int(asked))
    if found is None:
        raise NotFound("there is no such snapshot")
    return json_answer(SnapshotShown(found.revision, found.created_at, found.bytes, found.data))


async def delete(call: Call) -> Response:
    """Delete all snapshots of a thread."""
    return json_answer(Removed(await _snapshots(call).delete()))


_MANY = "/threads/{thread_id}/snapshots"
ROUTES = (
    Route("GET", _MANY, history, "read", answer=SnapshotsShown),
    Route(
        "POST",
        _MANY,
        save,
        "write",
        body=SaveSnapshot,
        answer=Revised,
        status=201,
        headers=(KEY,),
    ),
    Route("DELETE", _MANY, delete, "write", answer=Removed),
    Route("GET", f"{_MANY}/{{revision}}", load, "read", answer=SnapshotShown),
)
