"""The control plane with an odd value in every place of every body: it answers, and never with a fault of its own."""

import copy
import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.serving import Running, running

ODD: list[Any] = [None, [], {}, False, -1, "", "é", "\ud800", ["x"], {"equalTo": "x"}, 10**400]
ID = "00000000-0000-4000-8000-000000000001"
PATTERN = {
    "method": "POST", "urlPathTemplate": "/v1/{a}/{b}", "pathParameters": {"a": {"equalTo": "events"}},
    "headers": {"A": {"or": [{"contains": "x"}, {"before": "now +1 days"}]}}, "queryParameters": {"q": {"hasExactly": [{"equalTo": "1"}]}},
    "cookies": {"c": {"matches": "x"}}, "formParameters": {"f": {"absent": True}}, "basicAuthCredentials": {"username": "u", "password": "p"},
    "bodyPatterns": [
        {"equalToJson": {"a": ["${json-unit.ignore}"]}, "ignoreArrayOrder": True}, {"matchesJsonPath": {"expression": "$.name", "equalTo": "x"}},
        {"matchesJsonSchema": {"type": "object"}, "schemaVersion": "V7"}, {"binaryEqualTo": "eA=="}, {"equalToNumber": 5},
    ],
    "host": {"equalTo": "x"}, "port": 80, "scheme": "http", "api": ["novu"], "operation": "event-api", "outcome": "admitted", "reason": "invalid",
}  # fmt: skip
MAPPING = {
    "id": ID, "name": "n", "priority": 1, "times": 1, "after": "nothing", "scenarioName": "s", "requiredScenarioState": "Started",
    "request": {"method": "POST", "api": "novu"},
    "response": {
        "status": 429, "statusMessage": "m", "headers": {"A": ["b"]}, "base64Body": "eA==", "fault": "EMPTY_RESPONSE", "fixedDelayMilliseconds": 0,
        "delayDistribution": {"type": "uniform", "lower": 0, "upper": 0}, "chunkedDribbleDelay": {"numberOfChunks": 1, "totalDuration": 0},
    },
    "metadata": {"a": 1, "mock": {"times": 1, "after": "checks", "example": "invalid", "request": {"operation": "event-api"}}},
}  # fmt: skip
BODIES: list[tuple[str, str, Any]] = [
    ("POST", "/requests/count", PATTERN),
    ("POST", "/requests/near-misses/request-pattern", PATTERN),
    ("POST", "/requests/wait", {"method": "POST", "count": 1, "timeoutMilliseconds": 0}),
    ("POST", "/requests/remove-by-metadata", {"equalToJson": {"a": 1}}),
    ("POST", "/near-misses/request", {"url": "/x?a=1", "method": "POST", "clientIp": "x", "headers": {"A": ["b"], "B": "c"}, "body": "x", "bodyAsBase64": "eA=="}),
    ("POST", "/mappings", MAPPING),
    ("POST", "/mappings/remove", MAPPING),
    ("PUT", f"/mappings/{ID}", MAPPING),
    ("POST", "/mappings/import", {"mappings": [MAPPING], "importOptions": {"duplicatePolicy": "IGNORE", "deleteAllNotInImport": False}, "meta": {"total": 1}}),
    ("POST", "/mappings/find-by-metadata", {"matchesJsonPath": {"expression": "$.a", "equalTo": "1"}}),
    ("PUT", "/scenarios/s/state", {"state": "Started"}),
    ("POST", "/settings", {"fixedDelay": 0, "delayDistribution": {"type": "fixed", "milliseconds": 0}, "proxyPassThrough": False}),
    ("PUT", "/clock", {"now": "2026-01-01T00:00:00Z", "frozen": True}),
    ("POST", "/clock/advance", {"by": "1s"}),
    ("PUT", "/limits/novu", {"limit": 5, "window": "1s", "burst": 5, "enforced": True}),
    ("PUT", "/catalogue/novu", {"unknown": "refuse", "names": {"a": {"payload": {"type": "object"}, "status": "processed"}}}),
    ("PUT", "/catalogue/novu/a", {"payload": {"type": "object"}, "status": "processed"}),
    ("POST", "/send", {"api": "novu", "sample": "x"}),
    ("POST", "/send", {"repeat": ID}),
]  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running() as server:
        yield server


def bent(value: Any) -> Iterator[Any]:
    """Yield a document with an odd value in one place, for every place and every odd value."""
    yield from ODD
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        for other in bent(child):
            changed = copy.copy(value)
            changed[key] = other
            yield changed


@pytest.mark.parametrize(("method", "path", "body"), BODIES, ids=[f"{each[0]} {each[1]}" for each in BODIES])
def test_no_value_is_too_odd(server: Running, method: str, path: str, body: Any) -> None:
    server.request("POST", "/__admin/reset")
    server.request("POST", "/__admin/mappings", {"id": ID, "scenarioName": "s", "request": {"url": "/x"}})
    server.trigger()
    server.trigger(b'["\\ud800"]')
    connection = http.client.HTTPConnection(server.address, timeout=10)
    for sent in bent(body):
        connection.request(method, f"/__admin{path}", json.dumps(sent).encode())
        response = connection.getresponse()
        answered = response.read()
        assert response.status < 500, sent
        assert json.loads(answered or b"{}") is not None
    connection.close()
