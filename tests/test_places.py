"""The line of a broken rule: where it stands in the file, found once more with the marks of PyYAML."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mockserver.engine.contract import Api, Operation
from mockserver.engine.values import pointer_of
from mockserver.engine.world import Settings
from mockserver.loading import bundled, load_spec
from mockserver.reports.places import deviation_pointer, operation_pointer, rule_pointer
from mockserver.yamltext import lines_of
from tests.runs import recorded

FILES = {**bundled(), "parcel": Path(__file__).parent / "parcel" / "parcel.yaml"}
PROFILES = ("observed", "published")

Entry = tuple[int, Any]
"""A line, and what stands there: a mapping or a list of entries, or a text."""


# -- an independent reading: nodes that know their lines, patched as the deviations say ------------------------------


def entries(node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return {key.value: (key.start_mark.line + 1, entries(value)) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [(item.start_mark.line + 1, entries(item)) for item in node.value]
    return node.value


def filled(entry: Entry, published: Entry | None) -> Entry:
    line, value = entry
    if isinstance(value, dict) and "$published" in value:
        assert published is not None
        others = {name: filled(each, published) for name, each in value.items() if name != "$published"}
        return (line, {**published[1], **others}) if others else published
    if isinstance(value, dict):
        return line, {name: filled(each, published) for name, each in value.items()}
    if isinstance(value, list):
        return line, [filled(each, published) for each in value]
    return entry


def patched(value: Any, steps: list[str], observed: Entry | None) -> Any:
    step, *rest = steps
    key: Any = int(step) if isinstance(value, list) else step
    copy = value.copy()
    if rest:
        copy[key] = (value[key][0], patched(value[key][1], rest, observed))
    elif observed is None:
        del copy[key]
    else:
        copy[key] = filled(observed, copy.get(key) if isinstance(copy, dict) else copy[key])
    return copy


def unescaped(pointer: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def changes(item: Mapping[str, Entry]) -> Iterator[tuple[str, Entry | None]]:
    for change in (
        [each for _, each in item["changes"][1]] if "changes" in item else [item] if "at" in item else []
    ):
        at = change["at"][1]
        for pointer in [each for _, each in at] if isinstance(at, list) else [at]:
            yield pointer, change.get("observed")


@cache
def served(name: str, profile: str) -> Any:
    node = yaml.compose(FILES[name].read_text("utf-8"))
    assert node is not None
    root = entries(node)
    listed = root["x-mock"][1].get("deviations", (0, []))[1] if "x-mock" in root else []
    active = [
        item
        for _, item in listed
        if profile in ([each for _, each in item["profiles"][1]] if "profiles" in item else ["observed"])
    ]
    for pointer, observed in sorted(
        (change for item in active for change in changes(item)), key=lambda change: -change[0].count("/")
    ):
        root = patched(root, unescaped(pointer), observed)
    return root


def followed(value: Any, root: Any) -> tuple[Any, str | None]:
    """Return a schema with the rules of what it refers to, and the reference."""
    if not isinstance(value, dict) or "$ref" not in value:
        return value, None
    ref, target = value["$ref"][1], root
    for step in unescaped(ref[1:]):
        target = target[step][1]
    target, _ = followed(target, root)
    return {**target, **{name: each for name, each in value.items() if name != "$ref"}}, ref


NOT_RULES = {
    "title",
    "description",
    "example",
    "examples",
    "default",
    "deprecated",
    "x-mock",
    "discriminator",
    "$defs",
}


Rule = tuple[str, str, str, int]
"""The path of a rule through its schema, its keyword, the pointer of a value that would break it, and its line."""


def rules(schema: Any, root: Any, path: str, place: str, inside: tuple[str, ...] = ()) -> Iterator[Rule]:
    schema, ref = followed(schema, root)
    if not isinstance(schema, dict) or ref in inside:
        return
    inside = (*inside, ref) if ref else inside
    for keyword, (line, value) in schema.items():
        here = f"{path}/{keyword}"
        if keyword in {"items", "additionalProperties", "then", "else"} and isinstance(value, dict):
            yield from rules(
                value, root, here, place if keyword in {"then", "else"} else f"{place}/7", inside
            )
        elif keyword not in {*NOT_RULES, *INNER}:
            missing = [pointer_of([name]) for _, name in value] if keyword == "required" else [""]
            members = ["/unknown"] if keyword == "additionalProperties" else missing
            yield from ((here, keyword, place + each, line) for each in members)
        for step, below, inner in inner_schemas(keyword, value):
            yield from rules(inner, root, here + step, place + below, inside)


INNER = {"properties", "patternProperties", "dependentSchemas"}


def inner_schemas(keyword: str, value: Any) -> Iterator[tuple[str, str, Any]]:
    """Yield the schemas that stand in a keyword, with the steps to them, and from a value to the one they are for."""
    if keyword in INNER:
        for name, (_, inner) in value.items():
            step = pointer_of([name])
            yield step, {"properties": step, "patternProperties": "/any"}.get(keyword, ""), inner
    if keyword in {"allOf", "anyOf", "oneOf", "prefixItems"}:
        for index, (_, inner) in enumerate(value):
            yield f"/{index}", f"/{index}" if keyword == "prefixItems" else "", inner


@cache
def api_of(name: str, profile: str) -> Api:
    return load_spec(FILES[name], name, profile)


def operation_entry(api: Api, operation: Operation, root: Any) -> Any:
    return root["paths"][1][operation.path][1][operation.method.lower()][1]


def finding(place: str, pointer: str, keyword: str, path: str) -> dict[str, Any]:
    return {"in": place, "pointer": pointer, "keyword": keyword, "schemaPath": path}


def told_line(name: str, pointer: str | None) -> int:
    assert pointer is not None
    return lines_of(FILES[name].read_text("utf-8"), [pointer])[0]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", FILES)
def test_each_rule_of_a_body_is_told_at_its_own_line(name: str, profile: str) -> None:
    api, root, seen = api_of(name, profile), served(name, profile), 0
    wrong = []
    for operation in api.operations:
        body = operation_entry(api, operation, root).get("requestBody")
        if body is None:
            continue
        content = followed(body[1], root)[0]["content"][1]
        schema = next(each for media, (_, each) in content.items() if "json" in media)["schema"][1]
        for path, keyword, place, line in rules(schema, root, "#", ""):
            told = rule_pointer(api, operation, finding("body", place, keyword, path))
            seen += 1
            if told is None or told_line(name, told) != line:
                wrong.append((operation.id, path, told, line))
    assert not wrong
    assert seen > 3


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", FILES)
def test_parameters_operations_and_deviations_are_told_at_their_own_lines(name: str, profile: str) -> None:
    api, root = api_of(name, profile), served(name, profile)
    for operation in api.operations:
        item = root["paths"][1][operation.path][1]
        told = told_line(name, operation_pointer(api, operation))
        assert told == item[operation.method.lower()][0]
        own = operation_entry(api, operation, root)
        for line, source in [*own.get("parameters", (0, []))[1], *item.get("parameters", (0, []))[1]]:
            parameter, ref = followed(source, root)
            place, pointer = parameter["in"][1], pointer_of([parameter["name"][1]])
            missing = rule_pointer(api, operation, finding(place, pointer, "required", ""))
            if ref is None:
                assert told_line(name, missing) == line
            for path, keyword, below, at in rules(parameter["schema"][1], root, "#", ""):
                found = rule_pointer(api, operation, finding(place, pointer + below, keyword, path))
                assert told_line(name, found) == at
    text = FILES[name].read_text("utf-8").splitlines()
    for id_ in api.deviations:
        assert f"id: {id_}" in text[told_line(name, deviation_pointer(api, id_)) - 1]


# -- real calls -------------------------------------------------------------------------------------------------------

SIZED = {"name": "w", "to": ["ada"], "payload": {"x": "y" * 600_000}}


@pytest.mark.parametrize(
    ("path", "body", "headers", "line"),
    [
        # what is sent, and what stands in the line that is told
        ("/v1/events/trigger", {"name": 5, "to": ["ada"]}, {}, "          type: string"),
        ("/v1/events/trigger", {"to": ["ada"]}, {}, "      required: [name, to]"),
        ("/v1/events/trigger", {"name": "w", "to": [5]}, {}, "        anyOf:"),
        (
            "/v1/events/trigger",
            {"name": "w", "to": ["ada"], "transactionId": 5},
            {},
            "observed: {$published: true, type: [string, 'null']}",
        ),
        ("/v1/events/trigger", SIZED, {}, "          - name: payload-size"),
        ("/v1/events/trigger", b"{", {}, "      requestBody:"),
        ("/v1/events/trigger", {}, {"Content_Encoding": "gzip"}, "      requestBody:"),
        (
            "/v1/events/trigger",
            {"name": "w", "to": ["ada"]},
            {"Idempotency_Key": "k" * 300},
            "name: idempotency-key",
        ),
        ("/v1/events/trigger", {"name": "w", "to": ["ada"]}, {"Authorization": ""}, "    api-key:"),
        ("/v1/events/trigger/bulk", {"events": [{"name": 5, "to": "ada"}]}, {}, "          type: string"),
        ("/v1/events/trigger/bulk", {"events": []}, {}, "          minItems: 1"),
        ("/v1/events/trigger/bulk", {"events": [SIZED]}, {}, "          - name: payload-size"),
    ],
)
def test_the_line_of_what_a_call_breaks(path: str, body: Any, headers: dict[str, str], line: str) -> None:
    with recorded() as run:
        run.send(path, body, **headers)
        violation, *_ = run.verdict("invalid", "unauthenticated").violations
    text = FILES["novu"].read_text("utf-8").splitlines()
    assert line in text[told_line("novu", violation.rule_at) - 1]


@pytest.mark.parametrize("path", ["/v1/events/trigger", "/v1/events/trigger/bulk"])
@pytest.mark.parametrize("admits", [False, True])
def test_the_schema_of_a_payload_in_the_catalogue_stands_in_no_spec(path: str, admits: bool) -> None:
    with recorded(Settings(admit_invalid=admits)) as run:
        run.control("PUT", "/catalogue/novu/w", {"payload": {"type": "object", "required": ["plan"]}})
        call = {"name": "w", "to": ["ada"], "payload": {}}
        run.send(path, {"events": [call]} if path.endswith("bulk") else call)
        (violation,) = run.verdict("invalid").violations
    assert (violation.rule_at, violation.pointer[-13:]) == (None, "/payload/plan")


def test_a_name_that_the_catalogue_refuses_is_told_where_the_spec_says_what_the_name_is() -> None:
    with recorded() as run:
        run.control("PUT", "/catalogue/novu", {"unknown": "refuse"})
        run.novu()
        (violation,) = run.verdict("invalid").violations
    text = FILES["novu"].read_text("utf-8").splitlines()
    assert text[told_line("novu", violation.rule_at) - 1].strip() == "catalogue:"


def test_a_call_with_another_method_is_told_at_what_the_path_takes() -> None:
    with recorded() as run:
        run.send("/v1/events/trigger", None, "GET")
        (violation,) = run.verdict("unmatched").violations
    assert violation.rule_at == "/paths/~1v1~1events~1trigger/post"


# -- never a failure --------------------------------------------------------------------------------------------------

WORDS = [
    "properties",
    "items",
    "anyOf",
    "0",
    "7",
    "to",
    "name",
    "required",
    "type",
    "oneOf",
    "$ref",
    "",
    "~",
    "payload",
    "events",
    "allOf",
]
STEPS = st.lists(st.sampled_from(WORDS) | st.text(max_size=4), max_size=7).map(pointer_of)


@given(
    name=st.sampled_from(sorted(FILES)), profile=st.sampled_from(PROFILES), data=st.data(),
    place=st.sampled_from(["body", "header", "query", "path", "cookie"]), pointer=STEPS | st.just(""),
    path=STEPS.map(lambda each: f"#{each}") | st.just(""),
    keyword=st.sampled_from([*WORDS, "route", "method", "catalogue", "maxBytes", "key-reused", "payload-size", "json"]),
)  # fmt: skip
def test_whatever_a_finding_says_its_place_is_in_the_file_or_none(
    name: str, profile: str, data: st.DataObject, place: str, pointer: str, path: str, keyword: str
) -> None:
    api = api_of(name, profile)
    operation = data.draw(st.sampled_from(api.operations))
    told = rule_pointer(api, operation, finding(place, pointer, keyword, path))
    assert told is None or told_line(name, told) > 1
