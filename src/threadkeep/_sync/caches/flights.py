# Generated from src/threadkeep/_async/caches/flights.py by scripts/unasync. Do not edit.
"""Single flight: one call for all who miss the same result, over tasks, processes and machines."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Literal

from threadkeep._sync.caches.bringing import Brought, Terms, bring
from threadkeep._sync.caches.entries import Entries, Place
from threadkeep.concurrency import Background, Flow, Outcome, Periodic
from threadkeep.errors import CodecError, ThreadkeepError
from threadkeep.layers import cache_entries, cache_flights
from threadkeep.layers.cache_flights import Claim
from threadkeep.model.leases import SECOND
from threadkeep.model.refs import Ref

Mode = Literal["use", "bypass", "refresh", "read_only"]
Call = Callable[[], Any]
log = logging.getLogger("threadkeep")
FIRST_PAUSE, LAST_PAUSE = 0.005, 0.1


class Flights:
    """The calls of a store that fill one kind of cache."""

    def __init__(self, entries: Entries, background: Background) -> None:
        self._entries, self._background = entries, background
        self._under_way: dict[tuple[Ref, str], Outcome[bytes]] = {}

    def run(self, place: Place, call: Call, terms: Terms, mode: Mode) -> Any:
        """Return the result at a place, from `call` where it is not there."""
        if mode == "bypass":
            return call()
        if mode == "refresh":
            return self._refreshed(place, call, terms)
        looked = self._entries.look(place, terms.type)
        content = looked.content
        if content is not None and (not looked.stale or terms.stale_for):
            self._entries.note_hit(place.name, content)
            if looked.stale and mode == "use":
                self._renew(place, call, terms)
            return content.response
        if looked.failed or mode == "read_only":
            return self._alone(place, call, terms)
        return self._fly(place, call, terms, unread=looked.corrupt)

    def _refreshed(self, place: Place, call: Call, terms: Terms) -> Any:
        brought = bring(self._entries, place, call(), terms)
        if brought.data is not None and brought.lease is not None:
            self._entries.put(place, brought.data, brought.lease, brought.stale_for)
        return brought.value

    def _alone(self, place: Place, call: Call, terms: Terms) -> Any:
        """Call for this caller only and keep nothing."""
        self._entries.note(place.name, misses=1)
        return (bring(self._entries, place, call(), terms, keep=False)).value

    def _fly(self, place: Place, call: Call, terms: Terms, *, unread: bool) -> Any:
        """Wait for a call of this process that is under way, or be the one that others wait for."""
        end = time.monotonic() + self._entries.options.wait_seconds
        ident = (place.ref, place.key)
        mine: Outcome[bytes] = Outcome()
        while (other := self._under_way.setdefault(ident, mine)) is not mine:
            try:
                data = other.wait(max(0.0, end - time.monotonic()))
            except TimeoutError:
                return self._alone(place, call, terms)
            if data is not None:
                return self._served(place, data, call, terms)
        shared: bytes | None = None
        try:
            found = self._begin(place, end, unread=unread)
            if isinstance(found, bytes):
                shared = found
                return self._served(place, found, call, terms)
            if found is None:
                return self._alone(place, call, terms)
            self._entries.note(place.name, misses=1)
            brought = self._fill(found, place, call, terms)
            shared = brought.data
            return brought.value
        finally:
            self._under_way.pop(ident, None)
            mine.settle(shared)

    def _served(self, place: Place, data: bytes, call: Call, terms: Terms) -> Any:
        """Return what another caller has brought; where that is no `type` of this one's, call."""
        try:
            content = cache_entries.unpack(data, terms.type)
        except CodecError as error:
            self._entries.corrupt(place, error)
            return self._alone(place, call, terms)
        self._entries.note_hit(place.name, content)
        return content.response

    def _begin(self, place: Place, end: float, *, unread: bool) -> Claim | bytes | None:
        """Return a claim, or what another process has brought; None when waiting took too long."""
        window, pause = round(self._entries.options.claim_seconds * SECOND), FIRST_PAUSE
        while True:
            plan = cache_flights.claim(place.ref, place.key, window)
            begun = self._entries.attempt(place.name, plan, None)
            if begun is None:
                return None
            if begun.seen is not None and not unread and _is_servable(begun.seen):
                self._release(begun.claim)
                return begun.seen.field.value
            if begun.claim is not None:
                return begun.claim
            filling = True
            while filling:
                if time.monotonic() >= end:
                    return None
                Flow.sleep(pause)
                pause = min(pause * 1.5, LAST_PAUSE)
                waited = cache_flights.wait(place.ref, place.key)
                state = self._entries.attempt(place.name, waited, None)
                if state is None:
                    return None
                seen, filling = state
                if seen is not None and _is_servable(seen):
                    return seen.field.value

    def _fill(
        self, claim: Claim, place: Place, call: Call, terms: Terms, *, again: bool = True
    ) -> Brought:
        """Call, keep the result if it may be kept, and give the claim up.

        `again` False: after an error the claim stands until it runs out, so that nobody tries at once.
        """
        keeper = Periodic(lambda: self._keep(claim), self._entries.options.claim_seconds / 3)
        keeper.start()
        held: Claim | None = claim if again else None
        try:
            brought = bring(self._entries, place, call(), terms)
            held = claim
            if brought.data is not None and brought.lease is not None:
                plan = cache_flights.fill(claim, brought.data, brought.lease, brought.stale_for)
                if self._entries.attempt(place.name, plan, failed=False):
                    held = None
                    self._entries.note(place.name, stores=1)
        finally:
            Flow.finish(self._end(keeper, held))
        return brought

    def _end(self, keeper: Periodic, claim: Claim | None) -> None:
        keeper.stop()
        self._release(claim)

    def _keep(self, claim: Claim) -> None:
        try:
            self._entries.run(cache_flights.keep(claim))
        except ThreadkeepError as error:
            log.warning("claim of a call not extended: %s", type(error).__name__)

    def _release(self, claim: Claim | None) -> None:
        """Give a claim up; where that fails it runs out by itself."""
        if claim is None:
            return
        try:
            self._entries.run(cache_flights.release(claim))
        except ThreadkeepError as error:
            log.warning("claim of a call not given up: %s", type(error).__name__)

    def _renew(self, place: Place, call: Call, terms: Terms) -> None:
        """Fetch a new result in the background, unless somebody does so already."""
        mine: Outcome[bytes] = Outcome()
        if self._under_way.setdefault((place.ref, place.key), mine) is mine:
            self._background.start(lambda: self._renewed(place, call, terms, mine))

    def _renewed(self, place: Place, call: Call, terms: Terms, mine: Outcome[bytes]) -> None:
        window = round(self._entries.options.claim_seconds * SECOND)
        try:
            plan = cache_flights.claim(place.ref, place.key, window)
            begun = self._entries.run(plan)
            if begun.seen is not None and _is_servable(begun.seen):
                self._release(begun.claim)
            elif begun.claim is not None:
                self._fill(begun.claim, place, call, terms, again=False)
        except Exception as error:  # noqa: BLE001 - the old result is served meanwhile
            log.warning("a stale %s result not renewed: %s", place.ref.kind, type(error).__name__)
        finally:
            self._under_way.pop((place.ref, place.key), None)
            mine.settle(None)


def _is_servable(seen: cache_entries.Seen) -> bool:
    try:
        left = seen.left(cache_entries.unpack(seen.field.value))
    except CodecError:
        return False
    return left is None or left > 0
