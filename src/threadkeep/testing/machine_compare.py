"""Comparing the answers of two engines that were asked the same."""

from __future__ import annotations

from typing import Final

import msgspec

from threadkeep.ops.engine import Claim, Page
from threadkeep.ops.reply import AnyResult, EntityInfo, Field, Fields, Items, Moment, Reply

_TIMES: Final = 1  # what an untimed field stands at


class Difference(AssertionError):
    """Two engines that were asked the same answered differently, or an answer breaks a promise."""


def require(holds: object, what: str) -> None:
    """Raise Difference with `what` unless it holds."""
    if not holds:
        raise Difference(what)


class Comparison:
    """What may differ between the oracle and the engine under test, and how it corresponds.

    Epochs are random, so each of the one side stands for one of the other. `timed`: both run on one
    clock, so times and leases are equal. `sized`: values are stored as they are, so sizes are equal.
    """

    def __init__(self, *, timed: bool, sized: bool) -> None:
        self._timed, self._sized = timed, sized
        self._there: dict[str, str] = {"": ""}
        self._here: dict[str, str] = {"": ""}

    def there(self, epoch: str) -> str:
        """Return the other engine's epoch for one of the oracle; itself where that is unknown."""
        return self._there.get(epoch, epoch)

    def epochs(self, oracle: str, other: str) -> None:
        """Note that two epochs were seen in the same place; Difference when they stood for others."""
        require(
            self._there.setdefault(oracle, other) == other
            and self._here.setdefault(other, oracle) == oracle,
            f"epoch {other} stands where another, for {oracle}, stood before",
        )

    def replies(self, oracle: Reply, other: Reply) -> None:
        """Raise Difference unless both replies say the same."""
        self.epochs(oracle.epoch, other.epoch)
        first, second = self._plain(oracle), self._plain(other)
        for name in first.__struct_fields__:
            wanted, got = getattr(first, name), getattr(second, name)
            require(wanted == got, f"{name} is\n  {got!r}\nand should be\n  {wanted!r}")

    def claims(self, oracle: list[Claim], other: list[Claim]) -> None:
        """Raise Difference unless both claimed the same entities until the same time."""
        refs = [claim.ref for claim in oracle], [claim.ref for claim in other]
        require(refs[0] == refs[1], f"claimed {refs[1]}, should be {refs[0]}")
        for wanted, got in zip(oracle, other, strict=True):
            self.epochs(wanted.epoch, got.epoch)
            times = (wanted.token, wanted.ended), (got.token, got.ended)
            if self._timed:
                require(times[0] == times[1], f"claimed until {times[1]}, should be {times[0]}")

    def listings(self, oracle: list[Page], other: list[Page]) -> None:
        """Raise Difference unless both list the same entities, in whatever order."""
        wanted = {listed.ref: listed.info for page in oracle for listed in page.items}
        listed = [one for page in other for one in page.items]
        got = {one.ref: one.info for one in listed}
        refs = sorted(one.ref for one in listed)
        require(len(got) == len(listed), f"something came twice: {refs}")
        require(wanted.keys() == got.keys(), f"listed {refs}, should be {sorted(wanted)}")
        for ref, info in wanted.items():
            self.epochs(info.epoch, got[ref].epoch)
            first, second = self._info(info), self._info(got[ref])
            require(first == second, f"listed\n  {second!r}\nand should be\n  {first!r}")

    def _plain(self, reply: Reply) -> Reply:
        results = tuple(self._result(result) for result in reply.results)
        return msgspec.structs.replace(reply, results=results, epoch="")

    def _result(self, result: AnyResult) -> AnyResult:
        if isinstance(result, EntityInfo):
            return self._info(result)
        if isinstance(result, Moment):
            return Moment(result.at if self._timed else _TIMES)
        if isinstance(result, Fields):
            return Fields(self._fields(result.fields), self._fields(result.linked))
        if isinstance(result, Items):
            items = tuple(
                msgspec.structs.replace(
                    item,
                    at=item.at if self._timed else _TIMES,
                    size=item.size if self._sized else 0,
                )
                for item in result.items
            )
            linked = self._fields(result.linked)
            weight = result.bytes if self._sized else 0
            return Items(items, result.head, result.count, weight, linked)
        return result

    def _fields(self, fields: dict[str, Field]) -> dict[str, Field]:
        return {name: self._field(field) for name, field in fields.items()}

    def _field(self, field: Field) -> Field:
        end = field.end if self._timed or field.end is None else _TIMES
        return msgspec.structs.replace(field, end=end, size=field.size if self._sized else 0)

    def _info(self, info: EntityInfo) -> EntityInfo:
        weight = info.bytes if self._sized else 0
        plain = msgspec.structs.replace(info, epoch="", bytes=weight)
        if self._timed:
            return plain
        end = None if info.end is None else _TIMES
        return msgspec.structs.replace(plain, created=_TIMES, updated=_TIMES, end=end)
