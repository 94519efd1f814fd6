"""Encrypted values."""

from __future__ import annotations

from threadkeep._async.wrappers.sealed import AsyncSealed
from threadkeep.model.keys import KeyRing
from threadkeep.model.sealing import AesSealer
from threadkeep.ops.engine import AsyncEngine


class AsyncEncrypt(AsyncSealed):
    """Encrypt each value with AES-256-GCM under the active key of `ring`.

    A value opens only where it was written: namespace, kind, id, map and field, or log and number,
    are authenticated. An unknown key, a change, a value moved elsewhere: CodecError. Plaintext too,
    unless `allow_plaintext` (to take encryption on; whoever writes to the database can then put
    plaintext there).

    In the clear stay names of fields, maps and logs, ids, links, labels, leases, times, revisions,
    the size of each value, and what threadkeep keeps for itself in hidden maps (turns, ends). A
    place cannot be protected from its own past: an earlier value put back opens.
    """

    def __init__(
        self, engine: AsyncEngine, ring: KeyRing, *, allow_plaintext: bool = False
    ) -> None:
        super().__init__(engine, AesSealer(ring, allow_plaintext=allow_plaintext))
