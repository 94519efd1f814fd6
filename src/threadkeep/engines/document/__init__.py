"""The engine over a document driver: a program's own class with `get`, `set`, `delete` and `list`."""

from threadkeep.engines.document._async.engine import AsyncDocumentEngine
from threadkeep.engines.document._sync.engine import DocumentEngine
from threadkeep.engines.document.documents import Document

__all__ = ["AsyncDocumentEngine", "Document", "DocumentEngine"]
