"""`threadkeep import`."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from threadkeep.cli.importing_betterdb import NO_BETTERDB, Betterdb, import_betterdb
from threadkeep.cli.inspecting import micros
from threadkeep.cli.opening import BOUNDLESS, HERE, FileName, Where, file_name, open_store, wrappers
from threadkeep.cli.progress import progress
from threadkeep.cli.sources import FileSource, PipeSource
from threadkeep.cli.telling import amounts, put_json, say
from threadkeep.errors import CodecError, ThreadkeepError, UsageError
from threadkeep.model.urls import mask

if TYPE_CHECKING:
    from threadkeep._sync.transfer_import import Import

STDIN = "-"
DryRun = Annotated[bool, Parameter(negative="", show_default=False, help="Only check the file.")]
OnConflict = Literal["fail", "skip", "replace"]
Conflicts = Annotated[
    OnConflict,
    Parameter(
        help="What to do where an entity stands with other content: stop, leave it, or put the exported"
        " one in its place."
    ),
]
From = Annotated[
    Literal["export", "betterdb"],
    Parameter(name="--from", help="What FILE is: an export, or the server of a BetterDB cache."),
]
OUTCOMES = ("imported", "resumed", "replaced", "same", "skipped", "expired")


def import_(
    file: FileName,
    /,
    *,
    on_conflict: Conflicts = "fail",
    dry_run: DryRun = False,
    from_: From = "export",
    betterdb: Betterdb = NO_BETTERDB,
    where: Where = HERE,
) -> None:
    """Write what an export holds into a store.

    Each entity is written only after all its lines were checked; damage is reported with its line. What
    stands already with the same content is left alone, so an import that was interrupted, even killed, is
    finished by running it again, and a second run changes nothing. Do not write to the same threads
    meanwhile. Entities go to the namespaces they came from, or to the one that is named. What has run out
    since the export is left out.

    JSON: {"imported", "resumed", "replaced", "same", "skipped", "expired", "fields", "items"}; the first
    six count entities.

    With `--from betterdb` FILE is the URL of a Redis or Valkey server, which is only read: the session fields
    that BetterDB agent-cache keeps there become fields of threads, its results of tools and models and its
    policies become those of the caches, and all end when they would have. They are compared one by one: a second
    run changes nothing. What could not be mapped is counted and named.

    JSON then: {"fields", "results", "policies": each {"imported", "replaced", "same", "skipped"}, "guessed",
    "unmapped": {sort: {"count", "examples"}}}; "guessed" counts fields.

    Args:
        file: The file, or `-` for standard input; or the URL of a server.
    """
    if from_ == "betterdb":
        import_betterdb(file, betterdb, on_conflict, where, dry_run=dry_run)
        return
    if betterdb != NO_BETTERDB:
        raise UsageError("--name, --split and --ttl go with --from betterdb")
    _import_export(file_name(file), on_conflict, where, dry_run=dry_run)


def _import_export(file: str, on_conflict: OnConflict, where: Where, *, dry_run: bool) -> None:
    from threadkeep._sync.transfer_import import Import

    with (
        _source(file) as (source, size),
        progress("import", size, lambda: source.read, unit="bytes") as tick,
        open_store(
            "memory://" if dry_run else where.url, where.space, "create", wrappers(where), BOUNDLESS
        ) as store,
    ):
        job = Import(
            store,
            source,
            now=micros,
            on_conflict=on_conflict,
            namespace=where.namespace,
            write=not dry_run,
            tick=tick,
        )
        try:
            job.run()
        except ThreadkeepError as error:
            if job.outcomes:
                _tell(job, where, dry_run=dry_run)
            raise _named(error, file) from error
    _tell(job, where, dry_run=dry_run)


@contextmanager
def _source(file: str) -> Generator[tuple[FileSource | PipeSource, int | None]]:
    """Give the lines and the size of the file, None where it is not known."""
    with sys.stdin.buffer if file == STDIN else Path(file).open("rb") as lines:
        if file != STDIN and lines.seekable():
            yield FileSource(lines), Path(file).stat().st_size
            return
        with closing(PipeSource(lines)) as source:
            yield source, None


def _named(error: ThreadkeepError, file: str) -> ThreadkeepError:
    """Return the error with the name of the file where it speaks of a line."""
    if not isinstance(error, CodecError) or "line" not in error.context:
        return error
    name = "standard input" if file == STDIN else file
    return CodecError(f"{name}, {error}", **error.context)


def _tell(job: Import, where: Where, *, dry_run: bool) -> None:
    counts = {name: job.outcomes.get(name, 0) for name in OUTCOMES}
    if where.json:
        put_json({**counts, "fields": job.fields, "items": job.items})
        return
    if dry_run:
        say(f"checked {amounts(sum(counts.values()), job.fields, job.items)}")
        return
    told = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    say(f"{told or 'no entities'} ({mask(where.url)})")
