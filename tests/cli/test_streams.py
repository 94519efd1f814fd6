"""Pipes, Ctrl-C, changes as they come."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import SECONDS, Program, one_line


def fill(tk: Program, threads: int = 300) -> None:
    with tk.store("store.db?durability=normal") as store:
        for number in range(threads):
            store.thread(f"thread-{number:05}").state.set("text", "x" * 2_000)


def first_line_of(tk: Program, *words: str) -> tuple[int, bytes, bytes]:
    """Read one line as `head -1` does and close; return exit code, the line, stderr."""
    process = tk.start(*words)
    assert process.stdout is not None
    assert process.stderr is not None
    line = process.stdout.readline()
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    return process.wait(SECONDS), line, err


def test_a_reader_that_goes_away_is_no_error(tk: Program):
    fill(tk)
    code, line, err = first_line_of(tk, "export", "-")
    assert json.loads(line)["format"] == "threadkeep-export"
    assert (code, err) == (141, b"")
    code, _, err = first_line_of(tk, "threads", "--limit", "10000")
    assert (code in {0, 141}, err) == (True, b"")


def test_output_that_nobody_takes_is_no_error(tk: Program):
    tk.ok("set", "t", "f", "1")
    read, write = os.pipe()
    os.close(read)
    try:
        process = tk.start("get", "t", "f", stdout=write)
    finally:
        os.close(write)
    _, err = process.communicate(timeout=SECONDS)
    assert (process.returncode, err) == (141, b"")


class Watching:
    """A `threadkeep watch` that is read line by line."""

    def __init__(self, tk: Program, *words: str) -> None:
        self.process = tk.start("watch", *words)
        self.killer = threading.Timer(SECONDS, self.process.kill)
        self.killer.start()

    def line(self) -> bytes:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def talk(self) -> bytes:
        assert self.process.stderr is not None
        return self.process.stderr.readline()

    def end(self) -> tuple[int, bytes, bytes]:
        out, err = self.process.communicate(timeout=SECONDS)
        self.killer.cancel()
        return self.process.returncode, out, err


def test_watch_tells_each_change_until_the_thread_is_removed(tk: Program):
    tk.ok("set", "t", "a", "1")
    watching = Watching(tk, "t")
    assert b"watching thread t" in watching.talk()
    tk.ok("set", "t", "b", "2")
    assert watching.line().endswith(b"revision 2; fields b\n")
    with tk.store() as store:
        store.thread("t").messages.append({"a": 1}, {"a": 2})
    assert watching.line().endswith(b"revision 3; messages 1 to 2\n")
    tk.ok("rm", "t", "a")
    assert watching.line().endswith(b"revision 4; removed a\n")
    tk.ok("rm", "t", "--yes")
    assert watching.line().endswith(b"removed\n")
    assert watching.end() == (0, b"", b"")


def test_watch_for_programs_is_json_lines(tk: Program):
    tk.ok("set", "t", "a", "1")
    watching = Watching(tk, "t", "--json", "--count", "2")
    found: list[dict[str, Any]] = []
    # no line says that it watches, so write until the first change is seen
    done = threading.Event()

    def write() -> None:
        number = 1
        while not done.wait(0.05):
            number += 1
            with tk.store() as store:
                store.thread("t").state.set("a", number)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        found = [json.loads(watching.line()) for _ in range(2)]
    finally:
        done.set()
        writer.join()
    assert watching.end() == (0, b"", b"")
    assert list(found[0]) == ["thread", "revision", "exists", "at", "fields", "removed", "messages"]
    assert found[0]["revision"] < found[1]["revision"]
    assert [f["fields"] for f in found] == [["a"], ["a"]]


def test_watch_ends_with_130_on_ctrl_c(tk: Program):
    tk.ok("set", "t", "a", "1")
    watching = Watching(tk, "t")
    watching.talk()
    watching.process.send_signal(signal.SIGINT)
    code, out, err = watching.end()
    assert (code, out) == (130, b"")
    assert one_line(err.decode()) == "interrupted"


@pytest.mark.parametrize("words", [["set", "t", "f", "-"], ["import", "-"]])
def test_ctrl_c_while_waiting_for_input(tk: Program, words: list[str]):
    tk.ok("set", "t", "a", "1")
    process = tk.start(*words, stdin=subprocess.PIPE)
    assert process.stdin is not None
    until = time.monotonic() + SECONDS
    while "pipe" not in Path(f"/proc/{process.pid}/wchan").read_text():
        assert time.monotonic() < until, "it does not read its standard input"
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=SECONDS)
    assert (process.returncode, out) == (130, b"")
    assert one_line(err.decode()) == "interrupted"
