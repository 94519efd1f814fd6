"""What a batch may weigh on the wire, with its answer."""

from __future__ import annotations

from typing import Final

from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import Get, Read

UNKNOWN: Final = 1 << 16  # bytes reckoned for a read whose answer may be of any size


def weight_of(batch: Batch, sent: bytes) -> int:
    """Return the bytes that a request should be reckoned to carry for this batch."""
    open_ended = sum(_is_open(op) for op in (*batch.ops, *batch.otherwise))
    return len(sent) + UNKNOWN * open_ended


def _is_open(op: object) -> bool:
    return isinstance(op, Read) or (isinstance(op, Get) and op.fields is None)
