"""threadkeep: the state store for AI agents."""

from threadkeep._async.store import AsyncStore
from threadkeep.errors import (
    CodecError,
    Conflict,
    DataLost,
    Forbidden,
    Gone,
    NotFound,
    SchemaMismatch,
    ThreadkeepError,
    Timeout,
    TooLarge,
    TurnLost,
    Unavailable,
    UsageError,
)
from threadkeep.model.leases import FOREVER, Lease, Sliding, Until
from threadkeep.model.options import Limits

__version__ = "0.1.0"
__all__ = [
    "FOREVER",
    "AsyncStore",
    "CodecError",
    "Conflict",
    "DataLost",
    "Forbidden",
    "Gone",
    "Lease",
    "Limits",
    "NotFound",
    "SchemaMismatch",
    "Sliding",
    "ThreadkeepError",
    "Timeout",
    "TooLarge",
    "TurnLost",
    "Unavailable",
    "Until",
    "UsageError",
]
