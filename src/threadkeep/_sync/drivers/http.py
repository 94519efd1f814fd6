# Generated from src/threadkeep/_async/drivers/http.py by scripts/unasync. Do not edit.
"""The driver of a threadkeep server: calls of one moment go together in one request."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from threadkeep.concurrency import Home
from threadkeep.engines.http.answers import LONGEST
from threadkeep.engines.http.link import Link
from threadkeep.engines.http.url import HttpSettings
from threadkeep.engines.http.weight import weight_of
from threadkeep.errors import UsageError
from threadkeep.model.refs import Ref
from threadkeep.ops import wire
from threadkeep.ops.batch import Batch, check
from threadkeep.ops.engine import Capabilities, Claim, Due, Page, Query
from threadkeep.ops.reply import Reply


class HttpEngine:
    """Keep entities on a server of threadkeep."""

    def __init__(self, settings: HttpSettings) -> None:
        self._settings = settings
        self._home = Home()
        self._link = Link(settings)
        self._found = Capabilities(name="http", durability="none", remote=True)

    @property
    def capabilities(self) -> Capabilities:
        """Say what the engine behind the server can do; final after `setup`."""
        return self._found

    def setup(self) -> None:
        """Connect and ask the server what it can do. Raises Unavailable, Forbidden or UsageError."""
        self._home.check()
        answer = self._link.ask("GET", "/engine", None, again=True)
        try:
            found = msgspec.json.decode(answer, type=Capabilities)
        except msgspec.MsgspecError as error:
            raise UsageError(f"{self._settings.base} is no threadkeep server: {error}") from None
        self._found = msgspec.structs.replace(
            found, name="http", clock=False, remote=True, processes=True
        )

    def run(self, batch: Batch) -> Reply:
        """Run a batch on one entity, atomically, in one trip, which others may share."""
        self._home.check()
        check(batch)
        sent = wire.encode_batch(batch)
        return self._link.batch(
            sent, weight_of(batch, sent), again=batch.repeatable, writes=batch.writes
        )

    def scan(self, query: Query) -> Page:
        """Return one page of a listing."""
        self._home.check()
        answer = self._link.ask("POST", "/scan", wire.encode_query(query), again=True)
        return wire.decode_page(answer, limit=LONGEST)

    def claim(self, due: Due) -> tuple[Claim, ...]:
        """Lease expired entities to this caller and reclaim what has run out elsewhere."""
        self._home.check()
        again = due.token is not None
        sent = wire.encode_due(due)
        answer = self._link.ask("POST", "/claim", sent, again=again, writes=True)
        return wire.decode_claims(answer, limit=LONGEST)

    def watch(self, ref: Ref) -> Iterator[int]:
        """Yield the revision now and then after each change, coalesced; also after a lost connection."""
        self._home.check()
        query = {"namespace": ref.namespace, "kind": ref.kind, "id": ref.id}
        return self._link.revisions("/watch", query)

    def close(self) -> None:
        """Finish what was begun and close the connections; twice is fine. A forked process closes nothing."""
        if not self._home.left:
            self._link.close()
