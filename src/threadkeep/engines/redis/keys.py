"""Names of keys. No two entities share one, and all keys of a shard lie in one slot of a cluster.

{prefix}:{{namespace:shard}}:{kind}:{id}          the entity
                            :{kind}m:{map}:{id}   a map of its own
                            :{kind}l:{log}:{id}   the items of a log
                            :{kind}i:{log}:{id}   their ids
                            :{kind}c:{id}         the channel of its watchers
                            :{kind}#places        and #ends, #labels, #ids: the shard's indexes
{prefix}:spaces                                   the namespaces and kinds that there are
"""

from __future__ import annotations

from typing import Final, NamedTuple
from zlib import crc32

from threadkeep.engines.redis.links import slot_of
from threadkeep.model.refs import Ref

KINDS: Final = {"thread": "t", "user": "u", "app": "a", "kv": "k", "tool": "o", "llm": "l"}
MAIN: Final = {"tool": "entries", "llm": "entries"}  # else state
MOST_HOMES: Final = 10_000
_ESCAPED: Final = str.maketrans({"%": "%25", ":": "%3A", "{": "%7B", "}": "%7D"})


def escaped(name: str) -> str:
    """Return a name without the characters that part a key."""
    return name.translate(_ESCAPED)


def main_map(kind: str) -> str:
    """Return the map whose fields stand in the entity's own hash under their own names."""
    return MAIN.get(kind, "state")


class Home(NamedTuple):
    """Where the entities of a kind and shard lie: what their keys begin with, their indexes, their slot."""

    base: str
    indexes: tuple[str, str, str, str]
    slot: int
    shard: int


class Places:
    """Where the keys of a store lie. `shards`: over how many slots a namespace is spread."""

    def __init__(self, prefix: str = "tk", shards: int = 1) -> None:
        self.prefix, self.shards = prefix, shards
        self._homes: dict[tuple[str, str, int], Home] = {}

    def home(self, ref: Ref) -> Home:
        """Return where an entity lies."""
        shard = self.shard(ref.id)
        key = (ref.namespace, ref.kind, shard)
        found = self._homes.get(key)
        if found is None:
            if len(self._homes) >= MOST_HOMES:  # a tenant each, say
                self._homes.clear()
            base = self.base(*key)
            found = self._homes[key] = Home(base, indexes(base), slot_of(base.encode()), shard)
        return found

    def shard(self, id: str) -> int:
        """Return the shard of an entity."""
        return crc32(id.encode()) % self.shards if self.shards > 1 else 0

    def base(self, namespace: str, kind: str, shard: int) -> str:
        """Return what the keys of a kind in a shard begin with."""
        return f"{self.prefix}:{{{escaped(namespace)}:{shard}}}:{KINDS[kind]}"

    @property
    def spaces(self) -> str:
        """Return the key of the namespaces and kinds that there are."""
        return f"{self.prefix}:spaces"

    def of(self, ref: Ref) -> str:
        """Return what the keys of an entity begin with."""
        return self.home(ref).base


def indexes(base: str) -> tuple[str, str, str, str]:
    """Return the keys of a shard's indexes: places in listings, ends of leases, labels, ids."""
    return f"{base}#places", f"{base}#ends", f"{base}#labels", f"{base}#ids"


def entity(base: str, id: str) -> str:
    """Return the key of an entity's hash."""
    return f"{base}:{id}"


def channel(base: str, id: str) -> str:
    """Return the channel on which changes of an entity are told."""
    return f"{base}c:{id}"


def map_key(base: str, id: str, name: str) -> str:
    """Return the key of a map of its own."""
    return f"{base}m:{escaped(name)}:{id}"


def log_keys(base: str, id: str, name: str) -> tuple[str, str]:
    """Return the keys of a log: its items and their ids."""
    return f"{base}l:{escaped(name)}:{id}", f"{base}i:{escaped(name)}:{id}"
