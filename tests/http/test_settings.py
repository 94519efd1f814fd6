"""Settings of the server: flags go before the environment, that before the file, that before the defaults."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from tests.http.running import serving, threadkeep
from threadkeep import UsageError
from threadkeep.server.access.jwt import JwtSettings
from threadkeep.server.checks import checked
from threadkeep.server.settings import ServerSettings, load

FILE = """
namespace = "of-file"
port = 1000
workers = 2
cors = ["https://file.example"]
[limits]
body = 1000
path = 300
[jwt]
jwks = "of-file.json"
issuer = "https://file.example"
audience = "file"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / "tk.toml"
    found.write_text(FILE)
    return found


def test_the_file_goes_before_the_defaults(file: Path):
    found = load(file, {"port": None})
    assert (found.namespace, found.port, found.workers) == ("of-file", 1000, 2)
    assert (found.limits.body, found.limits.path) == (1000, 300)
    assert found.limits.headers == ServerSettings().limits.headers
    assert found.host == "127.0.0.1"


def test_what_is_given_goes_before_the_file(file: Path):
    given: dict[str, Any] = {
        "port": 2000,
        "limits": {"body": 2000},
        "jwt": {"issuer": "https://given.example"},
        "cors": ("https://given.example",),
    }
    found = load(file, given)
    assert (found.port, found.workers) == (2000, 2)
    assert (found.limits.body, found.limits.path) == (2000, 300)
    assert found.jwt is not None
    assert (found.jwt.issuer, found.jwt.audience) == ("https://given.example", "file")
    assert found.cors == ("https://given.example",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prot = 1", "prot"),
        ("port = 70000", "port"),
        ('port = "x"', "port"),
        ("[limits]\nbody = 0", "body"),
        ("[limits]\nbodies = 1", "bodies"),
        ('tls_cert = "a"', "tls_cert and tls_key"),
        ('[jwt]\njwks = "x"', "issuer"),
        ("port = ", "no TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, said: str):
    (tmp_path / "tk.toml").write_text(text)
    with pytest.raises(UsageError, match=said):
        load(tmp_path / "tk.toml", {})


def test_a_file_that_is_not_there(tmp_path: Path):
    with pytest.raises(UsageError, match="cannot be read"):
        load(tmp_path / "none.toml", {})


def test_all_three_at_a_server(tmp_path: Path):
    (tmp_path / "tk.toml").write_text(
        'namespace = "file"\ncors = ["https://file.example"]\n[limits]\nbody = 100\npath = 300\n'
    )
    env: dict[str, Any] = {
        "THREADKEEP_CONFIG": "tk.toml",
        "THREADKEEP_CORS": "https://env.example https://b.example",
        "THREADKEEP_NAMESPACE": "env",
        "THREADKEEP_LIMITS": "path=200 headers=5000",
    }
    with serving(tmp_path, "--namespace", "flag", **env) as server:
        ask = server.call
        for origin, allowed in (("env", True), ("b", True), ("file", False)):
            found = ask("GET", "/v1/threads", None, Origin=f"https://{origin}.example")
            assert ("access-control-allow-origin" in found.headers) is allowed
        big = {"key": "k", "value": "x" * 200}
        assert ask("POST", "/v1/sessions/s/values", big).status == 413  # of the file
        assert ask("GET", f"/v1/sessions/{'x' * 250}/values").status == 414  # of the environment
        assert ask("GET", "/v1/threads", None, X_Long="x" * 6_000).status == 431  # same
        ask("PUT", "/v1/threads/t/state/a", {"value": 1})
        assert ask("GET", "/v1/threads/t").json["namespace"] == "flag"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--limit", "body"), "NAME=NUMBER"),
        (("--jwks", "http://id.example.org/k", "--issuer", "i", "--audience", "a"), "https://"),
        (("--tls-cert", "a.pem", "--tls-key", "b.pem"), "a.pem and b.pem"),
    ],
)
def test_it_does_not_start_with_what_is_wrong(tmp_path: Path, words: tuple[str, ...], said: str):
    done = threadkeep(tmp_path, "serve", "--port", "1", *words)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken(tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"{port}: .* in use; .*--share-port"):
            checked(ServerSettings(port=port))
        checked(ServerSettings(port=port, share_port=True))
    checked(ServerSettings(port=port))


def test_port_0_is_any_free_port():
    first, second = (checked(ServerSettings(port=0)).port for _ in range(2))
    assert first > 0
    assert second > 0


def test_keys_of_a_provider_are_looked_at_before_the_start(tmp_path: Path):
    for place in (str(tmp_path / "none.json"), "ftp://id.example.org"):
        given = JwtSettings(jwks=place, issuer="i", audience="a")
        with pytest.raises(UsageError):
            checked(ServerSettings(jwt=given))
