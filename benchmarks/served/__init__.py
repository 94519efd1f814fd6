"""The server: requests beside bare applications on the same ASGI server, watchers, idle connections."""

from typing import Final

PART: Final = "http"
