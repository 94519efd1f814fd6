"""Sealed values: bytes that are bound to the place they were written to.

A sealed value begins with a byte that no plain form of `codec` has, nor one that a single flipped
bit turns into such a form: `C` checksum, `E` encrypted.
"""

from __future__ import annotations

import os
import zlib
from typing import Final, Literal, NoReturn, Protocol

import msgspec

from threadkeep.errors import CodecError
from threadkeep.model.keys import ID_BYTES, KeyRing
from threadkeep.model.refs import Ref

_CHECKED, _ENCRYPTED = b"C", b"E"
_CRC: Final = 4
_NONCE: Final = 12
_TAG: Final = 16
_pack: Final = msgspec.msgpack.Encoder().encode


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where a value stands: a field of a map, or an item of a log by its number.

    `key` None stands for any item of the log.
    """

    ref: Ref
    part: Literal["map", "log"]
    name: str
    key: str | int | None

    def __str__(self) -> str:
        if self.part == "map":
            return f"field {self.key!r} of map {self.name!r} of {self.ref}"
        return f"item {self.key} of log {self.name!r} of {self.ref}"


class Sealer(Protocol):
    """Turns values into sealed ones and back.

    `overhead`: bytes that a sealed value has more. `numbered`: the number of an item is a part of
    its place, so it must be known before the item is sealed.
    """

    overhead: int
    numbered: bool

    def seal(self, place: Place, value: bytes) -> bytes:
        """Return the sealed form of a value that is to stand at `place`."""
        ...

    def open(self, place: Place, data: bytes) -> bytes:
        """Return the value; CodecError when the bytes were not sealed for this place."""
        ...

    def is_current(self, data: bytes) -> bool:
        """Tell whether the bytes are sealed as `seal` would seal them now."""
        ...


class CrcSealer:
    """Finds values that changed in storage or stand in the wrong place; no help against intent.

    CRC-32 (zlib): it finds every error of up to 32 bits in a row and needs 4 bytes, and a longer
    unkeyed hash would protect from an attacker no better. Items are bound to their log, not to
    their number, so appending costs nothing extra.
    """

    overhead: int = 1 + _CRC
    numbered: bool = False

    def __init__(self, *, allow_unchecked: bool) -> None:
        self._lenient = allow_unchecked

    def seal(self, place: Place, value: bytes) -> bytes:
        """Return format byte, sum over place and value, value."""
        return b"".join((_CHECKED, _sum(place, value), value))

    def open(self, place: Place, data: bytes) -> bytes:
        """Return the value; CodecError naming the place when the sum is another."""
        if data[:1] != _CHECKED:
            if self._lenient:
                return data
            _refuse(place, "it has no checksum; was it written without the checksum wrapper?")
        value = data[1 + _CRC :]
        if data[1 : 1 + _CRC] != _sum(place, value):
            _refuse(place, "its checksum does not fit; it was damaged or moved in storage")
        return value

    def is_current(self, data: bytes) -> bool:
        """Tell whether there is a checksum."""
        return data[:1] == _CHECKED


def _sum(place: Place, value: bytes) -> bytes:
    where = _address(place, place.key if place.part == "map" else None)
    return zlib.crc32(value, zlib.crc32(where)).to_bytes(_CRC, "big")


class AesSealer:
    """AES-256-GCM under the keys of a ring; the whole place, numbers too, is authenticated.

    Stored: format byte, key id padded to 16 bytes, random nonce of 96 bits, ciphertext and tag. So
    the overhead is the same for each key. An earlier value of the same place is not recognised as
    such, and one key should write at most 2**32 values: rotate before.
    """

    overhead: int = 1 + ID_BYTES + _NONCE + _TAG
    numbered: bool = True

    def __init__(self, ring: KeyRing, *, allow_plaintext: bool) -> None:
        self._ring = ring
        self._lenient = allow_plaintext
        self._head = _ENCRYPTED + ring.active.encode().ljust(ID_BYTES, b"\0")
        self._cipher = ring.cipher(ring.active)

    def seal(self, place: Place, value: bytes) -> bytes:
        """Return the value encrypted under the active key."""
        nonce = os.urandom(_NONCE)
        body = self._cipher.encrypt(nonce, value, _address(place, place.key))
        return b"".join((self._head, nonce, body))

    def open(self, place: Place, data: bytes) -> bytes:
        """Return the value; CodecError for plaintext, an unknown key, and anything tampered with."""
        if data[:1] != _ENCRYPTED:
            if self._lenient:
                return data
            _refuse(place, "it is not encrypted; allow_plaintext=True reads such values")
        if len(data) < self.overhead:
            _refuse(place, "it is cut off")
        cipher, key_id = self._cipher, data[1 : 1 + ID_BYTES]
        if not data.startswith(self._head):
            known = self._ring.get(key_id)
            if known is None:
                name = ascii(key_id.rstrip(b"\0").decode("ascii", "backslashreplace"))
                _refuse(place, f"it is encrypted under key {name}, which the ring does not hold")
            cipher = known
        start = 1 + ID_BYTES + _NONCE
        nonce, body = data[1 + ID_BYTES : start], data[start:]
        try:
            value = cipher.decrypt(nonce, body, _address(place, place.key))
        except self._ring.invalid:
            name = ascii(key_id.rstrip(b"\0").decode())
            _refuse(
                place,
                f"it does not fit key {name} and this place: it was changed or moved in storage,"
                " or the ring holds another key of that id",
            )
        return value

    def is_current(self, data: bytes) -> bool:
        """Tell whether the value is encrypted under the active key."""
        return data.startswith(self._head)


def _address(place: Place, key: str | int | None) -> bytes:
    """Return the place as bytes, so that no two places have the same."""
    ref = place.ref
    return _pack((ref.namespace, ref.kind, ref.id, place.part, place.name, key))


def _refuse(place: Place, why: str) -> NoReturn:
    raise CodecError(f"{place} cannot be read: {why}", place=str(place))
