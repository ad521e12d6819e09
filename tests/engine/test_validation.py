"""What is said of an invalid value, that both validators agree, and which deviations a request leans on."""

import json
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.engine.exchange import Finding
from mockserver.engine.explanation import Explainer
from mockserver.engine.validation import MOST_REMEMBERED, SHORT, Schema
from mockserver.loading import bundled_names, load_bundled
from tests.engine.specs import OPERATION, api, call, request, world

PET = {"type": "object", "title": "Pet", "required": ["name"], "properties": {"name": {"type": "string"}}}
CAR = {
    "type": "object",
    "title": "Car",
    "required": ["plate", "seats"],
    "properties": {"seats": {"type": "integer"}},
}
ANY_OF = {"anyOf": [PET, CAR, {"type": "string"}]}
LONG = "x" * 500

EXPLAINED = [
    # schema                              value              pointer, keyword, message, expected, received, fix
    ({"required": ["a"]},                 {},                ("/a", "required", "is required", "a value", "nothing", 'Add the member "a".')),
    ({"required": ["a/b~"]},              {},                ("/a~1b~0", "required", "is required", "a value", "nothing", 'Add the member "a/b~".')),
    ({"type": "string"},                  5,                 ("", "type", "must be a string, not a number", "string", "number", 'Put it into quotes: "5".')),
    ({"type": "array"},                   "a",               ("", "type", "must be an array, not a string", "array", "string", 'Wrap it into a list: ["a"].')),
    ({"type": ["object", "null"]},        True,              ("", "type", "must be an object or null, not a boolean", "object or null", "boolean", "Send an object or null.")),
    ({"enum": ["Topic", "List"]},         "topic",           ("", "enum", 'must be one of "Topic", "List"', '"Topic", "List"', '"topic"', 'Did you mean "Topic"?')),
    ({"const": 5},                        6,                 ("", "const", "must be 5", "5", "6", "Send 5.")),
    ({"format": "uri"},                   "a b",             ("", "format", "must be of the format uri", "format uri", '"a b"', "Send for example https://example.com/file.pdf.")),
    ({"pattern": "^a$"},                  "b",               ("", "pattern", "must match the pattern ^a$", "pattern ^a$", '"b"', "Send a text that matches it.")),
    ({"minLength": 2},                    "a",               ("", "minLength", "must have at least 2 characters", "at least 2 characters", '"a"', "Mend the number of characters: at least 2.")),
    ({"maxItems": 1},                     [1, 2],            ("", "maxItems", "must have at most 1 items", "at most 1 items", "[1, 2]", "Mend the number of items: at most 1.")),
    ({"minimum": 3},                      2,                 ("", "minimum", "must be >= 3", ">= 3", "2", "Send a number >= 3.")),
    ({"exclusiveMaximum": 3},             3,                 ("", "exclusiveMaximum", "must be < 3", "< 3", "3", "Send a number < 3.")),
    ({"multipleOf": 3},                   4,                 ("", "multipleOf", "must be a multiple of 3", "multiple of 3", "4", "Round it.")),
    ({"uniqueItems": True},               [1, 1],            ("", "uniqueItems", "must not have an item twice", "unique items", "[1, 1]", "Send each item once.")),
    ({"not": {}},                         1,                 ("", "not", "is not allowed here", "nothing", "1", "Leave it out.")),
    ({"properties": {"a": False}},        {"a": 1},          ("/a", "not", "is not allowed here", "nothing", "1", "Leave it out.")),
    ({"properties": {"name": {}}, "additionalProperties": False}, {"nam": 1}, ("/nam", "additionalProperties", "is not a known member", "nothing", '"nam"', 'Did you mean "name"?')),
    ({"dependentRequired": {"a": ["b"]}}, {"a": 1},          ("", "dependentRequired", "misses a member that another needs", '{"a": ["b"]}', '{"a": 1}', "Add it.")),
    ({"type": "object"},                  LONG,              ("", "type", "must be an object, not a string", "object", "string", "Send an object.")),
    # anyOf and oneOf are told by the nearest branch
    (ANY_OF,                              5,                 ("", "anyOf", "must be an object or a string, not a number", "object or string", "number", "Send an object or a string.")),
    (ANY_OF,                              {},                ("", "anyOf", "matches none of Pet (missing name), Car (missing plate, seats)", "one of them", "object", 'Add the member "name".')),
    (ANY_OF,                              {"plate": 1, "seats": "x"}, ("", "anyOf", "matches none of Car (seats must be an integer, not a string), Pet (missing name)", "one of them", "object", "Send an integer.")),
    ({"oneOf": [PET, {"type": "string"}]}, {},               ("/name", "required", "is required", "a value", "nothing", 'Add the member "name".')),
    ({"oneOf": [PET, {"type": "string"}]}, {"name": 5},      ("/name", "type", "must be a string, not a number", "string", "number", 'Put it into quotes: "5".')),
    ({"oneOf": [PET, {"title": "Thing"}]}, {"name": "a"},    ("", "oneOf", "matches Pet and Thing, but must match only one", "exactly one of them", "object", "Leave out what only the other one has.")),
    ({"oneOf": [PET, {"anyOf": [CAR]}]},  [],                ("", "anyOf", "must be an object, not an array", "object", "array", "Send an object.")),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "value", "explained"), EXPLAINED)
def test_what_is_said_of_an_invalid_value(schema: Any, value: Any, explained: tuple[str, ...]) -> None:
    first, *_ = Schema(schema).findings(value)
    assert (
        first.pointer,
        first.keyword,
        first.message,
        first.expected,
        first.received,
        first.fix,
    ) == explained
    assert "is not valid under any of the given schemas" not in first.message


def test_long_values_are_cut() -> None:
    (finding,) = Schema({"pattern": "^y", "type": "string"}).findings(LONG)
    assert len(finding.received) <= 80
    assert len(str(finding.value)) <= 80
    (finding,) = Schema({"enum": [str(number) * 20 for number in range(20)]}).findings([LONG] * 100)
    assert max(map(len, (finding.expected, finding.received, finding.message, str(finding.value)))) <= 110


def test_findings_are_ordered_by_properties_then_pointer_then_keyword() -> None:
    items = {"type": "array", "items": {"type": "string", "minLength": 3, "pattern": "^a"}}
    schema = {"required": ["z", "list", "a"], "properties": {"z": {}, "list": items, "a": {}}}
    found = Schema(schema).findings({"list": ["abc", *["b"] * 11]})
    assert [finding.pointer for finding in found[:3]] == ["/z", "/list/1", "/list/1"]
    assert [finding.keyword for finding in found[1:3]] == ["minLength", "pattern"]
    assert [finding.pointer for finding in found][-3:] == ["/list/11", "/list/11", "/a"]


def test_at_most_fifty_findings() -> None:
    assert len(Schema({"items": {"type": "string"}}).findings([1] * 500)) == 50


def test_a_lone_surrogate_is_left_to_the_explainer() -> None:
    schema = Schema({"properties": {"a": {"pattern": "^x"}}})
    assert not schema.accepts({"a": "\ud800"})
    assert schema.accepts({"\ud800": 1, "a": "x"})
    assert schema.findings({"a": "\ud800"})[0].pointer == "/a"


def test_a_recursive_schema_is_explained_by_the_judge_where_jsonschema_cannot_follow() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Node"}}}
    schema = Schema({"$ref": "#/components/schemas/Node", "components": {"schemas": {"Node": node}}})
    value: Any = 5
    for _ in range(450):
        value = {"next": value}
    (finding,) = schema.findings(value)
    assert finding.keyword == "type"
    assert finding.pointer == "/next" * 450


@pytest.mark.parametrize(
    "schema", [{"type": "strin"}, {"exclusiveMinimum": True}, {"pattern": "("}, {"required": "a"}]
)
def test_what_is_no_schema_is_refused(schema: Any) -> None:
    with pytest.raises(ValueError, match="."):
        Schema(schema)


@pytest.mark.parametrize(
    ("schema", "value", "keyword"),
    [
        ({"anyOf": [False, {"type": "string"}]}, {"a": 1}, "anyOf"),
        ({"oneOf": [False, {"required": ["z"]}]}, {}, "required"),
        ({"oneOf": [False, False]}, {}, "oneOf"),
        ({"properties": {"a": {"anyOf": [{"type": "integer"}, False]}}}, {"a": "x"}, "anyOf"),
        ({"pattern": r"^\p{Lu}+$"}, "abc", "pattern"),
        ({"pattern": "^(?<y>[0-9]+)$"}, "abc", "pattern"),
        ({"pattern": "^a$"}, "a\n", "pattern"),
        ({"patternProperties": {r"^\p{Lu}": {"type": "integer"}}}, {"Abc": "x"}, "type"),
        ({"pattern": "^(a+)+$"}, "a" * 40 + "!", "pattern"),
        ({"$defs": {"n": {"type": "integer"}}, "properties": {"a": {"$ref": "#/$defs/n"}}}, {"a": "x"}, "type"),
        ({"properties": {"k": {}}, "patternProperties": {"^x_": {}}, "additionalProperties": False}, {"x_a": 1, "zzz": 2}, "additionalProperties"),
        ({"allOf": [{"properties": {"k": {}}}], "unevaluatedProperties": False}, {"k": 1, "zzz": 2}, "unevaluatedProperties"),
    ],
)  # fmt: skip
def test_schemas_that_a_user_may_write(schema: Any, value: Any, keyword: str) -> None:
    (finding,) = Schema(schema).findings(value)
    assert finding.keyword == keyword
    assert finding.pointer != "/x_a"


def test_a_schema_of_many_names_is_explained_in_time() -> None:
    start = time.perf_counter()
    assert len(Schema({"required": [str(number) for number in range(20_000)]}).findings({})) == 50
    closed = {"properties": {str(number): {} for number in range(60)}, "additionalProperties": False}
    assert len(Schema(closed).findings({f"x{number}": 1 for number in range(60_000)})) == 50
    assert Schema({"enum": ["red", "green"]}).findings("r" * 10_000_000)
    assert time.perf_counter() - start < 10.0  # without a bound they take half a minute


# The two validators agree

NAMES = st.sampled_from(
    ["name", "to", "payload", "transactionId", "actor", "tenant", "distinct_id", "event", "properties", "$attachments",
     "url", "data", "userId", "contact_id", "contactId", "email", "subscriberId", "topicKey", "type", "channels", "x"]
)  # fmt: skip
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=4),
    st.sampled_from(["Topic", "https://example.com/a", "ada@example.com", "520784e2-887d-4c25-b53c-4ad46ad38100", "\ud800", "a\n"]),
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=12,
)
SCHEMAS = [
    (f"{name}-{profile}-{operation.id}", Schema(operation.shape.body))
    for name in bundled_names()
    for profile in ("observed", "published")
    for operation in load_bundled([name], profile)[0].operations
    if operation.shape.body is not None
]


@pytest.mark.parametrize(("name", "schema"), SCHEMAS, ids=[name for name, _ in SCHEMAS])
@given(value=VALUES)
def test_the_judge_and_the_explainer_agree(name: str, schema: Schema, value: Any) -> None:
    from tests.engine.oracle import explain

    explained = explain(schema.source, value)
    assert schema.accepts(value) is (not explained), name
    for finding in explained:
        assert finding.message
        json.dumps(finding.as_json())


# Leaning

THING = "/components/schemas/Thing"
LOOSE: list[dict[str, Any]] = [
    {"id": "null-name", "at": f"{THING}/properties/name", "observed": {"type": ["string", "null"]}, "evidence": "seen somewhere"},
    {"id": "number-name", "at": f"{THING}/properties/name/type", "observed": ["string", "integer"], "evidence": "seen somewhere"},
]  # fmt: skip


@pytest.mark.parametrize(
    ("deviations", "body", "leans_on"),
    [
        (LOOSE[:1], {"name": "x"}, ()),
        (LOOSE[:1], {"name": None}, ("null-name",)),
        (
            [{**LOOSE[0], "observed": {}}, {**LOOSE[0], "id": "twin", "observed": {}}],
            {"name": None},
            ("null-name", "twin"),
        ),
        (
            [{**LOOSE[0], "id": "stricter", "observed": {"maxLength": 1}, "profiles": ["published"]}],
            {"name": "xx"},
            ("stricter",),
        ),
    ],
)
def test_which_deviations_a_request_leans_on(
    deviations: list[Any], body: Any, leans_on: tuple[str, ...]
) -> None:
    _, exchange = call(world(api({"/x-mock/deviations": deviations})), request(body))
    assert exchange.outcome == "admitted"
    assert exchange.deviations == leans_on


def test_the_published_profile_leans_on_nothing() -> None:
    _, exchange = call(world(api({"/x-mock/deviations": LOOSE}, "published")), request({"name": None}))
    assert (exchange.outcome, exchange.deviations) == ("refused", ())


# Parameters

PARAMETERS = [
    {"name": "X-Count", "in": "header", "required": True, "schema": {"type": "integer", "minimum": 1}},
    {"name": "dry", "in": "query", "schema": {"type": "boolean"}},
    {"name": "Authorization", "in": "header", "required": True, "schema": {"type": "string"}},
]


@pytest.mark.parametrize(
    ("headers", "query", "found"),
    [
        ({"x-count": "5"}, "dry=true", []),
        ({}, "", [("header", "/x-count", "required")]),
        ({"x-count": "0"}, "", [("header", "/x-count", "minimum")]),
        ({"x-count": "many"}, "dry=5", [("header", "/x-count", "type"), ("query", "/dry", "type")]),
        ({"x-count": "5"}, "dry=", [("query", "/dry", "type")]),
        ({"x-count": "5"}, "other=1", []),
    ],
)
def test_parameters_are_read_as_what_the_schema_wants(
    headers: dict[str, str], query: str, found: list[Any]
) -> None:
    _, exchange = call(
        world(api({f"{OPERATION}/parameters": PARAMETERS})), request(headers=headers, query=query)
    )
    assert [(each["in"], each["pointer"], each["keyword"]) for each in exchange.findings] == found


def test_the_same_bytes_read_as_no_body_are_another_body() -> None:
    changes = {f"{OPERATION}/x-mock/mediaType": "empty", f"{OPERATION}/x-mock/emptyBody": "invalid"}
    served = world(api(changes))
    sent = request({"name": 5})
    as_text = replace(sent, headers={"content-type": "text/plain"})
    for _ in range(2):
        found = [[each["message"] for each in call(served, each)[1].findings] for each in (as_text, sent)]
        assert found == [["is required"], ["must be a string, not a number"]]


def test_a_refused_body_that_comes_again_is_not_explained_again(monkeypatch: pytest.MonkeyPatch) -> None:
    schema, explained = Schema({"type": "object", "required": ["a"]}), []
    explain = Explainer.explain

    def counted(self: Explainer, value: Any) -> list[Finding]:
        explained.append(value)
        return explain(self, value)

    monkeypatch.setattr(Explainer, "explain", counted)
    for _ in range(3):
        assert [each.pointer for each in schema.findings({}, b"{}")] == ["/a"]
    assert len(explained) == 1
    for number in range(MOST_REMEMBERED + 1):
        schema.findings({"b": number}, b'{"b": %d}' % number)
    assert len(schema._explained) <= MOST_REMEMBERED
    for _ in range(2):  # without its bytes, or with many of them, it is explained each time
        schema.findings({})
        schema.findings({}, b"{}" + b" " * SHORT)
    assert explained[-4:] == [{}] * 4
