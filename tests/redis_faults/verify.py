"""Hold what stands in a store against what its callers were told."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.redis_faults.calls import Call, Kind, Ledger, Told
from tests.redis_faults.load import LARGE, SHARED
from threadkeep import Store


@dataclass
class Verdict:
    """What was found. `lost`: acknowledged, not there, and within what the fault may take."""

    done: int
    maybe: int
    never: int
    lost: int = 0
    age: float = 0.0  # seconds for which the oldest lost message was acknowledged at the fault
    wrong: list[str] = field(default_factory=list[str])

    def __str__(self) -> str:
        figures = f"{self.done} acknowledged, {self.maybe} in doubt, {self.never} refused"
        lost = f"{self.lost} lost" + (f" of the last {self.age * 1000:.0f} ms" if self.age else "")
        return f"{figures}, {lost}" + "".join(f"; {why}" for why in self.wrong[:5])


def verify(url: str, ledger: Ledger, *, taken: float | None = None, **options: Any) -> Verdict:
    """Compare each call with its effect.

    `taken`: when a server was taken away that may have kept the last acknowledged calls to itself; calls
    that had begun before may be lost, of each caller the last ones and without a gap.
    """
    calls = ledger.calls
    done, maybe, never = (ledger.count(told) for told in (Told.DONE, Told.MAYBE, Told.NEVER))
    verdict = Verdict(done, maybe, never)
    verdict.wrong += ledger.untyped
    check = _Check(verdict, taken)
    with Store(url, **options) as store:
        shared = store.thread(SHARED)
        fields = shared.state.get_all()
        check.log(_of(calls, Kind.NAMED), shared.messages.list())
        check.sum("count", _of(calls, Kind.COUNT), fields.pop("count", 0))
        check.sum("guarded", _of(calls, Kind.GUARDED), fields.pop("guarded", 0))
        for who in sorted({call.who for call in calls}):
            mine = [call for call in calls if call.who == who]
            own = store.thread(who)
            check.log(_of(mine, Kind.APPEND), own.messages.list())
            check.last(who, _of(mine, Kind.FIELD), own.state.get("field", 0))
            number, padding = own.state.get("large", [0, ""])
            check.last(who, _of(mine, Kind.LARGE), number)
            if number and len(padding) != LARGE + number % 7:
                verdict.wrong.append(f"the large field of {who} is not whole")
            name = f"once-{who}"
            check.sum(name, _of(mine, Kind.ONCE), fields.pop(name, 0))
    verdict.wrong += [f"nobody wrote the field {name}" for name in fields]
    return verdict


def unexpected(ledger: Ledger) -> list[str]:
    """Return the errors of calls but Conflict, for what gives nobody a reason for one."""
    calls = [call for call in ledger.calls if call.told is not Told.DONE]
    return [call.error for call in calls if not call.error.startswith("Conflict:")]


def _of(calls: list[Call], kind: Kind) -> list[Call]:
    return [call for call in calls if call.kind is kind]


class _Check:
    def __init__(self, verdict: Verdict, taken: float | None) -> None:
        self._verdict, self._taken = verdict, taken

    def _wrong(self, why: str) -> None:
        self._verdict.wrong.append(why)

    def _may_lose(self, call: Call) -> bool:
        return self._taken is not None and call.begun < self._taken

    def sum(self, name: str, calls: list[Call], found: int) -> None:
        """A number must count each acknowledged call once, and none that was refused."""
        done = [call for call in calls if call.told is Told.DONE]
        sure = sum(not self._may_lose(call) for call in done)
        most = len(done) + sum(call.told is Told.MAYBE for call in calls)
        if not sure <= found <= most:
            self._wrong(f"{name} is {found}, not {sure} to {most}")
        self._verdict.lost += max(0, len(done) - found)

    def last(self, who: str, calls: list[Call], found: int) -> None:
        """A field must have the value of the last acknowledged call, or of a later one in doubt."""
        told = {call.number: call.told for call in calls}
        if found and told.get(found) in {None, Told.NEVER}:
            self._wrong(f"a field of {who} is {found}, which was never written")
        sure = [c.number for c in calls if c.told is Told.DONE and not self._may_lose(c)]
        if found < max(sure, default=0):
            self._wrong(f"a field of {who} is {found}, not {max(sure)}")

    def log(self, calls: list[Call], items: list[dict[str, Any]]) -> None:
        """A log must hold each acknowledged message once, in the order of its caller, and none refused."""
        for who in {call.who for call in calls} | {item["who"] for item in items}:
            mine = sorted((c for c in calls if c.who == who), key=lambda call: call.number)
            self._own(who, mine, [item["number"] for item in items if item["who"] == who])

    def _own(self, who: str, calls: list[Call], numbers: list[int]) -> None:
        told = {call.number: call for call in calls}
        doubled = [number for number, count in Counter(numbers).items() if count > 1]
        strange = [n for n in numbers if n not in told or told[n].told is Told.NEVER]
        if doubled:
            self._wrong(f"{who}: messages {doubled[:5]} stand twice")
        elif numbers != sorted(numbers):
            self._wrong(f"{who}: messages are out of order")
        if strange:
            self._wrong(f"{who}: messages {strange[:5]} stand, their errors say that they do not")
        standing = set(numbers)
        gone = [c for c in calls if c.told is Told.DONE and c.number not in standing]
        if bad := [call.number for call in gone if not self._may_lose(call)]:
            self._wrong(f"{who}: messages {bad[:5]} were acknowledged and are lost")
        self._no_gap(who, calls, gone, standing)
        self._verdict.lost += len(gone)
        for call in gone if self._taken is not None else ():
            self._verdict.age = max(self._verdict.age, (self._taken or 0) - call.ended)

    def _no_gap(self, who: str, calls: list[Call], gone: list[Call], standing: set[int]) -> None:
        for call in calls if gone else ():
            late = self._taken is not None and call.ended > self._taken  # sent to the next primary
            if call.number > gone[0].number and call.number in standing and not late:
                self._wrong(f"{who}: message {gone[0].number} is lost and {call.number} is not")
                return
