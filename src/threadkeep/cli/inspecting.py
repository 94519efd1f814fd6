"""Looking at the file or the schema of a store without opening it for writing."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from threadkeep._sync.urls import open_engine
from threadkeep.cli.opening import require
from threadkeep.errors import UsageError
from threadkeep.model.options import Limits
from threadkeep.model.urls import mask

if TYPE_CHECKING:
    from threadkeep.engines.sql.migrate import Migration, Phase, Schema
    from threadkeep.engines.sql.sqlite.inspect import Inspection


@runtime_checkable
class Inspected(Protocol):
    """An engine that can say what its file is like."""

    def inspect(self) -> Inspection:
        """Look at the file without changing it."""
        ...


@runtime_checkable
class Migrated(Protocol):
    """An engine whose schema is made by migrations."""

    def schema(self) -> Schema:
        """Return what is applied, changing nothing."""
        ...

    def migrate(self, *phases: Phase) -> Schema:
        """Apply what is missing of these phases."""
        ...

    def script(self, migrations: tuple[Migration, ...]) -> str:
        """Return the statements that apply migrations and record them."""
        ...


@runtime_checkable
class Listing(Protocol):
    """An engine on a server that knows its namespaces."""

    def spaces(self) -> list[tuple[str, str]]:
        """Return the namespaces and kinds that were ever written."""
        ...


def micros() -> int:
    """Return the time of this process's clock in microseconds."""
    return time.time_ns() // 1000


def inspection(url: str) -> Inspection | None:
    """Return what is known of the file of a store, None for an engine without one. NotFound: there is no store."""
    require(url)
    with closing(open_engine(url, micros, Limits())) as engine:
        if not isinstance(engine, Inspected) or not engine.capabilities.processes:
            return None
        return engine.inspect()


@contextmanager
def migrated(url: str) -> Generator[Migrated | None]:
    """Lend the engine of a store, not set up; None where there is no schema that outlives the process."""
    with closing(open_engine(url, micros, Limits())) as engine:
        if isinstance(engine, Migrated) and engine.capabilities.processes:
            yield engine
        else:
            yield None


def namespaces(url: str, asked: str | None) -> tuple[str, ...]:
    """Return the namespace that was asked for, else all there are. UsageError where the engine cannot list them."""
    if asked is not None:
        return (asked,)
    found = inspection(url)
    if found is not None:
        return found.namespaces
    with closing(open_engine(url, micros, Limits())) as engine:
        if not isinstance(engine, Listing):
            raise UsageError(f"{mask(url)} cannot list its namespaces; name one with --namespace")
        engine.setup()
        return tuple(sorted({namespace for namespace, _ in engine.spaces()}))
