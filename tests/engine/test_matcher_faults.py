"""What cannot be read as a matcher: the place of each fault, and a sentence that says what to write."""

from typing import Any

import pytest

from mockserver.engine.matchers import OPERATIONS, read_matcher
from mockserver.engine.matching import Fault


def faults_of(source: Any, at: str = "") -> list[Fault]:
    faults: list[Fault] = []
    found = read_matcher(source, at, faults)
    assert (found is None) is bool(faults)
    return faults


def nested(levels: int) -> Any:
    source: Any = {"equalTo": "a"}
    for _ in range(levels):
        source = {"not": source}
    return source


TEXT_OPERANDS = ("equalTo", "binaryEqualTo", "contains", "doesNotContain", "matches", "doesNotMatch", "before", "after", "equalToDateTime")  # fmt: skip
NUMBER_OPERANDS = [name for name in OPERATIONS if name.endswith("Number")]
LISTS = ("and", "or", "hasExactly", "includes")


@pytest.mark.parametrize("name", TEXT_OPERANDS)
@pytest.mark.parametrize("operand", [5, None, True, [], {}, ["a"]])
def test_operands_that_must_be_texts(name: str, operand: Any) -> None:
    assert faults_of({name: operand}, "/headers/X") == [
        ("/headers/X", f"{name} operand must be a non-null string")
    ]


@pytest.mark.parametrize("name", NUMBER_OPERANDS)
@pytest.mark.parametrize("operand", ["5", None, True, [5]])
def test_operands_that_must_be_numbers(name: str, operand: Any) -> None:
    assert faults_of({name: operand}, "/headers/X") == [("/headers/X", f"{name} operand must be a number")]


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("operand", [[], {}, None, "a", {"equalTo": "a"}])
def test_operands_that_must_be_lists(name: str, operand: Any) -> None:
    assert faults_of({name: operand}) == [(f"/{name}", f"{name} must be a list of matchers")]


@pytest.mark.parametrize("name", LISTS)
def test_each_matcher_of_a_list_is_read(name: str) -> None:
    found = faults_of({name: [{"equalTo": "a"}, {"equalTo": 1}, {"contain": "a"}]})
    assert [pointer for pointer, _ in found] == [f"/{name}/1", f"/{name}/2"]
    assert found[1][1].endswith("did you mean contains?")


@pytest.mark.parametrize(
    ("source", "pointer", "told"),
    [
        # not one operation
        ("a", "", '"a" is not a match operation; write an object, as in {equalTo: …}'),
        (None, "", "null is not a match operation; write an object, as in {equalTo: …}"),
        ([{"equalTo": "a"}], "", '[{"equalTo":"a"}] is not a match operation; write an object, as in {equalTo: …}'),
        ({}, "", "{} is not a valid match operation"),
        ({"foo": 1}, "", '{"foo":1} is not a valid match operation'),
        ({"equalto": "a"}, "", '{"equalto":"a"} is not a valid match operation; did you mean equalTo?'),
        ({"matchesJsonpath": "$.a"}, "", '{"matchesJsonpath":"$.a"} is not a valid match operation; did you mean matchesJsonPath?'),
        ({"equalToXml": "<a/>"}, "", '{"equalToXml":"<a/>"} is not a valid match operation; did you mean equalTo?'),
        ({"equalTo": "a", "contains": "b"}, "", '{"equalTo":"a","contains":"b"} has 2 operations, equalTo and contains; join them with and'),
        # options
        ({"contains": "a", "caseInsensitive": True}, "/caseInsensitive", "caseInsensitive is no option of contains, which has no options"),
        ({"equalTo": "a", "ignoreCase": True}, "/ignoreCase", "ignoreCase is no option of equalTo, which has caseInsensitive"),
        ({"equalTo": "a", "caseInsensitive": "true"}, "/caseInsensitive", 'caseInsensitive must be true or false, not "true"'),
        ({"equalTo": "a", "caseInsensitive": None}, "/caseInsensitive", "caseInsensitive must be true or false, not null"),
        ({"equalToJson": {}, "ignoreExtraElements": 1}, "/ignoreExtraElements", "ignoreExtraElements must be true or false, not 1"),
        ({"equalToJson": {}, "ignoreArrayOrder": "no"}, "/ignoreArrayOrder", 'ignoreArrayOrder must be true or false, not "no"'),
        ({"before": "now", "truncateActual": "first day of month"}, "/truncateActual", "truncateActual is no option of before, which has no options"),
        ({"absent": True, "a/b": 1}, "/a~1b", "a/b is no option of absent, which has no options"),
        # operands
        ({"absent": False}, "/absent", "absent must be true; for what must be there use matches: .*"),
        ({"absent": 1}, "/absent", "absent must be true; for what must be there use matches: .*"),
        ({"binaryEqualTo": "not base64!"}, "/binaryEqualTo", "binaryEqualTo operand must be base64"),
        ({"binaryEqualTo": "é"}, "/binaryEqualTo", "binaryEqualTo operand must be base64"),
        ({"matches": "["}, "/matches", "matches: '[' is not a regular expression: unterminated character set at position 0"),
        ({"doesNotMatch": "(?P<a"}, "/doesNotMatch", "doesNotMatch: '(?P<a' is not a regular expression: missing >, unterminated name at position 4"),
        ({"matches": "a{99999999999}"}, "/matches", "matches: 'a{99999999999}' is not a regular expression: the repetition number is too large"),
        ({"before": "soon"}, "/before", "before: 'soon' is not a time; write ISO 8601, now, or now +3 days"),
        ({"after": "now +3days"}, "/after", "after: 'now +3days' is not a time; write ISO 8601, now, or now +3 days"),
        ({"after": "now 3 days"}, "/after", "after: 'now 3 days' is not a time; write ISO 8601, now, or now +3 days"),
        ({"equalToDateTime": ""}, "/equalToDateTime", "equalToDateTime: '' is not a time; write ISO 8601, now, or now +3 days"),
        ({"equalToJson": "{"}, "/equalToJson", "equalToJson operand '{' is not valid JSON: expecting property name enclosed in double quotes at line 1, column 2; quote a text twice, as in '\"x\"'"),
        ({"equalToJson": "x"}, "/equalToJson", "equalToJson operand 'x' is not valid JSON: expecting value at line 1, column 1; quote a text twice, as in '\"x\"'"),
        ({"equalToJson": ["${json-unit.any}"]}, "/equalToJson", "'${json-unit.any}' is not a placeholder that is known, or its expression cannot be read"),
        ({"matchesJsonSchema": {"type": "strin"}}, "/matchesJsonSchema", "is not a JSON Schema: \"strin\" is not valid under any of the schemas listed in the 'anyOf' keyword"),
        ({"matchesJsonSchema": 5}, "/matchesJsonSchema", 'is not a JSON Schema: 5 is not of types "boolean", "object"'),
        ({"matchesJsonSchema": "{"}, "/matchesJsonSchema", "matchesJsonSchema operand '{' is not valid JSON: expecting property name enclosed in double quotes at line 1, column 2; quote a text twice, as in '\"x\"'"),
        ({"matchesJsonSchema": {}, "schemaVersion": "V8"}, "/matchesJsonSchema", 'schemaVersion must be one of V4, V6, V7, V201909, V202012, not "V8"'),
        ({"matchesJsonSchema": {}, "schemaVersion": []}, "/matchesJsonSchema", "schemaVersion must be one of V4, V6, V7, V201909, V202012, not []"),
        # JSONPath
        ({"matchesJsonPath": 5}, "/matchesJsonPath", "matchesJsonPath must be a path, or an object with an expression and a matcher"),
        ({"matchesJsonPath": {"equalTo": "a"}}, "/matchesJsonPath", "matchesJsonPath must be a path, or an object with an expression and a matcher"),
        ({"matchesJsonPath": {"expression": 5, "equalTo": "a"}}, "/matchesJsonPath", "matchesJsonPath must be a path, or an object with an expression and a matcher"),
        ({"matchesJsonPath": {"expression": "$.a"}}, "/matchesJsonPath", "{} is not a valid match operation"),
        ({"matchesJsonPath": {"expression": "$.a", "equalTo": 5}}, "/matchesJsonPath", "equalTo operand must be a non-null string"),
        ({"matchesJsonPath": {"expression": "$.a", "foo": 5}}, "/matchesJsonPath", '{"foo":5} is not a valid match operation'),
        ({"matchesJsonPath": "$.items.length()"}, "/matchesJsonPath", "'$.items.length()' is not a JSONPath that is understood: unexpected token '('"),
        ({"matchesJsonPath": "$["}, "/matchesJsonPath", "'$[' is not a JSONPath that is understood: unexpected end of query"),
        ({"matchesJsonPath": "$.a[?(@.b =~ /[/)]"}, "/matchesJsonPath", "'$.a[?(@.b =~ /[/)]' is not a JSONPath that is understood: unterminated character set at position 0"),
        ({"matchesJsonPath": "$.a | $.b"}, "/matchesJsonPath", "'$.a | $.b' joins several paths; write one matcher for each, and join them with or"),
        # inside others
        ({"not": {"equalTo": 5}}, "/not", "equalTo operand must be a non-null string"),
        ({"not": "a"}, "/not", '"a" is not a match operation; write an object, as in {equalTo: …}'),
        ({"and": [{"or": [{"not": {"absent": False}}]}]}, "/and/0/or/0/not/absent", "absent must be true; for what must be there use matches: .*"),
    ],
)  # fmt: skip
def test_what_is_told(source: Any, pointer: str, told: str) -> None:
    assert faults_of(source) == [(pointer, told)]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ({"matches": "(" * 3000 + ")" * 3000}, "is not a regular expression: maximum recursion depth exceeded"),
        ({"matchesJsonPath": "$" + "[?(@.a" * 300}, "is not a JSONPath that is understood: maximum recursion depth"),
        ({"equalToJson": "[" * 501}, "is not valid JSON"),
        ({"matchesJsonSchema": {"$ref": "http://elsewhere.example/"}}, "leads out of the schema"),
        ({"matchesJsonSchema": {"const": "\ud800"}}, "is not a JSON Schema"),
        ({"equalTo": "x" * 10_000, "contains": "y"}, "…"),
    ],
)  # fmt: skip
def test_what_is_told_of_large_things_is_short(source: Any, told: str) -> None:
    ((_, sentence),) = faults_of(source)
    assert told in sentence
    assert len(sentence) < 400


def test_all_faults_of_one_matcher_are_told() -> None:
    found = faults_of(
        {"equalToJson": {}, "ignoreArrayOrder": 1, "ignoreExtraElements": 2, "x": 3}, "/bodyPatterns/0"
    )
    assert [pointer for pointer, _ in found] == [
        "/bodyPatterns/0/x", "/bodyPatterns/0/ignoreExtraElements", "/bodyPatterns/0/ignoreArrayOrder",
    ]  # fmt: skip


def test_matchers_in_matchers_end_somewhere() -> None:
    assert faults_of(nested(90)) == []
    ((pointer, told),) = faults_of(nested(490))
    assert (pointer.count("/"), told) == (101, "is nested too deep")
