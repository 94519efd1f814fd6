"""Names and references: what may be called what, and how an entity is addressed."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Final, Literal, cast, get_args

import msgspec

from threadkeep.errors import UsageError

Kind = Literal["thread", "user", "app", "kv", "tool", "llm"]
KINDS: Final[frozenset[str]] = frozenset(get_args(Kind))

NAME_BYTES: Final = 512
SHORT_BYTES: Final = 128
LABEL_VALUE_BYTES: Final = 512


class Ref(msgspec.Struct, frozen=True, gc=False, order=True):
    """The address of one entity, the unit of atomicity."""

    namespace: str
    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind} {self.id!r} in namespace {self.namespace!r}"


def ref(namespace: str, kind: str, id: str) -> Ref:
    """Return the checked reference of an entity.

    Raises UsageError for an unknown kind or a name that `check_name` refuses.
    """
    if kind not in KINDS:
        raise UsageError(f"kind {kind!r} is unknown; use one of {', '.join(sorted(KINDS))}")
    return Ref(check_name(namespace, "namespace"), kind, check_name(id, f"{kind} id"))


def check_name(name: object, what: str = "name", limit: int = NAME_BYTES) -> str:
    """Return `name` when it may be used as one: any Unicode, 1 to `limit` UTF-8 bytes, no control characters.

    Names are compared byte by byte and never normalised. Raises UsageError that names `what`.
    """
    if type(name) is str and 0 < len(name) <= limit and name.isascii() and name.isprintable():
        return name
    if not isinstance(name, str):
        raise UsageError(f"{what} must be a str, not {type(name).__name__}")
    if type(name) is not str:
        raise UsageError(f"{what} must be a plain str, not {type(name).__name__}; pass str(value)")
    if not name:
        raise UsageError(f"{what} must not be empty")
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        raise UsageError(
            f"{what} {ascii(name)[:80]} is not valid Unicode text (lone surrogate)"
        ) from None
    if size > limit:
        raise UsageError(f"{what} is {size} bytes long in UTF-8; the limit is {limit}")
    for char in name:
        if unicodedata.category(char) == "Cc":
            raise UsageError(
                f"{what} {ascii(name)[:80]} holds the control character U+{ord(char):04X}"
            )
    return name


def check_names(names: object, what: str = "field name") -> tuple[str, ...]:
    """Return the checked names of an iterable as a tuple; a bare str is refused, being a slip."""
    if isinstance(names, (str, bytes)):
        raise UsageError(f"expected several {what}s, got one {type(names).__name__}; pass a list")
    if not isinstance(names, Iterable):
        raise UsageError(f"expected several {what}s, got {type(names).__name__}")
    return tuple(check_name(name, what) for name in cast("Iterable[object]", names))


def check_labels(labels: dict[str, str | None]) -> dict[str, str | None]:
    """Return checked labels; None as a value means "remove"."""
    for name, value in labels.items():
        check_name(name, "label name", SHORT_BYTES)
        if name.startswith("#"):
            raise UsageError(
                f"label name {name!r} begins with '#', which threadkeep keeps for itself"
            )
        if value is not None:
            check_name(value, f"value of label {name!r}", LABEL_VALUE_BYTES)
    return labels
