"""A server of the benchmark's own: a private port, a temporary folder, gone at the end."""

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(_ROOT / "scripts"))

from tooling.servers import program  # noqa: E402 - scripts is no package


class NotInstalled(Exception):
    """The server is neither on this machine nor in .servers; scripts/servers gets it."""


@contextmanager
def server(name: str) -> Iterator[int]:
    """Run it, without persistence, and give its port. Raises NotInstalled."""
    path = program(name, "server")
    if path is None:
        raise NotInstalled(f"{name} is not here; scripts/servers gets it")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        file = Path(folder) / "server.conf"
        file.write_text(f'port {port}\nbind 127.0.0.1\ndir {folder}\nsave ""\nappendonly no\n')
        process = subprocess.Popen([path, str(file)], stdout=subprocess.DEVNULL)
        try:
            _await(port, process)
            yield port
        finally:
            process.terminate()
            process.wait(30)


def _await(port: int, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise NotInstalled("the server did not start")
