"""Names of keys. What other programs read and write, and beside it what they do not know of.

{name}:session:{thread}:{field}               the value, of the namespace `default`
{name}@{namespace}:session:{thread}:{field}   of another one
{prefix}:field:{the field's key}              its note: lease and revision; in braces, so in the same slot

Nothing is escaped in the field's key, for others would not find it: a name with a colon would be two names at
once, so it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from threadkeep.engines.redis.keys import escaped
from threadkeep.errors import UsageError
from threadkeep.model.refs import Ref, check_name

PLAIN: Final = "default"  # the namespace that names of caches do not show
_GLOB: Final = re.compile(r"([\\*?\[\]])")


class KeyNames(msgspec.Struct, frozen=True):
    """Where the fields of threads lie. `name`: that of the cache; `tagged`: braces have a meaning (on a cluster)."""

    name: str
    prefix: str
    tagged: bool = False

    def _thread(self, ref: Ref) -> str:
        self._check(ref.id, "thread id")
        space = "" if ref.namespace == PLAIN else f"@{escaped(ref.namespace)}"
        return f"{self.name}{space}:session:{ref.id}:"

    def _check(self, name: str, what: str) -> None:
        for character in ":{}" if self.tagged else ":":
            if character in name:
                raise UsageError(
                    f"{what} {name!r} contains {character!r}, which layout=keys cannot tell from the rest of"
                    " a key; take another name"
                )

    def possible(self, ref: Ref) -> bool:
        """Tell whether a thread of this id can have fields."""
        try:
            self._thread(ref)
        except UsageError:
            return False
        return True

    def keys(self, ref: Ref, fields: Iterable[str]) -> list[str]:
        """Return key and note of each field. Raises UsageError for names that share keys with others."""
        base = self._thread(ref)
        found: list[str] = []
        for field in fields:
            self._check(field, "field name")
            found += (f"{base}{field}", f"{self.prefix}:field:{{{base}{field}}}")
        return found

    def pattern(self, ref: Ref) -> str:
        """Return the pattern that finds the keys of a thread, and of those whose ids begin with its id and a colon."""
        return _GLOB.sub(r"\\\1", self._thread(ref)) + "*"

    def fields(self, ref: Ref, keys: Iterable[bytes]) -> list[str]:
        """Return the fields of this thread among keys that the pattern found, sorted; others are left out."""
        base = self._thread(ref)
        found: set[str] = set()
        for raw in keys:
            try:
                key = raw.decode()
                field = key.removeprefix(base)
                self._check(check_name(field, "field name"), "field name")
            except (UnicodeDecodeError, UsageError):
                continue
            if key.startswith(base):
                found.add(field)
        return sorted(found)


class Keyed(msgspec.Struct, frozen=True):
    """The option: layout=keys, with the name of the cache."""

    name: str = "betterdb_ac"

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", self.name):
            raise UsageError(
                f"name={self.name!r} must be 1 to 64 letters, digits, dots, - and _: it stands in front of keys"
            )
