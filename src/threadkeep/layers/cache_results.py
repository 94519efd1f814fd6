"""Which results may be kept: no errors, no refusals; and what a call has cost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final, cast

from threadkeep.errors import UsageError
from threadkeep.model.caches import Tokens
from threadkeep.model.tags import kind_of

_REASONS: Final = ("finish_reason", "finishReason", "stop_reason", "stopReason")
_REFUSED: Final = frozenset(("error", "content_filter", "refusal", "safety"))
_STATUS: Final = frozenset(("failed", "incomplete", "cancelled", "error"))
MICRO: Final = 1_000_000


def is_error(stored: Any) -> bool:
    """Tell whether a result, as plain content, says that it is an error.

    It does where `error` is set, or `is_error` or `isError` is true.
    """
    if kind_of(stored) is not dict:
        return False
    return bool(stored.get("error")) or True in (stored.get("is_error"), stored.get("isError"))


def is_refused(stored: Any) -> bool:
    """Tell whether an answer of a model, as plain content, is an error, a refusal or was cut off by an error.

    It is where `is_error` says so, `refusal` is set, `status` says failed, incomplete, cancelled or error,
    or a finish or stop reason says error, content_filter, refusal or safety; in the answer itself, in one of
    its `choices` or in their `message`.
    """
    if kind_of(stored) is not dict:
        return False
    answer = cast("dict[str, Any]", stored)
    said = [answer.get(name) for name in _REASONS]
    if is_error(answer) or answer.get("refusal") or any(_says(one, _REFUSED) for one in said):
        return True
    if _says(answer.get("status"), _STATUS):
        return True
    choices = answer.get("choices")
    inner = cast("list[Any]", choices) if kind_of(choices) is list else []
    return any(map(is_refused, inner)) or is_refused(answer.get("message"))


def _says(word: object, words: frozenset[str]) -> bool:
    return isinstance(word, str) and word.lower() in words


def micros_of(cost: object) -> int | None:
    """Return dollars as whole micro-dollars; None stays None. UsageError for what is no cost."""
    if cost is None:
        return None
    if isinstance(cost, bool) or not isinstance(cost, int | float | Decimal):
        raise UsageError(f"cost must be dollars as a number, not {type(cost).__name__}")
    if not math.isfinite(cost) or cost < 0 or cost > 1e9:
        raise UsageError("cost must be dollars, 0 to a billion")
    micros = Decimal(str(cost)) * MICRO
    return int(micros.to_integral_value(ROUND_HALF_EVEN))


def tokens_of(tokens: object) -> Tokens | None:
    """Return tokens given as Tokens, as (input, output) or as a mapping with `input` and `output`."""
    if tokens is None:
        return None
    if isinstance(tokens, Tokens):
        found: list[Any] = [tokens.input, tokens.output]
    elif isinstance(tokens, Mapping):
        mapping = cast("Mapping[Any, Any]", tokens)
        if not {"input", "output"}.issuperset(mapping):
            raise UsageError("tokens may have input and output, and nothing else")
        found = [mapping.get("input", 0), mapping.get("output", 0)]
    else:
        found = list(cast("tuple[Any, ...]", tokens)) if isinstance(tokens, tuple | list) else []
    if len(found) != 2 or not all(type(n) is int and 0 <= n < 1 << 53 for n in found):
        raise UsageError(
            "tokens must be Tokens(input, output), a pair or a mapping, of numbers from 0"
        )
    return Tokens(*found)
