"""Tokens of an identity provider: JWTs, checked against its published keys."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, Final

import jwt
import msgspec

from threadkeep.errors import Unavailable, UsageError
from threadkeep.server.access.callers import Caller, Right
from threadkeep.server.bodies import Refused

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA")
LEEWAY: Final = 30


class JwtSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose tokens are taken.

    `jwks`: a file or an https URL of the provider's keys. `claim`: the claim that says what the bearer
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
    """Checks tokens; the provider's keys are fetched at first use and again for a key it does not know."""

    def __init__(self, settings: JwtSettings) -> None:
        self._settings = settings
        self._fixed: jwt.PyJWKSet | None = None
        self._remote: jwt.PyJWKClient | None = None
        if settings.jwks.startswith("https://"):
            self._remote = jwt.PyJWKClient(settings.jwks, cache_keys=True, timeout=10)
        elif "://" in settings.jwks:
            raise UsageError("jwks must be a file or an https:// URL")
        else:
            self._fixed = _from_file(Path(settings.jwks))

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
        except jwt.PyJWKClientConnectionError as error:
            raise Unavailable("the keys of the identity provider cannot be read now") from error
        except jwt.PyJWTError as error:
            raise Refused(401, f"the token does not hold: {type(error).__name__}") from None
        return self._granted(found)

    async def _key(self, token: str) -> jwt.PyJWK:
        if self._remote is not None:
            return await asyncio.to_thread(self._remote.get_signing_key_from_jwt, token)
        assert self._fixed is not None  # noqa: S101 - one of the two is set
        kid = jwt.get_unverified_header(token).get("kid")
        for key in self._fixed.keys:
            if key.key_id == kid:
                return key
        raise jwt.InvalidKeyError("unknown key")

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


def _from_file(file: Path) -> jwt.PyJWKSet:
    try:
        return jwt.PyJWKSet.from_dict(json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, jwt.PyJWTError) as error:
        raise UsageError(f"{file} holds no key set: {type(error).__name__}") from None
