"""SQL servers: threadkeep, the raw driver behind a pool, and the peers that keep their state there."""

from typing import Final

SERVERS: Final = {"postgres": "PostgreSQL", "mariadb": "MariaDB"}
"""Parts of the run by the name of a server; `systems` says what runs there."""
GROWTH: Final = {f"{name}-growth": name for name in SERVERS}
"""Parts that only measure the growth there; not in a whole run, which measures it too."""
