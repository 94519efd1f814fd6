"""Mount the lossy file system, cut its power, unmount it."""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from tests.faults.disk import Cut
from tests.faults.processes import module_command, module_environment

START_SECONDS = 20.0
ORDER_SECONDS = 30.0


class LossyMount:
    """A lossy file system for one `with` block; it starts with the files of `backing`."""

    def __init__(self, mountpoint: Path, backing: Path) -> None:
        self.path = mountpoint
        self._backing = backing
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.path.mkdir(parents=True, exist_ok=True)
        self._backing.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(
            [*module_command("lossy_fs"), str(self.path), str(self._backing)],
            env={**module_environment(), "FUSE_LIBRARY_NAME": "fuse3"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        end = time.monotonic() + START_SECONDS
        while not os.path.ismount(self.path):
            if self._process.poll() is not None or time.monotonic() > end:
                self._process.kill()
                raise RuntimeError(f"the lossy file system did not mount on {self.path}")
            time.sleep(0.01)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        stdin, stdout = self._pipes()
        stdin.close()
        assert self._process
        try:
            self._process.wait(timeout=START_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise
        finally:
            stdout.close()

    def order_cut(
        self, cut: Cut, seed: int, image: Path, after: int = 0, *, kill: int | None = None
    ) -> None:
        """Let the power fail at the `after`-th changing or syncing request from now.

        What survives is written to the folder `image`. The process `kill` ends at that moment.
        """
        order = {"cut": cut.value, "seed": seed, "image": str(image), "after": after, "kill": kill}
        self._order(order)

    def await_cut(self) -> dict[str, int]:
        """Wait for the ordered cut; returns the requests served until then, by kind."""
        return self._answer()["requests"]

    def order_failing_sync(self, number: int) -> None:
        """Let the `number`-th sync of a file from now fail and lose what it should have kept."""
        self._order({"fail_sync": number})

    def await_failing_sync(self) -> str:
        """Wait for it; returns the name of the file."""
        return self._answer()["failed"]

    def _order(self, order: dict[str, object]) -> None:
        stdin, _ = self._pipes()
        stdin.write(json.dumps(order) + "\n")
        stdin.flush()
        assert self._answer() == {"ordered": True}

    def _answer(self) -> Any:
        _, stdout = self._pipes()
        ready, _, _ = select.select([stdout], [], [], ORDER_SECONDS)
        if not ready:
            raise RuntimeError(
                "no answer: where an order is to be carried out, the subject stopped writing"
            )
        return json.loads(stdout.readline())

    def _pipes(self) -> tuple[IO[str], IO[str]]:
        assert self._process
        assert self._process.stdin
        assert self._process.stdout
        return self._process.stdin, self._process.stdout
