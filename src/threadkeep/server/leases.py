"""Leases as requests name them and answers show them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar

import msgspec

from threadkeep.errors import UsageError
from threadkeep.model.leases import FOREVER, Lease, lease_of
from threadkeep.model.records import Entry

Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Leased(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long something lives.

    `ttl`: seconds, renewed by each read and write. `expires_at`: a fixed end. `forever`: no end. Without
    any, the default of the store.
    """

    ttl: Annotated[float, msgspec.Meta(ge=1e-6, le=94_867_200_000)] | None = None
    expires_at: Moment | None = None
    forever: bool = False

    together: ClassVar[dict[str, Any]] = {  # what the document says of the fields together
        "anyOf": [
            {"properties": {"ttl": {"type": "null"}, "expires_at": {"type": "null"}}},
            {"properties": {"ttl": {"type": "null"}, "forever": {"const": False}}},
            {"properties": {"expires_at": {"type": "null"}, "forever": {"const": False}}},
        ]
    }

    @property
    def given(self) -> bool:
        """Tell whether the request names a lease."""
        return self.forever or self.ttl is not None or self.expires_at is not None

    def lease(self, default: Lease) -> Lease:
        """Return the lease; UsageError where two are named."""
        if self.forever and (self.ttl is not None or self.expires_at is not None):
            raise UsageError("pass one of ttl, expires_at and forever")
        return lease_of(FOREVER if self.forever else self.ttl, self.expires_at, default)


class FieldShown(msgspec.Struct, frozen=True):
    """A field: its value, its revision, the window of a sliding lease in seconds, its end."""

    name: str
    value: Any
    revision: int
    ttl: float | None
    expires_at: datetime | None


def shown(name: str, entry: Entry) -> FieldShown:
    """Return a field for an answer."""
    return FieldShown(name, entry.value, entry.revision, entry.lease.seconds, entry.expires_at)
