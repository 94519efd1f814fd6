"""The systems under test, one small file for each."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Final, cast

from benchmarks.subjects.base import Subject

RAW: Final = "raw sqlite3"
TK_SQLITE: Final = "threadkeep sqlite"
TK_SQLITE_SYNC: Final = "threadkeep sqlite sync"
TK_MEMORY: Final = "threadkeep memory"
TK_MEMORY_SYNC: Final = "threadkeep memory sync"
OPENAI: Final = "openai-agents SQLiteSession"
LANGGRAPH: Final = "langgraph AsyncSqliteSaver"
KV_MEMORY: Final = "py-key-value memory"
KV_DISK: Final = "py-key-value disk, FULL"
KV_DISK_DEFAULT: Final = "py-key-value disk, default"

_WHERE: Final[Mapping[str, str]] = {
    RAW: "raw_sqlite:RawSqlite",
    TK_SQLITE: "threadkeep_async:ThreadkeepSqlite",
    TK_SQLITE_SYNC: "threadkeep_sync:ThreadkeepSqliteSync",
    TK_MEMORY: "threadkeep_async:ThreadkeepMemory",
    TK_MEMORY_SYNC: "threadkeep_sync:ThreadkeepMemorySync",
    OPENAI: "openai_session:OpenAISession",
    LANGGRAPH: "langgraph_saver:LanggraphSaver",
    KV_MEMORY: "key_value:KeyValueMemory",
    KV_DISK: "key_value:KeyValueDiskFull",
    KV_DISK_DEFAULT: "key_value:KeyValueDisk",
}
NAMES: Final = tuple(_WHERE)


def load(name: str) -> Callable[[], Subject]:
    """Import one subject and the system it wraps.

    Raises ImportError where that system is not installed.
    """
    module, attribute = _WHERE[name].split(":")
    found = getattr(import_module(f"benchmarks.subjects.{module}"), attribute)
    return cast("Callable[[], Subject]", found)
