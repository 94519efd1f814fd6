"""`threadkeep serve` as a process: what it prints, refuses, drains, keeps."""

from __future__ import annotations

import http.client
import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.http.running import Running, serving, threadkeep
from threadkeep import AsyncStore, Store
from threadkeep._sync.drivers.http import HttpEngine
from threadkeep.engines.http.url import HttpSettings
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import Incr

REF = Ref("default", "thread", "t")


ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(
    not Path(sys.prefix, "threadkeep-dev").exists(),
    reason="capability: the scripts would install an environment of their own",
)
def test_the_script_without_arguments_serves(tmp_path: Path):
    script = str(ROOT / "scripts" / "run")
    with serving(tmp_path, program=[script], THREADKEEP_VENV=sys.prefix) as server:
        assert "threadkeep serves sqlite:///threadkeep.db at http://127.0.0.1:" in server.said
        assert "try: curl http://127.0.0.1:" in server.said
    assert (tmp_path / "threadkeep.db").exists()


def test_the_printed_line_works_and_values_survive_a_restart(tmp_path: Path):
    with serving(tmp_path) as server:
        line = next(s for s in server.said.splitlines() if s.startswith("try: "))
        command = [*shlex.split(line.removeprefix("try: ")), "-sS", "-o", "/dev/null"]
        done = subprocess.run(
            [*command, "-w", "%{http_code}"], capture_output=True, text=True, timeout=30, check=True
        )
        assert done.stdout == "204"
        assert f"http://127.0.0.1:{server.port}" in server.said
        assert server.stop() == 0
    with serving(tmp_path) as server:
        found = server.call("GET", "/api/v1/sessions/thread-123/values/intent")
        assert found.json == {"value": "book_flight"}


def test_what_a_value_may_weigh_is_a_setting(tmp_path: Path):
    body = {"key": "k", "value": "x" * 1_500_000}
    with serving(tmp_path, "--limit", "value=2000000", "--limit", "snapshot=1000") as server:
        assert server.call("POST", "/v1/sessions/t/values", body).status == 204
        assert server.call("GET", "/v1/sessions/t/values/k").json == {"value": body["value"]}
        longer = server.call(
            "POST", "/v1/sessions/t/values", {"key": "k", "value": "x" * 2_000_000}
        )
        assert (longer.status, "2000000" in longer.error) == (413, True)
        saved = server.call("POST", "/v1/threads/t/snapshots", {"data": "x" * 1_000})
        assert (saved.status, "1000" in saved.error) == (413, True)


def test_killed_in_the_middle_of_writes_loses_nothing_acknowledged(tmp_path: Path):
    writers, killed = 4, threading.Event()
    acknowledged: list[list[int]] = [[] for _ in range(writers)]
    sent = [0] * writers

    def write(server: Running, writer: int) -> None:
        while not killed.is_set():
            sent[writer] += 1
            body = {"messages": [sent[writer]], "ids": [f"{writer}-{sent[writer]}"]}
            try:
                answer = server.call("POST", f"/v1/threads/t{writer}/messages", body)
            except (OSError, http.client.HTTPException):
                return
            if answer.status == 201:
                acknowledged[writer].append(sent[writer])

    with serving(tmp_path, "--workers", "2") as server:
        crew = [threading.Thread(target=write, args=(server, n)) for n in range(writers)]
        for one in crew:
            one.start()
        end = time.monotonic() + 60
        while min(map(len, acknowledged)) < 20:
            assert time.monotonic() < end
            time.sleep(0.01)
        for pid in (server.process.pid, *_children(server.process.pid)):
            os.kill(pid, signal.SIGKILL)
        server.process.wait(10)
        killed.set()
        for one in crew:
            one.join(30)
    with serving(tmp_path) as server:
        for writer in range(writers):
            path = f"/v1/threads/t{writer}/messages?last=1000"
            found = [m["value"] for m in server.call("GET", path).json["messages"]]
            assert found[: len(acknowledged[writer])] == acknowledged[writer]
            assert len(found) in {len(acknowledged[writer]), sent[writer]}


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(word) for word in found.read_text().split()] if found.exists() else []


def test_streams_are_closed_politely(tmp_path: Path):
    with serving(tmp_path) as server:
        server.call("PUT", "/v1/threads/t/state/a", {"value": 1})
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        connection.request("GET", "/v1/threads/t/watch", headers={"Last-Event-ID": "0"})
        stream = connection.getresponse()
        assert stream.status == 200
        assert stream.readline() == b": open\n"
        while not (line := stream.readline()).startswith(b"data: "):
            assert line, "the stream ended before it told of the change"
        assert json.loads(line.removeprefix(b"data: ")) == {"revision": 1, "exists": True}
        server.process.send_signal(signal.SIGTERM)
        assert "event: close" in stream.read().decode()
        assert server.process.wait(30) == 0
        stream.close()
        connection.close()


def test_keys_are_made_shown_and_revoked(tmp_path: Path):
    done = threadkeep(tmp_path, "keys", "create", "app", "--namespace", "acme", "--json")
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    reader = threadkeep(tmp_path, "keys", "create", "look", "--right", "read").stdout.strip()
    listed = threadkeep(tmp_path, "keys", "list", "--json").stdout
    assert made["key"] not in listed
    assert {json.loads(line)["name"] for line in listed.splitlines()} == {"app", "look"}
    with serving(tmp_path) as server:
        assert server.call("GET", "/v1/sessions").status == 401
        app = server.call.of(x_api_key=made["key"])
        assert app("POST", "/v1/sessions/s/values", {"key": "k", "value": 1}).status == 204
        look = server.call.of(authorization=f"Bearer {reader}")
        assert look("POST", "/v1/sessions/s/values", {"key": "k", "value": 1}).status == 403
        assert look("GET", "/v1/sessions/s/values").json == {"values": {}}
        assert threadkeep(tmp_path, "keys", "revoke", made["id"]).returncode == 0
        end = time.monotonic() + 20
        while app("GET", "/v1/sessions").status != 401:
            assert time.monotonic() < end, "a revoked key still works"
            time.sleep(0.05)
    assert threadkeep(tmp_path, "keys", "revoke", "none").returncode == 3
    with Store(f"sqlite:///{tmp_path}/threadkeep.db", namespace="acme") as store:
        assert store.thread("s").state.get("k") == 1


def test_without_keys_it_refuses_another_address(tmp_path: Path):
    done = threadkeep(tmp_path, "serve", "--host", "0.0.0.0", "--port", "1")
    assert done.returncode == 2
    assert "without any key" in done.stderr


def test_flags_go_before_environment_before_file(tmp_path: Path):
    (tmp_path / "tk.toml").write_text(
        'namespace = "of-file"\nstore = "sqlite:///of-file.db"\n[limits]\nbody = 1000\n'
    )
    options = ("--config", "tk.toml")
    with serving(tmp_path, *options, THREADKEEP_NAMESPACE="of-env") as server:
        server.call("POST", "/v1/sessions/s/values", {"key": "k", "value": 1})
        big = server.call("POST", "/v1/sessions/s/values", {"key": "k", "value": "x" * 1000})
        assert big.status == 413
    with Store(f"sqlite:///{tmp_path}/of-file.db", namespace="of-env") as store:
        assert store.thread("s").state.get("k") == 1
    (tmp_path / "tk.toml").write_text("prot = 1\n")
    done = threadkeep(tmp_path, "serve", *options)
    assert done.returncode == 2
    assert "prot" in done.stderr


def test_several_workers_and_a_store_for_one(tmp_path: Path):
    with serving(tmp_path, "--workers", "2") as server:
        assert server.call("GET", "/health").json["status"] == "healthy"
    done = threadkeep(tmp_path, "serve", "--workers", "2", "--store", "memory://")
    assert done.returncode == 2
    assert "one process" in done.stderr


@pytest.mark.anyio
async def test_stores_reach_it_by_url(tmp_path: Path):
    made = threadkeep(tmp_path, "keys", "create", "app", "--namespace", "acme")
    token = made.stdout.strip()
    with serving(tmp_path) as server:
        url = f"http://127.0.0.1:{server.port}/v1"
        async with AsyncStore(url, token=token, namespace="acme", ttl=1800) as store:
            thread = store.thread("t")
            await thread.state.set("intent", "book_flight")
            await thread.messages.append({"role": "user", "content": "hi"})
            assert await thread.state.get("intent") == "book_flight"
        with Store(url, token=token, namespace="acme") as sync:
            assert sync.thread("t").messages.list() == [{"role": "user", "content": "hi"}]


def test_workers_are_replaced_under_load_without_a_failed_call(tmp_path: Path):
    failed: list[Exception] = []
    done: list[int] = []
    ended = threading.Event()

    with serving(tmp_path, "--workers", "2") as server:
        base = f"http://127.0.0.1:{server.port}/v1"

        def work(number: int) -> None:
            with closing(HttpEngine(HttpSettings(base=base))) as engine:
                call = 0
                while not ended.is_set():
                    batch = Batch(REF, (Incr("state", "n"),), once=f"{number}-{call}")
                    try:
                        engine.run(batch)
                    except Exception as error:  # noqa: BLE001 - told below
                        failed.append(error)
                    call += 1
                done.append(call)

        crew = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for one in crew:
            one.start()
        before = _children(server.process.pid)
        server.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + 60
        while set(before) & set(_children(server.process.pid)):
            assert time.monotonic() < end, "the workers were not replaced"
            time.sleep(0.05)
        ended.set()
        for one in crew:
            one.join(30)
        assert failed == []
        found = server.call("GET", "/v1/threads/t/state/n").json["value"]
        assert found == sum(done)
