"""How much of what waits goes along: bounds on bytes and tokens, and what gives way to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal, get_args

import msgspec

from threadkeep.errors import UsageError
from threadkeep.model.parts import FILES, weight

GivesWay = Literal["last", "first", "largest"]
IMAGE_TOKENS: Final = 1_600  # about what the APIs ask for one of a megapixel or more
TOKEN_BYTES: Final = 4


class Weight(msgspec.Struct, frozen=True):
    """What a part weighs: bytes of its content, tokens as declared or estimated."""

    bytes: int = 0
    tokens: int = 0

    def __add__(self, other: Weight) -> Weight:
        return Weight(self.bytes + other.bytes, self.tokens + other.tokens)


class Budget(msgspec.Struct, frozen=True):
    """The most bytes and tokens of all parts together; None for any number.

    `leave_out`: what gives way when not all of them fit. None: nothing may. `last`: parts are taken from the
    first on, each that fits; `first`: from the last on; `largest`: from the smallest on.
    """

    max_bytes: int | None = None
    max_tokens: int | None = None
    leave_out: GivesWay | None = None

    def __post_init__(self) -> None:
        for name in ("max_bytes", "max_tokens"):
            number = getattr(self, name)
            if number is not None and (type(number) is not int or number < 0):
                raise UsageError(f"{name} is {number!r}; pass a whole number, 0 or more")
        if self.leave_out is not None and self.leave_out not in get_args(GivesWay):
            raise UsageError(
                f"leave_out is {self.leave_out!r}; use one of {', '.join(get_args(GivesWay))}"
            )

    @property
    def bounded(self) -> bool:
        """Tell whether anything may be left out."""
        return self.max_bytes is not None or self.max_tokens is not None

    def over(self, weight: Weight) -> str | None:
        """Return which bound a weight is over; None when it is over none."""
        if self.max_bytes is not None and weight.bytes > self.max_bytes:
            return "max_bytes"
        if self.max_tokens is not None and weight.tokens > self.max_tokens:
            return "max_tokens"
        return None

    def refused(self, weights: Sequence[Weight]) -> dict[int, str]:
        """Return the places of the parts that do not fit, each with the bound that it is over."""
        total, refused = Weight(), dict[int, str]()
        for place in self._in_turn(weights):
            more = total + weights[place]
            bound = self.over(more)
            if bound is None:
                total = more
            else:
                refused[place] = bound
        return dict(sorted(refused.items()))

    def _in_turn(self, weights: Sequence[Weight]) -> Sequence[int]:
        places = range(len(weights))
        if self.leave_out == "first":
            return places[::-1]
        if self.leave_out == "largest":
            by_tokens = self.max_bytes is None
            return sorted(
                places, key=lambda n: weights[n].tokens if by_tokens else weights[n].bytes
            )
        return places


def weight_of(part: dict[str, Any], size: int | None = None) -> Weight:
    """Return what a part weighs; `size`: the bytes of its content where that stands apart."""
    data, declared = part["data"], part.get("tokens")
    if size is None:
        size = _file_size(data) if part["part_type"] in FILES else weight(data)
    if type(declared) is int:
        return Weight(size, declared)
    if part["part_type"] == "image":
        return Weight(size, IMAGE_TOKENS)
    return Weight(size, -(-size // TOKEN_BYTES))


def _file_size(data: Any) -> int:
    if not isinstance(data, dict):
        return weight(data)
    text = data.get("bytes")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - any JSON
    if not isinstance(text, str):
        return weight(data)
    return len(text) * 3 // 4 - text[-2:].count("=")
