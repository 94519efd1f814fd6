"""Tokens of an identity provider: JWTs, checked against its published keys."""

from __future__ import annotations

from typing import Any, Final

import jwt
import msgspec

from threadkeep.server.access.callers import Caller, Right
from threadkeep.server.access.jwks import KeySet
from threadkeep.server.bodies import Refused

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA")
LEEWAY: Final = 30


class JwtSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose tokens are taken.

    `jwks`: a file or a URL of the provider's keys, which must have ids. `claim`: the claim that says what the bearer
    may do: `{"namespaces": ["acme"], "right": "write", "user": ..., "threads": ...}`.
    """

    jwks: str
    issuer: str
    audience: str
    claim: str = "threadkeep"


class Grant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the claim holds."""

    namespaces: tuple[str, ...]
    right: Right = "read"
    user: str | None = None
    threads: str | None = None


class Tokens:
    """Checks tokens against the keys of their provider."""

    def __init__(self, settings: JwtSettings) -> None:
        self._settings = settings
        self._keys = KeySet(settings.jwks)

    async def caller(self, token: str) -> Caller:
        """Return who calls with a token; 401 for one that does not hold."""
        try:
            key = await self._key(token)
            found = jwt.decode(
                token,
                key,
                algorithms=list(ALGORITHMS),
                issuer=self._settings.issuer,
                audience=self._settings.audience,
                leeway=LEEWAY,
                options={"require": ["exp", "sub"]},
            )
        except jwt.PyJWTError as error:
            raise Refused(401, f"the token does not hold: {type(error).__name__}") from None
        return self._granted(found)

    async def _key(self, token: str) -> jwt.PyJWK:
        id_ = jwt.get_unverified_header(token).get("kid")
        if not isinstance(id_, str):
            raise jwt.InvalidKeyError("the token names no key")
        return await self._keys.key(id_)

    def _granted(self, found: dict[str, Any]) -> Caller:
        try:
            grant = msgspec.convert(found.get(self._settings.claim), Grant)
        except msgspec.ValidationError:
            raise Refused(403, f"the token has no usable claim {self._settings.claim!r}") from None
        if not grant.namespaces:
            raise Refused(403, "the token names no namespace")
        name = str(found["sub"])
        return Caller(
            name, grant.namespaces, grant.right, grant.user, grant.threads, f"token {name}"
        )
