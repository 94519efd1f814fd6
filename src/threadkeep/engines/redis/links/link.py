"""A connection, for tasks and for threads."""

from threadkeep.engines.redis.links.link_async import AsyncLink
from threadkeep.engines.redis.links.link_threads import Link

__all__ = ["AsyncLink", "Link"]
