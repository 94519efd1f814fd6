"""Run the comparison and print it."""

import argparse
import json
import logging
import resource
import shlex
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from benchmarks import calls, footprint, growth, importing, machine, readme, remote, served, sql
from benchmarks.budgets import judge
from benchmarks.disk import MEMORY_SPEED_US, Disk
from benchmarks.loop import Loop
from benchmarks.remote import measure as remote_measure
from benchmarks.report import report, summary
from benchmarks.results import QUIET, Results, latency
from benchmarks.run import Run
from benchmarks.scale import FULL, QUICK, SMOKE, VERY_MANY, Scale
from benchmarks.served import measure as served_measure
from benchmarks.sql import measure as sql_measure
from benchmarks.subjects import NAMES, RAW, load

PARTS = ("calls", "messages", "threads", "size", "redis", *sql.SERVERS, "http", "import")
_ROOT = Path(__file__).resolve().parent.parent
_README, _TABLES = _ROOT / "README.md", _ROOT / "docs" / "benchmarks.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, measure, write the report."""
    options = _parser().parse_args(arguments)
    if options.update_readme and (options.only or options.smoke):
        _parser().error("--update-readme takes a whole run: leave out --only and --smoke")
    if options.update_readme:
        readme.check(_README)
        readme.check(_TABLES)
    scale: Scale = SMOKE if options.smoke else QUICK if options.quick else FULL
    if options.full:
        scale = replace(scale, stored=VERY_MANY)
    logging.disable(logging.WARNING)  # peers' chatter
    _allow_files()
    results = Results(
        date=datetime.now(UTC).date().isoformat(),
        command=shlex.join(["scripts/bench", *_told(options)]),
        machine=machine.describe(),
        packages=machine.packages(),
    )
    if results.machine.load > QUIET:
        _say(
            f"warning: the machine is busy (load {results.machine.load:.1f}): wait for better figures"
        )
    _measure(results, scale, _parts(options.only), _subjects(options.only), options.dir)
    if options.json:
        found = asdict(results) | {"budgets": [asdict(line) for line in judge(results)]}
        Path(options.json).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if options.update_readme:
        readme.update(_README, summary(results, "markdown"))
        readme.update(_TABLES, report(results, "markdown"))
    print(report(results, "markdown" if options.markdown else "text"))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two minutes instead of fifteen")
    parser.add_argument(
        "--full", action="store_true", help="SQL servers with 1,000,000 threads: an hour more"
    )
    parser.add_argument("--smoke", action="store_true", help="a second: checks the harness only")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="NAME",
        choices=[*PARTS, *sql.GROWTH, *NAMES],
        help="a part or a subject, may be repeated: " + ", ".join([*PARTS, *sql.GROWTH, *NAMES]),
    )
    parser.add_argument("--json", metavar="FILE", help="also write all figures to this file")
    parser.add_argument("--markdown", action="store_true", help="print Markdown")
    parser.add_argument(
        "--update-readme",
        action="store_true",
        help="put the budgets in README.md and all tables in docs/benchmarks.md",
    )
    parser.add_argument(
        "--dir", type=Path, help="folder on the disk to measure (default: temporary)"
    )
    return parser


def _told(options: argparse.Namespace) -> list[str]:
    """Return the options that shape the figures, for the reader who wants to repeat them."""
    sizes = [f"--{name}" for name in ("quick", "smoke", "full") if getattr(options, name)]
    return sizes + [word for name in options.only for word in ("--only", name)]


def _parts(only: Sequence[str]) -> list[str]:
    return [name for name in (*PARTS, *sql.GROWTH) if name in only] or list(PARTS)


def _subjects(only: Sequence[str]) -> list[str]:
    """Return the chosen subjects; the raw one stays, for all ratios are to it."""
    chosen = [name for name in NAMES if name in only]
    return list(dict.fromkeys([RAW, *chosen])) if chosen else list(NAMES)


def _allow_files() -> None:
    """Lift the soft limit of open files: some peers open a connection per session and thread."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _measure(
    results: Results, scale: Scale, parts: Sequence[str], names: Sequence[str], where: Path | None
) -> None:
    """Measure the chosen parts, into `results`; leave nothing on the disk."""
    if where:
        where.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=where))
    probe = Disk(folder)
    try:
        with Loop() as loop:
            able = _able(names, results)
            for part in parts:
                _part(part, Run(loop, folder, scale, probe), able, results)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    results.fdatasync_us = latency(probe.nanoseconds)
    if results.fdatasync_us.p50 < MEMORY_SPEED_US:
        _say("warning: fdatasync costs nothing here, choose a folder on a disk with --dir")


def _part(part: str, run: Run, names: Sequence[str], into: Results) -> None:
    def among(those: Sequence[str]) -> list[str]:
        return [name for name in those if name in names]

    _say(f"{part} ...")
    start = perf_counter()
    run.disk.sample(run.scale.fdatasync // 10)
    if part == "calls":
        calls.measure(run, names, into)
    elif part == "messages":
        into.messages = growth.of_messages(run, among(growth.OF_MESSAGES))
    elif part == "threads":
        into.threads = growth.of_threads(run, among(growth.OF_THREADS))
    elif part == "size":
        into.size = footprint.measure(run, among(footprint.OF))
    elif part == remote.PART:
        remote_measure.measure(run, into)
    elif part == served.PART:
        served_measure.measure(run, into)
    elif part in sql.SERVERS:
        sql_measure.measure(run, part, into)
    elif part in sql.GROWTH:
        sql_measure.measure(run, sql.GROWTH[part], into, growth=True)
    else:
        into.imports = importing.measure(run.scale.imports)
    into.seconds[part] = perf_counter() - start
    _say(f"{part}: {into.seconds[part]:.0f} s")


def _able(names: Sequence[str], results: Results) -> list[str]:
    """Keep the subjects whose packages are installed; say which are not."""
    able: list[str] = []
    for name in names:
        try:
            load(name)
        except ImportError as error:
            missing = error.name if isinstance(error, ModuleNotFoundError) else None
            results.absent[name] = f"{missing or 'what it needs'} is not installed"
            _say(f"left out: {name}: {error}")
        else:
            able.append(name)
    return able


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
