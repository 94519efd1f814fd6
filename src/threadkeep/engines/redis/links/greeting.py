"""What the server answers to the first words on a connection."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from threadkeep.engines.redis.links.errors import ServerError, Unready
from threadkeep.engines.redis.links.slots import Address
from threadkeep.errors import Forbidden, ThreadkeepError, Unavailable, UsageError

UNREADY: Final = {"LOADING", "MASTERDOWN", "BUSY"}


def check_greeting(address: Address, said: Sequence[tuple[str, ...]], answers: list[Any]) -> None:
    """Raise Forbidden, UsageError or Unavailable when the server wants none of it."""
    for words, answer in zip(said, answers, strict=True):
        if isinstance(answer, ServerError):
            error = _refusal(address, words[0], answer)
            if error is not None:
                raise error


def _refusal(address: Address, word: str, answer: ServerError) -> ThreadkeepError | None:
    told = f"{address} answered {answer.code}: {answer.said}"
    if answer.code in UNREADY:
        return Unready(told)
    if "max number of clients" in answer.said:
        return Unavailable(told)
    if word == "AUTH":
        return Forbidden(f"{address} refused the user or the password ({answer.code})")
    if word == "SELECT":
        return UsageError(f"{address} has no such database: {answer.said}")
    if answer.code == "NOAUTH":
        return Forbidden(f"{address} asks for a password; write it into the URL")
    if word == "PING" and answer.code == "NOPERM":
        return None
    return answer


def keep_alive(connection: socket.socket) -> None:
    """Have the system notice within a minute that the other machine is gone, also while nobody calls."""
    if connection.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    with suppress(OSError, AttributeError):  # not every system has each of them
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
