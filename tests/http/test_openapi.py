"""The OpenAPI document, and whether the live server keeps to it on every route."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import CHECKS
from schemathesis.generation import GenerationMode

from tests.http.raw import Client
from threadkeep.server.openapi import document
from threadkeep.server.routes import ROUTES

EXAMPLES = 2
LONG_EXAMPLES = 30
# What JSON Schema cannot say is refused with 400 all the same: ids that are not one for each message, a key in the body
# that is not that of the path, and what is not in the wire form.
UNSAID = re.compile(r"/messages$|^POST /v1/(batch|scan|claim)$|^PUT /v1/session/")
CONDITIONS = {"If-Match", "If-None-Match"}


API = schemathesis.openapi.from_dict(
    json.loads(document(tuple(route for route in ROUTES if not route.hidden)))
)
FOUND: list[Any] = [found.ok() for found in list[Any](API.get_all_operations())]
OPERATIONS: dict[str, Any] = {operation.label: operation for operation in FOUND}
ENDLESS = {label for label in OPERATIONS if label.endswith("/watch")}  # read in test_events.py


def _rows() -> list[Any]:
    """Return a row for each route; the state of users and of the app is that of threads once more."""
    again = ("/v1/users/", "/v1/app/")
    return [
        pytest.param(label, marks=pytest.mark.long if any(a in label for a in again) else ())
        for label in sorted(set(OPERATIONS) - ENDLESS)
    ]


@pytest.mark.parametrize("mode", list(GenerationMode), ids=str)
@pytest.mark.parametrize("label", _rows())
def test_every_route_keeps_to_the_document(
    call: Client, label: str, mode: GenerationMode, pytestconfig: pytest.Config
):
    operation = OPERATIONS[label]
    base = f"http://127.0.0.1:{call.port}{call.base}"
    taken = CHECKS.get_one("positive_data_acceptance")

    @settings(
        max_examples=LONG_EXAMPLES if pytestconfig.getoption("--long") else EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=[
            HealthCheck.too_slow,
            HealthCheck.filter_too_much,
            HealthCheck.data_too_large,
        ],
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def holds(case: Any) -> None:
        asks = CONDITIONS & set(
            case.headers or {}
        )  # none holds by itself, only with an ETag just read
        excluded = [taken] if asks or UNSAID.search(label) else []
        case.call_and_validate(base_url=base, excluded_checks=excluded, timeout=90)

    try:
        holds()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE  # nothing of this route can be wrong


def test_every_route_is_in_it(call: Client):
    paths = call("GET", "/openapi.json").json["paths"]
    said = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    there = {(r.method, r.path if r.root else f"/v1{r.path}") for r in ROUTES if not r.hidden}
    assert said == there
    ids = [operation["operationId"] for methods in paths.values() for operation in methods.values()]
    assert len(set(ids)) == len(ids)
    for methods in paths.values():
        for operation in methods.values():
            assert operation["summary"].endswith(".")


def test_the_page_needs_no_network(call: Client):
    page = call("GET", "/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    named = re.findall(r'(?:src|href)="([^"]+)"', page.body.decode())
    assert set(named) == {"openapi.json", "docs/style.css", "docs/script.js"}
    for name in named:
        assert call("GET", f"/{name}").status == 200
