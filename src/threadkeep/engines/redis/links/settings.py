"""How to reach the servers."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Literal

import msgspec

from threadkeep.engines.redis.links.slots import Address
from threadkeep.errors import UsageError

Mode = Literal["single", "sentinel", "cluster"]
Credentials = Callable[[], tuple[str, ...]]


class Tls(msgspec.Struct, frozen=True):
    """How to check the server's certificate, and which one to show."""

    ca_file: str | None = None
    ca_path: str | None = None
    ca_data: str | bytes | None = None
    cert_file: str | None = None
    key_file: str | None = None
    key_password: str | None = None
    verify: ssl.VerifyMode = ssl.CERT_REQUIRED
    check_hostname: bool = True
    ciphers: str | None = None
    min_version: ssl.TLSVersion | None = None

    def context(self) -> ssl.SSLContext:
        """Return the context of new connections. Raises UsageError for files that cannot be used."""
        context = ssl.create_default_context()
        context.check_hostname = self.check_hostname and self.verify != ssl.CERT_NONE
        context.verify_mode = self.verify
        try:
            if self.cert_file or self.key_file:
                context.load_cert_chain(
                    self.cert_file or "", self.key_file, lambda: self.key_password or ""
                )
            if self.ca_file or self.ca_path or self.ca_data:
                context.load_verify_locations(self.ca_file, self.ca_path, self.ca_data)
        except (OSError, ValueError) as error:
            raise UsageError(f"the TLS certificate, key or CA cannot be used: {error}") from None
        if self.min_version is not None:
            context.minimum_version = self.min_version
        if self.ciphers is not None:
            context.set_ciphers(self.ciphers)
        return context


class Login(msgspec.Struct, frozen=True):
    """Who to be. `credentials` is asked at each new connection for `(password,)` or `(user, password)`."""

    username: str | None = None
    password: str | None = None
    credentials: Credentials | None = None

    def words(self) -> tuple[str, ...]:
        """Return the arguments of AUTH; none where nothing is to be said."""
        if self.credentials is not None:
            return self.credentials()
        if self.password is None and self.username is None:
            return ()
        return (*((self.username,) if self.username else ()), self.password or "")


class Settings(msgspec.Struct, frozen=True):
    """How to reach the servers; times in seconds.

    `timeout`: for the answer to a call. `failover_timeout`: for a call that waits for a primary, a slot
    on its way or a server that loads its data. `service`: what the sentinels call the primary.
    """

    addresses: tuple[Address, ...]
    mode: Mode = "single"
    service: str | None = None
    login: Login = Login()
    sentinel_login: Login = Login()
    db: int = 0
    client_name: str | None = None
    tls: Tls | None = None
    sentinel_tls: Tls | None = None
    timeout: float = 5.0
    connect_timeout: float = 5.0
    failover_timeout: float = 30.0
    remap: Callable[[tuple[str, int]], tuple[str, int]] | None = None

    def greeting(self) -> list[tuple[str, ...]]:
        """Return what is said first on each connection; the last tells whether the server is ready."""
        said: list[tuple[str, ...]] = []
        if words := self.login.words():
            said.append(("AUTH", *words))
        if self.client_name:
            said.append(("CLIENT", "SETNAME", self.client_name))
        if self.db:
            said.append(("SELECT", str(self.db)))
        return [*said, ("PING",)]

    def of_sentinels(self) -> Settings:
        """Return how to reach the sentinels."""
        return msgspec.structs.replace(
            self, login=self.sentinel_login, tls=self.sentinel_tls, db=0, client_name=None
        )
