"""What holds for a key-value namespace as a whole; it stands at the empty key, where every process sees it."""

from __future__ import annotations

import msgspec

from threadkeep.errors import CodecError, UsageError
from threadkeep.layers.kv import KIND, MAP
from threadkeep.layers.values import load
from threadkeep.model.codec import encode
from threadkeep.model.kv import KvDefaults
from threadkeep.model.leases import FOREVER, Lease
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch, Plan
from threadkeep.ops.ops import Get, Set
from threadkeep.ops.reply import Fields, Reply

FIELD = "defaults"


class Stored(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The stored form; `ttl` in microseconds, 0 for FOREVER, None for the store's own default."""

    ttl: int | None
    sliding: bool


def _ref(namespace: str, prefix: str) -> Ref:
    return Ref(namespace, KIND, prefix)


def get(namespace: str, prefix: str) -> Plan[KvDefaults]:
    """Plan to read what holds for the namespace of this prefix."""
    ref = _ref(namespace, prefix)

    def read(reply: Reply) -> KvDefaults:
        result = reply.results[0]
        assert isinstance(result, Fields)  # noqa: S101 - the reply to a Get
        field = result.fields.get(FIELD)
        if field is None:
            return KvDefaults()
        stored = load(field.value, Stored, ref, "field", FIELD)
        if stored.ttl is not None and stored.ttl < 0:
            raise CodecError(f"field {FIELD!r} of {ref} has a negative ttl", ref=ref)
        lease = None if stored.ttl is None else Lease(window=stored.ttl or None)
        return KvDefaults(lease, stored.sliding)

    return Plan(Batch(ref, (Get(MAP, (FIELD,), renew=False),)), read)


def put(namespace: str, prefix: str, defaults: KvDefaults) -> Plan[None]:
    """Plan to write what holds for the namespace of this prefix."""
    lease = defaults.lease
    if lease is not None and lease.end is not None:
        raise UsageError("the default ttl of a namespace is a length of time, not a date")
    if type(defaults.sliding) is not bool:
        raise UsageError(f"sliding is {defaults.sliding!r}; pass True or False")
    ttl = None if lease is None else 0 if lease == FOREVER else lease.window
    data = encode(Stored(ttl, defaults.sliding))
    return Plan(Batch(_ref(namespace, prefix), (Set(MAP, {FIELD: data}),)), lambda _: None)
