"""Ids of keys: no two namespaces share a beginning, and ids are in the order of (namespace, key)."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from threadkeep.layers.kv import prefix_of, ref, split

NAMES = st.text(
    st.one_of(st.sampled_from(" !\u00a0:/a"), st.characters(exclude_categories=("Cc", "Cs"))),
    min_size=1,
    max_size=20,
)


@given(NAMES, NAMES)
@example(" ", " ")
@example(" !", "! ")
@example("a  ", "  b")
def test_an_id_tells_namespace_and_key(namespace: str, key: str):
    assert split(ref("default", prefix_of(namespace), key).id) == (namespace, key)


@given(NAMES, NAMES)
@example("a", "a ")
@example("a", "a  b")
@example("a ", "a !")
def test_no_namespace_begins_with_another(one: str, other: str):
    assert prefix_of(one).startswith(prefix_of(other)) == (one == other)


@given(st.tuples(NAMES, NAMES), st.tuples(NAMES, NAMES))
@example(("a", "z"), ("a ", "a"))
@example(("a b", "x"), ("a!b", "x"))
def test_ids_are_in_the_order_of_names(one: tuple[str, str], other: tuple[str, str]):
    ids = [ref("default", prefix_of(namespace), key).id for namespace, key in (one, other)]
    assert (ids[0] < ids[1]) == (one < other)
