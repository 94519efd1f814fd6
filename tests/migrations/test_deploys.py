"""From this release to the next and back: pairs, both at once, by hand, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.migrations.contents import NAME, check
from tests.migrations.places import Place, applied, fixtures, load, migrations, rows
from tests.migrations.releases import Release
from threadkeep import Forbidden, SchemaMismatch, Store


def _numbers(place: Place) -> tuple[list[int], int, int]:
    """Return the numbers of this release, and those of the next one's pair."""
    mine = [m.number for m in migrations(place.dialect)]
    return mine, mine[-1] + 1, mine[-1] + 2


def _doctor(release: Release, url: str) -> tuple[str, str]:
    found = json.loads(release.ok("doctor", "--store", url, "--json"))["findings"]
    return next((one["grade"], one["do"]) for one in found if one["name"] == "schema")


def test_a_deploy(place: Place, coming: Release):
    """`pre` while this release runs, `post` when it is gone; then this release is refused."""
    mine, pre, post = _numbers(place)
    before = rows(place)
    with Store(place.url) as old:
        check(old)
        coming.checked(place.url)  # opening it applies `pre`
        assert applied(place) == [*mine, pre]
        check(old)
        assert old.thread("t00").state.increment("n") == 1
    grade, do = _doctor(coming, place.url)
    assert (grade, "--post" in do) == ("warn", True)
    done = coming.ok("migrate", "apply", "--post", "--store", place.url, "--json")
    assert (json.loads(done)["applied"], json.loads(done)["pending"]) == (1, [])
    assert applied(place) == [*mine, pre, post]
    coming.checked(place.url)
    assert {table: len(found) for table, found in rows(place).items()} == {
        table: len(found) for table, found in before.items()
    }
    with pytest.raises(SchemaMismatch, match=f"has schema {post}, .* upgrade threadkeep"):
        Store(place.url).ready()
    with pytest.raises(SchemaMismatch):
        Store(place.url).thread(NAME).state.set("a", 1)
    assert applied(place) == [*mine, pre, post]


def test_the_command(make: Callable[[str], Place], coming: Release):
    place = make("sqlite")
    load(place, fixtures("sqlite")[-1])
    mine, pre, post = _numbers(place)
    assert "migrate apply" in _doctor(coming, place.url)[1]
    url = ("--store", place.url)
    refused = coming.run("migrate", "apply", "--post", *url)
    assert (refused.returncode, f"{pre:04}_pre_origin.sql is not applied" in refused.stderr) == (
        2,
        True,
    )
    status = json.loads(coming.ok("migrate", *url, "--json"))
    assert [(m["number"], m["phase"]) for m in status["pending"]] == [(pre, "pre"), (post, "post")]
    plan = coming.ok("migrate", "plan", *url)
    assert plan.count(" applied\n") == len(mine)
    assert plan.count("to apply before the deploy\n") == 1
    assert applied(place) == mine
    coming.ok("migrate", "apply", "--pre", *url)
    assert applied(place) == [*mine, pre]
    assert "when every process runs this release" in coming.ok("migrate", *url)
    coming.ok("migrate", "apply", *url)
    assert applied(place) == [*mine, pre, post]


def test_a_new_store_has_all_of_it(place: Place, coming: Release, make: Callable[[str], Place]):
    """It is made by number; all `pre` and then all `post` make the same."""
    mine, pre, post = _numbers(place)
    other = make(place.dialect)
    other.furnish()
    coming.ok("set", "t", "f", "1", "--store", other.url)
    assert applied(other) == [*mine, pre, post]
    for phase in ("--pre", "--post"):
        coming.ok("migrate", "apply", phase, "--store", place.url)
    assert place.shape() == other.shape()


def test_what_was_applied_by_hand_is_recognised(place: Place, coming: Release):
    mine, pre, post = _numbers(place)
    script = coming.ok("migrate", "sql", "--pre", "--store", place.url)
    place.run(script)
    assert applied(place) == [*mine, pre]
    place.run(coming.ok("migrate", "sql", "--store", place.url))
    assert applied(place) == [*mine, pre, post]
    coming.checked(place.url)


def test_two_at_once(place: Place, coming: Release):
    mine, pre, post = _numbers(place)
    words = ("migrate", "apply", "--store", place.url, "--json")
    programs = [coming.start(*words) for _ in range(2)]
    ended = [program.communicate(timeout=120) for program in programs]
    assert [program.returncode for program in programs] == [0, 0], ended
    assert sorted(json.loads(out)["applied"] for out, _ in ended) == [0, 2]
    assert applied(place) == [*mine, pre, post]


def test_a_changed_file_is_named(place: Place):
    ledger = place.table("tk_migration")
    place.run(f"update {ledger} set checksum = 'x' where number = 1")
    first = migrations(place.dialect)[0].file
    with pytest.raises(SchemaMismatch, match=f"{first} was applied in another form"):
        Store(place.url).ready()


GRANTS = {
    "postgres": (
        "create role agent login; grant usage on schema agents to agent;"
        "alter default privileges in schema agents"
        " grant select, insert, update, delete on tables to agent"
    ),
    "mysql": (
        "create user agent@'127.0.0.1';"
        "grant select, insert, update, delete on *.* to agent@'127.0.0.1'"
    ),
}
REVOKES = {
    "postgres": "drop owned by agent; drop role agent",
    "mysql": "drop user agent@'127.0.0.1'",
}


@pytest.mark.parametrize("dialect", list(GRANTS))
def test_who_may_not_change_the_schema(dialect: str, make: Callable[[str], Place], coming: Release):
    place = make(dialect)
    place.furnish()
    place.run(GRANTS[dialect])
    agent = place.url.replace("postgres@", "agent@").replace("root@", "agent@")
    try:
        with pytest.raises(Forbidden, match=r"threadkeep migrate sql"):
            Store(agent).ready()
        refused = coming.run("migrate", "apply", "--store", agent)
        assert (refused.returncode, "threadkeep migrate sql" in refused.stderr) == (4, True), (
            refused
        )
        place.run(coming.ok("migrate", "sql", "--store", agent))
        coming.ok("set", "t", "f", "1", "--store", agent)
    finally:
        place.run(REVOKES[dialect])


def test_a_file_that_is_opened_for_reading(make: Callable[[str], Place], coming: Release):
    place = make("sqlite")
    with Store(place.url) as store:
        store.thread("t").state.set("f", 1)
    for words, code in ((("migrate", "apply"), 4), (("show", "t"), 1)):
        done = coming.run(*words, "--store", f"{place.url}?mode=ro")
        assert (done.returncode, "Traceback" in done.stderr) == (code, False), done
