"""One connection for many callers: order, errors, lost connections, deadlines; tasks and threads."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.redis.sides import Connect, Side, at_once, connected
from tests.servers.proxy import Proxy
from tests.servers.redis import RedisServer
from tests.servers.waiting import eventually
from threadkeep.engines.redis.links import Nodes, Script, ServerError
from threadkeep.errors import Forbidden, Timeout, Unavailable

COUNT = Script.of("return redis.call('INCRBY', KEYS[1], ARGV[1])")


@pytest.fixture(scope="module")
def shared() -> Iterator[RedisServer]:
    with RedisServer("redis7") as server:
        yield server


@pytest.fixture
def server(shared: RedisServer) -> RedisServer:
    shared.client().flushall()
    return shared


@pytest.fixture
def own() -> Iterator[RedisServer]:
    """A server that this test may break; what it acknowledges it keeps."""
    keeps = {"appendonly": "yes", "appendfsync": "always"}
    with RedisServer("redis7", config={**keeps, "enable-debug-command": "yes"}) as server:
        yield server


@pytest.fixture
def proxy(server: RedisServer) -> Iterator[Proxy]:
    with Proxy(server.port) as proxy:
        yield proxy


@pytest.fixture(params=["tasks", "threads"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    opened: list[Side] = []

    def connect(port: int, options: str = "") -> Side:
        opened.append(connected(request.param, f"redis://127.0.0.1:{port}{options}"))
        return opened[-1]

    yield connect
    for side in opened:
        side.close()


def clients(server: RedisServer) -> list[dict[str, Any]]:
    return [c for c in server.client().client_list() if c["name"] == "tk"]


def number_at(server: RedisServer, key: str) -> int:
    found: Any = server.client().get(key)
    return int(found or 0)


def numbers(found: list[Any]) -> list[int]:
    """Return what was found; AssertionError when an error is among it."""
    assert all(isinstance(one, int) for one in found), found
    return found


def test_answers_of_each_type(server: RedisServer, connect: Connect) -> None:
    side = connect(server.port)
    big = bytes(range(256)) * 20_000
    commands: list[Any] = [
        ("SET", "text", "ключ"),
        ("GET", b"text"),
        ("GET", "absent"),
        ("INCRBY", "number", 7),
        ("SET", "big", big),
        ("GET", "big"),
        ("MGET", "number", "absent"),
        (COUNT, 1, "number", 1),
    ]
    answers = side.call(0, commands, again=False)
    assert answers == [b"OK", "ключ".encode(), None, 7, b"OK", big, [b"7", None], 8]
    assert side.everywhere(("CONFIG", "GET", "port")) == [[b"port", str(server.port).encode()]]


def test_an_error_is_of_its_command_only(server: RedisServer, connect: Connect) -> None:
    side = connect(server.port)
    side.call(0, [("SET", "text", "no number")], again=False)
    bad: list[Any] = [("INCR", "text"), ("PING",), ("NOSUCH", "user content")]
    first, second, third = side.call(0, bad, again=False)
    assert second == b"PONG"
    assert (first.code, third.code) == ("ERR", "ERR")
    assert "user content" not in str(third)

    def work(number: int) -> Any:
        return side.call(0, [("INCR", "text" if number % 2 else f"n{number}")], again=False)[0]

    found = at_once(64, work)
    assert [isinstance(one, ServerError) for one in found] == [n % 2 == 1 for n in range(64)]


def test_each_of_64_callers_gets_its_own_answers(server: RedisServer, connect: Connect) -> None:
    side = connect(server.port, "?client_name=tk")

    def work(number: int) -> int:
        for turn in range(100):
            pad = "x" * ((number * 37 + turn * 11) % 5000)
            said = [f"{number}:{turn}:{part}:{pad}".encode() for part in range(turn % 3 + 1)]
            assert side.call(0, [("ECHO", one) for one in said], again=False) == said
        return len(clients(server))

    assert at_once(64, work) == [1] * 64


def test_a_killed_connection_fails_only_what_was_unanswered(
    server: RedisServer, connect: Connect
) -> None:
    side = connect(server.port, "?client_name=tk")
    end = time.monotonic() + 2
    unsure = threading.Lock()
    doubts: list[bool] = []

    def work(_: int) -> int:
        done = 0
        while time.monotonic() < end:
            try:
                side.call(0, [("INCR", "n")], again=False)
                done += 1
            except Unavailable as error:
                with unsure:
                    doubts.append(error.maybe_applied)
        return done

    stop = threading.Event()

    def killer() -> None:
        while not stop.wait(0.05):
            for client in clients(server):
                server.client().client_kill(client["addr"])

    thread = threading.Thread(target=killer)
    thread.start()
    found = at_once(32, work)
    stop.set()
    thread.join()
    counted, done = number_at(server, "n"), sum(numbers(found))
    assert all(doubts)
    assert done <= counted <= done + len(doubts)
    assert done > 100


def test_what_may_be_repeated_is_sent_again(server: RedisServer, connect: Connect) -> None:
    side = connect(server.port, "?client_name=tk")
    end = time.monotonic() + 1
    stop = threading.Event()

    def killer() -> None:
        while not stop.wait(0.03):
            for client in clients(server):
                server.client().client_kill(client["addr"])

    def work(number: int) -> int:
        turns = 0
        while time.monotonic() < end:
            side.call(0, [("SET", f"k{number}", turns)], again=True)
            assert side.call(0, [("GET", f"k{number}")], again=True) == [str(turns).encode()]
            turns += 1
        return turns

    thread = threading.Thread(target=killer)
    thread.start()
    found = at_once(16, work)
    stop.set()
    thread.join()
    assert all(isinstance(one, int) for one in found), found


def test_scripts_flushed_under_load_run_once_each(server: RedisServer, connect: Connect) -> None:
    side = connect(server.port)

    def work(number: int) -> int:
        for turn in range(50):
            if number == 0 and turn % 5 == 0:
                server.client().script_flush()
            commands: list[Any] = [("INCR", "m"), (COUNT, 1, "n", 1), ("INCR", "m")]
            assert all(isinstance(one, int) for one in side.call(0, commands, again=False))
        return 50

    at_once(16, work)
    assert server.client().mget("n", "m") == [b"800", b"1600"]


def test_an_unknown_script_in_a_transaction(server: RedisServer, connect: Connect) -> None:
    side = connect(server.port)
    commands: list[Any] = [("MULTI",), ("GET", "n"), (COUNT, 1, "n", 0), ("EXEC",)]
    answer = side.call(0, commands, again=True)
    assert answer == [b"OK", b"QUEUED", b"QUEUED", [None, 0]]
    server.client().script_flush()
    unknown = side.call(0, commands, again=False)[-1][1]
    assert isinstance(unknown, ServerError)
    assert unknown.code == "NOSCRIPT"


def test_a_server_that_is_started_again(own: RedisServer, connect: Connect) -> None:
    side = connect(own.port)
    side.call(0, [("SET", "a", "1")], again=False)
    own.kill()
    threading.Timer(0.5, own.start).start()
    assert side.call(0, [("GET", "a")], again=True) == [b"1"]
    own.client().flushall()
    own.stop()
    own.start()
    assert side.call(0, [("SET", "b", "1")], again=False) == [b"OK"]


def test_increments_through_restarts(own: RedisServer, connect: Connect) -> None:
    side = connect(own.port)
    end = time.monotonic() + 3
    doubts: list[Unavailable] = []

    def work(_: int) -> int:
        done = 0
        while time.monotonic() < end:
            try:
                side.call(0, [(COUNT, 1, "n", 1)], again=False)
                done += 1
            except Unavailable as error:
                if error.maybe_applied:
                    doubts.append(error)
        return done

    def restarts() -> None:
        for _ in range(2):
            time.sleep(0.6)
            own.kill()
            own.start()

    thread = threading.Thread(target=restarts)
    thread.start()
    found = at_once(16, work)
    thread.join()
    done = sum(numbers(found))
    assert done <= number_at(own, "n") <= done + len(doubts)


def test_a_server_that_stays_away(own: RedisServer, connect: Connect) -> None:
    side = connect(own.port, "?timeout=0.5")
    own.stop()
    begun = time.monotonic()
    with pytest.raises(Unavailable, match="given up after") as caught:
        side.call(0, [("SET", "a", "1")], again=False)
    assert not caught.value.maybe_applied
    assert time.monotonic() - begun < 5
    own.start()
    assert side.call(0, [("SET", "a", "1")], again=False) == [b"OK"]


def test_nobody_there(connect: Connect) -> None:
    with pytest.raises(Unavailable, match="cannot connect to"):
        connect(1)


def test_a_server_that_loads_its_data(own: RedisServer, connect: Connect) -> None:
    side = connect(own.port)
    client = own.client()
    client.execute_command("DEBUG", "POPULATE", 2000)
    client.execute_command("BGREWRITEAOF")
    eventually(
        lambda: own.client().info("persistence")["aof_rewrite_in_progress"] == 0, "rewritten"
    )
    client.execute_command("CONFIG", "SET", "key-load-delay", 1000)
    client.execute_command("CONFIG", "SET", "loading-process-events-interval-bytes", 1024)
    loading = threading.Thread(target=lambda: own.client().execute_command("DEBUG", "LOADAOF"))
    loading.start()
    eventually(lambda: own.client().info("persistence")["loading"], "loading", 10)
    fresh = connect(own.port)  # waits for it too
    assert fresh.call(0, [("SET", "a", "1")], again=False) == [b"OK"]
    assert side.call(0, [("GET", "a")], again=False) == [b"1"]
    loading.join()


def test_a_replica_refuses_until_it_is_the_primary(
    server: RedisServer, own: RedisServer, connect: Connect
) -> None:
    side = connect(own.port)
    own.client().replicaof("127.0.0.1", str(server.port))
    eventually(lambda: own.client().info("replication")["role"] == "slave", "a replica")
    threading.Timer(0.5, lambda: own.client().replicaof("NO", "ONE")).start()
    found = at_once(8, lambda _: side.call(0, [(COUNT, 1, "n", 1)], again=False)[0])
    assert sorted(numbers(found)) == list(range(1, 9))


def test_a_replica_that_stays_one(server: RedisServer, own: RedisServer, connect: Connect) -> None:
    side = connect(own.port, "?failover_timeout=2")
    own.client().replicaof("127.0.0.1", str(server.port))
    with pytest.raises(Unavailable, match="READONLY") as caught:
        side.call(0, [("SET", "a", "1")], again=False)
    assert not caught.value.maybe_applied


def test_a_full_server_says_so_and_reads(own: RedisServer, connect: Connect) -> None:
    side = connect(own.port)
    side.call(0, [("SET", "a", "1")], again=False)
    own.client().config_set("maxmemory", "1")
    full, read = side.call(0, [("SET", "b", "1"), ("GET", "a")], again=False)
    assert (full.code, read) == ("OOM", b"1")
    assert isinstance(full, Unavailable)
    assert not full.maybe_applied


def test_a_silent_server_times_out_and_the_store_goes_on(
    server: RedisServer, proxy: Proxy, connect: Connect
) -> None:
    side = connect(proxy.port, "?timeout=0.4&connect_timeout=0.4")
    side.call(0, [("SET", "n", 0)], again=False)
    proxy.stall()
    begun = time.monotonic()
    found = at_once(8, lambda _: side.call(0, [("INCR", "n")], again=False))
    assert time.monotonic() - begun < 5
    assert all(isinstance(one, Timeout) and one.maybe_applied for one in found), found
    with pytest.raises(Unavailable):
        side.call(0, [("INCR", "n")], again=False)
    proxy.resume()
    eventually(lambda: number_at(server, "n") >= 8, "what was under way arrives")
    before = number_at(server, "n")
    found = at_once(8, lambda _: side.call(0, [("INCR", "n")], again=False)[0])
    assert sorted(numbers(found)) == list(range(before + 1, before + 9))


def test_a_late_answer_is_dropped_and_the_order_stands(own: RedisServer, connect: Connect) -> None:
    side = connect(own.port, "?timeout=0.4&client_name=tk")
    sleeper = threading.Thread(target=lambda: own.client().execute_command("DEBUG", "SLEEP", "0.8"))
    sleeper.start()
    time.sleep(0.1)
    with pytest.raises(Timeout):
        side.call(0, [("ECHO", "late")], again=True)
    sleeper.join()
    for turn in range(20):
        assert side.call(0, [("ECHO", str(turn))], again=True) == [str(turn).encode()]
    eventually(lambda: len(clients(own)) == 1, "the silent connection is closed")


def test_a_stopped_process(own: RedisServer, connect: Connect) -> None:
    side = connect(own.port, "?timeout=0.4")
    own.send(signal.SIGSTOP)
    found = at_once(8, lambda _: side.call(0, [("INCR", "n")], again=False))
    assert all(isinstance(one, Timeout) for one in found), found
    own.send(signal.SIGCONT)
    assert isinstance(side.call(0, [("INCR", "n")], again=False)[0], int)


def test_a_connection_cut_in_the_middle(
    server: RedisServer, proxy: Proxy, connect: Connect
) -> None:
    side = connect(proxy.port)
    value = b"x" * 3_000_000
    for _ in range(5):
        threading.Timer(0.01, proxy.cut).start()
        for _ in range(5):
            assert side.call(0, [("SET", "a", value), ("GET", "a")], again=True) == [b"OK", value]


def test_a_closed_store_takes_no_calls(server: RedisServer, connect: Connect) -> None:
    side = connect(server.port, "?client_name=tk")
    side.call(0, [("PING",)], again=True)
    side.close()
    side.close()
    if isinstance(side, Nodes):  # of tasks in test_links_tasks: here their loop is closed too
        with pytest.raises(Unavailable, match="closed"):
            side.call(0, [("PING",)], again=True)
    eventually(lambda: not clients(server), "the connection is closed")


@pytest.mark.parametrize(("user", "why"), [("", "password"), ("x:secret@", "refused")])
def test_a_password_is_needed(own: RedisServer, user: str, why: str) -> None:
    own.client().config_set("requirepass", "right")
    for kind in ("tasks", "threads"):
        with pytest.raises(Forbidden, match=why) as caught:
            connected(kind, f"redis://{user}127.0.0.1:{own.port}")
        assert "secret" not in str(caught.value)
    for kind in ("tasks", "threads"):
        side = connected(kind, f"redis://:right@127.0.0.1:{own.port}/2?client_name=me")
        name, _ = side.call(0, [("CLIENT", "GETNAME"), ("SET", "a", 1)], again=False)
        assert name == b"me"
        side.close()


def test_what_an_acl_forbids(own: RedisServer, connect: Connect) -> None:
    client = own.client()
    client.execute_command(
        "ACL", "SETUSER", "u", "on", ">p", "~tk:*", "&tk:*", "+get", "+set", "+ping", "+subscribe"
    )
    for kind in ("tasks", "threads"):
        side = connected(kind, f"redis://u:p@127.0.0.1:{own.port}")
        first, second = side.call(0, [("SET", "tk:a", 1), ("SET", "b", 1)], again=False)
        assert (first, second.code) == (b"OK", "NOPERM")
        assert isinstance(second, Forbidden)
        with pytest.raises(Forbidden, match="NOPERM"):
            next(side.listen(0, b"other"))
        side.close()
