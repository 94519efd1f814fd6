"""Pages of a listing while others write."""

from __future__ import annotations

import pytest

from tests.postgres.engine import sync_engine
from tests.servers.postgres import PostgresServer
from threadkeep.engines.sql.postgres.program import job_of
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import Query
from threadkeep.ops.ops import Label, Set

MINUTE = 60_000_000
BEGIN = 1_800_000_000_000_000


@pytest.mark.parametrize("labels", [(), (("user", "alice"),)])
def test_who_was_under_way_when_a_page_was_read_is_not_missed(
    labels: tuple[tuple[str, str], ...], postgres: PostgresServer, place: str
):
    """A thread moves up, and that is committed only after the first page was read: it is on a later one."""
    moment = BEGIN
    engine = sync_engine(place, now=lambda: moment)
    engine.setup()
    for n in range(10):
        moment += MINUTE
        ref = Ref("default", "thread", f"t{n}")
        engine.run(Batch(ref, (Set("state", {"a": b"j1"}), Label(dict(labels)))))
    moment += MINUTE
    with postgres.connect(autocommit=False) as rival:
        job = job_of(Batch(Ref("default", "thread", "t0"), (Set("state", {"a": b"j2"}),)))
        args = (f"[{job.text}]", job.values, 10_000, 16, moment)
        rival.execute(engine._sql.apply, args)
        moment += 1000
        engine.run(Batch(Ref("default", "thread", "t9"), (Set("state", {"a": b"j2"}),)))
        query = Query(namespace="default", kind="thread", limit=4, labels=labels)
        page = engine.scan(query)
        found = [listed.ref.id for listed in page.items]
        assert found == ["t9", "t8", "t7", "t6"]
        rival.commit()
    while page.cursor is not None:
        page = engine.scan(Query(**{**_fields(query), "cursor": page.cursor}))
        found += [listed.ref.id for listed in page.items]
    assert sorted(found) == [f"t{n}" for n in range(10)]
    engine.close()


def _fields(query: Query) -> dict[str, object]:
    return {name: getattr(query, name) for name in query.__struct_fields__}
