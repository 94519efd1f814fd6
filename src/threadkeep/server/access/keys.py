"""API keys: `tk_ID_SECRET`. The store keeps a hash of the secret, which is 256 random bits.

They stand as fields of one entity in a namespace that no caller can name.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import UTC, datetime
from typing import Final

import msgspec

from threadkeep.errors import UsageError
from threadkeep.model.refs import check_name
from threadkeep.server.access.callers import ANY, RANKS, Caller, Right

SPACE: Final = "#server"
PREFIX: Final = "tk"


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A key as the store keeps it."""

    name: str
    hash: str
    namespaces: tuple[str, ...]
    right: Right
    created_at: datetime
    user: str | None = None
    threads: str | None = None
    revoked_at: datetime | None = None

    def caller(self, id_: str) -> Caller:
        """Return who calls with this key."""
        return Caller(self.name, self.namespaces, self.right, self.user, self.threads, f"key {id_}")


def new_key(
    name: str,
    *,
    namespaces: tuple[str, ...],
    right: Right,
    user: str | None = None,
    threads: str | None = None,
) -> tuple[str, str, Key]:
    """Return a new key's id, its token, which is shown once and kept nowhere, and what is to be stored."""
    check_name(name, "name of the key")
    if not namespaces:
        raise UsageError("a key needs a namespace")
    for space in namespaces:
        check_name(space, "namespace")
        if space.startswith("#"):
            raise UsageError(
                f"namespace {space!r} begins with '#', which threadkeep keeps for itself"
            )
    if ANY in namespaces and len(namespaces) > 1:
        raise UsageError("'*' stands for all namespaces; name it alone")
    if right not in RANKS:
        raise UsageError(f"right {right!r} is unknown; use one of {', '.join(RANKS)}")
    for bound in (user, threads):
        if bound is not None:
            check_name(bound, "what the key is bound to")
    id_, secret = secrets.token_hex(8), secrets.token_hex(32)
    key = Key(
        name=name,
        hash=_hash(secret),
        namespaces=namespaces,
        right=right,
        created_at=datetime.now(UTC),
        user=user,
        threads=threads,
    )
    return id_, f"{PREFIX}_{id_}_{secret}", key


def id_of(token: str) -> str | None:
    """Return the id of the key that a token claims to be; None for what is no key."""
    parts = token.split("_")
    return parts[1] if len(parts) == 3 and parts[0] == PREFIX else None


def fits(token: str, key: Key | None) -> bool:
    """Tell whether a token is this key's and the key was not revoked, in the same time for any token."""
    wanted = _NOBODYS if key is None else key.hash
    same = hmac.compare_digest(_hash(token.rpartition("_")[2]), wanted)
    return same and key is not None and key.revoked_at is None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


_NOBODYS: Final = _hash(secrets.token_hex(32))
