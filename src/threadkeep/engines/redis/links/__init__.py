"""The connections to the servers. Nothing here knows what threadkeep keeps there.

`link_async` and `link_threads` are one connection each, written twice by hand; `_async` is where the nodes
are and what is sent again, written once (its twin is generated); the rest is pure.
"""

from threadkeep.engines.redis.links._async.nodes import AsyncNodes
from threadkeep.engines.redis.links._sync.nodes import Nodes
from threadkeep.engines.redis.links.errors import ServerError
from threadkeep.engines.redis.links.script import Command, Script
from threadkeep.engines.redis.links.settings import Settings
from threadkeep.engines.redis.links.slots import slot_of

__all__ = ["AsyncNodes", "Command", "Nodes", "Script", "ServerError", "Settings", "slot_of"]
