"""One connection to a server, for tasks and for threads; what the drivers say is in our words from here on."""

from threadkeep.engines.sql.mysql.links.link_async import AsyncLink
from threadkeep.engines.sql.mysql.links.link_threads import Link

__all__ = ["AsyncLink", "Link"]
