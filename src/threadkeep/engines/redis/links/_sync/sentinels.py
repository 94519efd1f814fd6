# Generated from src/threadkeep/engines/redis/links/_async/sentinels.py by scripts/unasync. Do not edit.
"""Asking the sentinels where the primary is."""

from __future__ import annotations

import time
from typing import Any

from threadkeep.engines.redis.links.errors import Late, Lost, ServerError, Unready
from threadkeep.engines.redis.links.link import Link
from threadkeep.engines.redis.links.script import pack
from threadkeep.engines.redis.links.settings import Settings
from threadkeep.engines.redis.links.slots import Address
from threadkeep.errors import ThreadkeepError, Unavailable, UsageError


def find_primary(settings: Settings, until: float) -> Address:
    """Return where the first sentinel that answers says. Raises Unavailable, Forbidden or UsageError."""
    ways = settings.of_sentinels()
    failed: list[str] = []
    unknown = False
    for number, address in enumerate(settings.addresses):
        left = until - time.monotonic()
        share = left / (len(settings.addresses) - number)  # a silent one leaves time for the others
        if left <= 0:
            break
        try:
            answer = _ask(ways, address, share)
        except (Unavailable, Lost, Late) as error:
            failed.append(f"{address}: {error or 'no answer'}")
            continue
        if answer is not None:
            found = Address(answer[0].decode(), int(answer[1]))
            return Address(*settings.remap(found)) if settings.remap else found
        unknown = True
    if unknown:
        raise UsageError(f"no sentinel knows the service {settings.service!r}")
    raise Unavailable(f"no sentinel could be asked ({'; '.join(failed)})")


def _ask(ways: Settings, address: Address, seconds: float) -> Any:
    until = time.monotonic() + seconds
    link = Link.open(ways, address, seconds)
    try:
        question = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", ways.service or "")
        (answer,) = link.ask(pack(question), 1, until)
    finally:
        link.close()
    if isinstance(answer, ServerError):
        raise answer
    return answer


def verify_primary(link: Link, seconds: float) -> None:
    """Close the connection and raise Unready when the server is no primary (any more)."""
    why: ThreadkeepError
    try:
        (answer,) = link.ask(pack(("ROLE",)), 1, time.monotonic() + seconds)
    except (Lost, Late) as error:
        why = Unavailable(f"{link.address} did not tell its role: {error}")
    else:
        if isinstance(answer, ServerError) or answer[0] == b"master":  # an ACL may hide the role
            return
        why = Unready(f"the sentinels name {link.address}, which is no primary now")
    link.close()
    raise why
