"""Calls through a proxy that cuts and stalls: one effect of a `once` batch, no call beyond its deadline."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from tests.http.faulty import Faulty
from tests.http.raw import Client
from threadkeep import Store, Timeout, Unavailable
from threadkeep._sync.drivers.http import HttpEngine
from threadkeep.engines.http.url import HttpSettings
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import Get, Incr
from threadkeep.ops.reply import Fields


@pytest.fixture
def proxy(call: Client) -> Iterator[Faulty]:
    with Faulty(call.port) as found:
        yield found


@pytest.fixture
def engine(call: Client, proxy: Faulty) -> Iterator[HttpEngine]:
    base = f"http://127.0.0.1:{proxy.port}{call.base}/v1"
    engine = HttpEngine(HttpSettings(base=base, timeout=2.0))
    engine.setup()
    yield engine
    engine.close()


REF = Ref("default", "thread", "t")


def count(engine: HttpEngine) -> bytes:
    (found,) = engine.run(Batch(REF, (Get("state", ("n",)),))).results
    assert isinstance(found, Fields)
    return found.fields["n"].value


def test_a_once_batch_has_one_effect_whatever_happens(engine: HttpEngine, proxy: Faulty):
    faults = ("before", "after", "middle", "")
    for number in range(60):
        proxy.faults(faults[number % 4], faults[number // 4 % 4])
        reply = engine.run(Batch(REF, (Incr("state", "n"),), once=f"call-{number}"))
        assert reply.ok
    proxy.faults()
    assert count(engine) == b"j60"


def test_a_write_without_once_is_not_sent_again(engine: HttpEngine, proxy: Faulty):
    for number in range(20):
        fault = ("after", "middle", "")[number % 3]
        proxy.faults(fault)
        with pytest.raises(Unavailable) if fault else nullcontext() as caught:
            engine.run(Batch(REF, (Incr("state", "n"),)))
        assert caught is None or caught.value.maybe_applied
    proxy.faults()
    assert count(engine) == b"j20"


def test_reads_are_sent_again(engine: HttpEngine, proxy: Faulty):
    engine.run(Batch(REF, (Incr("state", "n"),)))
    proxy.faults("before", "after", "middle")
    assert count(engine) == b"j1"


def test_every_call_is_one_request(call: Client, proxy: Faulty):
    with Store(f"http://127.0.0.1:{proxy.port}{call.base}/v1") as store:
        thread = store.thread("t")
        calls = (
            lambda: thread.state.set("a", 1, ttl=60),
            lambda: thread.state.get("a"),
            lambda: thread.state.update({"b": 1, "c": 2}),
            thread.state.get_all,
            lambda: thread.state.increment("n"),
            lambda: thread.state.delete("b"),
            lambda: thread.messages.append("x", "y"),
            lambda: thread.messages.list(last=1),
            lambda: thread.snapshots.save({"step": 1}),
            thread.snapshots.load,
            lambda: thread.parts.set_text("p", "x"),
            thread.parts.all,
            thread.parts.clear,
            lambda: thread.set_labels(user="alice"),
            thread.info,
            lambda: list(store.threads(user="alice")),
            thread.destroy,
        )
        for number, one in enumerate(calls):
            before = proxy.requests
            one()
            assert proxy.requests - before == 1, f"call {number}"


def test_no_call_goes_on_beyond_its_deadline(engine: HttpEngine, proxy: Faulty):
    proxy.faults(*["stall"] * 10)
    began = time.monotonic()
    with pytest.raises(Timeout) as caught:
        engine.run(Batch(REF, (Incr("state", "n"),)))
    assert caught.value.maybe_applied
    assert time.monotonic() - began < 4


def test_a_server_that_is_not_there(call: Client):
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    with pytest.raises(Unavailable) as caught, Store(f"http://127.0.0.1:{port}/v1?timeout=0.5"):
        pass
    assert not caught.value.maybe_applied
