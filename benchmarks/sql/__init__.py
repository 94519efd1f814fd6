"""SQL servers: threadkeep, the raw driver behind a pool, and the peers that keep their state there."""

from typing import Final

SERVERS: Final = {"postgres": "PostgreSQL"}
"""Parts of the run by the name of a server; another one needs a server and its raw driver."""
