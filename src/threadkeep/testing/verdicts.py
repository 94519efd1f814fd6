"""The report of a run of the suite, as data, as text and as JSON."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from threadkeep.testing.telling import Line

Verdict = Literal["FULL", "PARTIAL", "NONE", "UNASKED"]
MEANS: Final = frozenset({"clock", "limits", "real time"})  # of the tests; no engine owes them


class Topic(msgspec.Struct, frozen=True):
    """What became of the tests of one topic; `lacking` names what those that were skipped ask for."""

    name: str
    passed: int
    failed: int
    skipped: int
    lacking: tuple[str, ...]

    @property
    def verdict(self) -> Verdict:
        """FULL: every test passed that could be asked. NONE: none did. PARTIAL: some did.

        A test cannot be asked where it needs a clock or limits of its own and the engine's are a server's;
        UNASKED: that was so for all of them. A test that asks for what an engine may offer counts as missed.
        """
        if self.failed or not MEANS.issuperset(self.lacking):
            return "PARTIAL" if self.passed else "NONE"
        return "FULL" if self.passed else "UNASKED"

    @property
    def counts(self) -> str:
        """Return the numbers in words."""
        words = [f"{self.passed} passed"]
        if self.failed:
            words.append(f"{self.failed} FAILED")
        if self.skipped:
            words.append(f"{self.skipped} skipped (no {', '.join(self.lacking)})")
        return ", ".join(words)


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a check found. `again`: what was asked twice. `problems`: what kept the run itself from its end."""

    url: str
    engine: str
    version: str
    durability: str
    sync: bool
    seconds: float
    lines: tuple[Line, ...]
    again: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def topics(self) -> tuple[Topic, ...]:
        """Return the topics, by name."""
        names = sorted({line.topic for line in self.lines})
        return tuple(_topic(n, [line for line in self.lines if line.topic == n]) for n in names)

    @property
    def total(self) -> Topic:
        """Return all topics as one."""
        return _topic("total", list(self.lines))

    @property
    def failures(self) -> tuple[Line, ...]:
        """Return the tests that failed."""
        return tuple(line for line in self.lines if line.outcome == "failed")

    @property
    def verdict(self) -> Verdict:
        """Return the verdict on the whole."""
        verdict = self.total.verdict
        return "PARTIAL" if self.problems and verdict == "FULL" else verdict

    @property
    def exit_status(self) -> int:
        """Return 0 when nothing failed, else 1; what the engine does not claim is no failure."""
        return 1 if self.failures or self.problems or not self.total.passed else 0

    def text(self) -> str:
        """Return the report for people."""
        side = " without await" if self.sync else ""
        lines = [
            f"threadkeep check {self.url}",
            f"engine {self.engine} {self.version}".rstrip()
            + f"{side}, durability: {self.durability}",
            "",
        ]
        width = max((len(topic.name) for topic in self.topics), default=0)
        for topic in self.topics:
            lines.append(f"{topic.name:{width}}  {topic.verdict:7}  {topic.counts}")
            for line in self.failures:
                if line.topic == topic.name:
                    lines += [f"  {line.test}", *(f"    {r}" for r in line.reason.splitlines())]
        lines += ["", *(f"asked twice, for it failed at first: {name}" for name in self.again)]
        lines += [*(f"problem: {problem}" for problem in self.problems)]
        lines.append(f"{self.verdict}: {self.total.counts} in {self.seconds:g} s")
        return "\n".join(lines)

    def json(self) -> bytes:
        """Return the report for programs: its fields, the topics with their verdicts, the failures."""
        topics = [
            {"name": t.name, "verdict": t.verdict, "passed": t.passed, "failed": t.failed}
            | {"skipped": t.skipped, "lacking": t.lacking}
            for t in self.topics
        ]
        facts = {name: getattr(self, name) for name in self.__struct_fields__ if name != "lines"}
        found = {"verdict": self.verdict, **facts, "topics": topics, "failures": self.failures}
        return msgspec.json.encode(found)


def _topic(name: str, lines: list[Line]) -> Topic:
    outcomes = [line.outcome for line in lines]
    lacking = {line.reason for line in lines if line.outcome == "skipped"}
    return Topic(
        name=name,
        passed=outcomes.count("passed"),
        failed=outcomes.count("failed"),
        skipped=outcomes.count("skipped"),
        lacking=tuple(sorted(lacking)),
    )
