"""The settings of a redis-py or valkey-py client."""

from __future__ import annotations

import ssl
from typing import Any, Final

from threadkeep.engines.redis.links.settings import Login, Mode, Settings, Tls
from threadkeep.engines.redis.links.slots import Address
from threadkeep.errors import UsageError

_LIBRARIES: Final = {"redis", "valkey"}
_VERIFY: Final = {
    "none": ssl.CERT_NONE,
    "optional": ssl.CERT_OPTIONAL,
    "required": ssl.CERT_REQUIRED,
    None: ssl.CERT_NONE,
}
_CONNECT: Final = ("redis_connect_func", "valkey_connect_func")
# what asks for something that this engine does not do, and must not be ignored
_REFUSED: Final = (
    *_CONNECT,
    "ssl_validate_ocsp",
    "ssl_validate_ocsp_stapled",
    "ssl_include_verify_flags",
    "ssl_exclude_verify_flags",
)


def settings_from(client: Any, *, asynchronous: bool) -> Settings:
    """Return how the client reaches its servers. Raises UsageError for a client of another kind."""
    modules = {kind.__module__ for kind in type(client).__mro__}
    if not {module.partition(".")[0] for module in modules} & _LIBRARIES:
        raise UsageError(
            f"from_client takes a redis-py or valkey-py client, not {type(client).__name__}"
        )
    if any(".asyncio" in module for module in modules) is not asynchronous:
        found, wanted = (
            ("an asyncio", "Store") if not asynchronous else ("a blocking", "AsyncStore")
        )
        fitting = "AsyncStore" if wanted == "Store" else "Store"
        raise UsageError(f"{type(client).__name__} is {found} client; use {fitting} with it")
    if hasattr(client, "nodes_manager"):
        return _of_cluster(client)
    pool = client.connection_pool
    if hasattr(pool, "sentinel_manager"):
        return _of_sentinels(pool)
    kwargs = pool.connection_kwargs
    _check_class(pool.connection_class)
    return _settings(kwargs, (_address(kwargs),), "single", pool.connection_class)


def _of_cluster(client: Any) -> Settings:
    manager = client.nodes_manager
    # the blocking clients put a function of their own there, and the caller's beside
    own = dict.fromkeys(_CONNECT, getattr(client, "user_on_connect_func", None))
    kwargs = {**manager.connection_kwargs, **own}
    nodes = tuple(Address(node.host, int(node.port)) for node in manager.startup_nodes.values())
    node = next(iter(manager.startup_nodes.values()))
    kind = getattr(node, "connection_class", None) or kwargs.get("connection_class")
    secure = "SSL" in getattr(kind, "__name__", "") or bool(kwargs.get("ssl"))
    remap = getattr(manager, "address_remap", None)
    return _settings(kwargs, nodes, "cluster", kind, secure=secure, remap=remap)


def _of_sentinels(pool: Any) -> Settings:
    sentinels = [one.connection_pool for one in pool.sentinel_manager.sentinels]
    ways = sentinels[0].connection_kwargs
    return _settings(
        pool.connection_kwargs,
        tuple(_address(one.connection_kwargs) for one in sentinels),
        "sentinel",
        pool.connection_class,
        service=pool.service_name,
        sentinel_login=_login(ways),
        sentinel_tls=_tls(ways) if "SSL" in sentinels[0].connection_class.__name__ else None,
    )


def _check_class(kind: type) -> None:
    if kind.__module__.partition(".")[0] not in _LIBRARIES:
        raise UsageError(
            f"the client's connections are of the class {kind.__name__}; "
            "threadkeep makes its own from the client's settings, so pass a client with the usual ones"
        )


def _settings(
    kwargs: dict[str, Any],
    addresses: tuple[Address, ...],
    mode: Mode,
    kind: type | None,
    *,
    secure: bool | None = None,
    **more: Any,
) -> Settings:
    if kind is not None:
        _check_class(kind)
    refused = [name for name in _REFUSED if kwargs.get(name)]
    if refused:
        raise UsageError(
            f"the client has {', '.join(refused)}, which threadkeep does not take over"
        )
    if secure is None:
        secure = kind is not None and "SSL" in kind.__name__
    timeout = kwargs.get("socket_timeout") or 5.0
    return Settings(
        addresses=addresses,
        mode=mode,
        login=_login(kwargs),
        db=int(kwargs.get("db") or 0),
        client_name=kwargs.get("client_name"),
        tls=_tls(kwargs) if secure else None,
        timeout=timeout,
        connect_timeout=kwargs.get("socket_connect_timeout") or timeout,
        **more,
    )


def _address(kwargs: dict[str, Any]) -> Address:
    if kwargs.get("path"):
        return Address(str(kwargs["path"]), 0)
    return Address(kwargs.get("host") or "localhost", int(kwargs.get("port") or 6379))


def _login(kwargs: dict[str, Any]) -> Login:
    provider = kwargs.get("credential_provider")
    if provider is not None:
        return Login(credentials=provider.get_credentials)
    return Login(kwargs.get("username") or None, kwargs.get("password") or None)


def _tls(kwargs: dict[str, Any]) -> Tls:
    verify = kwargs.get("ssl_cert_reqs", "required")
    return Tls(
        ca_file=kwargs.get("ssl_ca_certs"),
        ca_path=kwargs.get("ssl_ca_path"),
        ca_data=kwargs.get("ssl_ca_data"),
        cert_file=kwargs.get("ssl_certfile"),
        key_file=kwargs.get("ssl_keyfile"),
        key_password=kwargs.get("ssl_password"),
        verify=verify if isinstance(verify, ssl.VerifyMode) else _VERIFY[verify],
        check_hostname=bool(kwargs.get("ssl_check_hostname", True)),
        ciphers=kwargs.get("ssl_ciphers"),
        min_version=kwargs.get("ssl_min_version"),
    )
