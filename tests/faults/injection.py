"""Let the n-th system call of a kind kill the subject or fail, with strace.

SQLite in WAL mode on Linux writes with pwrite64 and syncs with fdatasync (fsync where it was built
without fdatasync), nothing else; threadkeep syncs the folder of a new database with fsync. strace
counts each call of each thread by itself; a store writes from one thread. A killed call is not
carried out, and neither is a failed one.
"""

from __future__ import annotations

import re
import signal
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.faults.ledger import Account
from tests.faults.run import running
from tests.faults.verify import Verdict, verify

WRITE = "pwrite64"
SYNC = "fdatasync,fsync"
KILL = "signal=SIGKILL"
EIO = "error=EIO"
ENOSPC = "error=ENOSPC"
_KILLED = (-signal.SIGKILL, 128 + signal.SIGKILL)


@dataclass(frozen=True)
class Fault:
    """`action` at call number `at` of each thread, or at that call and all later ones."""

    calls: str
    action: str
    at: int
    lasting: bool = False

    def __str__(self) -> str:
        return f"{self.action} at {self.calls} {self.at}{'+' if self.lasting else ''}"

    def command(self, strace: str, log: Path) -> list[str]:
        when = f"{self.at}{'+' if self.lasting else ''}"
        inject = f"inject={self.calls}:{self.action}:when={when}"
        return [*_traced(strace, log), "-e", inject]


@dataclass
class Outcome:
    """What one run of the script under a fault came to."""

    fault: Fault
    struck: bool  # the fault happened: the run had that many calls
    account: Account
    verdict: Verdict

    @property
    def problem(self) -> str | None:
        """What is wrong with it; None: nothing."""
        if not self.verdict.fine:
            return f"{self.fault}: {self.verdict}"
        if self.account.untyped:
            return f"{self.fault}: raised {self.account.untyped[0]}"
        return None


def count_calls(strace: str, folder: Path, options: tuple[object, ...]) -> Counter[str]:
    """The most calls of each kind that one thread makes while the script runs undisturbed."""
    folder.mkdir(parents=True)
    log = folder / "calls"
    with running(_url(folder), folder / "ledger", *options, under=_traced(strace, log)) as subject:
        if subject.await_end() != 0:
            raise RuntimeError("the script failed without a fault")
    counted = Counter(re.findall(r"^(\d+) +(\w+)\(", log.read_text(), re.MULTILINE))
    most: Counter[str] = Counter()
    for (_, name), number in counted.items():
        kind = WRITE if name == WRITE else SYNC
        most[kind] = max(most[kind], number)
    return most


def strike(strace: str, folder: Path, options: tuple[object, ...], fault: Fault) -> Outcome:
    """Run the script under one fault and verify what it left."""
    folder.mkdir(parents=True)
    log = folder / "calls"
    under = fault.command(strace, log)
    with running(_url(folder), folder / "ledger", *options, under=under) as subject:
        code = subject.await_end()
    struck = code in _KILLED if fault.action == KILL else "(INJECTED)" in log.read_text()
    account = Account.read(folder / "ledger")
    return Outcome(fault, struck, account, verify(folder / "i.db", account))


def _traced(strace: str, log: Path) -> list[str]:
    # --seccomp-bpf would be faster, but strace 6.1 then injects no signals
    return [strace, "-f", "-qq", "-s", "0", "-o", str(log), "-e", f"trace={WRITE},{SYNC}"]


def _url(folder: Path) -> str:
    return f"sqlite:///{folder}/i.db"
