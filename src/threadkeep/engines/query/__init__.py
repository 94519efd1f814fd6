"""Documents in a table of any SQL database, through a driver with `query`, `run` and `exec`."""

from threadkeep.engines.query._async.documents import AsyncQueryDocuments
from threadkeep.engines.query._sync.documents import QueryDocuments
from threadkeep.engines.query.drivers import AsyncQueryDriver, QueryDriver, waits

__all__ = ["AsyncQueryDocuments", "AsyncQueryDriver", "QueryDocuments", "QueryDriver", "waits"]
