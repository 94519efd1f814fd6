"""A store of each earlier schema comes to be one of this release, with all that stood in it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.migrations.contents import check
from tests.migrations.places import DIALECTS, Place, applied, fixtures, load, migrations, rows
from threadkeep import Store

KEPT = [(dialect, number) for dialect in DIALECTS for number in fixtures(dialect)]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_present_schema_is_kept(dialect: str):
    assert migrations(dialect)[-1].number in fixtures(dialect), (
        "call python -m tests.migrations.keep"
    )


@pytest.mark.parametrize(("dialect", "number"), KEPT)
def test_an_earlier_schema_keeps_every_row(dialect: str, number: int, make: Callable[[str], Place]):
    place, anew = make(dialect), make(dialect)
    load(place, number)
    before = rows(place)
    assert sum(map(len, before.values())) > 100
    with Store(place.url) as store:
        store.ready()
        after = rows(place)
        assert {table: len(after[table]) for table in before} == {
            table: len(found) for table, found in before.items()
        }
        assert applied(place) == [m.number for m in migrations(dialect)]
        check(store)
    anew.furnish()
    with Store(anew.url) as store:
        store.ready()
    assert place.shape() == anew.shape()  # the schema is the sum of its migrations


@pytest.mark.parametrize("dialect", DIALECTS)
def test_each_file_may_run_again(dialect: str, make: Callable[[str], Place]):
    """Also where a store has forgotten that it ran."""
    place = make(dialect)
    load(place, fixtures(dialect)[-1])
    before, shape = rows(place), place.shape()
    place.run(f"delete from {place.table('tk_migration')}")
    with Store(place.url) as store:
        store.ready()
        assert rows(place) == before
        check(store)
    assert place.shape() == shape
