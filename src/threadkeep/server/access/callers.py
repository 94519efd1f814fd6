"""Who calls: a name, the namespaces and rights, and what the caller may be bound to."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from threadkeep.server.bodies import Refused

Right = Literal["read", "write", "admin"]
RANKS: Final[dict[Right, int]] = {"read": 1, "write": 2, "admin": 3}
ANY: Final = "*"


class Caller(msgspec.Struct, frozen=True):
    """What a credential allows. `id` tells callers apart, `name` is for the log.

    `namespaces`: the first is the default; `*` stands for all. `user`: only this user and the threads
    labelled `user` with it. `threads`: only threads whose ids begin so.
    """

    name: str
    namespaces: tuple[str, ...]
    right: Right
    user: str | None = None
    threads: str | None = None
    id: str = ""

    @property
    def bound(self) -> bool:
        """Tell whether the caller reaches only a part of a namespace."""
        return self.user is not None or self.threads is not None

    @property
    def everywhere(self) -> bool:
        """Tell whether the caller may use any namespace."""
        return ANY in self.namespaces

    def may(self, right: Right) -> bool:
        """Tell whether the caller has a right; each includes those before it."""
        return RANKS[self.right] >= RANKS[right]

    def require(self, right: Right) -> None:
        """Refuse with 403 a caller who lacks a right."""
        if not self.may(right):
            raise Refused(403, f"this needs the right {right!r}; the caller has {self.right!r}")

    def namespace(self, asked: str | None, default: str) -> str:
        """Return the namespace of a call; what is asked for can only narrow."""
        if not asked:
            first = self.namespaces[0]
            return default if first == ANY else first
        if not asked.startswith("#") and (ANY in self.namespaces or asked in self.namespaces):
            return asked
        raise Refused(403, "the caller may not use this namespace")


def everybody() -> Caller:
    """Return the caller of a server without keys: whoever reaches it may do everything."""
    return Caller("anonymous", (ANY,), "admin")


NOBODY: Final = Caller("nobody", (), "read")
