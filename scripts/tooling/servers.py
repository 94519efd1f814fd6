"""The servers that tests start: where each is found, and how it is got if it is missing.

A folder under .servers comes first, then what the machine has, if it is of the right version.
"""

from __future__ import annotations

import fcntl
import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tooling.debian import NotToBeHad, Suite, launcher

ROOT = Path(__file__).resolve().parents[2]
NEWER = ("stable", "testing", "unstable")


class Server(NamedTuple):
    """One version of a server, and the releases of Debian that may have it, the first choice first."""

    name: str
    title: str
    family: str
    version: str
    suites: tuple[str, ...]


SERVERS = (
    Server("redis7", "Redis 7.0", "redis", "7.0", ("bookworm",)),
    Server("redis8", "Redis 8", "redis", "8", NEWER),
    Server("valkey9", "Valkey 9", "valkey", "9", NEWER),
)


def place() -> Path:
    """Return the folder that holds the servers got for tests."""
    return Path(os.environ.get("THREADKEEP_SERVERS") or ROOT / ".servers").resolve()


def named(name: str) -> Server:
    """Return the row of the table."""
    (found,) = [server for server in SERVERS if server.name == name]
    return found


@functools.cache
def program(name: str, word: str) -> str | None:
    """Return the path of `server` or `cli` of a row, or None: it is not on this machine."""
    wanted = named(name)
    own = place() / name / "bin" / f"{wanted.family}-{word}"
    if own.exists():
        return str(own)
    found = shutil.which(f"{wanted.family}-server")
    if found is None or not _is(wanted, _version_of(found)):
        return None
    return shutil.which(f"{wanted.family}-{word}")


def _version_of(path: str) -> str:
    told = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"v=(\d[\w.]*)", told)
    return found[1] if found else ""


def _is(wanted: Server, version: str) -> bool:
    return f"{version}.".startswith(f"{wanted.version}.")


def _fetch(wanted: Server, suites: dict[str, Suite], scratch: Path) -> None:
    package = f"{wanted.family}-tools"  # the server is the same program under another name
    for name in wanted.suites:
        suite = suites.get(name) or suites.setdefault(name, Suite(scratch, name))
        if _is(wanted, suite.version(package)):
            break
    else:
        raise NotToBeHad(f"none of {', '.join(wanted.suites)} has it")
    target = place() / wanted.name
    shutil.rmtree(target, ignore_errors=True)
    suite.unpack(package, target / "root")
    binaries = target / "root/usr/bin"
    (target / "bin.new").mkdir()
    for word, file in {"server": "check-rdb", "cli": "cli"}.items():
        called = binaries / f"{wanted.family}-{word}"
        if not called.exists():
            called.symlink_to(f"{wanted.family}-{file}")
        script = target / "bin.new" / called.name
        script.write_text(launcher(target / "root", called))
        script.chmod(0o755)
    (target / "bin.new").rename(target / "bin")  # the last step: what has it is whole


def fetch(missing: Sequence[Server]) -> dict[Server, str]:
    """Get servers, and return those that could not be had with the reason."""
    failed: dict[Server, str] = {}
    suites: dict[str, Suite] = {}
    with tempfile.TemporaryDirectory(prefix="threadkeep-servers-") as scratch:
        for wanted in missing:
            try:
                _fetch(wanted, suites, Path(scratch))
            except (NotToBeHad, OSError) as error:
                failed[wanted] = str(error)
    return failed


def missing() -> list[Server]:
    """Return the servers that are not on this machine."""
    program.cache_clear()
    return [
        one for one in SERVERS if not (program(one.name, "server") and program(one.name, "cli"))
    ]


def main() -> int:
    """Get what is missing; 1 if CI has to do without something."""
    if not missing():
        return 0
    place().mkdir(parents=True, exist_ok=True)
    with (place() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = missing()
        if wanted:
            print("threadkeep: getting", ", ".join(one.title for one in wanted), file=sys.stderr)
        failed = fetch(wanted)
    for one, why in failed.items():
        print(f"threadkeep: no {one.title}: {why}", file=sys.stderr)
    if failed:
        print(
            "threadkeep: tests that need them are skipped; put them on the PATH, or use the service "
            "`test` of compose.yaml.",
            file=sys.stderr,
        )
    return 1 if failed and os.environ.get("CI") == "true" else 0


if __name__ == "__main__":
    sys.exit(main())
