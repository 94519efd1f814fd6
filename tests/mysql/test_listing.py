"""Pages of a listing while others write."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.mysql.engine import sync_engine
from tests.servers.mariadb import MariadbServer
from threadkeep.engines.cursor import Place
from threadkeep.engines.sql.mysql.listing import (
    KNOWN,
    LOOKED,
    WINDOW,
    pack_window,
    unpack_window,
)
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import Query
from threadkeep.ops.ops import Label, Set

MINUTE = 60_000_000
BEGIN = 1_800_000_000_000_000


@pytest.mark.parametrize("labels", [(), (("user", "alice"),)])
def test_who_was_under_way_when_a_page_was_read_is_not_missed(
    labels: tuple[tuple[str, str], ...], mariadb: MariadbServer, place: str
):
    """A thread moves up, and that is committed only after the first page was read: it is on a later one."""
    # not the other's places: the server guards the gap behind one that was removed a moment ago
    moment = BEGIN + len(labels) * 1000 * MINUTE
    engine = sync_engine(place, now=lambda: moment)
    engine.setup()
    for n in range(10):
        moment += MINUTE
        ref = Ref("default", "thread", f"t{n}")
        engine.run(Batch(ref, (Set("state", {"a": b"j1"}), Label(dict(labels)))))
    moment += MINUTE
    with mariadb.connect("furnished", autocommit=False) as rival, rival.cursor() as cursor:
        cursor.execute("set session transaction isolation level read committed")
        mine = "ns = 'default' and kind = 'thread' and id = 't0'"
        cursor.execute(f"select listed from tk_entity where {mine} for update")
        (old,) = cursor.fetchone() or (0,)
        cursor.execute(f"update tk_entity set prior = {old}, listed = {moment} where {mine}")
        mine = "ns = 'default' and kind = 'thread' and name = 'user' and value = 'alice'"
        cursor.execute(
            f"update tk_label force index (primary) set listed = {moment} where {mine} and listed = {old}"
        )
        moment += 1000
        engine.run(Batch(Ref("default", "thread", "t9"), (Set("state", {"a": b"j2"}),)))
        query = Query(namespace="default", kind="thread", limit=4, labels=labels)
        page = engine.scan(query)
        found = [listed.ref.id for listed in page.items]
        assert found == ["t9", "t8", "t7", "t6"]
        rival.commit()
    while page.cursor is not None:
        page = engine.scan(replace(query, cursor=page.cursor))
        found += [listed.ref.id for listed in page.items]
    assert sorted(found) == [f"t{n}" for n in range(10)]
    engine.close()


def test_the_window_of_a_cursor():
    few = [(BEGIN, True), (BEGIN - 3, False), (BEGIN - 5, True)]
    assert _unpacked(few) == (BEGIN - WINDOW, [BEGIN, BEGIN - 5])
    assert _unpacked([]) == (BEGIN - WINDOW, [])
    moved = [BEGIN - n for n in range(KNOWN + 1)]
    kept = moved[:KNOWN]
    assert _unpacked([(at, True) for at in moved]) == (kept[-1] - 1, kept)
    born = [(BEGIN - n, n == 1) for n in range(LOOKED)]  # so many that the window ends with them
    assert _unpacked(born) == (BEGIN - LOOKED, [BEGIN - 1])
    assert unpack_window(Place("newest", 1, BEGIN)) == (BEGIN, [])


def _unpacked(places: list[tuple[int, bool]]) -> tuple[int, list[int]]:
    return unpack_window(Place("newest", 1, BEGIN, pack_window(BEGIN, places)))
