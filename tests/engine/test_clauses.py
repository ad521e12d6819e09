"""What a spec says, as typed values: every word read, every default as documented."""

import re
from typing import Any

import pytest

from mockserver.engine.contract import Operation
from mockserver.engine.exchange import Reason
from tests.engine.specs import OPERATION, WORDS, api

CHECKS = ["parsing", "rate-limit", "validation", "catalogue"]
ANSWERS = {f"/x-mock/answers/{reason}": {"status": 409} for reason in ("in-flight", "key-reused", "key-too-long", "not-in-catalogue", "payload-invalid", "unauthenticated")}  # fmt: skip


def compiled(**changes: Any) -> Operation:
    (operation,) = api({**ANSWERS, **changes.pop("changes", {}), **changes}).operations
    return operation


def named(headers: Any) -> list[str]:
    return [name for name, _ in headers]


FULL = {
    "name": "key", "key": "{$request.header.Key}", "ttl": "2h", "inFlightTtl": "3m", "trim": True, "maxLength": 9,
    "scope": ["api", "operation"], "compares": "body", "remembers": ["success", "error"],
    "headers": {"always": {"A": "1"}, "repeat": {"B": "2"}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({}, (("credential",), 3600.0, None, False, None, False, {"success"}, [], [])),
        (FULL, (("api", "operation"), 7200.0, 180.0, True, 9, True, {"success", "error"}, ["A"], ["B"])),
    ],
)
def test_dedup_rules(rule: dict[str, Any], expected: tuple[Any, ...]) -> None:
    words = {"name": "key", "key": "{$request.body#/a/b}", "ttl": "1h", **rule}
    found = compiled(changes={"/x-mock/checks": [*CHECKS, "key"], f"{WORDS}/dedup": [words]}).dedup["key"]
    where = ("header", "/Key") if rule else ("body", "/a/b")
    assert (found.name, found.place, found.pointer) == ("key", *where)
    got = (
        found.scope,
        found.ttl,
        found.in_flight_ttl,
        found.trim,
        found.max_length,
        found.compares_body,
        found.remembers,
    )
    assert (*got, named(found.always), named(found.repeat)) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"limit": 5, "window": "10s"}, (5, 10.0, 5, ("credential",), 1, [], False)),
        (
            {
                "limit": 5,
                "window": "1m",
                "burst": 7,
                "per": ["api"],
                "cost": 2,
                "headers": {"A": "1"},
                "enforced": True,
            },
            (5, 60.0, 7, ("api",), 2, ["A"], True),
        ),
    ],
)
def test_rate_limits(words: dict[str, Any], expected: tuple[Any, ...]) -> None:
    found = compiled(changes={"/x-mock/rateLimit": words}).rate_limit
    assert found is not None
    assert (
        found.limit,
        found.window,
        found.burst,
        found.per,
        found.cost,
        named(found.headers),
        found.enforced,
    ) == expected
    assert compiled().rate_limit is None


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"name": "{$request.query.n}"}, ("/n", None, "", ())),
        (
            {"name": "{$request.body#/n}", "payload": "{$request.body#/p || {}}", "statuses": ["a"]},
            ("/n", True, "/p", ("a",)),
        ),
    ],
)
def test_catalogues(words: dict[str, Any], expected: tuple[Any, ...]) -> None:
    found = compiled(changes={f"{WORDS}/catalogue": words}).catalogue
    assert found is not None
    assert (found.name_at, found.payload and True, found.payload_at, found.statuses) == expected


REFUSAL = {"name": "rule", "at": "/a/b", "message": "no"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"unless": {"type": "object"}}, ("/a/b", "a", Reason.INVALID, ("no",), None, None, (), None)),
        (
            {
                "equal": ["/a", "/b"],
                "field": "f",
                "reason": "too-large",
                "message": ["x", "y"],
                "answer": {"status": 418},
            },
            ("/a/b", "f", Reason.TOO_LARGE, ("x", "y"), ("/a", "/b"), None, (), 418),
        ),
        ({"maxBytes": 5, "leavingOut": ["c"]}, ("/a/b", "a", Reason.INVALID, ("no",), None, 5, ("c",), None)),
    ],
)
def test_refusals(words: dict[str, Any], expected: tuple[Any, ...]) -> None:
    changes = {"/x-mock/checks": [*CHECKS, "rule"], f"{WORDS}/refusals": [{**REFUSAL, **words}]}
    found = compiled(changes=changes).refusals["rule"]
    status = found.answer.status if found.answer is not None else None
    assert (
        found.at,
        found.field,
        found.reason,
        found.sentences,
        found.equal,
        found.max_bytes,
        found.leaving_out,
        status,
    ) == expected


def test_an_operation_overrides_by_whole_key_and_has_its_defaults() -> None:
    plain = compiled()
    assert (plain.api, plain.id, plain.method, plain.path) == ("things", "make", "POST", "/things")
    assert (plain.max_bytes, plain.media_type, plain.empty_body, plain.latency) == (
        20 * 1024 * 1024,
        "refused",
        "malformed",
        0.0,
    )
    assert not plain.deprecated
    assert plain.recipient is None
    assert plain.statuses == plain.published_statuses == frozenset({201})
    words = {
        "maxBytes": 5,
        "mediaType": "empty",
        "emptyBody": "invalid",
        "latency": "250ms",
        "recipient": "{$request.body#/to}",
    }
    for place in ("/x-mock", WORDS):
        changes = {
            f"{place}/{key}": value
            for key, value in words.items()
            if place != "/x-mock" or key != "recipient"
        }
        found = compiled(changes={**changes, f"{OPERATION}/deprecated": True})
        assert (found.max_bytes, found.media_type, found.empty_body, found.latency) == (
            5,
            "empty",
            "invalid",
            0.25,
        )
        assert found.deprecated
        assert (found.recipient is not None) is (place == WORDS)
    assert compiled(changes={f"{OPERATION}/operationId": None}).id == "post /things"


SCHEMES: dict[str, Any] = {
    "key": {
        "type": "apiKey",
        "in": "query",
        "name": "k",
        "x-mock": {"refuses": {"old": "forbidden"}, "wording": {"missing": "no k"}},
    },
    "header": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Key",
        "x-mock": {"pattern": "K (.*)", "caseSensitive": False},
    },
    "bearer": {"type": "http", "scheme": "Bearer"},
    "login": {"type": "openIdConnect", "openIdConnectUrl": "x"},
    "digest": {"type": "http", "scheme": "digest"},
}


@pytest.mark.parametrize(
    ("name", "place", "parameter", "pattern", "ignores_case"),
    [
        ("key", "query", "k", "(.*)", False),
        ("header", "header", "x-key", "K (.*)", True),
        ("bearer", "header", "authorization", r"Bearer(?: +(.*))?", False),
        ("login", "header", "authorization", r"Bearer(?: +(.*))?", False),
        ("digest", "header", "authorization", "(.*)", False),
    ],
)
def test_security_schemes(name: str, place: str, parameter: str, pattern: str, ignores_case: bool) -> None:
    changes = {"/components/securitySchemes": SCHEMES, "/security": [{name: []}]}
    ((scheme,),) = compiled(changes=changes).shape.security
    assert (scheme.name, scheme.place, scheme.parameter, scheme.pattern.pattern) == (
        name,
        place,
        parameter,
        pattern,
    )
    assert bool(scheme.pattern.flags & re.IGNORECASE) is ignores_case
    assert scheme.pattern.flags & re.DOTALL
    assert dict(scheme.refuses) == ({"old": Reason.FORBIDDEN} if name == "key" else {})
    assert set(scheme.wording) == ({"missing"} if name == "key" else set())


def test_security_of_an_operation_stands_over_that_of_the_document() -> None:
    changes = {
        "/components/securitySchemes": SCHEMES,
        "/security": [{"key": []}],
        f"{OPERATION}/security": [{"bearer": [], "header": []}, {}],
    }
    shape = compiled(changes=changes).shape
    assert [[scheme.name for scheme in alternative] for alternative in shape.security] == [
        ["bearer", "header"],
        [],
    ]


def test_parameters_and_bodies() -> None:
    shared = [{"name": "Shared", "in": "header", "schema": {"type": "string"}}]
    own = [
        {"name": "Accept", "in": "header"}, {"name": "CONTENT-TYPE", "in": "header"}, {"name": "authorization", "in": "header"},
        {"name": "Q", "in": "query", "required": True, "schema": {"$ref": "#/components/schemas/Thing"}},
        {"name": "L", "in": "query", "explode": False, "schema": {"type": "array", "items": {"type": "integer"}}},
        {"name": "accept", "in": "query"},
    ]  # fmt: skip
    changes = {
        "/paths/~1things/parameters": shared,
        f"{OPERATION}/parameters": own,
        "/components/schemas/Thing/type": "string",
    }
    shape = compiled(changes={**changes, f"{OPERATION}/requestBody/required": None}).shape
    found = [
        (each.name, each.place, each.required, each.kinds, each.items, each.explode)
        for each in shape.parameters
    ]
    assert found == [
        ("shared", "header", False, frozenset({"string"}), None, False),
        ("Q", "query", True, frozenset({"string"}), None, True),
        ("L", "query", False, frozenset({"array"}), frozenset({"integer"}), False),
        ("accept", "query", False, frozenset(), None, True),
    ]
    assert shape.body_required is False
    assert compiled().shape.body_required is True
    assert compiled(changes={f"{OPERATION}/requestBody": None}).shape.body is None


def test_the_schema_of_json_is_taken_wherever_it_stands() -> None:
    content = {
        "text/plain": {"schema": {"type": "string"}},
        "application/vnd.x+json": {"schema": {"type": "object"}},
    }
    assert compiled(changes={f"{OPERATION}/requestBody/content": content}).shape.body == {"type": "object"}
