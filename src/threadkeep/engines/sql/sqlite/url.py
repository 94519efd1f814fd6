"""`sqlite:///path`, `sqlite:////absolute/path`, `sqlite://` and `sqlite:///:memory:`."""

from __future__ import annotations

from threadkeep.engines.sql.sqlite.connect import Settings
from threadkeep.errors import UsageError
from threadkeep.model.urls import MEMORY, StoreUrl, check_options


def settings_of(url: StoreUrl) -> Settings:
    """Return the settings that a URL names.

    Options: durability=full|normal, mode=rw|ro, timeout=seconds to wait for another process's lock.
    """
    check_options(url, {"durability", "mode", "timeout"})
    if url.authority:
        raise UsageError(
            f"sqlite://{url.authority}/ names a host; a relative path has three slashes"
        )
    try:
        timeout = float(url.options.get("timeout", "5"))
    except ValueError:
        raise UsageError(f"timeout is {url.options['timeout']!r}; pass seconds") from None
    return Settings(
        path=url.path or MEMORY,
        durability=url.options.get("durability", "full"),
        mode=url.options.get("mode", "rw"),
        timeout=timeout,
    )
