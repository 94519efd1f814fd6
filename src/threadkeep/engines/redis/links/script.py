"""A Lua script and its SHA, and commands as bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha1
from importlib.resources import files
from typing import Any, Final, cast

import hiredis
import msgspec

# its types say a tuple of one
_pack: Final = cast("Callable[[tuple[Any, ...]], bytes]", hiredis.pack_command)  # pyright: ignore[reportUnknownMemberType] - they leave out what it returns


class Script(msgspec.Struct, frozen=True):
    """A Lua script; as the first word of a command it stands for EVALSHA, or EVAL where it is not known."""

    body: bytes
    sha: bytes
    whole: bool = False  # EVAL in any case

    @classmethod
    def of(cls, text: str) -> Script:
        """Return the script with this text."""
        body = text.encode()
        return cls(body, sha1(body, usedforsecurity=False).hexdigest().encode())

    @classmethod
    def load(cls, package: str) -> Script:
        """Return the script that the `.lua` files of a package make up, joined in the order of their names."""
        pieces = sorted(
            (piece.name, piece.read_text(encoding="utf-8"))
            for piece in files(package).iterdir()
            if piece.name.endswith(".lua")
        )
        return cls.of("".join(text for _, text in pieces))


Command = tuple[bytes | str | int | Script, ...]


def pack(command: Command, *, whole: bool = False) -> bytes:
    """Return a command as the server reads it; `whole` sends the text of a script and not its SHA."""
    first = command[0]
    if isinstance(first, Script):
        head = ("EVAL", first.body) if whole or first.whole else ("EVALSHA", first.sha)
        return _pack((*head, *command[1:]))
    return _pack(command)


def pack_all(commands: Sequence[Command]) -> bytes:
    """Return several commands as one write."""
    if len(commands) == 1:
        return pack(commands[0])
    return b"".join([pack(command) for command in commands])
