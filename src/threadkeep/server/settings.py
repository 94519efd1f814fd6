"""What a server may be told: where it listens, what it keeps, whom it lets in, what a request may weigh."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec

from threadkeep.errors import UsageError
from threadkeep.model.options import Limits, MiB
from threadkeep.server.access.jwt import JwtSettings
from threadkeep.server.addresses import is_loopback

_USUAL = Limits()
Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
Count = Annotated[int, msgspec.Meta(ge=1, le=1 << 40)]


class ServerLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a request may weigh.

    `body`: bytes of a body, packed and unpacked; `batch`: the same for the HTTP engine. `path`: bytes of
    a path with its query. `headers`: bytes of all headers. `head_seconds`: how long headers may take to
    come. `body_seconds`: how long a body may, and a reader of events to take one. `streams`: watchers of a
    worker at a time. `requests`, `bytes`: how many a caller may send a second, over all workers; None for
    any. `burst_seconds`: how many seconds' worth a caller may send at once after a pause. `value`, `part`,
    `snapshot`: bytes of one, in the store that `threadkeep serve` opens.
    """

    body: Count = 16 * MiB
    batch: Count = 48 * MiB
    path: Count = 8_192
    headers: Count = 32_768
    head_seconds: Seconds = 10.0
    body_seconds: Seconds = 30.0
    streams: Count = 10_000
    requests: Count | None = None
    bytes: Count | None = None
    burst_seconds: Seconds = 1.0
    value: Count = _USUAL.value
    part: Count = _USUAL.part
    snapshot: Count = _USUAL.snapshot


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How `threadkeep serve` runs.

    `sweep`: seconds between two sweeps, 0 for none. `drain`: seconds that requests have to end when the
    server stops. `cors`: origins that browsers may call from, `*` for any; none by default. `share_port`:
    listen where another server listens already, to take over from it without a gap.
    """

    store: str = "sqlite:///threadkeep.db"
    namespace: str = "default"
    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 8787
    share_port: bool = False
    uds: str | None = None
    workers: Annotated[int, msgspec.Meta(ge=1, le=256)] = 1
    tls_cert: str | None = None
    tls_key: str | None = None
    cors: tuple[str, ...] = ()
    sweep: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 30.0
    drain: Seconds = 20.0
    jwt: JwtSettings | None = None
    limits: ServerLimits = ServerLimits()

    @property
    def loopback(self) -> bool:
        """Tell whether only programs of this machine can reach the server."""
        return self.uds is not None or is_loopback(self.host)

    @property
    def address(self) -> str:
        """Return the address for people."""
        if self.uds is not None:
            return f"unix:{self.uds}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls_cert else 'http'}://{host}:{self.port}"


def load(file: Path | None, given: Mapping[str, Any]) -> ServerSettings:
    """Return the settings: what is `given` goes before the TOML file, the file before the defaults.

    None in `given` means not given; what a table such as `limits` is given goes before the file name by
    name. UsageError names what is unknown or wrong.
    """
    found = {} if file is None else _from_file(file)
    for name, value in given.items():
        if isinstance(value, Mapping) and isinstance(found.get(name), dict):
            found[name] |= value
        elif value is not None:
            found[name] = value
    try:
        settings = msgspec.convert(found, ServerSettings)
    except msgspec.ValidationError as error:
        raise UsageError(f"the settings of the server are wrong: {error}") from None
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise UsageError("tls_cert and tls_key go together")
    return settings


def _from_file(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is no TOML file: {error}") from None
