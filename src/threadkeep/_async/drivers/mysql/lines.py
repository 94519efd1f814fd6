"""Connections to the server, lent for a packet or two."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from threadkeep.concurrency import AsyncFlow
from threadkeep.engines.sql.mysql.errors import Failed, Lost, Oversized
from threadkeep.engines.sql.mysql.links import AsyncLink
from threadkeep.engines.sql.mysql.packet import Packet
from threadkeep.engines.sql.mysql.program import UNDO
from threadkeep.engines.sql.mysql.settings import Settings
from threadkeep.errors import ThreadkeepError

PAUSE: Final = 0.05  # seconds between attempts to connect
LIVES: Final = 3  # connections that may be lost in one call before anything of it counts


class AsyncLines:
    """Keeps connections that nobody uses. How many are used at once is the callers' to bound."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._idle: list[AsyncLink] = []

    def keep(self, link: AsyncLink) -> None:
        """Take a connection that nobody uses."""
        self._idle.append(link)

    async def _take(self) -> AsyncLink:
        """Return a connection, a new one where none is idle; a server that is away is waited for."""
        if self._idle:
            return self._idle.pop()
        end = time.monotonic() + self.settings.wait
        while True:
            try:
                return await AsyncLink.open(self.settings)
            except Lost:
                if time.monotonic() > end:
                    raise
            await AsyncFlow.sleep(PAUSE)

    def _drop(self, link: AsyncLink) -> None:
        """Let go of a lost connection, and of those that were idle meanwhile: they have its fate."""
        link.drop()
        while self._idle:
            self._idle.pop().drop()

    async def ask(self, packet: Packet) -> None:
        """Send a packet that changes nothing; on a connection that is lost, again on another."""
        for lives in range(LIVES, 0, -1):
            link = await self._take()
            try:
                found = await link.ask(packet.encode())
            except Lost:
                self._drop(link)
                if lives == 1:
                    raise
                continue
            except Oversized:
                self.keep(link)
                raise
            except Failed:
                await self._undo(link)
                raise
            except BaseException:
                link.drop()
                raise
            self.keep(link)
            packet.deliver(found)
            return

    async def transact(self, first: Packet, decide: Callable[[], Packet]) -> None:
        """Send the packet that locks and reads, decide, and send the one that writes and commits.

        Raises Lost with `sent` only where the second may have been done.
        """
        link = await self._take()
        second: Packet | None = None
        try:
            first.deliver(await link.ask(first.encode()))
            second = decide()
            await link.ask(second.encode())
        except Lost as error:
            self._drop(link)
            raise Lost(str(error), sent=second is not None and error.sent) from error
        except (Failed, Oversized, ThreadkeepError):
            await self._undo(link)
            raise
        except BaseException:
            link.drop()
            raise
        self.keep(link)

    async def _undo(self, link: AsyncLink) -> None:
        try:
            await link.ask(UNDO)
        except (Lost, Failed):
            self._drop(link)
        except BaseException:
            link.drop()
            raise
        else:
            self.keep(link)

    async def aclose(self) -> None:
        """Close the connections that nobody uses."""
        while self._idle:
            await self._idle.pop().aclose()
