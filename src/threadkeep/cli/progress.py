"""How far a long command is: a bar on stderr where that is a terminal, now and then a line elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

EVERY = 0.1  # seconds between two looks
LINES = 10.0  # seconds between two lines where there is no terminal

Tick = Callable[[], None]


@contextmanager
def progress(
    what: str,
    total: int | None,
    done: Callable[[], int],
    *,
    unit: str,
    whole: Callable[[], int | None] = lambda: None,
) -> Generator[Tick]:
    """Give a function to call often while something runs; `done()` says how much of `total` is.

    `whole()` tells the total where it is known only later.
    `unit` "bytes" shows sizes, anything else is shown as a word behind the count.
    """
    if not sys.stderr.isatty():
        yield _lines(what, done, lambda: whole() or total, unit)
        return
    from rich import progress as bars

    from threadkeep.cli.telling import console

    text = (
        bars.DownloadColumn() if unit == "bytes" else bars.TextColumn("{task.completed:,} " + unit)
    )
    columns = (bars.TextColumn(what), bars.BarColumn(), text, bars.TimeElapsedColumn())
    with bars.Progress(*columns, console=console(err=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        looked = 0.0

        def tick() -> None:
            nonlocal looked
            now = time.monotonic()
            if now - looked >= EVERY:
                looked = now
                bar.update(task, completed=done(), total=whole() or total)

        yield tick


def _lines(what: str, done: Callable[[], int], total: Callable[[], int | None], unit: str) -> Tick:
    told = time.monotonic()

    def tick() -> None:
        nonlocal told
        now = time.monotonic()
        if now - told >= LINES:
            told = now
            most = total()
            of = "" if most is None else f" of {most:,}"
            print(f"{what}: {done():,}{of} {unit}", file=sys.stderr, flush=True)

    return tick
