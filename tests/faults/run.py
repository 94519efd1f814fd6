"""Run a subject from a test: start it, wait until it is under load, kill it."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.faults.ledger import Account
from tests.faults.processes import module_command, module_environment

FAILED = 3  # the exit code of a subject that met an error
LOAD_SECONDS = 60.0
END_SECONDS = 60.0


@dataclass
class Subject:
    """A running subject and its ledger."""

    process: subprocess.Popen[bytes]
    ledger: Path

    def acknowledged(self) -> int:
        return self.ledger.read_bytes().count(b"acked") if self.ledger.exists() else 0

    def await_load(self, floor: int) -> int:
        """Wait until `floor` batches are acknowledged; returns how many are."""
        end = time.monotonic() + LOAD_SECONDS
        while (count := self.acknowledged()) < floor:
            if self.process.poll() is not None:
                raise RuntimeError(f"the subject ended with {self.process.returncode} at {count}")
            if time.monotonic() > end:
                raise RuntimeError(f"the subject reached only {count} of {floor} batches")
            time.sleep(0.002)
        return count

    def await_end(self) -> int:
        """Wait until it ends by itself; returns its exit code."""
        return self.process.wait(END_SECONDS)

    def kill(self) -> None:
        """End it as `kill -9` does."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(END_SECONDS)

    def account(self) -> Account:
        return Account.read(self.ledger)


@contextmanager
def running(
    url: str, ledger: Path, *options: object, under: Sequence[str] = ()
) -> Iterator[Subject]:
    """A subject on the store at `url` for one `with` block; `under` is a command that runs it."""
    process = subprocess.Popen(
        [*under, *module_command("subject", url, ledger, *options)], env=module_environment()
    )
    try:
        yield Subject(process, ledger)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(END_SECONDS)
