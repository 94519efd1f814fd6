"""wrk, and what it tells."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

Op = Literal["get value", "set value", "append"]
OPS: Final[tuple[Op, ...]] = ("get value", "set value", "append")
CONNECTIONS: Final = 64
THREADS: Final = 64  # of the store, over which requests are spread
_UNITS: Final = {"us": 0.001, "ms": 1.0, "s": 1000.0}
_REQUESTS: Final[dict[Op, tuple[str, str, str]]] = {
    "get value": ("GET", "/v1/sessions/t{}/values/intent", ""),
    "set value": ("POST", "/v1/sessions/t{}/values", '{"key":"intent","value":"book_flight"}'),
    "append": (
        "POST",
        "/v1/threads/t{}/messages",
        '{"messages":[{"role":"user","content":"book a flight to Sofia"}]}',
    ),
}


class NoWrk(Exception):
    """The program is not on this machine."""


@dataclass(frozen=True)
class Load:
    """What one server did under load; `failed` are answers other than 2xx and lost connections.

    `cpu_us`: what a request cost the server's processes.
    """

    per_second: float
    p99_ms: float
    failed: int
    requests: int = 0
    cpu_us: float = 0.0


def wrk(port: int, op: Op, seconds: float, folder: Path) -> Load:
    """Load a server with one kind of request. Raises NoWrk."""
    program = shutil.which("wrk")
    if program is None:
        raise NoWrk("wrk is not here (Debian: apt-get install wrk)")
    script = folder / f"{op.replace(' ', '-')}.lua"
    script.write_text(_script(op))
    command = [program, "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "--latency"]
    command += ["-s", str(script), f"http://127.0.0.1:{port}"]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    return read(told.stdout)


def _script(op: Op) -> str:
    method, path, body = _REQUESTS[op]
    before, after = path.split("{}")
    return (
        f"wrk.method, wrk.body = {method!r}, {body!r}\n"
        'wrk.headers["Content-Type"] = "application/json"\n'
        f"request = function() return wrk.format(nil, "
        f"{before!r} .. math.random(0, {THREADS - 1}) .. {after!r}) end\n"
    )


def read(text: str) -> Load:
    """Return the figures of what wrk printed."""
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    late = re.search(r"99%\s+([\d.]+)(us|ms|s)\b", text)
    requests = re.search(r"(\d+) requests in", text)
    if rate is None or late is None or requests is None:
        raise ValueError(f"this is no report of wrk: {text[:200]!r}")
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    lost = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    failed = int(bad[1]) if bad else 0
    failed += sum(map(int, lost.groups())) if lost else 0
    return Load(float(rate[1]), float(late[1]) * _UNITS[late[2]], failed, int(requests[1]))
