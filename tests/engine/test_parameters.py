"""Parameters are text: what they stand for, as their schemas mean them."""

from typing import Any

import pytest

from mockserver.engine.exchange import Request
from tests.engine.specs import OPERATION, api, call, world

SCHEMAS = {"Id": {"type": "integer"}, "Ids": {"type": "array", "items": {"$ref": "#/components/schemas/Id"}}}


def status(
    parameter: dict[str, Any], query: str = "", header: str | None = None, path: str = "/things"
) -> int:
    changes = {f"{OPERATION}/parameters": [{"required": True, **parameter}]}
    served = api({**changes, **{f"/components/schemas/{name}": schema for name, schema in SCHEMAS.items()}})
    headers = {"content-type": "application/json"} | (
        {} if header is None else {"x-p": header, "cookie": f"p={header}"}
    )
    _, exchange = call(world(served), Request("POST", path, query, headers, b"", b'{"name": "x"}'))
    return exchange.status


def query(schema: Any, **members: Any) -> dict[str, Any]:
    return {"name": "p", "in": "query", "schema": schema, **members}


REF = {"$ref": "#/components/schemas/Id"}
MIXED = {"anyOf": [{"type": "integer"}, {"enum": ["all"]}]}


@pytest.mark.parametrize(
    ("parameter", "sent", "expected"),
    [
        (query({"type": "integer"}), "p=5", 201),
        (query({"type": "integer"}), "p=5.0", 400),
        (query({"type": "integer"}), "p=x", 400),
        (query({"type": "integer"}), "", 400),
        (query({"type": "number"}), "p=-1.5e3", 201),
        (query({"type": "number"}), "p=NaN", 400),
        (query({"type": "boolean"}), "p=true", 201),
        (query({"type": "boolean"}), "p=1", 400),
        (query({"type": "string"}), "p=5", 201),
        (query({"type": "string", "pattern": "^[0-9]+$"}), "p=5", 201),
        (query({"type": ["integer", "null"]}), "p=1", 201),
        (query({"type": ["integer", "null"]}), "p=", 201),
        (query({"type": ["integer", "null"]}), "p=x", 400),
        (query({"type": ["integer", "string"], "minLength": 2}), "p=5", 201),
        (query(REF), "p=5", 201),
        (query(REF), "p=x", 400),
        (query(MIXED), "p=1", 201),
        (query(MIXED), "p=all", 201),
        (query(MIXED), "p=none", 400),
        (query({"enum": [1, 2]}), "p=2", 201),
        (query({"const": 1}), "p=2", 400),
        (query({"type": "array", "items": {"type": "integer"}}), "p=1&p=2", 201),
        (query({"type": "array", "items": {"type": "integer"}}), "p=1", 201),
        (query({"type": "array", "items": {"type": "integer"}}), "p=1&p=x", 400),
        (query({"type": "array", "items": {"type": "integer"}}, explode=False), "p=1,2", 201),
        (query({"type": "array", "items": {"type": "integer"}, "maxItems": 1}, explode=False), "p=1,2", 400),
        (query({"$ref": "#/components/schemas/Ids"}), "p=1&p=2", 201),
        (query({"type": "array", "items": {"anyOf": [{"type": "integer", "maximum": 10}, {"type": "string"}]}}), "p=50&p=5", 201),
        (query({"type": "array", "items": {"enum": ["1", 2]}}), "p=1&p=2", 201),
        (query({"type": "array", "items": {"enum": ["1", 2]}}), "p=1&p=3", 400),
        (query({}), "p=anything", 201),
        (query(True), "p=anything", 201),
    ],
)  # fmt: skip
def test_what_a_query_parameter_stands_for(parameter: dict[str, Any], sent: str, expected: int) -> None:
    assert status(parameter, sent) == expected


@pytest.mark.parametrize("place", ["header", "cookie"])
@pytest.mark.parametrize(
    ("schema", "sent", "expected"),
    [
        ({"type": "integer"}, "5", 201),
        ({"type": "integer"}, "x", 400),
        ({"type": "integer"}, None, 400),
        ({"type": "array", "items": {"type": "integer"}}, "1,2", 201),
        ({"type": "array", "items": {"type": "integer"}}, "1,x", 400),
    ],
)
def test_headers_and_cookies(place: str, schema: Any, sent: str | None, expected: int) -> None:
    assert (
        status({"name": "x-p" if place == "header" else "p", "in": place, "schema": schema}, header=sent)
        == expected
    )


def test_the_finding_of_an_item_says_which() -> None:
    changes = {f"{OPERATION}/parameters": [query({"type": "array", "items": {"type": "integer"}})]}
    sent = Request("POST", "/things", "p=1&p=x", {"content-type": "application/json"}, b"", b'{"name": "x"}')
    _, exchange = call(world(api(changes)), sent)
    assert [(each["in"], each["pointer"], each["message"]) for each in exchange.findings] == [
        ("query", "/p/1", "must be an integer, not a string")
    ]


def test_an_alternative_that_asks_for_nothing_is_met_by_anybody() -> None:
    scheme = {"type": "http", "scheme": "bearer"}
    changes = {
        f"{OPERATION}/security": [{"key": []}, {}],
        "/components/securitySchemes": {"key": scheme},
        "/x-mock/checks": ["parsing", "authentication", "rate-limit", "validation"],
        "/x-mock/answers/unauthenticated": {"status": 401},
    }
    for headers in ({}, {"authorization": "Bearer k"}):
        sent = Request(
            "POST", "/things", "", {"content-type": "application/json", **headers}, b"", b'{"name": "x"}'
        )
        assert call(world(api(changes)), sent)[1].status == 201


@pytest.mark.parametrize(("scheme", "header", "expected"), [
    ({"type": "apiKey", "in": "cookie", "name": "session"}, {"cookie": "a=b; session=k"}, 201),
    ({"type": "apiKey", "in": "cookie", "name": "session"}, {"cookie": "a=b"}, 401),
    ({"type": "oauth2", "flows": {}}, {"authorization": "Bearer k"}, 201),
    ({"type": "oauth2", "flows": {}}, {"authorization": "Basic k"}, 401),
    ({"type": "http", "scheme": "basic"}, {"authorization": "Basic k"}, 201),
])  # fmt: skip
def test_where_credentials_stand(scheme: Any, header: dict[str, str], expected: int) -> None:
    changes = {
        f"{OPERATION}/security": [{"key": []}],
        "/components/securitySchemes": {"key": scheme},
        "/x-mock/checks": ["parsing", "authentication", "rate-limit", "validation"],
        "/x-mock/answers/unauthenticated": {"status": 401},
    }
    sent = Request(
        "POST", "/things", "", {"content-type": "application/json", **header}, b"", b'{"name": "x"}'
    )
    _, exchange = call(world(api(changes)), sent)
    assert exchange.status == expected
    if expected == 401 and "authorization" in header:
        assert exchange.findings[0]["message"] == "must be Bearer <key>"
