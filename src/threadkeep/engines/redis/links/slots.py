"""Which slot of a cluster a key lies in, and which node has which slot."""

from __future__ import annotations

from binascii import crc_hqx
from typing import Any, Final, NamedTuple

SLOTS: Final = 16384


class Address(NamedTuple):
    """Where a server listens; `port` is 0 for the path of a unix socket."""

    host: str
    port: int

    def __str__(self) -> str:
        """Return it as people write it."""
        if not self.port:
            return self.host
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def slot_of(key: bytes) -> int:
    """Return the slot of a key: that of its hash tag, the first `{...}` with something in it."""
    start = key.find(b"{")
    if start >= 0:
        end = key.find(b"}", start + 1)
        if end > start + 1:
            key = key[start + 1 : end]
    return crc_hqx(key, 0) % SLOTS


def read_slots(answer: list[Any], asked: Address) -> dict[Address, list[tuple[int, int]]]:
    """Return the ranges of slots of each primary, from CLUSTER SLOTS; `asked` is the node that answered.

    A node that does not know its own name leaves it out: it is the one that was asked.
    """
    found: dict[Address, list[tuple[int, int]]] = {}
    for first, last, primary, *_ in answer:
        found.setdefault(_address(primary[0], int(primary[1]), asked), []).append((first, last))
    return found


def read_target(message: str, asked: Address) -> tuple[int, Address]:
    """Return the slot and the node that a MOVED or ASK names."""
    slot, _, place = message.partition(" ")
    host, _, port = place.strip().rpartition(":")
    return int(slot), _address(host.encode(), int(port), asked)


def _address(host: bytes | None, port: int, asked: Address) -> Address:
    if not host or host == b"?":
        return Address(asked.host, port)
    return Address(host.decode().strip("[]"), port)
