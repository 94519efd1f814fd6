"""Whether a server can start: its port is free, its files can be read, its keys fit."""

from __future__ import annotations

import errno
import socket
import ssl

import msgspec

from threadkeep.errors import UsageError
from threadkeep.server.access.jwks import KeySet
from threadkeep.server.settings import ServerSettings


def checked(settings: ServerSettings) -> ServerSettings:
    """Return the settings with a free port for port 0; UsageError for what would stop each worker later."""
    if settings.uds is None and not settings.share_port:
        port = _free_port(settings.host, settings.port)
        settings = msgspec.structs.replace(settings, port=port)
    if settings.tls_cert is not None:
        _check_tls(settings)
    if settings.jwt is not None:
        KeySet(settings.jwt.jwks)
    return settings


def _free_port(host: str, port: int) -> int:
    """Refuse a port where another server listens: the two would share it, and each get half of the calls."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, proto) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
            return tried.getsockname()[1]
    except OSError as error:
        more = "; to take over from a server there: --share-port" * (
            error.errno == errno.EADDRINUSE
        )
        raise UsageError(f"cannot listen on {host}:{port}: {error.strerror}{more}") from None


def _check_tls(settings: ServerSettings) -> None:
    assert settings.tls_cert is not None  # noqa: S101 - the caller asked
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.tls_cert, settings.tls_key)
    except OSError as error:  # ssl.SSLError is one
        raise UsageError(
            f"{settings.tls_cert} and {settings.tls_key} are no certificate and its key:"
            f" {error.strerror or error}"
        ) from None
