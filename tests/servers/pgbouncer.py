"""PgBouncer before a PostgreSQL server, in transaction mode."""

from __future__ import annotations

import os
import pwd
import shutil

import psycopg
import pytest

from tests.servers.postgres import USER, PostgresServer
from tests.servers.process import ServerProcess


class PgBouncer(ServerProcess):
    """A pooler; its clients share `connections` of the server's."""

    def __init__(self, server: PostgresServer, *, connections: int = 3) -> None:
        found = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        if found is None:
            pytest.skip("PgBouncer is not here; it is Debian's package pgbouncer")
        self._program, self._server, self._connections = found, server, connections
        super().__init__("PgBouncer")
        if os.geteuid() == 0:  # it refuses to run as root
            owner = pwd.getpwnam(USER)
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)

    def command(self) -> list[str]:
        settings = {
            "listen_addr": "127.0.0.1",
            "listen_port": self.port,
            "unix_socket_dir": "",
            "auth_type": "any",
            "pool_mode": "transaction",
            "default_pool_size": self._connections,
            "max_client_conn": 200,
        }
        file = self.folder / "pgbouncer.ini"
        target = f"host=127.0.0.1 port={self._server.port} user={USER}"
        lines = [f"{name} = {value}" for name, value in settings.items()]
        file.write_text("\n".join(["[databases]", f"postgres = {target}", "[pgbouncer]", *lines]))
        user = ["-u", USER] if os.geteuid() == 0 else []
        return [self._program, *user, str(file)]

    def answers(self) -> bool:
        try:
            with psycopg.connect(self.url, connect_timeout=5) as con:
                con.execute("select 1")
        except psycopg.OperationalError:
            return False
        return True

    @property
    def url(self) -> str:
        return f"postgresql://{USER}@127.0.0.1:{self.port}/postgres"
