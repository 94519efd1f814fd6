"""State that agents in other languages read and write at the same time, in the commands that they use."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import redis

from threadkeep import Store
from threadkeep.errors import CodecError, Conflict, Gone, UsageError

THREAD = "user-42-thread-001"


@pytest.fixture
def at(cache: str) -> str:
    """What the keys of the thread begin with."""
    return f"{cache}:session:{THREAD}:"


def keys(other: redis.Redis, cache: str) -> list[str]:
    """Return all keys of fields, without what they begin with."""
    found = other.scan_iter(match=f"{cache}*:session:*")
    return sorted(key.partition(":session:")[2] for key in found if ".tk:" not in key)


def test_what_is_set_here_stands_there(store: Store, other: redis.Redis, at: str):
    state = store.thread(THREAD).state
    state.set("intent", "book_flight", ttl=1_800)
    state.set("city", "София")
    assert other.get(f"{at}intent") == "book_flight"
    assert other.get(f"{at}city") == "София"
    assert 1_790 < other.ttl(f"{at}intent") <= 1_800
    assert other.ttl(f"{at}city") == -1
    state.delete("city")
    assert other.get(f"{at}city") is None


def test_what_is_set_there_stands_here(store: Store, other: redis.Redis, at: str):
    state = store.thread(THREAD).state
    other.set(f"{at}intent", "book_flight", ex=1_800)
    other.set(f"{at}city", "София")
    assert state.get("intent") == "book_flight"
    assert state.get_all() == {"city": "София", "intent": "book_flight"}
    assert state.get_many(["city", "day"]) == {"city": "София"}
    assert (state.keys(), state.has("city"), state.size()) == (["city", "intent"], True, 2)
    assert list(state.get_all("c")) == ["city"]
    entry = state.entry("intent")
    assert entry is not None
    assert entry.expires_at is not None
    assert entry.lease.window is None
    assert abs(entry.expires_at.timestamp() - time.time() - 1_800) < 30
    other.delete(f"{at}intent")
    assert state.get("intent") is None
    assert state.delete("city") == 1
    assert state.get_all() == {}


def test_both_write_the_same_field(store: Store, other: redis.Redis, at: str):
    state = store.thread(THREAD).state
    state.set("city", "Sofia")
    other.set(f"{at}city", "Paris", ex=60)
    assert state.get("city") == "Paris"
    state.set("city", "Rome")
    assert other.get(f"{at}city") == "Rome"
    assert other.ttl(f"{at}city") == -1


def test_other_values_stand_there_as_json_text(store: Store, other: redis.Redis, at: str):
    state = store.thread(THREAD).state
    values = {"json": {"SOF": 129.5}, "number": 7, "none": None, "list": ["a"], "raw": b"\0\xfe"}
    state.update(values)
    assert state.get_all() == values
    assert other.get(f"{at}json") == '{"SOF":129.5}'
    assert other.get(f"{at}number") == "7"
    assert other.get(f"{at}none") == "null"
    other.set(f"{at}json", '{"SOF":99}')
    assert state.get("json") == '{"SOF":99}', "what others write is text"


def test_bytes_of_others_that_are_no_text_hurt_nobody(store: Store, other: redis.Redis, at: str):
    other.set(f"{at}raw", b"\xff\x00")
    other.set(f"{at}city", "Sofia")
    assert store.thread(THREAD).state.get_all() == {"city": "Sofia", "raw": b"\xff\x00"}


@pytest.mark.parametrize("window", [300, 86_400])
def test_a_field_keeps_its_own_window_whatever_others_read(
    store: Store, other: redis.Redis, at: str, window: int
):
    """The other agent's read gives every field its own default; ours gives it back what it had."""
    state = store.thread(THREAD).state
    state.set("otp", "123456", ttl=window)
    state.set("stays", "x")
    for _ in range(2):
        other.expire(f"{at}otp", 1_000)
        other.expire(f"{at}stays", 1_000)
        assert state.get_all() == {"otp": "123456", "stays": "x"}
        assert window - 5 < other.ttl(f"{at}otp") <= window
        assert other.ttl(f"{at}stays") == -1
    other.expire(f"{at}otp", 1_000)
    state.get("otp", renew=False)
    assert 990 < other.ttl(f"{at}otp") <= 1_000
    assert state.touch() == 1
    assert window - 5 < other.ttl(f"{at}otp") <= window


def test_a_fixed_end_is_not_moved_by_a_read_of_others(store: Store, other: redis.Redis, at: str):
    state = store.thread(THREAD).state
    end = time.time() + 0.6
    state.set("otp", "123456", expires_at=datetime.fromtimestamp(end, UTC))
    other.expire(f"{at}otp", 1_000)
    while time.time() < end + 0.1:
        time.sleep(0.05)
    assert state.get("otp") is None
    assert other.exists(f"{at}otp") == 0


def test_a_lease_that_others_gave_is_left_alone(store: Store, other: redis.Redis, at: str):
    state = store.thread(THREAD).state
    state.set("prices", "old", ttl=1_000)
    other.set(f"{at}prices", "new", ex=60)
    assert state.get("prices") == "new"
    assert state.get_all() == {"prices": "new"}
    state.touch()
    assert 50 < other.ttl(f"{at}prices") <= 60


def test_conditions_see_what_others_wrote(store: Store, other: redis.Redis, at: str):
    state = store.thread(THREAD).state
    other.set(f"{at}seat", "12A")
    with pytest.raises(Conflict) as refused:
        state.set("seat", "1A", if_absent=True)
    assert refused.value.found == "12A"
    revision = state.set("seat", "1A")
    other.set(f"{at}seat", "12B")
    with pytest.raises(Conflict) as refused:
        state.set("seat", "1B", if_revision=revision)
    assert refused.value.found == "12B"
    entry = state.entry("seat")
    assert entry is not None
    state.set("seat", "1C", if_revision=entry.revision)
    assert other.get(f"{at}seat") == "1C"
    assert state.mutate("seat", lambda seat: f"{seat}!") == "1C!"


def test_numbers(store: Store, other: redis.Redis, at: str):
    state = store.thread(THREAD).state
    assert state.increment("turns", ttl=500) == 1
    assert state.increment("turns", 41) == 42
    assert other.get(f"{at}turns") == "42"
    assert 490 < other.ttl(f"{at}turns") <= 500
    other.set(f"{at}turns", "43")
    with pytest.raises(UsageError, match="does not hold a number"):
        state.increment("turns")
    assert other.get(f"{at}turns") == "43"


def test_no_increment_is_lost(url: str):
    with Store(url) as one, Store(url) as two, ThreadPoolExecutor(8) as pool:
        states = [store.thread(THREAD).state for store in (one, two)] * 4

        def add(number: int) -> None:
            for _ in range(10):
                states[number].increment("n")

        list(pool.map(add, range(8)))
        assert one.thread(THREAD).state.get("n") == 80


def test_threads_whose_names_share_a_beginning_are_apart(
    store: Store, other: redis.Redis, cache: str
):
    """A colon would make field `bob:secret` of `acme` out of field `secret` of `acme:bob`."""
    other.set(f"{cache}:session:acme:bob:secret", "s")
    other.set(f"{cache}:session:acme2:city", "Sofia")
    thread = store.thread("acme")
    thread.state.set("city", "Paris")
    assert thread.state.get_all() == {"city": "Paris"}
    for call in (
        lambda: thread.state.get("bob:secret"),
        lambda: thread.state.set("bob:secret", "x"),
        lambda: store.thread("acme:bob").state.get("secret"),
        store.thread("acme:bob").state.get_all,
        lambda: store.thread("acme:bob").state.set("secret", "x"),
        store.thread("acme:bob").state.clear,
    ):
        with pytest.raises(UsageError, match="contains ':'"):
            call()
    store.thread("acme:bob").messages.append({"role": "user", "content": "hi"})
    assert store.thread("acme:bob").destroy() == 1
    assert thread.state.clear() == 1
    assert thread.destroy() == 0
    assert keys(other, cache) == ["acme2:city", "acme:bob:secret"]


@pytest.mark.parametrize("id", ["*", "a?c", "[ab]", "a\\", "a[^b]"])
def test_a_thread_id_is_no_pattern(store: Store, other: redis.Redis, cache: str, id: str):
    for name in ("abc", "a", "b", "a\\\\", "ab", "axc"):
        other.set(f"{cache}:session:{name}:city", name)
    thread = store.thread(id)
    thread.state.set("mine", "x")
    assert thread.state.get_all() == {"mine": "x"}
    assert thread.destroy() == 1
    assert len(keys(other, cache)) == 6


def test_names_that_cannot_be_are_left_out(store: Store, other: redis.Redis, at: str):
    for name in (b"", b"a\nb", b"\xff", b"x" * 600, b"writes:1"):
        other.set(at.encode() + name, "x")
    other.set(f"{at}city", "Sofia")
    other.hset(f"{at}map", "a", "b")
    assert store.thread(THREAD).state.get_all() == {"city": "Sofia"}
    with pytest.raises(CodecError, match="something else than a string"):
        store.thread(THREAD).state.get("map")


def test_destroy_takes_all_of_it(store: Store, other: redis.Redis, cache: str, at: str):
    thread = store.thread(THREAD)
    thread.state.update({"a": "1", "b": 2})
    thread.state.set("lease", "3", ttl=500)
    thread.messages.append({"role": "user", "content": "hi"})
    other.set(f"{at}theirs", "x")
    other.set(f"{cache}2:session:{THREAD}:city", "of another cache")
    assert [t.id for t in store.threads()] == [THREAD]
    late = store.thread(THREAD)
    late.state.get("a")
    assert thread.destroy() == 5
    assert keys(other, cache) == [f"{THREAD}:city"]
    assert list(other.scan_iter(match=f"{cache}.tk:field:*")) == []
    with pytest.raises(Gone):
        late.state.set("a", "back")
    assert keys(other, cache) == [f"{THREAD}:city"]
    assert [t.id for t in store.threads()] == []


def test_a_lost_field_leaves_no_note(store: Store, other: redis.Redis, cache: str, at: str):
    state = store.thread(THREAD).state
    state.set("city", "Sofia")
    other.delete(f"{at}city")
    assert state.get("city") is None
    assert list(other.scan_iter(match=f"{cache}.tk:field:*")) == []


def test_the_state_of_a_thread_that_has_ended_is_not_seen(url: str, other: redis.Redis, cache: str):
    with Store(url, thread_ttl=0.3) as store:
        store.thread(THREAD).state.set("city", "Sofia")
        end = time.monotonic() + 10
        while list(store.threads()):
            assert time.monotonic() < end
            time.sleep(0.05)
        assert store.thread(THREAD).state.get_all() == {}
        assert store.sweep().expired == 1
        assert keys(other, cache) == []


def test_a_fork_takes_the_fields_along(store: Store, other: redis.Redis, cache: str, at: str):
    thread = store.thread(THREAD)
    thread.state.set("mine", {"a": 1}, ttl=500)
    other.set(f"{at}theirs", "x")
    assert thread.fork("copy").state.get_all() == {"mine": {"a": 1}, "theirs": "x"}
    assert 490 < other.ttl(f"{cache}:session:copy:mine") <= 500


def test_each_namespace_is_a_cache_of_its_own(url: str, other: redis.Redis, cache: str):
    with Store(url, namespace="acme:1") as acme, Store(url) as plain:
        acme.thread("t").state.set("city", "Sofia")
        assert plain.thread("t").state.get("city") is None
        assert other.get(f"{cache}@acme%3A1:session:t:city") == "Sofia"


def test_only_threads_have_keys(store: Store, other: redis.Redis, cache: str):
    store.user("alice").state.set("name", "Alice")
    store.app().state.set("version", 2)
    store.kv("archives").set("k", 1)
    assert keys(other, cache) == []
    assert store.user("alice").state.get("name") == "Alice"
