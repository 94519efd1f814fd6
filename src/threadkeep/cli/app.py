"""Commands, and what their ends mean."""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from inspect import BoundArguments
from typing import Final

from cyclopts import App, CycloptsError

from threadkeep import __version__
from threadkeep.cli import (
    checking,
    copying,
    demo,
    doctor,
    exporting,
    fields,
    importing,
    keys,
    kv,
    migrating,
    removing,
    serving,
    showing,
    sweeping,
    threads,
    watching,
)
from threadkeep.cli.exits import (
    FAILED,
    INTERRUPTED,
    MEANINGS,
    OK,
    PIPE_CLOSED,
    USAGE,
    code_of,
    is_expected,
    lacks_extra,
)
from threadkeep.cli.telling import debugging, masked, say, settle_streams

COMMANDS: Final[tuple[tuple[str, Callable[..., int | None]], ...]] = (
    ("serve", serving.serve),
    ("keys", keys.keys),
    ("demo", demo.demo),
    ("threads", threads.threads),
    ("show", showing.show),
    ("get", fields.get),
    ("set", fields.set_),
    ("rm", removing.rm),
    ("kv list", kv.list_),
    ("kv get", kv.get),
    ("kv set", kv.set_),
    ("kv delete", kv.delete),
    ("watch", watching.watch),
    ("sweep", sweeping.sweep),
    ("export", exporting.export),
    ("import", importing.import_),
    ("copy", copying.copy),
    ("check", checking.check),
    ("migrate", migrating.migrate),
    ("doctor", doctor.doctor),
)
GROUPS: Final = {"kv": "Look at the keys of key-value namespaces, write and delete them."}
LEADING: Final = {"--store": 1, "--namespace": 1, "--keys-file": 1, "--json": 0, "--checksum": 0}


def summary() -> str:
    """Return what the program says of itself."""
    codes = "\n".join(f"{code:>5}  {meaning}" for code, meaning in MEANINGS.items())
    return (
        "Look into a threadkeep store and look after it.\n\n"
        "Data goes to stdout, talk to stderr. With --json every command prints JSON for programs: one"
        " document, or one a line.\n\n"
        "Environment: THREADKEEP_URL and THREADKEEP_NAMESPACE take the place of --store and --namespace;"
        " THREADKEEP_TOKEN is the key of a server;"
        " THREADKEEP_KEYS holds encryption keys (ID=KEY, separated by commas; the first one writes);"
        " THREADKEEP_DEBUG=1 shows tracebacks; NO_COLOR turns colours off.\n\n"
        f"Exit codes:\n\n{codes}"
    )


def build() -> App:
    """Return the program."""
    app = App(name="threadkeep", help=summary(), version=__version__, help_format="plaintext")
    for number, (words, command) in enumerate(COMMANDS):
        group, _, name = words.rpartition(" ")
        if group and group not in app:
            told = App(name=group, help=GROUPS[group], help_format="plaintext", sort_key=number)
            app.command(told)
        place = app[group] if group else app
        place.command(command, name=name, sort_key=number, help=description(command))
    return app


def description(command: Callable[..., int | None]) -> str:
    """Return what a command's docstring says before its arguments, one line a paragraph."""
    text = (inspect.getdoc(command) or "").partition("\nArgs:\n")[0]
    return "\n\n".join(" ".join(part.split()) for part in text.strip().split("\n\n"))


def with_options_last(words: Sequence[str]) -> list[str]:
    """Let the store's options stand before the command too: move them behind its name."""
    ahead: list[str] = []
    rest = list(words)
    while rest:
        name, sep, _ = rest[0].partition("=")
        count = LEADING.get(name)
        if count is None:
            break
        taken = 1 if sep else 1 + count
        ahead += rest[:taken]
        rest = rest[taken:]
    if not rest or rest[0].startswith("-"):
        return [*rest, *ahead]
    own = 2 if rest[0] in GROUPS and len(rest) > 1 else 1
    return [*rest[:own], *ahead, *rest[own:]]


def run(words: Sequence[str]) -> int:
    """Run a command and return its exit code."""
    settle_streams()
    try:
        code = _run(words)
        sys.stdout.flush()
    except KeyboardInterrupt:
        say("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        _let_go_of_stdout()
        return PIPE_CLOSED
    except Exception as error:  # the edge of the program: whatever it is, one line
        if lacks_extra(error):
            raise
        return report(error, as_json="--json" in words)
    return code


def _run(words: Sequence[str]) -> int:
    try:
        command, bound = _parse(words)
    except CycloptsError as error:
        return complain(str(error), "UsageError", USAGE, as_json="--json" in words)
    return command(*bound.args, **bound.kwargs) or OK


def _parse(words: Sequence[str]) -> tuple[Callable[..., int | None], BoundArguments]:
    tokens = with_options_last(words)
    command, bound, _ = build().parse_args(tokens, exit_on_error=False, print_error=False)
    return command, bound


def report(error: Exception, *, as_json: bool) -> int:
    """Say what went wrong in one line; return the exit code it means."""
    if debugging():
        traceback.print_exception(error)
    if is_expected(error):
        return complain(_words(error), type(error).__name__, code_of(error), as_json=as_json)
    text = (
        f"{type(error).__name__}: {error}; a fault of threadkeep (THREADKEEP_DEBUG=1 shows where)"
    )
    return complain(text, type(error).__name__, FAILED, as_json=as_json)


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def complain(text: str, kind: str, code: int, *, as_json: bool) -> int:
    """Write an error to stderr and return its exit code."""
    text = masked(text)
    if as_json:
        say(json.dumps({"error": kind, "message": text, "exit": code}, ensure_ascii=False))
    else:
        say(f"threadkeep: {text}")
    return code


def _let_go_of_stdout() -> None:
    """Keep the interpreter from complaining at its end about what nobody reads."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
