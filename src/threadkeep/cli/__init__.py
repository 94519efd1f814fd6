"""The command line `threadkeep`.

Data goes to stdout, talk to stderr. Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 not allowed,
5 conflict, 6 unavailable, 130 interrupted with Ctrl-C, 141 whoever read the output stopped reading.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from threadkeep.cli.exits import FAILED, lacks_extra


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; `argv` without the program's name, None for that of the process."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words == ["--version"]:
        from threadkeep.cli.release import VERSION

        print(VERSION)
        return 0
    try:
        from threadkeep.cli.app import run

        return run(words)
    except ModuleNotFoundError as error:
        if not lacks_extra(error):
            raise
        print(
            "threadkeep: the command line needs an extra; install threadkeep[cli]",
            file=sys.stderr,
        )
        return FAILED
