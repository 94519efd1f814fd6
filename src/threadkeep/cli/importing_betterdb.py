"""`threadkeep import --from betterdb`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Group, Parameter

from threadkeep.cli.durations import lease_from
from threadkeep.cli.opening import BOUNDLESS, Where, open_store, wrappers
from threadkeep.cli.progress import progress
from threadkeep.cli.telling import count, put_json, say
from threadkeep.model.urls import mask

if TYPE_CHECKING:
    from threadkeep.cli.betterdb import BetterdbImport


@Parameter(name="*", group=Group("With --from betterdb", sort_key=50))
@dataclass(frozen=True)
class Betterdb:
    """The options of a cache that is read."""

    name: Annotated[str, Parameter(help="Name of the cache.")] = "betterdb_ac"
    split: Annotated[
        Literal["first", "last"],
        Parameter(help="At which colon thread and field are told apart where a key has several."),
    ] = "last"
    ttl: Annotated[
        str | None,
        Parameter(
            help="By how much a read is to renew fields that end: the ttl of the session tier. Without it"
            " each ends when its remaining time is over."
        ),
    ] = None


NO_BETTERDB = Betterdb()


def import_betterdb(
    url: str, options: Betterdb, on_conflict: str, where: Where, *, dry_run: bool
) -> None:
    """Copy what stands in a cache into the store."""
    from threadkeep.cli.betterdb import BetterdbImport
    from threadkeep.cli.betterdb_source import betterdb

    window = None if options.ttl is None else lease_from(options.ttl).window
    target = "memory://" if dry_run else where.url
    with (
        betterdb(url, options.name) as source,
        progress("import", None, lambda: source.read, unit="keys") as tick,
        open_store(target, where.space, "create", wrappers(where), BOUNDLESS) as store,
    ):
        job = BetterdbImport(
            store,
            name=options.name,
            split=options.split,
            window=window,
            on_conflict=on_conflict,
            write=not dry_run,
        )
        try:
            job.run(source.pages(), source.policies, tick)
        except BaseException:
            if any(any(some.values()) for some in job.outcomes.values()):
                _tell(job, where, dry_run=dry_run)
            raise
    _tell(job, where, dry_run=dry_run)


def _tell(job: BetterdbImport, where: Where, *, dry_run: bool) -> None:
    if where.json:
        unmapped = {
            sort: {"count": found.count, "examples": found.examples}
            for sort, found in job.unmapped.items()
        }
        put_json({**job.outcomes, "guessed": job.guessed, "unmapped": unmapped})
        return
    place = "only looked at" if dry_run else mask(where.url)
    for sort, outcomes in job.outcomes.items():
        told = ", ".join(f"{number:,} {name}" for name, number in outcomes.items() if number)
        say(f"{sort}: {told or 'none'} ({place})")
    if job.guessed:
        say(
            f"{count(job.guessed, 'key')} with several colons: thread and field were told apart by --split"
        )
    for sort, found in job.unmapped.items():
        say(f"not copied: {found.count:,} {sort}, such as {', '.join(found.examples)}")
