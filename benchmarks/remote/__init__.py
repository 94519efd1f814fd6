"""Valkey and Redis: threadkeep, the raw client and the peers that keep their state there."""

from typing import Final

PART: Final = "redis"
SERVERS: Final = {"redis7": "Redis 7.0", "valkey9": "Valkey 9"}
