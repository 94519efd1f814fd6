"""Wrappers for `AsyncStore(wrap=[...])` and `Store(wrap=[...])`, innermost first.

`wrap=[checksum(), encrypt(keys_from_env())]` encrypts each value and sums up what is stored.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from inspect import iscoroutinefunction
from pathlib import Path
from typing import TYPE_CHECKING, cast, overload

from threadkeep.errors import UsageError
from threadkeep.model.keys import KeyRing, new_key
from threadkeep.ops.engine import AsyncEngine, Engine
from threadkeep.ops.resealing import Rotated

if TYPE_CHECKING:
    from threadkeep._async.store import AsyncStore
    from threadkeep._sync.store import Store

__all__ = [
    "KeyRing",
    "Rotated",
    "Wrapping",
    "checksum",
    "encrypt",
    "keys_from_env",
    "keys_from_file",
    "new_key",
    "readonly",
    "rotate",
    "timeout",
]


class Wrapping:
    """Wraps an engine, for asyncio or for threads, in the wrapper of its side."""

    def __init__(
        self, wrap: Callable[[AsyncEngine], AsyncEngine], sync: Callable[[Engine], Engine]
    ) -> None:
        self._wrap, self._sync = wrap, sync

    @overload
    def __call__(self, engine: AsyncEngine) -> AsyncEngine: ...
    @overload
    def __call__(self, engine: Engine) -> Engine: ...
    def __call__(self, engine: AsyncEngine | Engine) -> AsyncEngine | Engine:
        """Return the wrapped engine."""
        if iscoroutinefunction(engine.run) or hasattr(engine, "aclose"):
            return self._wrap(cast("AsyncEngine", engine))
        return self._sync(cast("Engine", engine))


def encrypt(ring: KeyRing, *, allow_plaintext: bool = False) -> Wrapping:
    """Encrypt each value with AES-256-GCM under the active key of `ring`, bound to its place.

    A value that was changed, moved or encrypted under an unknown key is a CodecError; so is
    plaintext, unless `allow_plaintext`. Names, ids, links, labels, leases, times and sizes stay in
    the clear. An append takes one trip (a second one when another process appended in between, or
    when several messages with ids go to a thread that has some), an increment two.
    """
    if not isinstance(ring, KeyRing):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker
        raise UsageError(f"encrypt needs a KeyRing, not {type(ring).__name__}")

    def wrap(engine: AsyncEngine) -> AsyncEngine:
        from threadkeep._async.wrappers.encrypt import AsyncEncrypt

        return AsyncEncrypt(engine, ring, allow_plaintext=allow_plaintext)

    def sync(engine: Engine) -> Engine:
        from threadkeep._sync.wrappers.encrypt import Encrypt

        return Encrypt(engine, ring, allow_plaintext=allow_plaintext)

    return Wrapping(wrap, sync)


def checksum(*, allow_unchecked: bool = False) -> Wrapping:
    """Store a CRC-32 with each value; one that was damaged or moved in storage is a CodecError.

    `allow_unchecked` reads values that were written without one.
    """

    def wrap(engine: AsyncEngine) -> AsyncEngine:
        from threadkeep._async.wrappers.checksum import AsyncChecksum

        return AsyncChecksum(engine, allow_unchecked=allow_unchecked)

    def sync(engine: Engine) -> Engine:
        from threadkeep._sync.wrappers.checksum import Checksum

        return Checksum(engine, allow_unchecked=allow_unchecked)

    return Wrapping(wrap, sync)


def timeout(seconds: float) -> Wrapping:
    """Raise threadkeep's Timeout when a call to the engine takes longer than `seconds`.

    A write that was cut short may have had its effect: `maybe_applied`. Under asyncio alone: a
    thread cannot be cut short, so with `Store` a call runs to its end.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker
        raise UsageError(f"timeout needs seconds, not {type(seconds).__name__}")

    def wrap(engine: AsyncEngine) -> AsyncEngine:
        from threadkeep._async.wrappers.timelimit import AsyncTimeLimit

        return AsyncTimeLimit(engine, seconds)

    def sync(engine: Engine) -> Engine:
        from threadkeep._sync.wrappers.timelimit import TimeLimit

        return TimeLimit(engine, seconds)

    return Wrapping(wrap, sync)


def readonly() -> Wrapping:
    """Refuse every write with Forbidden; reads renew no field that they ask for."""

    def wrap(engine: AsyncEngine) -> AsyncEngine:
        from threadkeep._async.wrappers.readonly import AsyncReadonly

        return AsyncReadonly(engine)

    def sync(engine: Engine) -> Engine:
        from threadkeep._sync.wrappers.readonly import Readonly

        return Readonly(engine)

    return Wrapping(wrap, sync)


def keys_from_env(name: str = "THREADKEEP_KEYS", *, active: str | None = None) -> KeyRing:
    """Return the key ring of an environment variable, `ID=KEY` entries separated by commas.

    UsageError when it is not set or holds no ring; no error shows what it holds.
    """
    text = os.environ.get(name)
    if text is None:
        raise UsageError(f"the environment variable {name} with the encryption keys is not set")
    return KeyRing.parse(text, active=active)


def keys_from_file(path: str | Path, *, active: str | None = None) -> KeyRing:
    """Return the key ring of a file, one `ID=KEY` a line.

    UsageError when it cannot be read or holds no ring; no error shows what it holds.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"the key file {path} is not UTF-8 text") from None
    except OSError as error:
        raise UsageError(f"the key file {path} cannot be read: {error.strerror}") from error
    return KeyRing.parse(text, active=active)


@overload
def rotate(store: AsyncStore, *, after: str | None = None) -> AsyncIterator[Rotated]: ...
@overload
def rotate(store: Store, *, after: str | None = None) -> Iterator[Rotated]: ...
def rotate(
    store: AsyncStore | Store, *, after: str | None = None
) -> AsyncIterator[Rotated] | Iterator[Rotated]:
    """Encrypt every value of the store's namespace anew that is not under the active key.

    Iterate to do it: `async for done in rotate(store): ...` (`for` with a `Store`) tells after each
    page how far it is; `after=done.cursor` goes on where an earlier run stopped. Others may read and
    write meanwhile, leases and numbers stay. Order: all processes read the new key, then write with
    it (`active`), then rotate each namespace, then sweep, and drop the old key an hour later.
    UsageError for a store without encrypt or checksum.
    """
    if hasattr(store, "aclose"):
        from threadkeep._async.wrappers import rotation

        return rotation.rotate(cast("AsyncStore", store), after=after)
    from threadkeep._sync.wrappers import rotation as twin

    return twin.rotate(cast("Store", store), after=after)
