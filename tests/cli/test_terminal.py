"""On a terminal: questions, colours, widths, the demo as a conversation."""

from __future__ import annotations

import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from fcntl import ioctl

import pytest

from tests.cli.conftest import SECONDS, Program

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are of Unix")

# a session's first terminal is its own when it is opened again; then keys such as Ctrl-C are signals
BECOME = "import os, sys, threadkeep.cli; os.open(os.ttyname(0), os.O_RDWR); sys.exit(threadkeep.cli.main())"
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A program on a pseudo-terminal of its own."""

    def __init__(
        self, tk: Program, *words: str, columns: int = 100, env: dict[str, str] | None = None
    ) -> None:
        self.main, side = pty.openpty()
        ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-c", BECOME, *words],
            cwd=tk.folder,
            env={**tk.env, "TERM": "xterm-256color", **(env or {})},
            stdin=side,
            stdout=side,
            stderr=side,
            start_new_session=True,
        )
        os.close(side)
        self.raw = ""

    def _read(self, until: float) -> bool:
        ready, _, _ = select.select([self.main], [], [], max(0, until - time.monotonic()))
        if not ready:
            return False
        try:
            data = os.read(self.main, 65_536)
        except OSError:  # the other side is closed
            return False
        self.raw += data.decode(errors="replace")
        return bool(data)

    @property
    def text(self) -> str:
        """Return what was seen, without colours."""
        return ESCAPES.sub("", self.raw).replace("\r", "")

    def expect(self, part: str) -> str:
        """Read until a text is there; return all since the last time and forget it."""
        until = time.monotonic() + SECONDS
        while part not in self.text:
            assert self._read(until), f"{part!r} did not come; there was {self.text!r}"
        seen, self.raw = self.text, ""
        return seen

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self.main, text.encode())

    def end(self) -> tuple[int, str]:
        """Wait for the end; return exit code and what was still written."""
        until = time.monotonic() + SECONDS
        while self._read(until):
            pass
        return self.process.wait(SECONDS), self.text

    def close(self) -> None:
        """Leave nothing behind."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.main)


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    """Hold the terminals of a test and close them."""
    made: list[Terminal] = []
    yield made
    for terminal in made:
        terminal.close()


def test_the_demo_is_a_conversation_that_goes_on(tk: Program, terminals: list[Terminal]):
    first = Terminal(tk, "demo")
    terminals.append(first)
    assert "remembers" not in first.expect("you> ")
    first.type("book a flight\n")
    assert "book_flight" in first.expect("you> ")
    first.type("\n")
    first.expect("you> ")
    first.type("to Sofia\n")
    assert '"Sofia"' in first.expect("you> ")
    first.type("\x04")
    assert first.end()[0] == 0

    second = Terminal(tk, "demo")
    terminals.append(second)
    seen = second.expect("you> ")
    assert "remembers 2 fields" in seen
    assert '"Sofia"' in seen
    second.type("on 2026-06-01\n")
    seen = second.expect("you> ")
    for field in (
        "intent",
        "destination",
        "departure",
        "search_results",
        "flight_prices",
        "preferred_seat",
    ):
        assert field in seen
    assert "sliding 5m" in seen
    assert "sliding 30d" in seen
    assert "sliding 30m" in seen
    second.type("\x03")
    code, text = second.end()
    assert code == 130
    assert "Traceback" not in text
    assert "interrupted" in text


@pytest.mark.parametrize(
    ("answer", "code", "gone"), [("y", 0, True), ("yes", 0, True), ("n", 1, False), ("", 1, False)]
)
def test_rm_asks(tk: Program, terminals: list[Terminal], answer: str, code: int, gone: bool):
    tk.ok("set", "t", "f", "1")
    terminal = Terminal(tk, "rm", "t")
    terminals.append(terminal)
    assert "Remove thread t with 1 field" in terminal.expect("[y/N] ")
    terminal.type(answer + "\n")
    assert terminal.end()[0] == code
    assert tk("show", "t").code == (3 if gone else 0)


def test_rm_that_is_not_answered_removes_nothing(tk: Program, terminals: list[Terminal]):
    tk.ok("set", "t", "f", "1")
    for key, code in (("\x04", 1), ("\x03", 130)):
        terminal = Terminal(tk, "rm", "t")
        terminals.append(terminal)
        terminal.expect("[y/N] ")
        terminal.type(key)
        assert terminal.end()[0] == code
    tk.ok("show", "t")


def colours(raw: str) -> list[str]:
    return re.findall(r"\x1b\[[0-9;]*m", raw)


def test_no_color_is_respected(tk: Program, terminals: list[Terminal]):
    tk.ok("set", "t", "f", "1")
    for env, wanted in (({}, True), ({"NO_COLOR": "1"}, False)):
        terminal = Terminal(tk, "show", "t", env=env)
        terminals.append(terminal)
        assert terminal.end()[0] == 0
        found = [code for code in colours(terminal.raw) if re.search(r"[34][0-9]", code)]
        assert "field" in terminal.text
        assert bool(colours(terminal.raw)) or not wanted
        assert not (found and not wanted)
    for words in (["--help"], ["nope"]):
        terminal = Terminal(tk, *words, env={"NO_COLOR": "1"})
        terminals.append(terminal)
        terminal.end()
        assert not [code for code in colours(terminal.raw) if re.search(r"[34][0-9]", code)]


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_tables_fit_the_terminal(tk: Program, terminals: list[Terminal], columns: int):
    with tk.store() as store:
        store.thread("t" * 60).state.set("f" * 30, "x" * 3_000)
        store.thread("t" * 60).messages.append({"role": "user", "content": "y " * 500})
    for words in (["show", "t" * 60], ["threads"], ["doctor"]):
        terminal = Terminal(tk, *words, columns=columns)
        terminals.append(terminal)
        code, text = terminal.end()
        assert code == 0
        long = [line for line in text.splitlines() if len(line) > columns]
        assert [line for line in long if not line.startswith(("thread ", "created "))] == []


def test_bytes_and_escapes_do_not_reach_the_terminal(tk: Program, terminals: list[Terminal]):
    with tk.store() as store:
        store.thread("t").state.set("bytes", b"\x1b[31m")
        store.thread("t").state.set("text", "one\n\x1b[31mtwo\tthree")
    for field, part in (("bytes", "<5 bytes>"), ("text", "\\u001b[31mtwo    three")):
        terminal = Terminal(tk, "get", "t", field)
        terminals.append(terminal)
        assert terminal.end()[0] == 0
        assert part in terminal.text
        assert "\x1b[31m" not in terminal.raw


def test_long_commands_show_how_far_they_are(tk: Program, terminals: list[Terminal]):
    with tk.store("store.db?durability=normal") as store:
        for number in range(20):
            store.thread(f"t{number}").messages.append(*({"n": n} for n in range(300)))
    for words in (
        ["export", "a.jsonl"],
        ["import", "a.jsonl", "--store", "sqlite:///b.db"],
        ["copy", "sqlite:///store.db", "sqlite:///c.db"],
    ):
        terminal = Terminal(tk, *words)
        terminals.append(terminal)
        code, text = terminal.end()
        assert code == 0, text
        assert words[0] in text
        assert "━" in text
