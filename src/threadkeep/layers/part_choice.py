"""Which of the parts that wait go along with a message, and what is said of the others."""

from __future__ import annotations

from typing import Any

import msgspec

from threadkeep.errors import TooLarge, UsageError
from threadkeep.layers.parts import Waiting
from threadkeep.model.part_budget import Budget
from threadkeep.model.part_formats import Rendered, rendered
from threadkeep.model.parts import FILES, checked, resolved


class LeftOut(msgspec.Struct, frozen=True):
    """A part that was left out: `reason` names the bound it is over, or says what is wrong with it."""

    name: str
    reason: str
    bytes: int
    tokens: int


class Taken(msgspec.Struct, frozen=True):
    """Parts as content of an API: the names of those used, what they weigh, and what was left out and why."""

    content: list[Rendered]
    used: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    bytes: int
    tokens: int


class Attached(msgspec.Struct, frozen=True):
    """A message with its parts: the names of those used, what they weigh, and what was left out and why."""

    message: dict[str, Any]
    used: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    bytes: int
    tokens: int


class Shown(msgspec.Struct, frozen=True):
    """Parts as content of an API, and those that it does not take."""

    used: list[Waiting]
    content: list[Rendered]
    left_out: list[LeftOut]


def fitting(found: list[Waiting], budget: Budget) -> tuple[list[Waiting], list[LeftOut]]:
    """Return the parts that fit a budget, and the others; TooLarge where nothing may be left out."""
    refused = budget.refused([one.weight for one in found])
    if refused and budget.leave_out is None:
        place, bound = next(iter(refused.items()))
        raise TooLarge(
            f"the parts together are over {bound}={getattr(budget, bound)} from {found[place].name!r} on;"
            " pass leave_out=, or delete some; nothing was used"
        )
    kept = [one for place, one in enumerate(found) if place not in refused]
    return kept, [_left(found[place], bound) for place, bound in refused.items()]


def shown(found: list[Waiting], form: str, budget: Budget) -> Shown:
    """Return parts as content of an API; UsageError names one that it does not take, unless it may be left out."""
    done = Shown([], [], [])
    for one in found:
        try:
            content = _rendered(one, form)
        except UsageError as error:
            if budget.leave_out is None:
                raise UsageError(f"part {one.name!r}: {error}") from None
            done.left_out.append(_left(one, str(error)))
            continue
        done.content.extend(content)
        done.used.append(one)
    return done


def _rendered(one: Waiting, form: str) -> list[Rendered]:
    found = resolved(one.value)
    for part in found:
        if part["part_type"] in FILES and not one.field.refs:  # it may have been set as plain state
            checked(part, len(one.field.value), sniff=False)
    return rendered(found, form)


def _left(one: Waiting, reason: str) -> LeftOut:
    weight = one.weight
    return LeftOut(one.name, reason, weight.bytes, weight.tokens)
