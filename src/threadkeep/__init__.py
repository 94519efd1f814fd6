"""threadkeep: the state store for AI agents.

What is not needed to catch an error is loaded when it is first asked for.
"""

from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from threadkeep._async.caches.llm import AsyncLlm
    from threadkeep._async.caches.tools import AsyncTools
    from threadkeep._async.entity import AsyncEntity, AsyncThread
    from threadkeep._async.kv import AsyncKv
    from threadkeep._async.lifecycle import AsyncThreadEvent
    from threadkeep._async.store import AsyncStore
    from threadkeep._sync.caches.llm import Llm
    from threadkeep._sync.caches.tools import Tools
    from threadkeep._sync.entity import Entity, Thread
    from threadkeep._sync.kv import Kv
    from threadkeep._sync.lifecycle import ThreadEvent
    from threadkeep._sync.store import Store
    from threadkeep.model.caches import (
        CacheOptions,
        LlmHit,
        StoreStats,
        Tokens,
        ToolHit,
        ToolPolicy,
    )
    from threadkeep.model.kv import Found, KvDefaults, KvMatch, KvPage, KvStats
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

_HOMES = {
    "_async.caches.llm": ("AsyncLlm",),
    "_async.caches.tools": ("AsyncTools",),
    "_async.entity": ("AsyncEntity", "AsyncThread"),
    "_async.kv": ("AsyncKv",),
    "_async.lifecycle": ("AsyncThreadEvent",),
    "_async.store": ("AsyncStore",),
    "_sync.caches.llm": ("Llm",),
    "_sync.caches.tools": ("Tools",),
    "_sync.entity": ("Entity", "Thread"),
    "_sync.kv": ("Kv",),
    "_sync.lifecycle": ("ThreadEvent",),
    "_sync.store": ("Store",),
    "model.caches": ("CacheOptions", "LlmHit", "StoreStats", "Tokens", "ToolHit", "ToolPolicy"),
    "model.kv": ("Found", "KvDefaults", "KvMatch", "KvPage", "KvStats"),
    "model.leases": ("FOREVER", "Lease", "Sliding", "Until"),
    "model.options": ("Limits",),
    "model.records": (
        "Appended",
        "Change",
        "Entry",
        "Message",
        "Snapshot",
        "Swept",
        "ThreadInfo",
    ),
}


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            from importlib import import_module

            found = getattr(import_module(f"{__name__}.{home}"), name)
            globals()[name] = found
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


__version__ = "0.1.0"
__all__ = [
    "FOREVER",
    "Appended",
    "AsyncEntity",
    "AsyncKv",
    "AsyncLlm",
    "AsyncStore",
    "AsyncThread",
    "AsyncThreadEvent",
    "AsyncTools",
    "CacheOptions",
    "Change",
    "CodecError",
    "Conflict",
    "DataLost",
    "Entity",
    "Entry",
    "Forbidden",
    "Found",
    "Gone",
    "Kv",
    "KvDefaults",
    "KvMatch",
    "KvPage",
    "KvStats",
    "Lease",
    "Limits",
    "Llm",
    "LlmHit",
    "Message",
    "NotFound",
    "SchemaMismatch",
    "Sliding",
    "Snapshot",
    "Store",
    "StoreStats",
    "Swept",
    "Thread",
    "ThreadEvent",
    "ThreadInfo",
    "ThreadkeepError",
    "Timeout",
    "Tokens",
    "TooLarge",
    "ToolHit",
    "ToolPolicy",
    "Tools",
    "TurnLost",
    "Unavailable",
    "Until",
    "UsageError",
]
