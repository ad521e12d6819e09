"""Matchers of JSON: structure, JSONPath and schemas, on bodies of every kind."""

import json
from typing import Any

import pytest
from hypothesis import given

from mockserver.engine.comparison import Difference
from mockserver.engine.values import ABSENT
from tests.engine.test_comparison import VALUES
from tests.engine.test_matchers import body, matcher, meets

DEEP = b"[" * 499 + b"1" + b"]" * 499
TOO_DEEP = b"[" * 501 + b"1" + b"]" * 501
NO_JSON = (b"", b"{", b"x", b"\xff", b'"\xff"', b"\xef\xbb\xbf{}", b"NaN", TOO_DEEP)


def encoded(value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


@pytest.mark.parametrize(
    ("source", "value", "met"),
    [
        ({"equalToJson": {"a": 1}},                       {"a": 1},                  True),
        ({"equalToJson": {"a": 1}},                       b' {\n"a" : 1.0 }\n',      True),
        ({"equalToJson": '{"a": 1}'},                     {"a": 1},                  True),
        ({"equalToJson": '"x"'},                          "x",                       True),
        ({"equalToJson": "5"},                            5.0,                       True),
        ({"equalToJson": 5},                              5.0,                       True),
        ({"equalToJson": 5},                              True,                      False),
        ({"equalToJson": 1},                              True,                      False),
        ({"equalToJson": 5},                              "5",                       False),
        ({"equalToJson": None},                           None,                      True),
        ({"equalToJson": None},                           False,                     False),
        ({"equalToJson": {"a": 1}},                       {"a": 1, "b": 2},          False),
        ({"equalToJson": {"a": 1}},                       b'{"a": 2, "a": 1}',       True),
        ({"equalToJson": {}},                             b"",                       False),
        ({"equalToJson": {}},                             b"{",                      False),
        ({"equalToJson": {}},                             b"\xff",                   False),
        ({"equalToJson": [["\ud800"]]},                   [["\ud800"]],              True),
        ({"equalToJson": '"\\ud800"'},                    "\ud800",                  True),
        ({"equalToJson": 10**300},                        10**300,                   True),
        ({"equalToJson": 10**300},                        10**300 + 1,               False),
        ({"equalToJson": json.loads(DEEP)},               DEEP,                      True),
        ({"equalToJson": json.loads(DEEP), "ignoreArrayOrder": True}, DEEP.replace(b"1", b"1.0"), True),
        ({"equalToJson": json.loads(DEEP), "ignoreExtraElements": True}, DEEP.replace(b"1", b"2"), False),
        ({"equalToJson": {"a": 1}, "ignoreExtraElements": True},  {"a": 1, "b": 2},  True),
        ({"equalToJson": {"a": 1}, "ignoreExtraElements": False}, {"a": 1, "b": 2},  False),
        ({"equalToJson": ["x"], "ignoreExtraElements": True},     ["x", "y"],        True),
        ({"equalToJson": ["y"], "ignoreExtraElements": True},     ["x", "y"],        False),
        ({"equalToJson": ["y", "x"], "ignoreArrayOrder": True},   ["x", "y"],        True),
        ({"equalToJson": ["y"], "ignoreArrayOrder": True},        ["x", "y"],        False),
        ({"equalToJson": ["y"], "ignoreArrayOrder": True, "ignoreExtraElements": True}, ["x", "y"], True),
        ({"equalToJson": {"id": "${json-unit.ignore}"}},          {"id": {"x": 1}},  True),
        ({"equalToJson": {"id": "${json-unit.ignore}"}},          {},                False),
        ({"equalToJson": {"id": "${json-unit.any-string}"}},      {"id": 1},         False),
        ({"equalToJson": '["${json-unit.regex}[0-9]{2}"]'},       ["42"],            True),
        ({"equalToJson": '["${json-unit.regex}[0-9]{2}"]'},       ["421"],           False),
    ],
)  # fmt: skip
def test_equal_to_json(source: Any, value: Any, met: bool) -> None:
    assert meets(source, encoded(value)) is met


ADA = {"name": "Ada", "age": 36, "address": {"city": "London"}, "tags": ["x", "y"], "none": None, "no": False}
LIST = [{"name": "Ada", "age": 36}, {"name": "Bob"}]
ORDER = {
    "items": [{"n": 1, "sku": "a"}, {"n": 2, "sku": "b"}],
    "empty": [],
    "bare": {},
    "blank": "",
    "$key": "k",
}


@pytest.mark.parametrize(
    ("path", "value", "met"),
    [
        # something is found
        ("$.name",                              ADA,            True),
        ("name",                                ADA,            True),
        ("$['name']",                           ADA,            True),
        ("$.address.city",                      ADA,            True),
        ("$..city",                             ADA,            True),
        ("$.tags[1]",                           ADA,            True),
        ("$.tags[-1]",                          ADA,            True),
        ("$.tags[2]",                           ADA,            False),
        ("$.items[*].sku",                      ORDER,          True),
        ("$['$key']",                           ORDER,          True),
        ("$.nothing",                           ADA,            False),
        ("$.name.first",                        ADA,            False),
        # what counts as something
        ("$.no",                                ADA,            True),
        ("$.none",                              ADA,            False),
        ("$.empty",                             ORDER,          True),
        ("$.bare",                              ORDER,          False),
        ("$.blank",                             ORDER,          False),
        ("$",                                   {},             False),
        ("$",                                   [],             True),
        # a filter tests an object itself, and the items of a list
        ("$[?(@.name == 'Ada')]",               ADA,            True),
        ("$[?(@.name == \"Ada\")]",             ADA,            True),
        ("$[?(@['name'] == 'Ada')]",            ADA,            True),
        ("$[?(@.name == 'Bob')]",               ADA,            False),
        ("$[?(@.name == 'Bob')]",               LIST,           True),
        ("$[?(@.name == 'Cy')]",                LIST,           False),
        ("$[?(@.age > 35)]",                    ADA,            True),
        ("$[?(@.age > 36)]",                    ADA,            False),
        ("$[?(@.name == 'Ada' && @.age == 36)]", ADA,           True),
        ("$[?(@.name == 'Ada' && @.age == 37)]", ADA,           False),
        ("$[?(@.name =~ /a.*/i)]",              ADA,            True),
        ("$[?(@.name =~ /a.*/)]",               ADA,            False),
        ("$[?(@.address.city == 'London')]",    ADA,            True),
        ("$[?(@.city == 'London')]",            ADA,            False),
        ("$.address[?(@.city == 'London')]",    ADA,            True),
        ("$.address[?(@.city == 'Paris')]",     ADA,            False),
        ("$..[?(@.city == 'London')]",          ADA,            True),
        ("$..[?(@.name == 'Ada')]",             ADA,            True),
        ("$.items[?(@.n > 1)]",                 ORDER,          True),
        ("$.items[?(@.n > 2)]",                 ORDER,          False),
        ("$.items[?(@.n == 2)].sku",            ORDER,          True),
        ("$.tags[?(@ == 'y')]",                 ADA,            True),
        ("$[?(@.name)]",                        ADA,            True),
        ("$[?(@.nothing)]",                     ADA,            False),
        # so that the opposite is the opposite
        ("$[?(@.name != 'Ada')]",               ADA,            False),
        ("$[?(@.name != 'Bob')]",               ADA,            True),
        ("$[?(!@.name)]",                       ADA,            False),
        ("$[?(!@.nothing)]",                    ADA,            True),
        # bodies that are no objects
        ("$.x",                                 "text",         False),
        ("$.x",                                 '{"x": 1}',     False),
        ("$.x",                                 5,              False),
        ("$[?(@.x)]",                           None,           False),
        ("$[0]",                                "text",         False),
        *[("$", data, False) for data in NO_JSON],
        # depth
        ("$" + "[0]" * 499,                     DEEP,           True),
        ("$..[?(@ == 1)]",                      DEEP,           True),
        ("$..[?(@ == 2)]",                      DEEP,           False),
        ("$[?(@.x == '\ud800')]",               {"x": "\ud800"}, True),
    ],
)  # fmt: skip
def test_json_paths(path: str, value: Any, met: bool) -> None:
    assert meets({"matchesJsonPath": path}, encoded(value)) is met


ROWS: list[tuple[str, dict[str, Any], Any, bool]] = [
    ("$.age",          {"equalTo": "36"},                   ADA,    True),
    ("$.age",          {"equalTo": "36.0"},                 ADA,    False),
    ("$.no",           {"equalTo": "false"},                ADA,    True),
    ("$.name",         {"matches": "A[a-z]+"},              ADA,    True),
    ("$.name",         {"contains": "x"},                   ADA,    False),
    ("$.address",      {"contains": '"city":"London"'},     ADA,    True),
    ("$.a",            {"contains": "Zoë"},                 {"a": {"b": "Zoë"}}, True),
    ("$.address",      {"equalToJson": {"city": "London"}}, ADA,    True),
    ("$.address",      {"equalToJson": "{}", "ignoreExtraElements": True}, ADA, True),
    ("$.address",      {"matchesJsonPath": "$.city"},       ADA,    True),
    ("$.address",      {"matchesJsonSchema": {"required": ["zip"]}}, ADA, False),
    ("$.age",          {"greaterThanNumber": 35},           ADA,    True),
    ("$.at",           {"before": "now"},                   {"at": "2026-11-20T11:00:00Z"}, True),
    ("$.at",           {"after": "now"},                    {"at": "2026-11-20T11:00:00Z"}, False),
    ("$.name",         {"and": [{"contains": "A"}, {"contains": "d"}]}, ADA, True),
    # several values, of which one is enough; a list is as many as it has items
    ("$.items[*].sku", {"equalTo": "b"},                    ORDER,  True),
    ("$.items[*].sku", {"equalTo": "c"},                    ORDER,  False),
    ("$.items[*].n",   {"greaterThanNumber": 1},            ORDER,  True),
    ("$.tags",         {"equalTo": "y"},                    ADA,    True),
    ("$.tags",         {"equalTo": "z"},                    ADA,    False),
    ("$.tags",         {"not": {"equalTo": "x"}},           {"tags": ["x"]}, False),
    ("$.tags",         {"includes": [{"equalTo": "y"}]},    ADA,    True),
    ("$.tags",         {"hasExactly": [{"equalTo": "y"}, {"equalTo": "x"}]}, ADA, True),
    ("$.tags",         {"hasExactly": [{"equalTo": "y"}]},  ADA,    False),
    ("$.items[*].sku", {"hasExactly": [{"equalTo": "b"}, {"equalTo": "a"}]}, ORDER, True),
    # matchers of JSON see a list as one, and what several places hold as a list
    ("$.tags",         {"equalToJson": ["x", "y"]},         ADA,    True),
    ("$.tags",         {"equalToJson": ["x"]},              ADA,    False),
    ("$.tags",         {"equalToJson": ["y", "x"], "ignoreArrayOrder": True}, ADA, True),
    ("$.items[*].sku", {"equalToJson": ["a", "b"]},         ORDER,  True),
    ("$.items[*].sku", {"equalToJson": '"b"'},              ORDER,  True),
    ("$.name",         {"equalToJson": ["Ada"]},            ADA,    False),
    ("$.tags",         {"matchesJsonSchema": {"type": "array"}}, ADA, True),
    ("$.nothing",      {"matchesJsonSchema": True},         ADA,    False),
    # nothing is found
    ("$.nothing",      {"absent": True},                    ADA,    True),
    ("$.none",         {"absent": True},                    ADA,    True),
    ("$.empty",        {"absent": True},                    ORDER,  True),
    ("$.name",         {"absent": True},                    ADA,    False),
    ("$.blank",        {"absent": True},                    ORDER,  False),
    ("$.nothing",      {"equalTo": ""},                     ADA,    False),
    ("$.none",         {"equalTo": "null"},                 ADA,    False),
    ("$.none",         {"equalToJson": None},               ADA,    True),
    ("$.nothing",      {"doesNotContain": "x"},             ADA,    True),
    ("$.nothing",      {"not": {"equalTo": "x"}},           ADA,    True),
    *[("$", {"absent": True}, data, True) for data in NO_JSON],
    *[("$", {"matches": ".*"}, data, False) for data in NO_JSON],
]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "value", "met"),
    [
        ({"matchesJsonPath": "$.x"}, {"x": 1}, True),
        ({"matchesJsonPath": "$.x"}, {"y": 1}, False),
        *[({"matchesJsonPath": {"expression": path, **inner}}, value, met) for path, inner, value, met in ROWS],
    ],
)  # fmt: skip
def test_json_paths_with_a_matcher(source: Any, value: Any, met: bool) -> None:
    assert meets(source, encoded(value)) is met


@pytest.mark.parametrize(
    ("source", "value", "met"),
    [
        ({"matchesJsonSchema": {"type": "object"}},                 {},            True),
        ({"matchesJsonSchema": {"type": "object"}},                 [],            False),
        ({"matchesJsonSchema": '{"type": "object"}'},               {},            True),
        ({"matchesJsonSchema": {}},                                 5,             True),
        ({"matchesJsonSchema": True},                               None,          True),
        ({"matchesJsonSchema": False},                              {},            False),
        ({"matchesJsonSchema": {"type": "integer"}},                5.0,           True),
        ({"matchesJsonSchema": {"type": "integer"}},                10**300,       True),
        ({"matchesJsonSchema": {"const": 10**30}},                  10**30 + 1,    False),
        ({"matchesJsonSchema": {"type": "array"}},                  DEEP,          True),
        ({"matchesJsonSchema": {"type": "string"}},                 b"no JSON",    True),
        ({"matchesJsonSchema": {"type": "string", "maxLength": 2}}, b"no JSON",    False),
        ({"matchesJsonSchema": {"type": "string"}},                 b"\xff",       True),
        ({"matchesJsonSchema": {"type": "string"}},                 b"5",          False),
        ({"matchesJsonSchema": {}},                                 b"",           False),
        ({"matchesJsonSchema": {"maxLength": 1}},                   "\ud800",      True),
        ({"matchesJsonSchema": {"maxLength": 1}},                   "\ud800x",     False),
        ({"matchesJsonSchema": {"$ref": "#/$defs/a", "$defs": {"a": {"type": "null"}}}}, None, True),
        ({"matchesJsonSchema": {"$ref": "#/$defs/a", "$defs": {"a": {"type": "null"}}}}, 1, False),
        # what the drafts differ in
        ({"matchesJsonSchema": {"prefixItems": [{"type": "null"}]}},                              [1], False),
        ({"matchesJsonSchema": {"prefixItems": [{"type": "null"}]}, "schemaVersion": "V202012"},  [1], False),
        ({"matchesJsonSchema": {"prefixItems": [{"type": "null"}]}, "schemaVersion": "V201909"},  [1], True),
        ({"matchesJsonSchema": {"dependentRequired": {"a": ["b"]}}, "schemaVersion": "V201909"},  {"a": 1}, False),
        ({"matchesJsonSchema": {"dependentRequired": {"a": ["b"]}}, "schemaVersion": "V7"},       {"a": 1}, True),
        ({"matchesJsonSchema": {"if": {}, "then": False}, "schemaVersion": "V7"},                 1, False),
        ({"matchesJsonSchema": {"if": {}, "then": False}, "schemaVersion": "V6"},                 1, True),
        ({"matchesJsonSchema": {"const": 2}, "schemaVersion": "V6"},                              1, False),
        ({"matchesJsonSchema": {"const": 2}, "schemaVersion": "V4"},                              1, True),
        ({"matchesJsonSchema": {"minimum": 1, "exclusiveMinimum": True}, "schemaVersion": "V4"},  1, False),
    ],
)  # fmt: skip
def test_json_schemas(source: Any, value: Any, met: bool) -> None:
    assert meets(source, encoded(value)) is met


TABLES = (test_equal_to_json, test_json_paths_with_a_matcher, test_json_schemas)


def test_a_text_of_a_header_may_be_json_too() -> None:
    assert meets({"equalToJson": {"a": [1]}}, '{"a": [1.0]}')
    assert meets({"matchesJsonPath": "$.a"}, "x", '{"a": [1.0]}')
    assert not meets({"matchesJsonSchema": {"type": "object"}}, "x")
    assert not meets({"matchesJsonSchema": True})


def test_each_difference_of_a_document_is_told() -> None:
    found = matcher({"equalToJson": {"to": [{"id": "u1"}], "name": "n"}})
    assert found.weight == 2
    assert found.explain([body(b'{"to": [{"id": "u2"}], "name": "m", "x": 1}')], "/body") == [
        Difference("/body/to/0/id", "u1", "u2"),
        Difference("/body/name", "n", "m"),
        Difference("/body/x", ABSENT, 1),
    ]
    (whole,) = found.explain([body(b"{")], "/body")
    assert (whole.pointer, whole.expected, whole.actual) == ("/body", found.source, "{")


@pytest.mark.parametrize(("operand", "weight"), [({}, 1), ([1, 2], 2), ({"a": {"b": [1, 2]}, "c": 3}, 3)])
def test_a_document_weighs_as_much_as_it_has_values(operand: Any, weight: int) -> None:
    assert matcher({"equalToJson": operand}).weight == weight


@given(VALUES)
def test_every_value_is_equal_to_itself(value: Any) -> None:
    sent = json.dumps(value).encode()
    wanted = json.dumps(value) if isinstance(value, str) else value  # a text is read as JSON
    assert meets({"equalToJson": wanted}, sent)
    assert meets({"equalToJson": json.dumps(value)}, sent)
    assert meets({"equalToJson": wanted, "ignoreArrayOrder": True, "ignoreExtraElements": True}, sent)
    assert meets({"matchesJsonPath": {"expression": "$", "equalToJson": wanted}}, sent)
