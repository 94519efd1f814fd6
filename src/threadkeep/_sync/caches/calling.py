# Generated from src/threadkeep/_async/caches/calling.py by scripts/unasync. Do not edit.
"""Functions whose results are kept: called for a caller, or wrapped for good."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from inspect import Parameter, signature
from typing import Any, ParamSpec, Protocol, TypeVar, cast

from threadkeep._sync.caches.flights import Mode
from threadkeep.errors import UsageError
from threadkeep.layers.cache_keys import arguments
from threadkeep.model.leases import FOREVER, Lease, Sliding, lease_of

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Run = Callable[[dict[str, Any], Callable[[], Any], Mode], Any]
Forget = Callable[[dict[str, Any]], bool]


class Cached(Protocol[P, T_co]):
    """A function whose results are kept. Called as the function is, with what one call may want besides."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T_co:
        """Return the result for these arguments; the function is called only where none is kept."""
        ...

    def refresh(self, *args: P.args, **kwargs: P.kwargs) -> T_co:
        """Call the function and keep what it returns instead of what is there."""
        ...

    def bypass(self, *args: P.args, **kwargs: P.kwargs) -> T_co:
        """Call the function as if nothing were kept."""
        ...

    def read_only(self, *args: P.args, **kwargs: P.kwargs) -> T_co:
        """Return what is kept, else call the function and keep nothing."""
        ...

    def invalidate(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Remove the result for these arguments; tell whether it stood."""
        ...


def cached(fn: Callable[P, T], run: Run, forget: Forget) -> Cached[P, T]:
    """Return the function with its results kept."""
    form = signature(fn)

    def in_mode(mode: Mode) -> Callable[..., Any]:
        @wraps(fn)
        def call(*args: Any, **kwargs: Any) -> Any:
            given = arguments(form, args, kwargs)
            return run(given, lambda: called(lambda: fn(*args, **kwargs)), mode)

        return call

    def invalidate(*args: Any, **kwargs: Any) -> bool:
        return forget(arguments(form, args, kwargs))

    wrapper: Any = in_mode("use")
    wrapper.refresh, wrapper.bypass = in_mode("refresh"), in_mode("bypass")
    wrapper.read_only, wrapper.invalidate = in_mode("read_only"), invalidate
    return cast("Cached[P, T]", wrapper)


def called(call: Callable[[], Any]) -> Any:
    """Return what a call returns, waited for where that is needed."""
    _answer = call()
    return _answer


def with_args(fn: Callable[..., Any], args: object) -> Callable[[], Any]:
    """Return the call of `fn` with arguments by name, or without any where it takes none."""
    try:
        takes = [
            p for p in signature(fn).parameters.values() if p.kind is not Parameter.VAR_POSITIONAL
        ]
    except ValueError:  # a builtin that does not tell
        takes = None
    if takes is not None and not takes:
        return fn
    if args is None:
        return fn
    if not isinstance(args, Mapping):
        raise UsageError(
            "fn takes arguments, so pass them as a mapping by name, or an fn that takes none"
        )
    given = cast("Mapping[str, Any]", args)
    return lambda: fn(**given)


def mode_of(*, bypass: bool, refresh: bool, read_only: bool) -> Mode:
    """Return the mode of a call; UsageError for two at once."""
    if bypass + refresh + read_only > 1:
        raise UsageError("pass one of bypass=, refresh= and read_only=")
    return "bypass" if bypass else "refresh" if refresh else "read_only" if read_only else "use"


def given_lease(ttl: Any) -> Lease | None:
    """Return the lease that a ttl means; None where none was given."""
    return None if ttl is None else lease_of(ttl, None, FOREVER)


def staleness(stale_for: Any, lease: Lease | None) -> int:
    """Return `stale_for` in microseconds, 0 for none; UsageError with a ttl that has no length."""
    window = 0 if stale_for is None else Sliding(stale_for).window or 0
    if window and lease is not None and lease.window is None:
        raise UsageError(
            "stale_for needs a ttl in seconds: what has no end or a fixed one has no such length"
        )
    return window


def told(by: Any, result: Any) -> Any:
    """Return a value that is given as such or told by the result."""
    return by(result) if callable(by) else by


def known(given: Mapping[str, Any], names: Iterable[str]) -> None:
    """Raise UsageError for an option that does not exist."""
    wrong = sorted(set(given).difference(names))
    if wrong:
        raise UsageError(f"unknown option {wrong[0]!r}; there are {', '.join(sorted(names))}")
