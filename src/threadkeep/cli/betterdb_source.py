"""The keys of a cache of BetterDB on a Redis or Valkey server, in pages, read without changing anything."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from typing import Any

import msgspec

from threadkeep.errors import Forbidden, Unavailable, UsageError
from threadkeep.layers.betterdb import pattern
from threadkeep.model.urls import mask

PAGE = 500
MILLI = 1_000  # microseconds


class Kept(msgspec.Struct, frozen=True):
    """A key as it stands: `value` None where it is no string; `ends` in microseconds, None for never."""

    key: bytes
    value: bytes | None
    ends: int | None


class BetterdbSource:
    """Reads one cache; `read` counts the keys."""

    def __init__(self, client: Any, name: str) -> None:
        self._client, self._name = client, name
        self.read = 0

    def pages(self) -> Iterator[list[Kept]]:
        """Yield the keys that stand, those with values of another type too; a key may come twice."""
        keys: Iterator[bytes] = self._client.scan_iter(match=pattern(self._name), count=1_000)
        while some := tuple(islice(keys, PAGE)):
            yield self._page(some)
            self.read += len(some)

    def policies(self) -> dict[bytes, bytes]:
        """Return the policies of tools as they stand, by name; none where they are no hash."""
        from redis.exceptions import ResponseError

        try:
            return self._client.hgetall(f"{self._name}:__tool_policies")
        except ResponseError:
            return {}

    def _page(self, keys: tuple[bytes, ...]) -> list[Kept]:
        seconds, micros = self._client.time()
        now = int(seconds) * 1_000_000 + int(micros)
        pipeline = self._client.pipeline(transaction=False)
        for key in keys:
            pipeline.pttl(key)
            pipeline.get(key)
        answers = pipeline.execute(raise_on_error=False)
        found: list[Kept] = []
        for key, left, value in zip(keys, answers[::2], answers[1::2], strict=True):
            if isinstance(left, Exception):
                raise left
            if left == -2 or value is None:
                continue  # ended meanwhile
            odd = isinstance(value, Exception)
            if odd and "WRONGTYPE" not in str(value):
                raise value
            ends = None if left < 0 else now + left * MILLI
            found.append(Kept(key, None if odd else value, ends))
        return found


@contextmanager
def betterdb(url: str, name: str) -> Generator[BetterdbSource]:
    """Open the server that a URL names. UsageError, Forbidden, Unavailable: it cannot be read."""
    try:
        import redis
        from redis.exceptions import NoPermissionError
    except ImportError as error:
        raise UsageError(
            "to read what BetterDB wrote, redis-py is needed: pip install 'threadkeep[betterdb]'"
        ) from error
    scheme, _, place = url.partition("://")
    base, _, cluster = scheme.partition("+")
    base = base.replace("valkey", "redis")
    if base not in {"redis", "rediss"} or cluster not in {"", "cluster"} or not place:
        raise UsageError(
            f"{mask(url)!r} is no server; write redis://, rediss:// or redis+cluster://"
        )
    maker: Any = redis.RedisCluster if cluster else redis.Redis
    try:
        with closing(_connected(maker, f"{base}://{place}")) as client:
            yield BetterdbSource(client, name)
    except (redis.AuthenticationError, NoPermissionError) as error:
        raise Forbidden(f"{mask(url)} refuses to be read: {error}") from error
    except redis.RedisError as error:
        raise Unavailable(f"{mask(url)} could not be read: {error}") from error


def _connected(maker: Any, url: str) -> Any:
    try:
        client = maker.from_url(url, decode_responses=False)
    except ValueError as error:
        raise UsageError(f"{mask(url)!r} is no URL of a server: {error}") from None
    client.ping()
    return client
