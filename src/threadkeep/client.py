"""A client of the routes of thread values, with the names that people know from Distri."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

import httpx

from threadkeep.engines.http.answers import error_of
from threadkeep.errors import Timeout, Unavailable, UsageError
from threadkeep.model.leases import Until
from threadkeep.model.parts import PREFIX, file_part, text_part

_LOST: Final = {"", ".", ".."}  # clients and proxies take such segments out of a path


class Distri:
    """Thread values and user parts over HTTP, for asyncio.

    Args:
        base_url: the server's address with `/v1` or `/api/v1`.
        api_key: a key of the server; sent as `x-api-key`.
        access_token: a key or token; sent as `Authorization: Bearer`.
        workspace_id: the namespace to use, where the credential allows several.
        timeout: seconds that a call may take.
    """

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str | None = None,
        access_token: str | None = None,
        workspace_id: str | None = None,
        timeout: float = 30.0,
    ) -> None:
        given = {
            "x-api-key": api_key,
            "Authorization": None if access_token is None else f"Bearer {access_token}",
            "X-Workspace-Id": workspace_id,
        }
        headers = {name: value for name, value in given.items() if value is not None}
        self._base = base_url.rstrip("/")
        self._timeout = timeout
        self._http = httpx.AsyncClient(
            headers=headers | {"Content-Type": "application/json"},
            timeout=timeout,
            trust_env=False,
            transport=httpx.AsyncHTTPTransport(retries=3),
        )

    async def set_session_value(
        self, session_id: str, key: str, value: Any, expiry: datetime | str | None = None
    ) -> None:
        """Set one value of a session; without `expiry` (aware, or RFC 3339) it has the default lease."""
        _encoded(key)
        body: dict[str, Any] = {"key": key, "value": value}
        if isinstance(expiry, datetime):
            Until(expiry)  # refuses a naive one
            body["expiry"] = expiry.isoformat()
        elif expiry is not None:
            body["expiry"] = expiry
        await self._call("POST", f"{_session(session_id)}/values", body)

    async def get_session_value(self, session_id: str, key: str) -> Any:
        """Return one value of a session; None where none stands, or None does."""
        found = await self._call("GET", f"{_session(session_id)}/values/{_encoded(key)}")
        return _of(found, "value")

    async def get_session_values(self, session_id: str) -> dict[str, Any]:
        """Return all values of a session by key."""
        found = await self._call("GET", f"{_session(session_id)}/values")
        return _of(found, "values")

    async def delete_session_value(self, session_id: str, key: str) -> None:
        """Delete one value of a session, if it stands."""
        await self._call("DELETE", f"{_session(session_id)}/values/{_encoded(key)}")

    async def clear_session(self, session_id: str) -> None:
        """Delete all values of a session."""
        await self._call("DELETE", _session(session_id))

    async def set_user_part_text(self, session_id: str, name: str, text: str) -> None:
        """Set a part of text for the next user message."""
        await self.set_session_value(session_id, PREFIX + name, text_part(text))

    async def set_user_part_image(
        self,
        session_id: str,
        part: str,
        image: Mapping[str, Any] | None = None,
        *,
        bytes: str | None = None,
        url: str | None = None,
        mime_type: str | None = None,
        name: str | None = None,
    ) -> None:
        """Set an image for the next user message: `bytes` is base64; `name` is that of the file.

        All of these may come as one mapping, `image`, as they do in TypeScript (`mimeType` or `mime_type`).
        """
        given = {"bytes": bytes, "url": url, "mime_type": mime_type, "name": name}
        if image is not None:
            given = _image(image, given)
        made = file_part("image", given["bytes"], given["url"], given["mime_type"], given["name"])
        await self.set_session_value(session_id, PREFIX + part, made)

    async def delete_user_part(self, session_id: str, name: str) -> None:
        """Delete a part, if it stands."""
        await self.delete_session_value(session_id, PREFIX + name)

    async def clear_user_parts(self, session_id: str) -> None:
        """Delete all parts: one call, which downloads nothing."""
        await self._call("DELETE", f"/threads/{_encoded(session_id)}/parts")

    async def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Return what a route answers. Made again only where no connection came about."""
        content = None if body is None else _json(body)
        try:
            async with asyncio.timeout(self._timeout):
                answer = await self._http.request(method, self._base + path, content=content)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise Timeout(
                f"{self._base} did not answer within {self._timeout:g} seconds",
                maybe_applied=method != "GET",
            ) from error
        except httpx.HTTPError as error:
            unsent = method == "GET" or isinstance(error, httpx.ConnectError)
            raise Unavailable(
                f"the connection to {self._base} failed: {type(error).__name__}",
                maybe_applied=not unsent,
            ) from error
        if not 200 <= answer.status_code < 300:
            raise error_of(answer.status_code, answer.content)
        try:
            return answer.json() if answer.content else None
        except ValueError:
            raise UsageError(f"{self._base} did not answer with JSON; check base_url") from None

    async def aclose(self) -> None:
        """Close the connections; twice is fine."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()


def _image(image: Mapping[str, Any], beside: dict[str, str | None]) -> dict[str, Any]:
    """Return what a mapping says of an image. UsageError for names that it cannot have."""
    named = {"mime_type" if name == "mimeType" else name: value for name, value in image.items()}
    unknown = sorted(set(named) - {*beside, "type"})
    if unknown:
        raise UsageError(f"an image has bytes or url, mime_type and name, not {unknown[0]!r}")
    if len(named) != len(image) or any(value is not None for value in beside.values()):
        raise UsageError("pass an image as one mapping or by its parts, not both")
    return beside | named


def _of(found: Any, name: str) -> Any:
    try:
        return found[name]
    except (KeyError, TypeError):
        raise UsageError("the answer is none of this API; check base_url") from None


def _session(session_id: str) -> str:
    return f"/sessions/{_encoded(session_id)}"


def _encoded(name: str) -> str:
    """Return a name as a segment of a path. UsageError for one that URLs do not carry."""
    if name in _LOST:
        raise UsageError(f"{name!r} can be no session, key or part: URLs do not carry it")
    try:
        return quote(name, safe="!'()*~.-_")
    except UnicodeEncodeError:
        raise UsageError("a name must be text that UTF-8 can hold") from None


def _json(body: dict[str, Any]) -> bytes:
    try:
        return json.dumps(body, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"the value is no JSON: {error}") from None
