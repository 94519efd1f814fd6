"""The gate: from a request's credential to its caller."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import msgspec

from threadkeep._async.store import AsyncStore
from threadkeep.errors import CodecError
from threadkeep.server.access.callers import ANY, Caller, everybody
from threadkeep.server.access.jwt import JwtSettings, Tokens
from threadkeep.server.access.keys import SPACE, Key, fits, id_of
from threadkeep.server.addresses import is_loopback
from threadkeep.server.bodies import Refused
from threadkeep.server.request import Request

KEPT_SECONDS: Final = 1.0
_ASK: Final = {"WWW_Authenticate": "Bearer"}


class Gate:
    """Tells callers apart by keys and tokens; a revoked key is refused a second later, by every worker.

    Without any key and without `jwt`, whoever calls from this machine is let in and may do everything;
    with `anyone` whoever calls at all, where the application around this one looks after that. A page of
    another origin than those in `cors` is not let in by that: its reader's browser is on this machine too.
    """

    def __init__(
        self,
        store: AsyncStore,
        jwt: JwtSettings | None = None,
        *,
        anyone: bool = False,
        cors: tuple[str, ...] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._state = store.within(SPACE).app().state
        self._tokens = None if jwt is None else Tokens(jwt)
        self._anyone, self._cors, self._clock = anyone, cors, clock
        self._keys: dict[str, Key] = {}
        self._until = float("-inf")
        self._everybody = everybody()

    async def caller(self, request: Request) -> Caller:
        """Return who calls. 401 without a credential that holds."""
        keys = self._keys if self._clock() < self._until else await self._known()
        if not keys and self._tokens is None:
            self._check_local(request)
            return self._everybody
        token = _credential(request)
        if token is None:
            raise Refused(401, "a key is needed: Authorization: Bearer, or x-api-key", **_ASK)
        if id_of(token) is None and self._tokens is not None:
            return await self._tokens.caller(token)
        id_ = id_of(token) or ""
        key = keys.get(id_) or (await self._known()).get(id_)  # it may have been made just now
        if not fits(token, key) or key is None:
            raise Refused(401, "the key is unknown or was revoked", **_ASK)
        return key.caller(id_)

    def _check_local(self, request: Request) -> None:
        if self._anyone:
            return
        client = request.scope.get("client")
        if client is not None and client[0] and not is_loopback(client[0]):
            raise Refused(
                401, "this server has no keys yet and serves its own machine alone", **_ASK
            )
        origin = request.header(b"origin")
        if origin is None or origin in self._cors or ANY in self._cors:
            return
        if origin.partition("://")[2] != request.header(b"host"):
            raise Refused(403, "a server without keys takes no calls from pages of this origin")

    async def _known(self) -> dict[str, Key]:
        """Return all keys, as they are now; they are kept for a second."""
        now = self._clock()
        found: dict[str, Any] = await self._state.get_all()
        self._keys = {id_: _key(raw) for id_, raw in found.items()}
        self._until = now + KEPT_SECONDS
        return self._keys


def _key(raw: Any) -> Key:
    try:
        return msgspec.convert(raw, Key)
    except msgspec.ValidationError as error:
        raise CodecError("a stored key cannot be read") from error


def _credential(request: Request) -> str | None:
    given = request.header(b"authorization")
    if given is not None:
        kind, _, token = given.partition(" ")
        if kind.lower() == "bearer" and token.strip():
            return token.strip()
        raise Refused(401, "the credential must be Authorization: Bearer KEY", **_ASK)
    return request.header(b"x-api-key") or None
