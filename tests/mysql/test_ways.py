"""Ways to the server: a socket of the machine's own, and TLS with an authority to trust."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.mariadb import USER, MariadbServer
from tests.servers.tls import Certificates
from threadkeep import AsyncStore, Forbidden, Store, Unavailable


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[MariadbServer, Path]]:
    """A server that speaks TLS, with a user who must, and the authority of its certificate."""
    made = Certificates(tmp_path_factory.mktemp("keys"))
    server = MariadbServer()
    for name, path in (("cert", made.certificate), ("key", made.key)):
        own = shutil.copy(path, server.folder / f"{name}.pem")
        if server._owner is not None:
            shutil.chown(own, USER)
        server.config[f"ssl-{name}"] = own
    with server:
        server.execute("create database store")
        server.execute("create user agent@'%' identified by 'secret' require ssl")
        server.execute("grant all on store.* to agent@'%'")
        yield server, Path(made.ca)


def _round(url: str) -> None:
    """Write and read, with await and without."""

    async def run() -> None:
        async with AsyncStore(url) as store:
            await store.thread("t").state.set("n", 1)

    asyncio.run(run())
    with Store(url) as store:
        assert store.thread("t").state.get("n") == 1


def test_a_socket_takes_the_place_of_host_and_port(secure: tuple[MariadbServer, Path]):
    server, _ = secure
    _round(f"mariadb://root@nowhere.invalid:1/store?unix_socket={server.folder / 's'}")


def test_tls_with_an_authority_to_trust(secure: tuple[MariadbServer, Path]):
    server, ca = secure
    _round(f"mariadb://agent:secret@localhost:{server.port}/store?tls=true&ca={ca}")


def test_a_server_that_is_not_trusted_or_not_asked_for_tls(secure: tuple[MariadbServer, Path]):
    server, _ = secure
    url = f"mariadb://agent:secret@localhost:{server.port}/store"
    with pytest.raises(Unavailable, match=r"(?i)certificate"):
        Store(f"{url}?tls=true&wait=0.2").thread("t").state.get("n")
    with pytest.raises(Forbidden):
        Store(url).thread("t").state.get("n")
