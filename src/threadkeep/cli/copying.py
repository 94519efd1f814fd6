"""`threadkeep copy`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from threadkeep.cli.exits import FAILED, OK
from threadkeep.cli.importing import OUTCOMES
from threadkeep.cli.inspecting import inspection, micros, namespaces
from threadkeep.cli.opening import Machine, Spaces, file_of, open_for_many
from threadkeep.cli.progress import progress
from threadkeep.cli.telling import amounts, put_json, put_table, say
from threadkeep.errors import UsageError
from threadkeep.model.urls import mask

if TYPE_CHECKING:
    from threadkeep._async.transfer import OnConflict
    from threadkeep._async.transfer_copy import AsyncCopy, Difference


def copy(
    source: str,
    target: str,
    /,
    *,
    on_conflict: Annotated[
        Literal["fail", "skip", "replace"],
        Parameter(
            help="What to do where an entity stands in the target with other content: stop, leave it, or put"
            " the one of the source in its place."
        ),
    ] = "fail",
    namespace: Spaces = None,
    json: Machine = False,
) -> int:
    """Copy everything from one store into another, then read both again and compare.

    All namespaces, or the one that is named. Values are copied as they are stored: encrypted ones stay
    encrypted under the same keys. An interrupted copy is finished by running it again; what is there
    already with the same content is left alone. Compared are the counts and a SHA-256 of each entity's
    labels, fields, kinds of leases, messages and snapshots; exit code 1 and a list when something differs.

    JSON: {"imported", "resumed", "replaced", "same", "skipped", "expired", "entities", "fields", "items",
    "differences": [{"namespace", "kind", "id", "why", "fields": [source, target], "items": [source,
    target]}]}.

    Args:
        source: URL of the store to copy from. It is opened for reading only.
        target: URL of the store to copy to. It is made when it does not exist.
    """
    if _is_same(source, target):
        raise UsageError("source and target are the same store")
    spaces = namespaces(source, namespace)
    seen = None if namespace else inspection(source)
    total = None if seen is None else seen.entities
    job, found = asyncio.run(_copied(source, target, on_conflict, spaces, total))
    _tell(job, found, target, as_json=json)
    return FAILED if found else OK


async def _copied(
    source: str, target: str, on_conflict: OnConflict, spaces: Sequence[str], total: int | None
) -> tuple[AsyncCopy, list[Difference]]:
    from threadkeep._async.transfer_copy import AsyncCopy

    async with open_for_many(source, "read") as left, open_for_many(target, "create") as right:
        job = AsyncCopy(await left.ready(), right, now=micros, on_conflict=on_conflict)
        with progress("copy", total, lambda: sum(job.outcomes.values()), unit="entities") as tick:
            job.tick = tick
            await job.run(spaces)
        total = sum(job.outcomes.values())
        with progress("compare", total, lambda: job.entities, unit="entities") as tick:
            job.tick = tick
            return job, await job.verify(spaces)


def _is_same(source: str, target: str) -> bool:
    files = (file_of(source), file_of(target))
    if files[0] is not None and files[1] is not None:
        return files[0].resolve() == files[1].resolve()
    return source == target


def _tell(job: AsyncCopy, found: list[Difference], target: str, *, as_json: bool) -> None:
    counts = {name: job.outcomes.get(name, 0) for name in OUTCOMES}
    sums = {"entities": job.entities, "fields": job.fields, "items": job.items}
    if as_json:
        put_json({**counts, **sums, "differences": [_as_data(one) for one in found]})
        return
    told = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    say(f"{told or 'no entities'} ({mask(target)})")
    say(f"compared {amounts(job.entities, job.fields, job.items)}: {len(found) or 'none'} differ")
    if found:
        put_table(None, ("namespace", "kind", "id", "what", "fields", "items"), map(_row, found))


def _as_data(one: Difference) -> dict[str, object]:
    ref = {"namespace": one.ref.namespace, "kind": one.ref.kind, "id": one.ref.id}
    return {**ref, "why": one.why, "fields": one.fields, "items": one.items}


def _row(one: Difference) -> tuple[object, ...]:
    fields, items = (f"{here} / {there}" for here, there in (one.fields, one.items))
    return (one.ref.namespace, one.ref.kind, one.ref.id, one.why, fields, items)
