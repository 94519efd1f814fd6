"""A connection that hears channels for many listeners, tasks or threads alike."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol, cast

from threadkeep.engines.redis.links.errors import Lost, ServerError
from threadkeep.engines.redis.links.script import pack


class Speaker(Protocol):
    """What an ear says its subscriptions to."""

    def post(self, payload: bytes) -> None:
        """Send commands that nobody waits for."""
        ...


class Place:
    """One listener of a channel. `wake` is called when one of the others has changed."""

    def __init__(self, channel: bytes, wake: Callable[[], None]) -> None:
        self.channel, self.wake = channel, wake
        self.heard = False  # subscribed, or a message came; the listener takes it back
        self.ended = False  # the connection is lost, or another node has the channel now
        self.error: ServerError | None = None


class Ear:
    """Subscribes to a channel when its first listener joins, and leaves it with the last."""

    def __init__(self, word: str) -> None:
        self.ended = False
        self._word = word  # SUBSCRIBE, or SSUBSCRIBE for channels that belong to a slot
        self._speaker: Speaker | None = None
        self._lock = threading.RLock()
        self._places: dict[bytes, set[Place]] = {}
        self._asked: deque[bytes] = deque()  # channels whose subscription is not yet answered

    def attach(self, speaker: Speaker) -> None:
        """Begin to speak on a connection whose messages come to `hear`."""
        self._speaker = speaker

    def join(self, channel: bytes, wake: Callable[[], None]) -> Place:
        """Listen to a channel; `heard` is set once its subscription stands."""
        place = Place(channel, wake)
        with self._lock:
            self._places.setdefault(channel, set()).add(place)
            self._asked.append(channel)  # again for each: the answer tells the new listener
            self._say(self._word, channel)
            place.ended = self.ended
        return place

    def leave(self, place: Place) -> None:
        """Listen no more."""
        with self._lock:
            others = self._places.get(place.channel)
            if others is None:
                return
            others.discard(place)
            if not others:
                del self._places[place.channel]
                self._say(self._word.replace("SUB", "UNSUB", 1), place.channel)

    def _say(self, word: str, channel: bytes) -> None:
        if self._speaker is not None and not self.ended:
            self._speaker.post(pack((word, channel)))

    def hear(self, said: Any) -> None:
        """Take what came on the connection."""
        with self._lock:
            if isinstance(said, Lost):
                self._end()
            elif isinstance(said, ServerError):
                self._refuse(said)
            elif isinstance(said, list) and len(cast("list[Any]", said)) == 3:
                self._told(*cast("list[bytes]", said)[:2])

    def _told(self, kind: bytes, channel: bytes) -> None:
        if kind in {b"subscribe", b"ssubscribe"}:
            if self._asked and self._asked[0] == channel:
                self._asked.popleft()
        elif kind in {b"unsubscribe", b"sunsubscribe"}:
            self._moved(channel)
            return
        for place in self._places.get(channel, ()):
            place.heard = True
            place.wake()

    def _moved(self, channel: bytes) -> None:
        """End what listens to a channel that the server has ended by itself, for its slot moved."""
        if channel in self._asked:  # this tells the end of those who left before
            return
        for place in self._places.pop(channel, ()):
            place.ended = True
            place.wake()

    def _refuse(self, error: ServerError) -> None:
        channel = self._asked.popleft() if self._asked else b""
        for place in self._places.pop(channel, ()):
            place.ended, place.error = True, error
            place.wake()

    def _end(self) -> None:
        self.ended = True
        places, self._places = self._places, {}
        for place in {one for some in places.values() for one in some}:
            place.ended = True
            place.wake()
