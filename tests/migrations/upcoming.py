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
# MariaDB alone knows these words; on MySQL a migration has to look for the column first
MYSQL_PRE = """
alter table tk_entity add column if not exists origin varbinary(600);
update tk_entity set origin = concat(kind, '/', id);
create or replace view tk_origins as select origin from tk_entity where origin like '%/%';
"""
MYSQL_POST = """
alter table tk_label modify value varbinary(600) not null;
drop view if exists tk_origins;
"""
PAIRS = {"sqlite": (SQLITE_PRE, SQLITE_POST), "mysql": (MYSQL_PRE, MYSQL_POST)}
BRAKE = {
    "mysql": """
alter table tk_entity add column if not exists origin varbinary(600);
update tk_entity set origin = 'x';
select n from brake for update;
""",
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
    if dialect in PAIRS:
        pre, post = PAIRS[dialect]
        release.add(dialect, f"{number:04}_pre_origin", pre)
        release.add(dialect, f"{number + 1:04}_post_origin", post)
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
