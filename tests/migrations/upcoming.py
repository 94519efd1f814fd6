"""Migrations of releases that do not exist yet: what they could be, and one that stops in its middle."""

from __future__ import annotations

import re

from tests.migrations.places import migrations
from tests.migrations.releases import Release

SQLITE_PRE = """
alter table tk_entity add column origin text;
update tk_entity set origin = kind || '/' || id;
create index if not exists tk_entity_origin on tk_entity (origin);
"""
# a table made anew, as SQLite has it for most changes
SQLITE_POST = """
create table tk_label_new (
    ns text not null, kind text not null, name text not null, value text not null,
    listed integer not null, eid integer not null,
    primary key (ns, kind, name, value, listed, eid)
) without rowid, strict;
insert into tk_label_new select * from tk_label;
drop table tk_label;
alter table tk_label_new rename to tk_label;
drop index tk_entity_origin;
"""
POSTGRES_PRE = """
alter table {entity} add column if not exists origin text;
update {entity} set origin = kind || '/' || id;
"""
BRAKE = {
    "sqlite": """
alter table tk_entity add column origin text;
update tk_entity set origin = 'x';
create table tk_slow as
with recursive c (x) as (select 1 union all select x + 1 from c where x < (select n from brake))
select max(x) as x from c;
""",
    "postgres": """
alter table {entity} add column origin text;
update {entity} set origin = 'x';
select n from public.brake for update;
""",
}


def next_number(dialect: str) -> int:
    return migrations(dialect)[-1].number + 1


def add_pair(release: Release, dialect: str) -> None:
    """Add a pair that every table's rows outlive; on PostgreSQL all functions have a new release too."""
    number = next_number(dialect)
    if dialect == "sqlite":
        release.add(dialect, f"{number:04}_pre_origin", SQLITE_PRE)
        release.add(dialect, f"{number + 1:04}_post_origin", SQLITE_POST)
        return
    whole = "\n".join(m.sql for m in migrations(dialect))
    functions = re.findall(r"^create or replace function (\{\w+\})", whole, re.MULTILINE)
    code = [m.sql for m in migrations(dialect) if "create or replace function" in m.sql]
    release.add(
        dialect, f"{number:04}_pre_origin", "\n".join(["-- functions: 2", POSTGRES_PRE, *code])
    )
    gone = "\n".join(f"drop function if exists {name};" for name in functions)
    release.add(dialect, f"{number + 1:04}_post_origin", gone)
    names = release.of(dialect) / "names.py"
    text = names.read_text(encoding="utf-8")
    names.write_text(text.replace("RELEASE: Final = 1", "RELEASE: Final = 2"), encoding="utf-8")


def add_brake(release: Release, dialect: str) -> None:
    """Add a migration that changes something and then goes on only when the table `brake` lets it."""
    release.add(dialect, f"{next_number(dialect):04}_pre_slow", BRAKE[dialect])
