"""The options of `threadkeep serve`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from threadkeep.errors import UsageError


def env(name: str, text: str) -> Parameter:
    """Return what an option of the server is: an environment variable, a text."""
    return Parameter(env_var=f"THREADKEEP_{name}", help=text, negative="")


@Parameter(name="*")
@dataclass(frozen=True)
class Options:
    """What a server may be told beside its store; None: the file says, or the default."""

    host: Annotated[str | None, env("HOST", "Address to listen on; 127.0.0.1 if omitted.")] = None
    port: Annotated[int | None, env("PORT", "Port to listen on; 8787 if omitted.")] = None
    share_port: Annotated[
        bool | None,
        env("SHARE_PORT", "Listen where a server listens already, to take over from it."),
    ] = None
    uds: Annotated[str | None, env("UDS", "Unix socket to listen on instead.")] = None
    workers: Annotated[int | None, env("WORKERS", "Processes; 1 if omitted.")] = None
    tls_cert: Annotated[str | None, env("TLS_CERT", "File of the certificate chain.")] = None
    tls_key: Annotated[str | None, env("TLS_KEY", "File of the certificate's key.")] = None
    cors: Annotated[
        list[str] | None, env("CORS", "Origin that browsers may call from; may be repeated.")
    ] = None
    sweep: Annotated[
        float | None, env("SWEEP", "Seconds between two sweeps, 0 for none; 30 if omitted.")
    ] = None
    drain: Annotated[
        float | None, env("DRAIN", "Seconds that requests have to end; 20 if omitted.")
    ] = None
    limit: Annotated[
        list[str] | None,
        env("LIMITS", "A limit as NAME=VALUE, such as requests=100; may be repeated."),
    ] = None
    jwks: Annotated[str | None, env("JWKS", "File or URL of the keys of an identity provider.")] = (
        None
    )
    issuer: Annotated[str | None, env("ISSUER", "Who issues the provider's tokens.")] = None
    audience: Annotated[str | None, env("AUDIENCE", "Whom the tokens are for.")] = None
    config: Annotated[Path | None, env("CONFIG", "TOML file with these settings.")] = None

    def given(self) -> dict[str, Any]:
        """Return the settings that were given. UsageError for a limit that cannot be read."""
        return {
            "host": self.host,
            "port": self.port,
            "share_port": self.share_port,
            "uds": self.uds,
            "workers": self.workers,
            "tls_cert": self.tls_cert,
            "tls_key": self.tls_key,
            "cors": self.cors or None,
            "sweep": self.sweep,
            "drain": self.drain,
            "limits": _limits(self.limit or []),
            "jwt": _given(jwks=self.jwks, issuer=self.issuer, audience=self.audience),
        }


USUAL = Options()


def _given(**values: Any) -> dict[str, Any] | None:
    return {name: value for name, value in values.items() if value is not None} or None


def _limits(given: list[str]) -> dict[str, float] | None:
    found: dict[str, float] = {}
    for one in given:
        name, _, text = one.partition("=")
        try:
            number = float(text)
        except ValueError:
            raise UsageError(f"limit {one!r} is not NAME=NUMBER, such as requests=100") from None
        found[name] = int(number) if number.is_integer() else number
    return found or None
