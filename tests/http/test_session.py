"""The older routes of thread values, `/session/`, in raw requests."""

from __future__ import annotations

import json

import pytest

from tests.http.hosting import ON_BOTH
from tests.http.raw import Client
from tests.http.test_values import NAMES, VALUES, encoded
from tests.http.test_values import path as newer

pytestmark = ON_BOTH

PAIRED = pytest.mark.parametrize("base", ["/v1/session", "/api/v1/session"])


def path(session: str, key: str | None = None, base: str = "/v1/session") -> str:
    return newer(session, key, base)


@PAIRED
def test_shapes_and_statuses(call: Client, base: str):
    assert call("GET", path("s", base=base)).json == {"values": {}}
    missing = call("GET", path("s", "k", base))
    assert (missing.status, missing.error) == (404, "key not found")
    put = call("PUT", path("s", "k", base), {"key": "k", "value": {"a": 1}})
    assert (put.status, put.json) == (200, {"success": True})
    assert call("GET", path("s", "k", base)).json == {"value": {"a": 1}}
    many = call("POST", path("s", base=base), {"values": {"k": 2, "l": None}})
    assert (many.status, many.json) == (200, {"success": True})
    assert call("GET", path("s", base=base)).json == {"values": {"k": 2, "l": None}}
    assert call("GET", path("s", "l", base)).json == {"value": None}  # it stands
    for _ in range(2):
        deleted = call("DELETE", path("s", "k", base))
        assert (deleted.status, deleted.json) == (200, {"success": True})
    assert call("POST", path("s", base=base), {"values": {}}).json == {"success": True}


def test_both_surfaces_show_the_same_values(call: Client):
    call("POST", newer("s"), {"key": "new", "value": 1})
    call("PUT", path("s", "old"), {"key": "old", "value": 2})
    assert call("GET", newer("s")).json == call("GET", path("s")).json
    assert call("GET", newer("s", "old")).json == {"value": 2}
    assert call("GET", path("s", "new")).json == {"value": 1}


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_any_id_and_key(call: Client, name: str):
    assert call("PUT", path(name, name), {"key": name, "value": name}).status == 200
    assert call("GET", path(name, name)).json == {"value": name}
    assert call("GET", newer(name, name)).json == {"value": name}


@pytest.mark.parametrize("value", VALUES, ids=ascii)
def test_any_json(call: Client, value: object):
    call("PUT", path("s", "k"), {"key": "k", "value": value})
    assert call("GET", path("s", "k")).json == {"value": value}


def test_an_overwrite_clears_an_expiry(call: Client):
    call("POST", newer("s"), {"key": "k", "value": 1, "expiry": "2999-01-01T00:00:00Z"})
    call("PUT", path("s", "k"), {"key": "k", "value": 2})
    assert call("GET", "/v1/threads/s/state/k").json["expires_at"] is None


@pytest.mark.parametrize(
    ("method", "key", "body", "said"),
    [
        ("PUT", "k", {"key": "other", "value": 1}, "must match"),
        ("PUT", "k", {"key": "k"}, "value"),
        ("PUT", "k", {"value": 1}, "key"),
        ("PUT", "..", {"key": "..", "value": 1}, "URLs"),
        ("POST", None, {"values": {"good": 1, "": 2}}, "URLs"),
        ("POST", None, {"values": {"good": 1, "a\x00": 2}}, "control character"),
        ("POST", None, {"values": [1]}, "values"),
        ("POST", None, {"key": "k", "value": 1}, "values"),
    ],
)
def test_bad_bodies_say_why_and_write_nothing(
    call: Client, method: str, key: str | None, body: object, said: str
):
    found = call(method, path("s", key), body)
    assert found.status == 400
    assert said in found.error
    assert call("GET", path("s")).json == {"values": {}}


def test_a_value_that_is_too_large_keeps_the_others_out(call: Client):
    found = call("POST", path("s"), {"values": {"small": 1, "big": "x" * (1 << 20)}})
    assert found.status == 413
    assert call("GET", path("s")).json == {"values": {}}


def test_there_is_no_clear_and_no_list_here(call: Client):
    call("PUT", path("s", "k"), {"key": "k", "value": 1})
    for method, gone in (("DELETE", "/v1/session/s"), ("GET", "/v1/session")):
        assert call(method, gone).status == 404
    for method, gone in (("DELETE", "/v1/session/s/"), ("DELETE", "/v1/session/s/values/")):
        assert call(method, gone).status == 404
    assert call("GET", path("s", "k")).json == {"value": 1}


def test_gzip_and_user_parts(call: Client):
    part = {"part_type": "text", "data": "hi"}
    key = "__user_part_note"
    call("PUT", path("s", key), json.dumps({"key": key, "value": part}).encode())
    assert call("GET", newer("s", key)).json == {"value": part}
    found = call("GET", f"/v1/threads/{encoded('s')}/parts?format=openai").json["content"]
    assert found == [{"type": "text", "text": "hi"}]
