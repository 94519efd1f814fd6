"""Where the results of a tool or model stand: which entity, which field.

The entries of one name are spread over 1,024 buckets, entities `<name>:<bucket>`, by the first digits of
their key. In a name `%`, `:` and control characters are written as `%` and two hex digits, so that no name
reaches another's entries; what would be too long is written as its SHA-256. Entities that begin with `%`
and a small letter hold what concerns the cache as a whole.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from threadkeep.errors import UsageError
from threadkeep.model.refs import NAME_BYTES, Ref

BUCKETS: Final = 1_024
NO_NAME: Final = "%none"  # stands for the empty name, of model calls whose parameters name no model
POLICIES: Final = "%policies"
COUNTS: Final = "%counts"
OTHERS: Final = "%counts-others"  # counts of names for which there is no room
_SPECIAL: Final = re.compile(r"[%:\x00-\x1f\x7f-\x9f]")
_ROOM: Final = NAME_BYTES - 4  # the rest is a colon and the bucket


def escaped(name: object, what: str = "tool name") -> str:
    """Return the stored form of a name; UsageError unless it is text of 1 to 512 bytes in UTF-8."""
    if type(name) is not str:
        raise UsageError(f"{what} must be a plain str, not {type(name).__name__}")
    try:
        data = name.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{what} is not valid Unicode text (lone surrogate)") from None
    if not 0 < len(data) <= NAME_BYTES:
        raise UsageError(
            f"{what} is {len(data)} bytes long in UTF-8; it must have 1 to {NAME_BYTES}"
        )
    stored = _SPECIAL.sub(lambda found: f"%{ord(found[0]):02X}", name)
    if len(stored.encode()) > _ROOM:
        return f"%s{hashlib.sha256(data).hexdigest()}"
    return stored


def stored_name(name: str, what: str = "model") -> str:
    """Return the stored form of a name that may be empty."""
    return escaped(name, what) if name != "" else NO_NAME


def entry_ref(namespace: str, kind: str, stored: str, key: str) -> Ref:
    """Return the bucket of a key; `stored` is the escaped name."""
    return Ref(namespace, kind, f"{stored}:{int(key[:4], 16) % BUCKETS:03x}")


def prefix_of(stored: str) -> str:
    """Return what the ids of a name's buckets begin with, and no others."""
    return f"{stored}:"


def is_bucket(id: str) -> bool:
    """Tell whether an entity holds entries."""
    return ":" in id


def counts_ref(namespace: str, kind: str, stored: str) -> Ref:
    """Return the entity that holds the counts of a name, one of 64."""
    shard = hashlib.sha256(stored.encode()).digest()[0] % 64
    return Ref(namespace, kind, f"{COUNTS}{shard:02x}")
