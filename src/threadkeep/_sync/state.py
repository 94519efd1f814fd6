# Generated from src/threadkeep/_async/state.py by scripts/unasync. Do not edit.
"""`thread.state`: named values with a lifetime of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from threadkeep._sync.scope import Scope
from threadkeep.errors import Conflict, UsageError
from threadkeep.layers import answers, state
from threadkeep.layers.part_contents import ContentApart
from threadkeep.model.leases import Lease, lease_of
from threadkeep.model.records import Entry
from threadkeep.ops.batch import Plan
from threadkeep.ops.engine import Amending

Ttl = float | timedelta | Lease | None
TRIES = 1_000


class State:
    """The fields of one entity. Each call is atomic; each field has its own lease and revision.

    `ttl` takes seconds, a timedelta or FOREVER; `expires_at` an aware datetime; without either a value
    takes the store's default. A read renews what it reads, each field to its own window.
    """

    __slots__ = ("_scope",)

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def _lease(self, ttl: Ttl, expires_at: datetime | None) -> Lease:
        default = self._scope.store.field_lease(self._scope.ref.kind)
        return lease_of(ttl, expires_at, default)

    def get(
        self,
        name: str,
        default: Any = None,
        *,
        type: Any = None,
        renew: bool = True,
    ) -> Any:
        """Return a field's value, `default` when none stands.

        One trip. Renews the field's lease to its own window unless `renew=False`. `type` gives the value
        as that type (Struct, dataclass, pydantic model, any type msgspec converts to). Raises CodecError
        when the stored bytes cannot be read or are not of that type.
        """
        return self._scope.read(state.get(self._scope.ref, name, default, type, renew=renew))

    def get_many(
        self,
        names: Iterable[str],
        *,
        type: Any = None,
        renew: bool = True,
    ) -> dict[str, Any]:
        """Return the values of those of the named fields that stand, in the order of `names`.

        One trip, one moment. Renews as `get` does.
        """
        return self._scope.read(state.get_many(self._scope.ref, names, type, renew=renew))

    def get_all(
        self,
        prefix: str | None = None,
        *,
        type: Any = None,
        renew: bool = True,
    ) -> dict[str, Any]:
        """Return all fields, or those whose names begin with `prefix`, sorted by name.

        One trip, one moment. Renews each to its own window, never to another's.
        """
        return self._scope.read(state.get_all(self._scope.ref, prefix, type, renew=renew))

    def entry(self, name: str, *, type: Any = None) -> Entry | None:
        """Return a field's value, revision, lease and end; None when none stands. Renews nothing."""
        return self._scope.read(state.entry(self._scope.ref, name, type))

    def entries(self, prefix: str | None = None) -> dict[str, Entry]:
        """Return all fields with their revisions, leases and ends, sorted by name. Renews nothing."""
        return self._scope.read(state.entries(self._scope.ref, prefix))

    def set(
        self,
        name: str,
        value: Any,
        *,
        ttl: Ttl = None,
        expires_at: datetime | None = None,
        if_absent: bool = False,
        if_revision: int | None = None,
    ) -> int:
        """Write a field and return the entity's revision, which is the field's now.

        Atomic, one trip. An overwrite takes the lease of this call or the default, never the old one.
        `if_absent`, `if_revision` (that of an entry; 0: must be absent): Conflict with what was found, and
        nothing is written. UsageError, TooLarge: the value or lease cannot be; nothing is written.
        """
        plan = self._plan(
            {name: value}, ttl, expires_at, if_absent=if_absent, if_revision=if_revision
        )
        return self._scope.write(plan)

    def update(
        self, values: Mapping[str, Any], *, ttl: Ttl = None, expires_at: datetime | None = None
    ) -> int:
        """Write several fields with one lease, all or nothing, and return the entity's revision."""
        return self._scope.write(self._plan(values, ttl, expires_at))

    def _plan(
        self, values: Mapping[str, Any], ttl: Ttl, expires_at: datetime | None, **conditions: Any
    ) -> Plan[int]:
        lease = self._lease(ttl, expires_at)
        limit = self._scope.store.limits.value
        return state.put(self._scope.ref, values, lease, limit, **conditions)

    def increment(
        self, name: str, by: float = 1, *, ttl: Ttl = None, expires_at: datetime | None = None
    ) -> int | float:
        """Add to a number and return the sum; an absent field counts as 0.

        Atomic, one trip: no concurrent increment is lost. A standing field keeps its own lease, renewed,
        unless this call names one. UsageError when something else than a number stands there.
        """
        keep = ttl is None and expires_at is None
        lease = self._lease(ttl, expires_at)
        return self._scope.write(state.increment(self._scope.ref, name, by, lease, keep=keep))

    def push(
        self,
        name: str,
        item: Any,
        *,
        keep: int | None = None,
        ttl: Ttl = None,
        expires_at: datetime | None = None,
    ) -> int:
        """Add an item to the end of a list field and return its length; an absent field counts as [].

        `keep` leaves the last so many. Atomic, two trips; more where the engine cannot read and write in one
        transaction, for then it is tried again until no other write came between. UsageError when something
        else than a list stands there.
        """
        if keep is not None and (type(keep) is not int or keep < 1):
            raise UsageError(f"keep is {keep!r}; pass a whole number, 1 or more")

        def add(found: Any) -> list[Any]:
            if found is not None and not isinstance(found, list):
                raise state.NoList(f"field {name!r} holds a {found.__class__.__name__}, not a list")
            items: list[Any] = [*(found or ()), item]
            return items if keep is None else items[-keep:]

        request = self._scope.take_request()
        engine = self._scope.amending() if request is None else None
        if engine is not None:
            with suppress(ContentApart):  # a large part: no list, as `mutate` will say
                return self._add(engine, name, add, ttl, expires_at)
        known = self._answered(request)
        if known is not None:
            return known
        try:
            made = self._mutate(name, add, ttl=ttl, expires_at=expires_at, request=request)
        except answers.RepeatedError:
            return self._answered(request)
        return len(made)

    def _add(
        self,
        engine: Amending,
        name: str,
        add: Callable[[Any], list[Any]],
        ttl: Ttl,
        expires_at: datetime | None,
    ) -> int:
        """Replace a field by what `add` makes of it and return its length; the field keeps its own lease."""
        found: list[Any] = []

        def put(entry: Entry | None) -> Plan[int]:
            found[:] = add(None if entry is None else entry.value)
            keeps = ttl is None and expires_at is None
            own = entry.lease if keeps and entry is not None else ttl
            return self._plan({name: found}, own, expires_at)

        self._scope.amend(engine, state.entry(self._scope.ref, name, None), put)
        return len(found)

    def _answered(self, request: str | None) -> Any:
        """Return what a request was answered already; None where it is the first time, or there is none."""
        if request is None:
            return None
        return self._scope.read(answers.kept(self._scope.ref, request))

    def mutate(
        self,
        name: str,
        fn: Callable[[Any], Any],
        *,
        default: Any = None,
        ttl: Ttl = None,
        expires_at: datetime | None = None,
    ) -> Any:
        """Replace a field's value by `fn(value)` and return it; `fn` gets `default` when none stands.

        Atomic: when another write came between, `fn` is called again with the new value, so it may have no
        effects of its own. Two trips at least. The field keeps its own lease, renewed, unless this call
        names one. Conflict after 1,000 tries.
        """
        return self._mutate(name, fn, default=default, ttl=ttl, expires_at=expires_at)

    def _mutate(
        self,
        name: str,
        fn: Callable[[Any], Any],
        *,
        default: Any = None,
        ttl: Ttl,
        expires_at: datetime | None,
        request: str | None = None,
    ) -> Any:
        """Do as `mutate`; for a request, keep the length of the new value as its answer."""
        for _ in range(TRIES):
            entry = self.entry(name)
            value = fn(default if entry is None else entry.value)
            lease: Ttl = ttl
            if ttl is None and expires_at is None and entry is not None:
                lease = entry.lease
            revision = 0 if entry is None else entry.revision
            plan = self._plan({name: value}, lease, expires_at, if_revision=revision)
            if request is not None:
                plan = answers.keeping(plan, request, len(value))
            try:
                self._scope.write(plan)
            except Conflict as error:
                if type(error) is not Conflict:
                    raise
                continue
            return value
        raise Conflict(f"field {name!r} of {self._scope.ref} changed {TRIES} times while fn ran")

    def delete(self, *names: str) -> int:
        """Delete fields and return how many stood. Atomic, one trip."""
        return self._scope.write(state.delete(self._scope.ref, names))

    def has(self, name: str) -> bool:
        """Tell whether a field stands. Renews nothing."""
        return self._scope.read(state.has(self._scope.ref, name))

    def keys(self, prefix: str | None = None) -> list[str]:
        """Return the names of the fields, sorted. Renews nothing."""
        return self._scope.read(state.keys(self._scope.ref, prefix))

    def size(self) -> int:
        """Return how many fields stand. Renews nothing."""
        return len(self.keys())

    def clear(self, prefix: str | None = None) -> int:
        """Delete all fields, or those whose names begin with `prefix`; return how many stood. Atomic."""
        return self._scope.write(state.clear(self._scope.ref, prefix))

    def touch(self, *names: str) -> int:
        """Renew all sliding fields, or the named ones, each to its own window; return how many there are.

        Atomic, one trip. Fields with a fixed end or none stay as they are.
        """
        return self._scope.write(state.touch(self._scope.ref, names or None))
