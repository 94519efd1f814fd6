"""`threadkeep export`."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

from cyclopts import Parameter

from threadkeep import Store, __version__
from threadkeep.cli.inspecting import inspection, namespaces
from threadkeep.cli.opening import HERE, FileName, Where, file_name, open_store, ring, wrappers
from threadkeep.cli.progress import progress
from threadkeep.cli.telling import amounts, as_json, put_json, say
from threadkeep.errors import UsageError
from threadkeep.model.urls import mask

if TYPE_CHECKING:
    from threadkeep._sync.transfer_export import Export
    from threadkeep.cli.partfile import Continued

STDOUT = "-"


def export(
    file: FileName,
    /,
    *,
    force: Annotated[
        bool, Parameter(negative="", show_default=False, help="Write over a file that exists.")
    ] = False,
    resume: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="Go on with FILE.part, which an interrupted export left.",
        ),
    ] = False,
    where: Where = HERE,
) -> None:
    """Write everything that stands into a file of JSON Lines: threads, users, app, all kinds.

    All namespaces, or the one that is named. Each entity is of one moment, the store as a whole is not.
    Every line is sealed with a checksum. Leases keep their ends, messages their numbers, ids and times.
    What has expired is left out. Memory stays bounded. The text grows in FILE.part and gets its name when
    complete. Encrypted values leave the store as they are, or in plaintext when keys are given.

    JSON: {"file", "entities", "fields", "items"}.

    Args:
        file: The file, or `-` for standard output.
    """
    file = file_name(file)
    spaces = namespaces(where.url, where.namespace)
    with open_store(where.url, where.space, "read", wrappers(where)) as store:
        _warn(where)
        if file == STDOUT:
            if resume:
                raise UsageError("standard output cannot be continued; --resume needs a file")
            done = _run(store, sys.stdout.buffer, None, spaces, where)
            sys.stdout.buffer.flush()
        else:
            with _opened(Path(file), force=force, resume=resume) as (out, begun):
                done = _run(store, out, begun, spaces, where)
    _tell(done, file, where)


def _run(
    store: Store, out: BinaryIO, begun: Continued | None, spaces: tuple[str, ...], where: Where
) -> Export:
    from threadkeep._sync.transfer_export import Export

    def write(data: bytes) -> None:
        out.write(data)
        tick()

    one = spaces[0] if len(spaces) == 1 else None
    if begun is not None and begun.header.namespace != one:
        raise UsageError("the interrupted export is of other namespaces; run it without --resume")
    seen = inspection(where.url)
    place, after = (begun.place, begun.after) if begun else (None, None)
    job = Export(store.ready(), write, place=place, after=after)
    total = None if seen is None or where.namespace else seen.entities
    with progress("export", total, lambda: job.entities, unit="entities") as tick:
        created = datetime.now(UTC).isoformat(timespec="seconds")
        job.run(spaces, namespace=one, created=created, version=__version__)
    return job


def _warn(where: Where) -> None:
    if ring(where) is not None:
        say("the export is plaintext: values are decrypted; protect the file")


@contextmanager
def _opened(
    file: Path, *, force: bool, resume: bool
) -> Generator[tuple[BinaryIO, Continued | None]]:
    """Give the file to write to, which takes its name when everything is in it and on the disk."""
    from threadkeep.cli.partfile import continued

    if file.exists() and not force:
        raise FileExistsError(
            errno.EEXIST, "exists already; pass --force to write over it", str(file)
        )
    part = file.with_name(file.name + ".part")
    begun = continued(part) if resume else None
    flags = os.O_CREAT | os.O_RDWR | getattr(os, "O_BINARY", 0) | (0 if begun else os.O_TRUNC)
    with os.fdopen(os.open(part, flags, 0o600), "r+b") as out:
        if begun:
            out.seek(begun.size)
            out.truncate()
        yield out, begun
        out.flush()
        os.fsync(out.fileno())
    part.replace(file)


def _tell(done: Export, file: str, where: Where) -> None:
    data = {
        "file": file,
        "entities": done.entities,
        "fields": done.fields,
        "items": done.items,
    }
    if not where.json:
        say(f"exported {amounts(done.entities, done.fields, done.items)} from {mask(where.url)}")
    elif file == STDOUT:
        say(as_json(data))
    else:
        put_json(data)
