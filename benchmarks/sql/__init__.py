"""SQL servers: threadkeep, the raw driver behind a pool, and the peers that keep their state there."""

from typing import Final

SERVERS: Final = {"postgres": "PostgreSQL", "mariadb": "MariaDB"}
"""Parts of the run by the name of a server; `systems` says what runs there."""
