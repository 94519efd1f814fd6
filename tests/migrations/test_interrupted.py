"""A migration that is killed in its middle has not happened, and the next one goes through."""

from __future__ import annotations

from contextlib import suppress

import pytest

from tests.migrations.contents import check
from tests.migrations.places import (
    DIALECTS,
    MysqlPlace,
    Place,
    PostgresPlace,
    SqlitePlace,
    alone,
    applied,
    fixtures,
    load,
    migrations,
    rows,
    waits,
)
from tests.migrations.releases import Release
from tests.migrations.upcoming import add_brake
from tests.servers.postgres import PostgresServer
from tests.servers.waiting import eventually
from threadkeep import Store


@pytest.fixture(scope="module")
def braked(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """A release whose migration changes something and then stands still until it is let go on."""
    release = Release(tmp_path_factory.mktemp("braked"))
    for dialect in DIALECTS:
        add_brake(release, dialect)
    return release


class Brake:
    """What a migration of `braked` waits for."""

    def __init__(self, place: SqlitePlace | PostgresPlace | MysqlPlace) -> None:
        self.place = place
        place.run("create table brake (n bigint); insert into brake values (1000000000000000)")
        self.con = None
        if not isinstance(place, SqlitePlace):
            self.con = place.server.connect(place.database, autocommit=False)
            self.con.cursor().execute("select n from brake for update")

    def release(self) -> None:
        if self.con is not None:
            with suppress(Exception):  # the server may have been killed
                self.con.rollback()
            self.con.close()
        else:
            self.place.run("update brake set n = 1")


def _unchanged(place: Place, before: dict[str, list[str]]) -> None:
    """The store is as it was, and a program of this release works with it."""
    assert applied(place) == [m.number for m in migrations(place.dialect)]
    now = rows(place)
    if place.dialect == "mysql":  # each statement that was done stands: a column more
        assert {t: len(found) for t, found in now.items()} == {t: len(f) for t, f in before.items()}
    else:
        assert now == before
    with Store(place.url) as store:
        check(store)


def test_a_process_that_is_killed(place: SqlitePlace | PostgresPlace | MysqlPlace, braked: Release):
    before = rows(place)
    brake = Brake(place)
    with braked.start("migrate", "apply", "--store", place.url) as program:
        eventually(lambda: waits(place), "a migration is under way")
        program.kill()
        program.wait()
    brake.release()
    eventually(lambda: alone(place), "the server has noticed")
    _unchanged(place, before)
    braked.ok("migrate", "apply", "--store", place.url)
    assert applied(place)[-1] == migrations(place.dialect)[-1].number + 1


@pytest.mark.long
def test_a_server_that_is_killed(braked: Release):
    with PostgresServer(durable=True) as server:
        place = PostgresPlace(server, "killed")
        load(place, fixtures("postgres")[-1])
        before = rows(place)
        brake = Brake(place)
        with braked.start("migrate", "apply", "--store", place.url) as program:
            eventually(lambda: waits(place), "a migration is under way")
            server.kill()
            program.communicate(timeout=60)
        assert program.returncode == 6
        brake.release()
        (server.data / "postmaster.pid").unlink(missing_ok=True)
        eventually(lambda: not server.answers(), "its processes have ended")
        server.start()
        _unchanged(place, before)
        braked.ok("migrate", "apply", "--store", place.url)
        braked.checked(place.url)
