"""The canonical form of RFC 8785, by the vectors of the RFC; and that no two values share one."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from threadkeep import UsageError
from threadkeep.model.canonical import canonical, digest

NUMBERS = {  # appendix B: the bits of a double, and its text
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "ffefffffffffffff": "-1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "c340000000000000": "-9007199254740992",
    "4430000000000000": "295147905179352830000",
    "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23",
    "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000",
    "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332",
    "41b3de4355555554": "333333333.33333325",
    "41b3de4355555555": "333333333.3333333",
    "41b3de4355555556": "333333333.3333334",
    "41b3de4355555557": "333333333.33333343",
    "becbf647612f3696": "-0.0000033333333333333333",
    "43143ff3c1cb0959": "1424953923781206.2",
}
SAMPLE = (  # section 3.2.2
    r'{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],'
    r'"string":"\u20ac$\u000F\u000aA'
    r"'"
    r'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}'
)
SAMPLE_TEXT = (
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
    '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
)
SORTED = {  # section 3.2.3: by UTF-16 code units, not by code points
    "\r": "Carriage Return",
    "1": "One",
    "\x80": "Control",
    "ö": "Latin Small Letter O With Diaeresis",
    "€": "Euro Sign",
    "😀": "Emoji: Grinning Face",
    "\ufb33": "Hebrew Letter Dalet With Dagesh",
}


@pytest.mark.parametrize(("bits", "text"), NUMBERS.items())
def test_numbers_of_appendix_b(bits: str, text: str):
    (value,) = struct.unpack(">d", bytes.fromhex(bits))
    assert canonical(value).decode() == text


@pytest.mark.parametrize("bits", ["7fffffffffffffff", "7ff0000000000000", "fff0000000000000"])
def test_what_is_no_number_has_no_form(bits: str):
    with pytest.raises(UsageError):
        canonical(struct.unpack(">d", bytes.fromhex(bits))[0])


def test_the_sample_of_section_3_2_2():
    assert canonical(json.loads(SAMPLE)).decode() == SAMPLE_TEXT


def test_the_order_of_section_3_2_3():
    shuffled = dict(sorted(SORTED.items()))
    assert list(json.loads(canonical(shuffled))) == list(SORTED)


def test_integers_are_the_doubles_they_equal_and_no_others():
    assert canonical(1) == canonical(1.0) == b"1"
    assert canonical(10**21) == canonical(1e21) == b"1e+21"
    assert canonical(2**53) == canonical(2.0**53)
    big = {canonical(2**53 + n) for n in range(5)}
    assert len(big) == 5  # the RFC would round them into three
    assert canonical(10**400) != canonical(10**400 + 1)


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.binary(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


def kinds(value: Any) -> Any:
    """Return a value in which what must differ differs for `==` too: True is not 1 and b"" is not ""."""
    if isinstance(value, dict):
        return {"kind": "object", "of": {k: kinds(v) for k, v in value.items()}}
    if isinstance(value, list):
        return ["array", [kinds(item) for item in value]]
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return ["number" if number else type(value).__name__, value]


@settings(max_examples=300, deadline=None)
@given(JSON, JSON)
def test_equal_values_and_only_they_share_a_form(one: Any, two: Any):
    assert (canonical(one) == canonical(two)) == (kinds(one) == kinds(two))


@settings(max_examples=200, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_reads_back_as_itself(value: float):
    assert json.loads(canonical(value), parse_int=float) == value


def test_the_form_of_a_tag_cannot_be_forged():
    for value in (b"x", 2**53 + 1):
        assert digest(json.loads(canonical(value))) != digest(value)


def test_nesting_has_an_end():
    deep: Any = []
    for _ in range(70):
        deep = [deep]
    loop: list[Any] = []
    loop.append(loop)
    for value in (deep, loop):
        with pytest.raises(UsageError, match="nested"):
            canonical(value)
