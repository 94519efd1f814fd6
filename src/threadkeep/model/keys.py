"""Keys of encryption: a ring in which one key writes and all read."""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final, cast

from threadkeep.errors import UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ID_BYTES: Final = 16
KEY_BYTES: Final = 32
_ID: Final = re.compile(r"[A-Za-z0-9._:@+-]{1,16}")


class KeyRing:
    """Keys by id, of which the first, or `active`, writes and all read.

    `keys`: a mapping, or pairs, of id and key. An id has 1 to 16 characters out of letters, digits
    and `. _ : @ + -`, and stands readable beside each value. A key is 32 bytes, or a str that holds
    them in base64 or hexadecimal. Shows its ids, never its keys. Raises UsageError for keys and ids
    that cannot be, and when the package `cryptography` is not installed.
    """

    __slots__ = ("_ciphers", "active", "invalid")

    def __init__(
        self,
        keys: Mapping[str, str | bytes] | Iterable[tuple[str, str | bytes]],
        *,
        active: str | None = None,
    ) -> None:
        try:
            from cryptography.exceptions import InvalidTag
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        except ImportError as error:
            raise UsageError(
                "encryption needs the package cryptography; install threadkeep[crypto]"
            ) from error
        if isinstance(keys, str):
            raise UsageError("KeyRing takes ids with keys; KeyRing.parse reads them from a text")
        self.invalid: type[Exception] = InvalidTag
        self._ciphers: dict[str, AESGCM] = {}
        pairs: Iterable[tuple[str, str | bytes]]
        pairs = (
            cast("Mapping[str, str | bytes]", keys).items() if isinstance(keys, Mapping) else keys
        )
        for key_id, key in pairs:
            _check_id(key_id)
            if key_id in self._ciphers:
                raise UsageError(f"the key ring holds two keys with the id {key_id!r}")
            self._ciphers[key_id] = AESGCM(_key(key, key_id))
        if not self._ciphers:
            raise UsageError("the key ring is empty; it needs at least one key")
        self.active: str = next(iter(self._ciphers)) if active is None else active
        _check_id(self.active)
        if self.active not in self._ciphers:
            raise UsageError(f"the active key {active!r} is not in the ring; it holds {self.ids}")

    @classmethod
    def parse(cls, text: str, *, active: str | None = None) -> KeyRing:
        """Return the ring of a text such as an environment variable or a file.

        `ID=KEY`, one a line or separated by commas, keys in base64 or hexadecimal. Empty lines and
        lines that begin with `#` are skipped. Raises UsageError, as the constructor does.
        """
        pairs: list[tuple[str, str | bytes]] = []
        lines = [line for line in text.splitlines() if not line.strip().startswith("#")]
        entries = [entry for line in lines for entry in line.split(",") if entry.strip()]
        for number, entry in enumerate(entries, 1):
            key_id, sep, key = entry.partition("=")
            if not sep:
                raise UsageError(f"entry {number} of the key ring is not of the form ID=KEY")
            pairs.append((key_id.strip(), key.strip()))
        return cls(pairs, active=active)

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the ids, in the order they were given."""
        return tuple(self._ciphers)

    def cipher(self, key_id: str) -> AESGCM:
        """Return the cipher of a key that the ring holds."""
        return self._ciphers[key_id]

    def get(self, padded: bytes) -> AESGCM | None:
        """Return the cipher of an id as it is stored, padded; None when the ring has no such key."""
        try:
            key_id = padded.rstrip(b"\0").decode("ascii")
        except UnicodeDecodeError:
            return None
        return self._ciphers.get(key_id)

    def __repr__(self) -> str:
        return f"KeyRing(ids={self.ids!r}, active={self.active!r})"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a KeyRing is not pickled: its keys stay in this process")


def new_key() -> str:
    """Return a random key in base64."""
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()


def _check_id(key_id: object) -> None:
    if not isinstance(key_id, str) or not _ID.fullmatch(key_id):
        raise UsageError(
            "a key id has 1 to 16 letters, digits or . _ : @ + -; this one does not"
            " (it is not shown, for it may be a key)"
        )


def _key(key: object, key_id: str) -> bytes:
    """Return a key's 32 bytes; no error shows a part of it."""
    if isinstance(key, str):
        key = _decoded(key, key_id)
    if not isinstance(key, bytes):
        raise UsageError(f"key {key_id!r} must be bytes or a str, not {type(key).__name__}")
    if len(key) != KEY_BYTES:
        raise UsageError(f"key {key_id!r} has {len(key)} bytes; AES-256 needs {KEY_BYTES}")
    return key


def _decoded(text: str, key_id: str) -> bytes:
    try:
        if re.fullmatch(r"[0-9A-Fa-f]{64}", text):
            return bytes.fromhex(text)
        plain = text.rstrip("=").replace("-", "+").replace("_", "/")
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise UsageError(f"key {key_id!r} is neither base64 nor hexadecimal text") from None
