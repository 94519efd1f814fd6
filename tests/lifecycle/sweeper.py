"""One of eight sweeping processes: tells each end to a file, one line an event, whole lines only."""

from __future__ import annotations

import os
import sys
import time

from threadkeep import Store, ThreadEvent


def main(url: str, told: str, die_at: int) -> None:
    """Sweep until nothing is left; with `die_at`, die by SIGKILL inside that handler call."""
    ends = os.open(told, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    calls = [0]

    def handler(event: ThreadEvent) -> None:
        number = event.thread.state.get("number")
        os.write(ends, f"{event.id} {event.thread.id} {number}\n".encode())
        calls[0] += 1
        if calls[0] == die_at:
            os.kill(os.getpid(), 9)

    with Store(url, thread_ttl=3600, clock=lambda: time.time() + 7200) as store:
        store.on("thread.destroyed", handler, name="teller")
        store.sweep()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
