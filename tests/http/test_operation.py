"""`threadkeep serve` as operators meet it: TLS, Unix socket, workers, drain, logs, restarts."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.http.running import Running, serving
from tests.servers.process import free_port
from threadkeep import Store
from threadkeep._sync.drivers.http import HttpEngine
from threadkeep.engines.http.url import HttpSettings
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import Get, Incr

REF = Ref("default", "thread", "t")
VALUES = "/v1/sessions/s/values"


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for localhost and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return cert_file, key_file


def eventually(what: Any, text: str, seconds: float = 30) -> Any:
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError):
            if found := what():
                return found
        assert time.monotonic() < end, text
        time.sleep(0.02)


def test_tls(tmp_path: Path):
    cert, key = certificate(tmp_path)
    trusted = ssl.create_default_context(cafile=str(cert))
    port = free_port()

    def health() -> int:
        with closing(
            http.client.HTTPSConnection("localhost", port, timeout=20, context=trusted)
        ) as connection:
            connection.request("GET", "/health")
            return connection.getresponse().status

    words = ("--tls-cert", str(cert), "--tls-key", str(key))
    with serving(tmp_path, *words, port=port, ready=lambda: health() == 200) as server:
        assert f"https://127.0.0.1:{port}" in server.said
        url = f"https://localhost:{port}/v1?ca={cert}"
        with Store(url) as store:
            store.thread("t").state.set("a", 1)
            assert store.thread("t").state.get("a") == 1
        with socket.create_connection(("127.0.0.1", port), timeout=20) as plain:
            plain.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            assert not plain.recv(100).startswith(b"HTTP")


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=20)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(str(self._path))


def test_a_unix_socket(tmp_path: Path):
    path = tmp_path / "tk.sock"

    def ask(method: str, target: str, body: bytes | None = None) -> tuple[int, bytes]:
        with closing(UnixConnection(path)) as connection:
            connection.request(method, target, body)
            answer = connection.getresponse()
            return answer.status, answer.read()

    with serving(
        tmp_path, "--uds", str(path), ready=lambda: ask("GET", "/ready")[0] == 200
    ) as server:
        assert f"--unix-socket {path}" in server.said
        assert ask("POST", VALUES, b'{"key": "k", "value": 1}') == (204, b"")
        assert ask("GET", f"{VALUES}/k") == (200, b'{"value":1}')
        with pytest.raises(OSError, match="refused"):
            server.call("GET", "/health")


@contextmanager
def watching(server: Running, path: str) -> Iterator[Iterator[dict[str, Any]]]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("GET", path)
    answer = connection.getresponse()
    assert answer.readline() == b": open\n"

    def events() -> Iterator[dict[str, Any]]:
        while line := answer.readline():
            if line.startswith(b"data: {"):
                yield json.loads(line.removeprefix(b"data: "))

    yield events()
    answer.close()
    connection.close()


def test_several_workers_tell_of_each_other_s_changes(tmp_path: Path):
    with serving(tmp_path, "--workers", "2") as server, contextlib.ExitStack() as stack:
        server.call("PUT", "/v1/threads/t/state/n", {"value": 0})
        streams = [stack.enter_context(watching(server, "/v1/threads/t/watch")) for _ in range(6)]
        last = 0
        for _ in range(10):  # each by a connection of its own, so both workers write
            last = server.call("POST", "/v1/threads/t/state/n/increment", {}).json["value"]
        revision = server.call("GET", "/v1/threads/t").json["revision"]
        for events in streams:
            seen = next(event for event in events if event["revision"] == revision)
            assert seen == {"revision": revision, "exists": True}
        assert last == 10


def test_workers_share_the_budget_of_a_caller(tmp_path: Path):
    with serving(tmp_path, "--workers", "2", "--limit", "requests=10") as server:
        began = time.monotonic()
        found = [server.call("GET", VALUES).status for _ in range(80)]
        seconds = time.monotonic() - began
        assert set(found) == {200, 429}
        assert found.count(200) <= 10 * (1 + seconds) + 2


class TestTheEnd:
    def _begun(self, server: Running) -> socket.socket:
        """Begin a request whose body does not come yet."""
        connection = socket.create_connection(("127.0.0.1", server.port), timeout=20)
        body = b'{"key": "late", "value": 1}'
        head = f"POST {VALUES} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body[:5])
        server.call("GET", "/health")
        time.sleep(0.1)  # nothing tells from outside that the server has it
        return connection

    def test_what_was_begun_is_finished(self, tmp_path: Path):
        with serving(tmp_path) as server:
            connection = self._begun(server)
            server.process.send_signal(signal.SIGTERM)
            eventually(lambda: _is_refused(server.port), "it still takes connections")
            assert server.process.poll() is None
            connection.sendall(b'{"key": "late", "value": 1}'[5:])
            assert connection.recv(100).startswith(b"HTTP/1.1 204")
            connection.close()
            assert server.process.wait(30) == 0
        with serving(tmp_path) as server:
            assert server.call("GET", f"{VALUES}/late").json == {"value": 1}

    def test_it_waits_no_longer_than_it_was_told(self, tmp_path: Path):
        with serving(tmp_path, "--drain", "1") as server:
            connection = self._begun(server)
            began = time.monotonic()
            server.stop(seconds=30)
            assert time.monotonic() - began < 15
            connection.close()


def _is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=20).close()
    except ConnectionRefusedError:
        return True
    return False


def test_headers_that_come_slowly(tmp_path: Path):
    with serving(tmp_path, "--limit", "head_seconds=0.3") as server:
        slow = [socket.create_connection(("127.0.0.1", server.port), timeout=20) for _ in range(50)]
        for connection in slow:
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        assert server.call("GET", "/health").status == 200  # others are served meanwhile
        for connection in slow:
            with contextlib.suppress(ConnectionResetError):
                assert connection.recv(100)[:20] in {b"", b"HTTP/1.1 408 Request"}
            connection.close()


def test_a_line_a_request(tmp_path: Path):
    with serving(tmp_path, "--log", "info") as server:
        body = {"key": "my-key", "value": "my-value"}
        server.call("POST", "/v1/sessions/my-id/values", body, X_Request_Id="given-1")
        made = server.call("GET", "/v1/sessions/my-id/values?my=query").headers["x-request-id"]
        server.call("GET", "/v1/nothing-of-mine", None, X_Request_Id="no good\tone")
        server.stop()
    lines = [json.loads(line) for line in server.said.splitlines() if line.startswith("{")]
    by_id = {line["request_id"]: line for line in lines}
    told = by_id["given-1"]
    assert (told["method"], told["route"], told["status"]) == (
        "POST",
        "/sessions/{session_id}/values",
        204,
    )
    assert told["ms"] > 0
    assert told["caller"] == "anonymous"
    assert by_id[made]["status"] == 200
    assert "no good" not in server.said
    for content in ("my-id", "my-key", "my-value", "query", "of-mine"):
        assert content not in server.said


class Load:
    """Callers that count, through restarts; each call is retried only as the client does it."""

    def __init__(self, port: int, callers: int) -> None:
        self._base = f"http://127.0.0.1:{port}/v1"
        self._ended = threading.Event()
        self.failed: list[str] = []
        self.done = [0] * callers
        self._crew = [threading.Thread(target=self._work, args=(n,)) for n in range(callers)]

    def _work(self, number: int) -> None:
        with closing(HttpEngine(HttpSettings(base=self._base))) as engine:
            while not self._ended.is_set():
                once = f"{number}-{self.done[number]}"
                try:
                    engine.run(Batch(REF, (Incr("state", "n"),), once=once))
                    engine.run(Batch(REF, (Get("state", ("n",)),)))
                except Exception as error:  # noqa: BLE001 - told at the end
                    self.failed.append(f"{type(error).__name__}: {error}")
                self.done[number] += 1

    def __enter__(self) -> Self:
        for one in self._crew:
            one.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for one in self._crew:
            one.join(60)


def test_servers_replace_each_other_under_load_without_a_failed_call(tmp_path: Path):
    port = free_port()
    with contextlib.ExitStack() as stack:
        old = stack.enter_context(serving(tmp_path, port=port))
        with Load(port, 4) as load:
            for _ in range(2):
                new = stack.enter_context(serving(tmp_path, "--share-port", port=port))
                before = sum(load.done)
                eventually(lambda: "serves" in new.said, "the new server did not start")  # noqa: B023 - runs here
                assert old.stop() == 0
                eventually(lambda: sum(load.done) > before + 50, "the calls stand still")  # noqa: B023 - runs here
                old = new
        assert load.failed == []
        assert old.call("GET", "/v1/threads/t/state/n").json["value"] == sum(load.done)
