"""threadkeep: the state store for AI agents."""

from threadkeep._async.entity import AsyncEntity, AsyncThread
from threadkeep._async.lifecycle import AsyncThreadEvent
from threadkeep._async.store import AsyncStore
from threadkeep._sync.entity import Entity, Thread
from threadkeep._sync.lifecycle import ThreadEvent
from threadkeep._sync.store import Store
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
from threadkeep.model.records import (
    Appended,
    Change,
    Entry,
    Message,
    Snapshot,
    Swept,
    ThreadInfo,
)

__version__ = "0.1.0"
__all__ = [
    "FOREVER",
    "Appended",
    "AsyncEntity",
    "AsyncStore",
    "AsyncThread",
    "AsyncThreadEvent",
    "Change",
    "CodecError",
    "Conflict",
    "DataLost",
    "Entity",
    "Entry",
    "Forbidden",
    "Gone",
    "Lease",
    "Limits",
    "Message",
    "NotFound",
    "SchemaMismatch",
    "Sliding",
    "Snapshot",
    "Store",
    "Swept",
    "Thread",
    "ThreadEvent",
    "ThreadInfo",
    "ThreadkeepError",
    "Timeout",
    "TooLarge",
    "TurnLost",
    "Unavailable",
    "Until",
    "UsageError",
]
