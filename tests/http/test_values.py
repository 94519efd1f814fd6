"""The contract of thread values over HTTP, in raw requests."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from tests.http.hosting import ON_BOTH, Hosted
from tests.http.raw import Client

pytestmark = ON_BOTH

VALUES = [
    None,
    True,
    0,
    -1,
    2**53,
    1e300,
    "",
    "ü\U0001f600",
    "\ud83d",
    "a\x00b",
    [],
    {},
    [1, [2, [None]]],
    {"a": {"b": 1}, "": 2},
]
NAMES = [
    "plain",
    "a/b",
    "a%b",
    "a%2Fb",
    "a%252Fb",
    "a b",
    "a+b",
    "a?b#c&d=e",
    "smoke/1795 ü%2F?#&+",
    "%",
    "...",
    ".a",
    "ä\U0001f600",
    "'\";--",
    "a:b",
    "*",
    "x" * 512,
]


def encoded(name: str) -> str:
    """Do as encodeURIComponent does."""
    return quote(name, safe="!'()*~.-_")


def path(session: str, key: str | None = None, base: str = "/v1/sessions") -> str:
    found = f"{base}/{encoded(session)}/values"
    return found if key is None else f"{found}/{encoded(key)}"


@pytest.mark.parametrize("value", VALUES, ids=ascii)
@pytest.mark.parametrize("base", ["/v1/sessions", "/api/v1/sessions"])
def test_any_json_comes_back(call: Client, value: object, base: str):
    set_ = call("POST", path("s", base=base), {"key": "k", "value": value})
    assert (set_.status, set_.body) == (204, b"")
    got = call("GET", path("s", "k", base))
    assert (got.status, got.json) == (200, {"value": value})
    assert call("GET", path("s", base=base)).json == {"values": {"k": value}}


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_any_id_and_key(call: Client, name: str):
    other = path("other", "k")
    call("POST", path("other"), {"key": "k", "value": "other"})
    assert call("POST", path(name), {"key": name, "value": name}).status == 204
    assert call("GET", path(name, name)).json == {"value": name}
    assert call("GET", path(name)).json == {"values": {name: name}}
    assert name in [s["session_id"] for s in call("GET", "/v1/sessions").json]
    assert call("DELETE", path(name, name)).status == 204
    assert call("GET", path(name)).json == {"values": {}}
    assert call("GET", other).json == {"value": "other"}


def test_what_is_missing_is_null_and_never_404(call: Client):
    assert call("GET", path("none", "k")).json == {"value": None}
    assert call("GET", path("none")).json == {"values": {}}
    assert call("DELETE", path("none", "k")).status == 204
    assert call("DELETE", "/v1/sessions/none").status == 204


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_names_that_urls_lose_are_refused(call: Client, name: str):
    found = call("POST", path("s"), {"key": name, "value": 1})
    assert found.status == 400
    assert "URLs" in found.error


@pytest.mark.parametrize(
    ("method", "gone"),
    [
        ("DELETE", "/v1/sessions/s/"),  # the key `..`, as a browser sends it
        ("DELETE", "/v1/sessions/s/values/"),  # the key `.`, and the empty one
        ("GET", "/v1/sessions/s/values/"),
        ("DELETE", "/v1/"),
        ("DELETE", "/v1/sessions//s"),
        ("DELETE", "//v1/sessions/s"),
        ("GET", "/v1/sessions/"),
        ("GET", "/v1/nothing"),
        ("GET", "/"),
    ],
)
def test_no_redirect_and_no_merged_slash(call: Client, method: str, gone: str):
    call("POST", path("s"), {"key": "k", "value": 1})
    found = call(method, gone)
    assert found.status == 404
    assert found.error
    assert call("GET", path("s", "k")).json == {"value": 1}


def test_dots_are_not_resolved(call: Client):
    call("POST", path("s"), {"key": "k", "value": 1})
    assert call("DELETE", "/v1/sessions/s/values/..").status == 204  # a key of that name
    assert call("DELETE", "/v1/sessions/s/values/%2e%2e").status == 204
    assert call("GET", path("s", "k")).json == {"value": 1}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "Failed to parse request JSON"),
        (b"", "Failed to parse request JSON"),
        (b"[]", "Failed to parse request JSON"),
        (b'{"key": "k"}', "value"),
        (b'{"value": 1}', "key"),
        (b'{"key": 1, "value": 1}', "key"),
        (b'{"key": "k", "value": 1, "expiry": "2026-01-01T00:00:00"}', "expiry"),
        (b'{"key": "k", "value": 1, "expiry": 1795000000}', "expiry"),
        (b'{"key": "k", "value": 1, "expiry": "soon"}', "expiry"),
        (b'{"key": "k", "value": NaN}', "NaN"),
        (b'{"key": "k", "value": 1e999}', "out of range"),
        (b'{"key": "k", "value": {"a": 1, "a": 2}}', "twice"),
        (b'{"key": "k", "value": "\xff"}', "UTF-8"),
        (b'{"key": "k", "value": ' + b"[" * 100 + b"]" * 100 + b"}", "nested"),
        (b'{"key": "k", "value": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested"),
        (b'{"key": "a\\u0000b", "value": 1}', "control character"),
        (b'{"key": "' + b"x" * 513 + b'", "value": 1}', "512"),
    ],
)
def test_bad_bodies_say_why(call: Client, body: bytes, said: str):
    found = call("POST", path("s"), body)
    assert found.status == 400
    assert said in found.error
    assert call("GET", path("s")).json == {"values": {}}


def test_unknown_fields_and_content_types_are_ignored(call: Client):
    body = json.dumps({"key": "k", "value": 1, "expiry": None, "more": 2}).encode()
    assert call("POST", path("s"), body, Content_Type="text/plain").status == 204
    assert call("GET", path("s", "k")).json == {"value": 1}


@pytest.mark.parametrize("zone", ["Z", "+00:00", "+05:30"])
def test_expiry(served: Callable[..., Client], zone: str):
    now = datetime(2026, 1, 1, tzinfo=UTC)
    call = served(clock=lambda: now.timestamp())  # noqa: PLW0108 - `now` moves on
    given = "2026-01-01T00:01:00" if zone in {"Z", "+00:00"} else "2026-01-01T05:31:00"
    call("POST", path("s"), {"key": "k", "value": 1, "expiry": given + zone})
    now += timedelta(seconds=59)
    assert call("GET", path("s", "k")).json == {"value": 1}
    now += timedelta(seconds=2)
    assert call("GET", path("s", "k")).json == {"value": None}
    assert call("GET", path("s")).json == {"values": {}}
    assert call("GET", "/v1/sessions").json == []


def test_an_overwrite_without_expiry_clears_the_old_one(served: Callable[..., Client]):
    now = datetime(2026, 1, 1, tzinfo=UTC)
    call = served(clock=lambda: now.timestamp())  # noqa: PLW0108 - `now` moves on
    call("POST", path("s"), {"key": "k", "value": 1, "expiry": "2026-01-01T00:00:10Z"})
    call("POST", path("s"), {"key": "k", "value": 2})
    now += timedelta(days=400)
    assert call("GET", path("s", "k")).json == {"value": 2}


def test_listing(call: Client):
    for number in range(5):
        call("POST", path(f"s{number}"), {"key": "a", "value": number})
    call("POST", path("s0"), {"key": "b", "value": 1})
    call("DELETE", "/v1/sessions/s3")
    found = call("GET", "/v1/sessions").json
    assert isinstance(found, list)
    assert {s["session_id"] for s in found} == {"s0", "s1", "s2", "s4"}
    first = next(s for s in found if s["session_id"] == "s0")
    assert first["thread_id"] == "s0"
    assert (first["key_count"], first["keys"], first["task_ids"]) == (2, ["a", "b"], [])
    assert datetime.fromisoformat(first["updated_at"]).tzinfo is not None
    pages = [call("GET", f"/v1/sessions?limit=3&offset={n}").json for n in (0, 3)]
    assert [s["session_id"] for page in pages for s in page] == [s["session_id"] for s in found]
    assert [s["session_id"] for s in call("GET", "/v1/sessions?thread_id=s1").json] == ["s1"]
    assert call("GET", "/v1/sessions?thread_id=none").json == []
    assert call("GET", "/v1/sessions?thread_id=none&unknown=1&unknown=2").json == []
    assert call("GET", "/v1/sessions?task_id=t").json == []
    for wrong in ("limit=x", "limit=-1", "offset=1.5", "limit=1&limit=2"):
        assert call("GET", f"/v1/sessions?{wrong}").status == 400


def test_clearing_leaves_the_messages(call: Client, hosted: Hosted):
    call("POST", path("s"), {"key": "k", "value": 1})
    hosted.run(lambda: call.store.thread("s").messages.append("hello"))
    assert call("DELETE", "/v1/sessions/s").status == 204
    assert call("GET", path("s")).json == {"values": {}}
    assert hosted.run(call.store.thread("s").messages.list) == ["hello"]


def test_gzip_both_ways(call: Client):
    value = "x" * 100_000
    body = gzip.compress(json.dumps({"key": "k", "value": value}).encode())
    assert call("POST", path("s"), body, Content_Encoding="gzip").status == 204
    plain = call("GET", path("s", "k"))
    assert plain.json == {"value": value}
    packed = call("GET", path("s", "k"), None, Accept_Encoding="gzip, deflate")
    assert packed.headers["content-encoding"] == "gzip"
    assert json.loads(gzip.decompress(packed.body)) == {"value": value}


def test_gzip_by_its_older_name(call: Client):
    body = gzip.compress(b'{"key": "k", "value": 1}')
    assert call("POST", path("s"), body, Content_Encoding="x-gzip").status == 204
    assert call("GET", path("s", "k")).json == {"value": 1}


def test_head_tells_what_get_would(call: Client):
    call("POST", path("s"), {"key": "k", "value": "x" * 5_000})
    for asked in ("/health", "/ready", "/openapi.json", path("s", "k"), "/v1/threads/s/state"):
        whole, head = call("GET", asked), call("HEAD", asked)
        assert (head.status, head.body) == (200, b"")
        assert head.headers["content-length"] == str(len(whole.body))
        assert head.headers.get("etag") == whole.headers.get("etag")
    assert call("HEAD", "/v1/threads/none").status == 404
    etag = call("GET", "/v1/threads/s").headers["etag"]
    assert call("HEAD", "/v1/threads/s", None, If_None_Match=etag).status == 304


def test_head_uses_no_part_up(call: Client):
    call("PUT", "/v1/threads/s/parts/p", {"part_type": "text", "data": "1", "uses": 1})
    assert call("HEAD", "/v1/threads/s/parts?format=openai").status == 405
    assert call("HEAD", "/v1/threads/s/watch").status == 405
    assert call("GET", "/v1/threads/s/parts?format=openai").json["used"] == ["p"]


def test_gzip_that_is_none(call: Client):
    whole = gzip.compress(b'{"key": "k", "value": 1}')
    for body in (b"no gzip", whole[:-9], whole + b"x", b"\x1f\x8b"):
        found = call("POST", path("s"), body, Content_Encoding="gzip")
        assert found.status == 400
        assert found.error.startswith("Failed to decompress gzip body")
    assert call("POST", path("s"), whole, Content_Encoding="br").status == 415


def test_two_members_of_gzip_are_one_body(call: Client):
    body = gzip.compress(b'{"key": "k", ') + gzip.compress(b'"value": 1}')
    assert call("POST", path("s"), body, Content_Encoding="gzip").status == 204
    assert call("GET", path("s", "k")).json == {"value": 1}


def test_a_bomb_is_refused(call: Client):
    bomb = gzip.compress(b"0" * (100 << 20))
    found = call("POST", path("s"), bomb, Content_Encoding="gzip")
    assert found.status == 413
    assert "16777216" in found.error


def test_a_value_over_the_store_s_limit(call: Client):
    found = call("POST", path("s"), {"key": "k", "value": "x" * (1 << 20)})
    assert found.status == 413
    assert "1048576" in found.error


def test_other_methods_say_what_there_is(call: Client):
    found = call("PUT", path("s"))
    assert found.status == 405
    assert found.headers["allow"] == "GET, HEAD, POST"
    assert found.error


def test_what_json_cannot_say_comes_as_text(call: Client, hosted: Hosted):
    state = call.store.thread("s").state
    hosted.run(lambda: state.update({"bytes": b"\x00\xff", "set": {1}, "tuple": (1, 2)}))
    found = call("GET", path("s")).json["values"]
    assert found == {"bytes": "AP8=", "set": [1], "tuple": [1, 2]}
