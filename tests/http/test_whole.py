"""Whole numbers in requests: JSON has one kind of number, and some clients write each of them with a point."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.http.raw import Client
from threadkeep.errors import UsageError
from threadkeep.server.whole import converted


class Inner(msgspec.Struct):
    count: int
    more: dict[str, int] = {}


class Outer(msgspec.Struct):
    keep: int | None = None
    each: list[Inner] = []
    by: int | float = 1
    value: Any = None
    counts: list[int] = []
    some: list[Inner | None] = []


def test_a_float_without_a_fraction_is_a_whole_number():
    given: dict[str, Any] = {
        "keep": 3.0,
        "each": [{"count": 1}, {"count": 2.0, "more": {"a": 5.0, "b": 6}}, {"count": 3.0}],
        "counts": [1, 2.0, 3.0],
    }
    found = converted(given, Outer)
    assert (found.keep, found.counts) == (3, [1, 2, 3])
    assert [one.count for one in found.each] == [1, 2, 3]
    assert found.each[1].more == {"a": 5, "b": 6}
    numbers = [found.keep, *found.counts, *[one.count for one in found.each]]
    assert {type(number) for number in numbers} == {int}


def test_entries_of_another_kind_are_passed_over():
    found = converted({"some": [None, {"count": 2.0}]}, Outer)
    assert found.some == [None, Inner(2)]


def test_what_may_be_a_float_stays_one():
    found = converted({"keep": 1.0, "by": 2.0, "value": {"keep": 1.0, "x": [2.0]}}, Outer)
    assert [type(one) for one in (found.by, found.value["keep"], found.value["x"][0])] == [
        float
    ] * 3


@pytest.mark.parametrize("number", [2.5, 1e300, float(2**53 + 2), -0.5])
def test_another_number_is_refused_where_a_whole_one_is_asked_for(number: float):
    with pytest.raises(UsageError, match=r"Expected `int \| null`, got `float` - at `\$\.keep`"):
        converted({"keep": number}, Outer)


def test_many_cost_no_more_than_they_are_long():
    found = converted({"each": [{"count": float(n)} for n in range(50_000)]}, Outer)
    assert found.each[-1].count == 49_999


def test_over_the_wire(call: Client):
    pushed = {"item": 1.0, "keep": 2.0}
    assert call("POST", "/v1/threads/t/state/list/push", pushed).status == 200
    kept = call("GET", "/v1/threads/t/state/list").json
    assert kept["value"] == [1.0]
    assert call("POST", "/v1/threads/t/state/list/push", {"item": 1, "keep": 2.5}).status == 400
