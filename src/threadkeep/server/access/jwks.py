"""The keys of an identity provider, from a file or from a URL."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import jwt

from threadkeep.errors import Unavailable, UsageError
from threadkeep.server.addresses import is_loopback

KEPT_SECONDS: Final = 300.0
STALE_SECONDS: Final = 3_600.0
PAUSE_SECONDS: Final = 10.0
PATIENCE_SECONDS: Final = 5.0


class KeySet:
    """Keys by their ids.

    Those of a URL are kept for five minutes, and fetched before that for an id that they lack: a provider
    that begins to sign with a new key need not be waited for. There are ten seconds between two fetches at
    least, whatever tokens are sent and whatever the provider answers. Keys that cannot be fetched anew hold
    for an hour.
    """

    def __init__(self, place: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._remote: jwt.PyJWKClient | None = None
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at = self._tried_at = float("-inf")
        self._lock = asyncio.Lock()
        url = urlsplit(place)
        if url.scheme == "https" or (url.scheme == "http" and is_loopback(url.hostname or "")):
            self._remote = jwt.PyJWKClient(place, cache_jwk_set=False, timeout=PATIENCE_SECONDS)
        elif "://" in place:
            raise UsageError(
                "jwks must be a file, an https:// URL, or an http:// URL of this machine"
            )
        else:
            self._keys = _from_file(Path(place))

    async def key(self, id_: str) -> jwt.PyJWK:
        """Return a key. InvalidKeyError where the provider has none of this id; Unavailable while it is not known."""
        coming = self._lock.locked() and id_ not in self._keys
        if self._remote is not None and (coming or self._should_fetch(id_)):
            async with self._lock:
                if self._should_fetch(id_):
                    await self._fetch(self._remote)
        if self._remote is not None and self._clock() - self._fetched_at > STALE_SECONDS:
            raise Unavailable("the keys of the identity provider cannot be read now")
        try:
            return self._keys[id_]
        except KeyError:
            raise jwt.InvalidKeyError("unknown key") from None

    def _should_fetch(self, id_: str) -> bool:
        now = self._clock()
        fresh = id_ in self._keys and now - self._fetched_at < KEPT_SECONDS
        return not fresh and now - self._tried_at >= PAUSE_SECONDS

    async def _fetch(self, remote: jwt.PyJWKClient) -> None:
        self._tried_at = self._clock()
        try:
            found = jwt.PyJWKSet.from_dict(await asyncio.to_thread(remote.fetch_data))
        except (jwt.PyJWTError, ValueError, OSError):
            return  # the keys that are known hold for a while
        self._keys = _by_id(found.keys)
        self._fetched_at = self._clock()


def _by_id(keys: Iterable[jwt.PyJWK]) -> dict[str, jwt.PyJWK]:
    return {key.key_id: key for key in keys if key.key_id and key.public_key_use in {"sig", None}}


def _from_file(file: Path) -> dict[str, jwt.PyJWK]:
    try:
        found = jwt.PyJWKSet.from_dict(json.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from None
    except (ValueError, jwt.PyJWTError) as error:
        raise UsageError(f"{file} holds no key set: {type(error).__name__}") from None
    return _by_id(found.keys)
