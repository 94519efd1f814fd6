"""MariaDB servers: data of the tests' own, as Debian's packages have the programs."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from typing import Any

import pymysql
import pytest

from tests.servers.process import ServerProcess

USER = "mysql"
PLACES = ("/usr/sbin", "/usr/libexec", "/usr/local/sbin")


def program(name: str) -> str:
    """Return the path of a program, or skip: there is none on this machine."""
    found = shutil.which(name) or shutil.which(name, path=":".join(PLACES))
    if found is None:
        pytest.skip(f"{name} is not here; it is in Debian's package mariadb-server")
    return found


class MariadbServer(ServerProcess):
    """A server. `config` overrides its settings; it is quick and forgets at a power cut without `durable`."""

    def __init__(self, *, port: int | None = None, durable: bool = False, **config: object) -> None:
        self._program = program("mariadbd")
        self._installer = program("mariadb-install-db")
        super().__init__("MariaDB", port=port)
        quick = (
            {} if durable else {"innodb-flush-log-at-trx-commit": 0, "innodb-doublewrite": "OFF"}
        )
        self.config: dict[str, object] = {
            **quick,
            "innodb-buffer-pool-size": "64M",
            "innodb-log-file-size": "48M",
            "max-allowed-packet": "64M",
            "max-connections": 300,
            "skip-name-resolve": "ON",
            **config,
        }
        self._owner = pwd.getpwnam(USER) if os.geteuid() == 0 else None
        if self._owner is not None:  # the server does not like to run as root
            os.chown(self.folder, self._owner.pw_uid, self._owner.pw_gid)

    def _as_owner(self) -> list[str]:
        return [] if self._owner is None else [f"--user={USER}"]

    def _spawn(self) -> None:
        if not (self.data / "mysql").exists():
            self._init()
        super()._spawn()

    def _init(self) -> None:
        shutil.rmtree(self.data, ignore_errors=True)
        options = [f"--datadir={self.data}", "--auth-root-authentication-method=normal"]
        # a server that starts removes the temporary tables there
        own = {"TMPDIR": str(self.folder)}
        subprocess.run(
            [self._installer, "--no-defaults", *self._as_owner(), *options, "--skip-test-db"],
            check=True,
            capture_output=True,
            cwd=self.folder,
            env={**os.environ, **own},
        )

    def command(self) -> list[str]:
        settings = {
            "datadir": self.data,
            "tmpdir": self.folder,
            "port": self.port,
            "bind-address": "127.0.0.1",
            "socket": self.folder / "s",
            "pid-file": self.folder / "pid",
            **self.config,
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        return [self._program, "--no-defaults", *self._as_owner(), *options]

    def answers(self) -> bool:
        try:
            self.execute("select 1")
        except pymysql.err.OperationalError:
            return False
        return True

    def connect(self, database: str | None = None, **options: Any) -> pymysql.Connection[Any]:
        """Return a connection of the administrator's, in autocommit mode."""
        given: dict[str, Any] = {"autocommit": True, "connect_timeout": 5, **options}
        return pymysql.connect(
            host="127.0.0.1", port=self.port, user="root", database=database, **given
        )

    def execute(self, statement: str, *args: object, database: str | None = None) -> list[Any]:
        """Return the rows of a statement."""
        with self.connect(database) as con, con.cursor() as cursor:
            cursor.execute(statement, args or None)
            return list(cursor.fetchall())

    def url_of(self, database: str) -> str:
        return f"mariadb://root@127.0.0.1:{self.port}/{database}"
