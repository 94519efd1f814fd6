"""Leases over any order of reads, writes and waits: each field keeps its own window."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from threadkeep import Store
from threadkeep.model.leases import GRAIN, SECOND, renewed

WINDOWS = {"short": 5.0, "middle": 1_800.0, "long": 30 * 86_400.0}
BEGIN = 1_800_000_000.0
MICRO = 1e-6

windows = st.integers(1, 10**15)
READS: dict[str, Callable[[Store, str], object]] = {
    "get": lambda store, name: store.thread("t").state.get(name),
    "get_many": lambda store, name: store.thread("t").state.get_many([name]),
    "get_all": lambda store, _: store.thread("t").state.get_all(),
    "prefix": lambda store, name: store.thread("t").state.get_all(name[:3]),
    "touch": lambda store, name: store.thread("t").state.touch(name),
    "touch_all": lambda store, _: store.thread("t").state.touch(),
}
ALL = {"get_all", "touch_all"}
TOUCHES = {"touch", "touch_all"}


@given(windows, st.integers(0, 10**16), st.integers(0, 10**16))
def test_a_renewal_moves_only_after_the_grain_and_only_to_the_window(
    window: int, end: int, now: int
):
    moved = renewed(window, end, now)
    passed = now + window - end  # since the last renewal
    assert moved in (None, now + window)
    assert (moved is not None) == (passed * GRAIN > window)
    assert moved is None or moved > end


@given(windows, st.lists(st.fractions(0, 1), max_size=30))
def test_idle_time_is_between_fifteen_sixteenths_and_the_window(window: int, gaps: list[object]):
    now, end = 0, window
    for gap in gaps:
        now += int(gap * window)  # pyright: ignore[reportOperatorIssue] - a Fraction
        if end <= now:
            assert (end - now) <= 0
            return
        moved = renewed(window, end, now)
        end = end if moved is None else moved
        assert window * (GRAIN - 1) // GRAIN <= end - now <= window


def test_what_is_not_sliding_is_never_renewed():
    assert renewed(None, None, 5) is None
    assert renewed(None, 10, 5) is None


@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(READS)),
            st.sampled_from(sorted(WINDOWS)),
            st.sampled_from((0.0, 0.2, 0.4, 4.0, 4.7, 100.0, 1_700.0, 1_801.0, 86_400.0)),
        ),
        max_size=25,
    )
)
def test_side_by_side_no_read_changes_the_lease_of_another_field(
    script: list[tuple[str, str, float]],
):
    """The model is the documented rule alone: window, grain, touch exactly."""
    now = BEGIN
    with Store("memory://", clock=lambda: now) as store:
        state = store.thread("t").state
        for name, window in WINDOWS.items():
            state.set(name, name, ttl=window)
        state.set("forever", 1)
        ends = {name: now + window for name, window in WINDOWS.items()}
        for read, name, wait in script:
            now += wait
            ends = {n: end for n, end in ends.items() if end > now + MICRO / 2}
            READS[read](store, name)
            for seen in ends if read in ALL else {name} & ends.keys():
                passed = now + WINDOWS[seen] - ends[seen]
                if read in TOUCHES or passed * GRAIN > WINDOWS[seen] + MICRO:
                    ends[seen] = now + WINDOWS[seen]
            for other, window in WINDOWS.items():
                entry = state.entry(other)
                assert (entry is not None) == (other in ends), (other, now - BEGIN)
                if entry is not None:
                    assert entry.lease.window == window * SECOND
                    assert entry.expires_at is not None
                    assert abs(entry.expires_at.timestamp() - ends[other]) < 1e-3
            assert state.keys() == sorted([*ends, "forever"])
