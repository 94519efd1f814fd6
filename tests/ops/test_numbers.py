"""What an increment does to a stored number."""

from __future__ import annotations

import pytest

from threadkeep.errors import UsageError
from threadkeep.model.codec import encode
from threadkeep.ops.numbers import increased, stored

BIG = 2**63 - 1


@pytest.mark.parametrize(
    ("value", "by", "total"),
    [
        (None, 2, 2),
        (None, -0.5, -0.5),
        (b"j1", 1, 2),
        (b"j1", 1.5, 2.5),
        (b"j1.5", 1, 2.5),
        (b"j-5", 5, 0),
        (b"j%d" % (BIG - 1), 1, BIG),
        (b"j%d" % -BIG, -1, -BIG - 1),
        (b"j1e308", 1, 1e308),
    ],
)
def test_sums(value: bytes | None, by: float, total: float):
    found = increased(value, by, "n")
    assert (found, type(found)) == (total, type(total))
    assert stored(found) == encode(total)


@pytest.mark.parametrize(
    ("value", "by", "words"),
    [
        (b"j%d" % BIG, 1, "64-bit integers"),
        (b"j%d" % -BIG, -2, "64-bit integers"),
        (b"j1e308", 1e308, "range of numbers"),
        (b"j" + b"9" * 400, 0.5, "range of numbers"),
        (b"jtrue", 1, "does not hold a number"),
        (b"jnull", 1, "does not hold a number"),
        (b'j"1"', 1, "does not hold a number"),
        (b"j[1]", 1, "does not hold a number"),
        (b"b1", 1, "does not hold a number"),
        (b"j", 1, "does not hold a number"),
        (b"", 1, "does not hold a number"),
        (b'j"\xff"', 1, "does not hold a number"),
    ],
)
def test_refusals_name_the_field(value: bytes, by: float, words: str):
    with pytest.raises(UsageError, match=words) as caught:
        increased(value, by, "field-1")
    assert "'field-1'" in str(caught.value)
