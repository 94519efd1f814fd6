# Generated from src/threadkeep/_async/snapshots.py by scripts/unasync. Do not edit.
"""`thread.snapshots` and `store.sessions`: images of a running agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from threadkeep._sync.listing import walk
from threadkeep._sync.scope import Scope
from threadkeep.layers import directory, snapshots
from threadkeep.model.records import Snapshot
from threadkeep.model.refs import ref

if TYPE_CHECKING:
    from threadkeep._sync.store import Store


class Snapshots:
    """The snapshots of one thread; the last few are kept."""

    __slots__ = ("_scope",)

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def save(self, data: Any, *, if_revision: int | None = None, keep: int | None = None) -> int:
        """Save a snapshot and return its revision. Atomic, one trip.

        `if_revision`: only if the last one saved has it (0: none was ever saved), else Conflict, so a late
        save never covers a newer one. `keep` snapshots stay (the store's `snapshots=` by default).
        """
        store = self._scope.store
        kept = store.snapshots if keep is None else keep
        plan = snapshots.save(self._scope.ref, data, store.limits.snapshot, kept, if_revision)
        return self._scope.write(plan)

    def load(self, *, revision: int | None = None, type: Any = None) -> Any:
        """Return the data of the last snapshot, or of a revision; None where none stands."""
        found = self.entry(revision=revision, type=type)
        return None if found is None else found.data

    def entry(self, *, revision: int | None = None, type: Any = None) -> Snapshot | None:
        """Return the last snapshot, or that of a revision, with its revision and time; None where none stands."""
        return self._scope.read(snapshots.entry(self._scope.ref, revision, type))

    def exists(self) -> bool:
        """Tell whether a snapshot stands, without reading it."""
        return self._scope.read(snapshots.exists(self._scope.ref))

    def history(self) -> list[Snapshot]:
        """Return the snapshots that stand, newest first, without their data."""
        return self._scope.read(snapshots.history(self._scope.ref))

    def delete(self) -> int:
        """Delete all snapshots and return how many stood. Revisions go on where they were."""
        return self._scope.write(snapshots.delete(self._scope.ref))


class Sessions:
    """Snapshots by session id; a session is a thread of the same id."""

    __slots__ = ("_store",)

    def __init__(self, store: Store) -> None:
        self._store = store

    def _of(self, session_id: str) -> Snapshots:
        found = ref(self._store.namespace, "thread", session_id)
        return Snapshots(Scope(self._store, found))

    def save(self, session_id: str, snapshot: Any, *, if_revision: int | None = None) -> int:
        """Save a session's snapshot and return its revision; see `Snapshots.save`."""
        return self._of(session_id).save(snapshot, if_revision=if_revision)

    def load(self, session_id: str, *, type: Any = None) -> Any:
        """Return a session's last snapshot; None where none stands."""
        return self._of(session_id).load(type=type)

    def delete(self, session_id: str) -> bool:
        """Delete a session's snapshots; False when there were none. What else the thread holds stays."""
        return self._of(session_id).delete() > 0

    def has(self, session_id: str) -> bool:
        """Tell whether a session has a snapshot, without reading it."""
        return self._of(session_id).exists()

    def list(self, *, prefix: str | None = None, limit: int | None = None) -> list[str]:
        """Return the ids of sessions that have a snapshot: newest first, or by id where `prefix` is given."""
        query = directory.query(
            self._store.namespace, "thread", {}, prefix=prefix, cursor=None, limit=200
        )
        query = msgspec.structs.replace(query, labels=((snapshots.MARK, snapshots.MARKED),))
        found: list[str] = []
        for listed in walk(self._store, query):
            found.append(listed.ref.id)
            if limit is not None and len(found) >= limit:
                break
        return found
