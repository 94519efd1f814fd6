"""The benchmark's own harness: it runs, judges rightly and finds its place in the README."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.budgets import judge
from benchmarks.readme import END, START, NoMarkers, replace_block
from benchmarks.remote.subjects import BETTERDB, TK
from benchmarks.remote.subjects import RAW as REDIS_RAW
from benchmarks.results import Http, Latency, Machine, Rate, Results, Served, Stored, percentile
from benchmarks.served.load import Load, read
from benchmarks.served.measure import STORES
from benchmarks.served.tables import STARLETTE
from benchmarks.sql.on_mariadb import RAW as MARIADB_RAW
from benchmarks.sql.subjects import RAW as SQL_RAW
from benchmarks.sql.subjects import TK as SQL_TK
from benchmarks.subjects import OPENAI, RAW, TK_MEMORY, TK_SQLITE

ROOT = Path(__file__).resolve().parents[2]


def _results() -> Results:
    return Results(date="", command="", machine=Machine(1, "", "", "", load=0.0))


def _rate(per_second: float, least: int = 10, most: int = 10, lag: float = 1.0) -> Rate:
    return Rate(per_second, least, most, lag_p99_ms=lag)


def _verdicts(results: Results) -> list[str]:
    return [line.verdict for line in judge(results)]


def test_the_harness_runs_on_memory(tmp_path: Path) -> None:
    found = tmp_path / "found.json"
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", "")])
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--smoke", "--only", TK_MEMORY,
         "--only", "calls", "--only", "messages", "--dir", str(tmp_path), "--json", str(found)],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    results = json.loads(found.read_text())
    for op in ("get", "set", "append", "last", "all"):
        assert results["latency"][op][TK_MEMORY]["p50"] > 0
        assert results["rate"][op][TK_MEMORY]["per_second"] > 0
    assert set(results["messages"][TK_MEMORY]["append"]) == {"10", "40"}
    assert results["absent"] == {}
    assert TK_MEMORY in run.stdout
    assert list(tmp_path.iterdir()) == [found]


def test_the_part_on_servers_runs(tmp_path: Path) -> None:
    found = tmp_path / "found.json"
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", "")])
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--smoke", "--only", "redis",
         "--dir", str(tmp_path), "--json", str(found)],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    results = json.loads(found.read_text())
    if not results["servers"] and os.environ.get("CI") != "true":
        pytest.skip(f"no server is here: {results['absent']}")
    for server in results["servers"].values():
        assert set(server["latency"]["get"]) >= {"raw redis-py", "threadkeep"}
        assert server["far"]["get"]["threadkeep"] > 2.0
        assert server["memory"]["threadkeep"] > 0
        assert set(server["growth"]["threadkeep"]["get"]) == {"0", "1000"}
    assert "langgraph-checkpoint-redis" in results["absent"]


@pytest.mark.parametrize(
    ("part", "title", "raw"),
    [("postgres", "PostgreSQL", SQL_RAW), ("mariadb", "MariaDB", MARIADB_RAW)],
)
def test_the_part_on_sql_servers_runs(part: str, title: str, raw: str, tmp_path: Path) -> None:
    found = tmp_path / "found.json"
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", "")])
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--smoke", "--only", part,
         "--dir", str(tmp_path), "--json", str(found)],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True,
        check=False, timeout=240,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    results = json.loads(found.read_text())
    if not results["databases"] and os.environ.get("CI") != "true":
        pytest.skip(f"no server is here: {results['absent']}")
    server = results["databases"][title]
    for op in ("get", "set", "append", "turn"):
        assert server["latency"][op].keys() >= {raw, SQL_TK}
        assert server["rate"][op][SQL_TK]["per_second"] > 0
    assert server["far"]["set"][SQL_TK] > 2.0
    assert set(server["threads"][SQL_TK]["page"]) == {"100", "150"}
    assert set(server["messages"][SQL_TK]["append"]) == {"10", "40"}
    assert server["long"]["sessions"][SQL_TK] > 0
    assert server["disk"][SQL_TK]["a thread of 20 fields"] >= 0
    assert f"{title}: least served of 64 callers" in run.stdout


def test_budgets_of_databases() -> None:
    results = _results()
    stored = results.databases["PostgreSQL"] = Stored()
    stored.latency["set"] = {SQL_RAW: Latency(100, 1, 9), SQL_TK: Latency(150, 1, 9)}
    stored.rate["set"] = {SQL_RAW: _rate(4_000), SQL_TK: _rate(10_000, least=8, most=10)}
    stored.threads = {
        SQL_RAW: {"get": {100: 10.0, 1_000_000: 20.0}},
        SQL_TK: {"page": {100: 100.0, 1_000_000: 240.0}},  # the machine was half as fast by then
    }
    assert _verdicts(results) == ["PASS"] * 4
    stored.latency["set"][SQL_TK] = Latency(150.1, 1, 9)
    stored.rate["set"][SQL_TK] = _rate(9_999, least=7, most=10)
    stored.threads[SQL_TK]["page"][1_000_000] = 241.0
    assert _verdicts(results) == ["MISS"] * 4


def test_budgets_of_servers() -> None:
    results = _results()
    served = results.servers["Valkey 9"] = Served()
    served.latency["get"] = {REDIS_RAW: Latency(100, 1, 9), TK: Latency(135, 1, 9)}
    served.rate["get"] = {REDIS_RAW: _rate(10_000), TK: _rate(25_000)}
    served.rate["set"] = {TK: _rate(20_000)}
    served.memory = {TK: 45, BETTERDB: 100}
    assert _verdicts(results) == ["PASS"] * 4
    served.latency["get"][TK] = Latency(135.1, 1, 9)
    served.rate["get"][TK] = _rate(24_999)
    served.rate["set"][TK] = _rate(19_999)
    served.memory[TK] = 45.1
    assert _verdicts(results) == ["MISS"] * 4


WRK = """Running 1s test @ http://127.0.0.1:1
    Latency     3.15ms
  Latency Distribution
     50%    2.40ms
     99%    {late}
  20000 requests in 1.00s
{more}Requests/sec:  20000.00
"""


@pytest.mark.parametrize(
    ("late", "more", "p99", "failed"),
    [
        ("7.50ms", "", 7.5, 0),
        ("812.00us", "  Non-2xx or 3xx responses: 3\n", 0.812, 3),
        ("1.20s", "  Socket errors: connect 0, read 2, write 0, timeout 1\n", 1200, 3),
    ],
)
def test_what_wrk_prints_is_read(late: str, more: str, p99: float, failed: int) -> None:
    found = read(WRK.format(late=late, more=more))
    assert found.per_second == found.requests == 20_000
    assert found.p99_ms == pytest.approx(p99)
    assert found.failed == failed


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize(("rate", "verdict"), [(10_000, "PASS"), (9_999, "MISS")])
def test_the_budget_of_the_server(rate: float, verdict: str, store: str) -> None:
    results = _results()
    loads = {store: Load(rate, 1, 0), STARLETTE: Load(20_000, 1, 0)}
    results.http = Http(load={"get value": loads})
    assert _verdicts(results) == [verdict]


@pytest.mark.long
def test_the_part_on_http_runs(tmp_path: Path) -> None:
    found = tmp_path / "found.json"
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", "")])
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--smoke", "--only", "http",
         "--dir", str(tmp_path), "--json", str(found)],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True,
        check=False, timeout=240,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    http = json.loads(found.read_text())["http"]
    assert len(http["fan_out_ms"]) == 5
    assert http["idle_bytes"] > 0
    assert http["watcher_bytes"] > 0
    if shutil.which("wrk") is None and os.environ.get("CI") != "true":
        pytest.skip("wrk is not here")
    for loads in http["load"].values():
        assert loads.keys() >= {STARLETTE, *STORES[:2]}
        assert all(load["requests"] > 0 and load["failed"] == 0 for load in loads.values())


def test_a_budget_is_missed_just_above_its_limit() -> None:
    results = _results()
    results.latency["get"] = {RAW: Latency(2.0, 3.0, 9), TK_SQLITE: Latency(8.0, 9.0, 9)}
    assert _verdicts(results) == ["PASS"]
    results.latency["get"][TK_SQLITE] = Latency(8.1, 9.0, 9)
    assert _verdicts(results) == ["MISS"]


@pytest.mark.parametrize(
    ("sync_us", "sets", "verdict"),
    [
        (200.0, 20_000, "PASS"),
        (200.0, 19_999, "MISS"),
        (900.0, 5_000, "-"),
        (900.0, 30_000, "PASS"),
    ],
)
def test_a_slow_disk_excuses_a_low_rate(sync_us: float, sets: float, verdict: str) -> None:
    results = _results()
    results.fdatasync_us = Latency(sync_us, sync_us, 200)
    results.rate["set"] = {TK_SQLITE: _rate(sets)}
    assert _verdicts(results)[0] == verdict


def test_starved_callers_and_a_late_loop_are_missed_budgets() -> None:
    results = _results()
    results.rate["set"] = {TK_SQLITE: _rate(1.0, least=1, most=10, lag=9.0)}
    assert _verdicts(results) == ["MISS", "MISS"]


def test_the_peer_is_compared_at_one_caller_and_at_many() -> None:
    results = _results()
    results.latency["append"] = {TK_SQLITE: Latency(300, 1, 1), OPENAI: Latency(299, 1, 1)}
    results.rate["append"] = {TK_SQLITE: _rate(8_000), OPENAI: _rate(2_000)}
    peer = [line for line in judge(results) if "SQLiteSession" in line.budget]
    assert [line.verdict for line in peer] == ["MISS", "PASS"]


def test_growth_is_judged_by_the_worst_size() -> None:
    results = _results()
    results.messages[TK_SQLITE] = {"append": {10: 100.0, 100: 121.0, 1_000: 100.0}}
    results.threads[TK_SQLITE] = {
        "get": {100: 10.0, 10_000: 14.9},
        "page": {100: 10.0, 10_000: 14.9},
    }
    assert _verdicts(results) == ["MISS", "PASS", "MISS"]


def test_the_block_of_the_readme_is_replaced_and_nothing_else() -> None:
    text = f"# Title\n\n{START}\nold\n{END}\n\nEnd\n"
    assert replace_block(text, "new\n") == f"# Title\n\n{START}\nnew\n{END}\n\nEnd\n"


@pytest.mark.parametrize("text", ["", START, END + START, START + START + END])
def test_a_readme_without_its_markers_is_refused(text: str) -> None:
    with pytest.raises(NoMarkers):
        replace_block(text, "new")


def test_percentiles_take_the_nearest_rank() -> None:
    values = list(range(1, 101))
    assert percentile(values, 0.5) == 51
    assert percentile(values, 0.99) == 100
    assert percentile([7], 0.99) == 7
