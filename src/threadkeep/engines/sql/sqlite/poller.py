"""Noticing what other processes write to the file."""

from __future__ import annotations

import sqlite3
import threading

from threadkeep.engines.notify import Hub
from threadkeep.engines.sql.sqlite.connect import Settings, open_connection

EVERY = 0.025  # seconds


class Poller:
    """Asks SQLite's `data_version` while somebody watches; costs a few microseconds each time."""

    def __init__(self, settings: Settings, hub: Hub) -> None:
        self._settings, self._hub = settings, hub
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="threadkeep-poller", daemon=True)
        self._thread.start()

    def _loop(self) -> None:
        con = open_connection(self._settings, write=False, wait=0)
        last = None
        while not self._end.wait(EVERY):
            if not self._hub.watched:
                continue
            try:
                version = con.execute("pragma data_version").fetchone()[0]
            except sqlite3.Error:
                continue  # a reader will meet the same error and say so
            if version != last:
                last = version
                self._hub.publish_all()
        con.close()

    def stop(self) -> None:
        """End the thread."""
        self._end.set()
        self._thread.join()
