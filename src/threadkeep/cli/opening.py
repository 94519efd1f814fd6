"""Which store a command means, and how it is opened."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Group, Parameter

from threadkeep import AsyncStore, Store
from threadkeep._sync.store import DEFAULT_URL
from threadkeep.errors import Forbidden, NotFound, UsageError
from threadkeep.model.keys import KeyRing
from threadkeep.model.options import Limits
from threadkeep.model.urls import mask, parse_url
from threadkeep.ops.engine import Engine

Mode = Literal["read", "write", "create"]
Spaces = Annotated[
    str | None, Parameter(env_var="THREADKEEP_NAMESPACE", help="Namespace; all of them if omitted.")
]
Machine = Annotated[
    bool, Parameter(negative="", show_default=False, help="Print JSON, for programs.")
]
FileName = Annotated[str, Parameter(allow_leading_hyphen=True)]
Wrapper = Callable[[Engine], Engine]
NAMESPACE = "default"
BOUNDLESS = Limits(
    value=1 << 31, part=1 << 31, snapshot=1 << 31, batch=1 << 40, fields=1 << 31, labels=1 << 31
)


@Parameter(name="*", group=Group("Store", sort_key=100))
@dataclass(frozen=True)
class Where:
    """The options that every command has."""

    store: Annotated[
        str | None,
        Parameter(env_var="THREADKEEP_URL", help=f"URL of the store; {DEFAULT_URL} if omitted."),
    ] = None
    namespace: Annotated[
        str | None,
        Parameter(
            env_var="THREADKEEP_NAMESPACE",
            help=f"Namespace; {NAMESPACE} if omitted; export and import: all.",
        ),
    ] = None
    json: Machine = False
    keys_file: Annotated[
        Path | None,
        Parameter(
            env_var="THREADKEEP_KEYS_FILE",
            help="File with encryption keys, ID=KEY a line, the first one writes."
            " Or the keys themselves in THREADKEEP_KEYS.",
        ),
    ] = None
    checksum: Annotated[
        bool,
        Parameter(
            negative="", show_default=False, help="Values carry checksums (the wrapper checksum)."
        ),
    ] = False

    @property
    def url(self) -> str:
        """Return the URL of the store."""
        return self.store or DEFAULT_URL

    @property
    def space(self) -> str:
        """Return the namespace."""
        return self.namespace or NAMESPACE


HERE = Where()


def ring(where: Where) -> KeyRing | None:
    """Return the encryption keys, None when there are none. UsageError for keys that cannot be."""
    text = os.environ.get("THREADKEEP_KEYS")
    if where.keys_file is not None:
        try:
            text = where.keys_file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise UsageError(
                f"{where.keys_file} is no text; a file of keys has ID=KEY a line"
            ) from None
    return KeyRing.parse(text) if text else None


def wrappers(where: Where, *, lenient: bool = False) -> list[Wrapper]:
    """Return the wrappers that the options ask for, checksum innermost.

    `lenient`: values with a checksum are read also where the options do not speak of checksums.
    """
    made: list[Wrapper] = []
    if where.checksum or lenient:
        from threadkeep._sync.wrappers.checksum import Checksum

        made.append(lambda engine: Checksum(engine, allow_unchecked=not where.checksum))
    keys = ring(where)
    if keys is not None:
        from threadkeep._sync.wrappers.encrypt import Encrypt

        made.append(lambda engine: Encrypt(engine, keys))
    return made


def file_name(text: str) -> str:
    """Return the name of a file, or `-`. UsageError for what looks like an option that there is not."""
    if text.startswith("-") and text != "-":
        raise UsageError(f"unknown option {text}; for a file of that name write ./{text}")
    return text


def file_of(url: str) -> Path | None:
    """Return the file of an SQLite URL, None for any other store. UsageError for a bad URL."""
    parsed = parse_url(url)
    if parsed.scheme != "sqlite":
        return None
    from threadkeep.engines.sql.sqlite.url import settings_of

    settings = settings_of(parsed)
    return None if settings.memory else Path(settings.path)


def require(url: str) -> None:
    """Raise NotFound when an SQLite store has no file."""
    file = file_of(url)
    if file is not None and not file.exists():
        raise NotFound(
            f"there is no store at {file}; check --store or THREADKEEP_URL ({mask(url)})"
        )


def readonly(url: str) -> str:
    """Return the URL of an SQLite file such that nothing can be written to it, not even a renewed lease."""
    if file_of(url) is None or "mode" in parse_url(url).options:
        return url
    return f"{url}{'&' if '?' in url else '?'}mode=ro"


def _text(url: str, mode: Mode) -> str:
    if mode != "create":
        require(url)
    elif parse_url(url).options.get("mode") == "ro":
        raise Forbidden(f"{mask(url)} is opened with mode=ro")
    return readonly(url) if mode == "read" else url


def open_store(
    url: str, namespace: str, mode: Mode, wrap: list[Wrapper], limits: Limits | None = None
) -> Store:
    """Return a store, not yet connected. NotFound where only `create` may make its file."""
    return Store(_text(url, mode), namespace=namespace, wrap=wrap, limits=limits)


def open_for_many(url: str, mode: Mode) -> AsyncStore:
    """Return a store without limits, for work that makes many calls at once; else as `open_store`."""
    return AsyncStore(_text(url, mode), namespace=NAMESPACE, limits=BOUNDLESS)


@contextmanager
def reading(where: Where) -> Generator[Store]:
    """Open the store such that looking changes nothing, and close it."""
    with open_store(where.url, where.space, "read", wrappers(where, lenient=True)) as store:
        yield store


@contextmanager
def writing(where: Where, *, create: bool = False) -> Generator[Store]:
    """Open the store for writing and close it; `create` makes it where there is none."""
    mode: Mode = "create" if create else "write"
    with open_store(where.url, where.space, mode, wrappers(where)) as store:
        yield store
