"""`mockserver samples`: every printed request is what it is said to be, and all of a schema is exercised, or broken."""

import functools
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from mockserver.cli import main
from mockserver.engine.contract import Api, Operation
from mockserver.engine.deviations import PROFILES
from mockserver.engine.formats import FORMATS
from mockserver.engine.values import walk
from mockserver.loading import bundled_names, load_bundled
from mockserver.sampling import runs, scalars
from mockserver.sampling.requests import Maker, credential_of
from mockserver.sampling.subjects import subject_of
from tests.engine.oracle import FORMAT_CHECKER
from tests.engine.specs import api
from tests.serving import Running, running

TOP = Path(__file__).parent.parent
SEED = 11
JSON = Any


def with_body(profile: str = "observed") -> list[tuple[Api, Operation]]:
    return [(each, one) for each in load_bundled((), profile) for one in each.operations if one.shape.body]


def named(pairs: list[tuple[Api, Operation]]) -> list[Any]:
    return [pytest.param(*pair, id=f"{pair[0].profile}-{pair[1].id}") for pair in pairs]


@functools.cache
def sampled(api: Api, operation: Operation, invalid: bool, count: int) -> list[Mapping[str, JSON]]:
    return list(runs.shown_samples(api, [operation], invalid, count, SEED))


# What the server makes of them


@pytest.fixture(scope="module", params=PROFILES)
def serving_profile(request: pytest.FixtureRequest) -> Iterator[tuple[str, Running]]:
    with running(apis=load_bundled((), request.param)) as server:
        yield request.param, server


@pytest.mark.parametrize("name", bundled_names())
@pytest.mark.parametrize("invalid", [False, True])
def test_the_server_takes_the_valid_ones_and_refuses_the_others(
    serving_profile: tuple[str, Running], name: str, invalid: bool
) -> None:
    profile, server = serving_profile
    command = ["samples", name, "--profile", profile, "--count", "60", "--seed", str(SEED)]
    result = CliRunner().invoke(main, [*command, *(["--invalid"] if invalid else [])])
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in result.stdout.split("\n") if line]
    assert len(lines) == 60
    assert {each["api"] for each in lines} == {name}
    for sample in lines:
        server.forget()
        assert sample["query"] == {}
        body = json.dumps(sample["body"]).encode()
        status, _, _ = server.request(sample["method"], sample["path"], body, sample["headers"])
        (call,) = server.calls()
        told = call["request"]["mock"]
        assert told["operation"] == sample["operation"]
        findings = [{key: each[key] for key in FINDING} for each in told["findings"]]
        if not invalid:
            assert (status // 100, told["outcome"], findings) == (2, "admitted", []), sample
            assert list(sample) == MEMBERS
        elif status >= 300:
            assert told["reason"] == "invalid", sample
        else:  # a bulk call tells of its items
            assert told["outcome"] == "admitted"
        if invalid:
            assert list(sample) == [*MEMBERS, "findings"]
            assert sample["findings"] == findings != []


MEMBERS = ["api", "operation", "method", "path", "query", "headers", "body"]
FINDING = ["in", "pointer", "keyword", "message", "expected", "received"]


# What they exercise


def resolved(schema: JSON, root: JSON) -> JSON:
    return walk(root, schema["$ref"][1:]) if isinstance(schema, dict) and "$ref" in schema else schema


def accepts(schema: JSON, root: JSON, value: JSON) -> bool:
    whole = {**schema, "components": root.get("components", {})} if isinstance(schema, dict) else schema
    return bool(Draft202012Validator(whole, format_checker=FORMAT_CHECKER).is_valid(value))


def declared(schema: JSON, root: JSON, at: str = "") -> Iterator[str]:
    """Yield every member, branch, listed value and named type of a schema, wherever they are reached."""
    schema = resolved(schema, root)
    if not isinstance(schema, dict) or schema.get("not") == {}:
        return
    kinds = schema.get("type")
    yield from (f"{at}/type={kind}" for kind in (kinds if isinstance(kinds, list) else ()))
    yield from (f"{at}/enum={value}" for value in schema.get("enum", ()))
    for name, each in schema.get("properties", {}).items():
        if resolved(each, root) is not False and resolved(each, root).get("not") != {}:
            yield f"{at}/{name}"
            yield from declared(each, root, f"{at}/{name}")
    if "items" in schema:
        yield f"{at}/*"
        yield from declared(schema["items"], root, f"{at}/*")
    for keyword, branches in branches_of(schema):
        for position, branch in enumerate(branches):
            yield f"{at}|{keyword}{position}"
            yield from declared(branch, root, f"{at}|{keyword}{position}")
    for each in schema.get("allOf", ()):
        yield from declared(each, root, at)


def branches_of(schema: Mapping[str, JSON]) -> Iterator[tuple[str, list[JSON]]]:
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            yield keyword, schema[keyword]
    if "if" in schema:
        told = {name: schema.get(name, {}) for name in ("then", "else")}
        yield (
            "if",
            [{"allOf": [schema["if"], told["then"]]}, {"allOf": [{"not": schema["if"]}, told["else"]]}],
        )


TYPES: dict[str, Any] = {
    "null": type(None),
    "string": str,
    "object": dict,
    "array": list,
    "boolean": bool,
    "number": (int, float),
}


def exercised(schema: JSON, root: JSON, value: JSON, at: str = "") -> Iterator[str]:
    """Yield what of a schema one value exercises, in the words of `declared`."""
    schema = resolved(schema, root)
    if not isinstance(schema, dict):
        return
    kinds = schema.get("type")
    listed = kinds if isinstance(kinds, list) else ()
    yield from (f"{at}/type={kind}" for kind in listed if isinstance(value, TYPES[kind]))
    yield from (f"{at}/enum={each}" for each in schema.get("enum", ()) if each == value)
    for step, each, inner in below(schema, root, value):
        yield f"{at}{step}"
        yield from exercised(each, root, inner, f"{at}{step}")
    for each in schema.get("allOf", ()):
        yield from exercised(each, root, value, at)


def below(schema: Mapping[str, JSON], root: JSON, value: JSON) -> Iterator[tuple[str, JSON, JSON]]:
    """Yield what a value leads to: the step, the schema there, and the value there."""
    if isinstance(value, dict):
        named = schema.get("properties", {})
        yield from ((f"/{name}", named[name], value[name]) for name in named if name in value)
    if isinstance(value, list) and "items" in schema:
        yield from (("/*", schema["items"], item) for item in value)
    for keyword, branches in branches_of(schema):
        for position, branch in enumerate(branches):
            if accepts(branch, root, value):
                yield f"|{keyword}{position}", branch, value


def body_schema(api: Api, operation: Operation) -> JSON:
    """Return the schema of a body, of a bulk operation with that of its items; refusal rules are looked at elsewhere."""
    return subject_of(api, operation).parts[0].places[0].schema


@pytest.mark.parametrize(("api", "operation"), named(with_body()))
def test_two_hundred_samples_have_every_member_branch_type_and_listed_value(
    api: Api, operation: Operation
) -> None:
    schema = body_schema(api, operation)
    wanted = set(declared(schema, schema))
    seen = {
        each
        for sample in sampled(api, operation, False, 200)
        for each in exercised(schema, schema, sample["body"])
    }
    assert len(wanted) > 2
    assert wanted - seen == set()


def test_they_have_bounds_and_what_encoders_stumble_over() -> None:
    (novu,) = load_bundled(["novu"])
    bulk = next(each for each in novu.operations if each.each is not None)
    sizes = {len(sample["body"]["events"]) for sample in sampled(novu, bulk, False, 200)}
    assert {1, 100} <= sizes
    (opensend,) = load_bundled(["opensend"])
    names = {len(sample["body"]["event"]) for sample in sampled(opensend, opensend.operations[0], False, 200)}
    assert {1, 255} <= names
    text = json.dumps(sampled(novu, novu.operations[0], False, 200), ensure_ascii=False)
    for each in ("\\u0000", "\u2028", "\U0001f600", "\u0301", "\u05e9", "\\\\", '\\"', "\\n"):
        assert each in text


# What they break


ONE_VALUE = (
    "type",
    "format",
    "pattern",
    "enum",
    "const",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "not",
)


def rules_in(schema: JSON, root: JSON, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield every rule that a body can break: where it stands, its keyword, and which member where it is of several."""
    if not isinstance(schema, dict):
        return
    yield from ((*path, keyword) for keyword in ONE_VALUE if keyword in schema)
    yield from ((*path, "required", name) for name in schema.get("required", ()))
    for below, each in inside(schema, root):
        yield from rules_in(each, root, (*path, *below))
    if "then" in schema:  # what is a condition already can not be broken where it holds
        given = set(rules_in(schema["if"], root))
        listed = rules_in(schema["then"], root, ("then",))
        yield from ((*path, *each) for each in listed if each[1:] not in given)


def inside(schema: Mapping[str, JSON], root: JSON) -> Iterator[tuple[tuple[Any, ...], JSON]]:
    """Yield the schemas inside one with the steps that lead to them; those to a reference are none to jsonschema."""
    if "$ref" in schema:
        yield (), walk(root, schema["$ref"][1:])
    for keyword in ("anyOf", "oneOf", "allOf"):
        yield from (((keyword, position), each) for position, each in enumerate(schema.get(keyword, ())))
    yield from ((("properties", name), each) for name, each in schema.get("properties", {}).items())
    yield from (((keyword,), schema[keyword]) for keyword in ("items", "else") if keyword in schema)


def broken_by(schema: JSON, value: JSON) -> Iterator[tuple[Any, ...]]:
    """Yield every rule that a value breaks, by jsonschema, those of branches included."""
    waiting = list(Draft202012Validator(schema, format_checker=FORMAT_CHECKER).iter_errors(value))
    while waiting:
        error = waiting.pop()
        path = tuple(error.absolute_schema_path)
        if error.validator == "required":
            yield from ((*path, name) for name in error.validator_value if name not in error.instance)
        else:
            yield path
        waiting += error.context or ()


@pytest.mark.parametrize(("api", "operation"), named(with_body() + with_body("published")))
def test_two_hundred_invalid_samples_break_every_rule(api: Api, operation: Operation) -> None:
    schema = body_schema(api, operation)
    samples = sampled(api, operation, True, 200)
    wanted = set(rules_in(schema, schema))
    seen = {each for sample in samples for each in broken_by(schema, sample["body"])}
    assert len(wanted) > 2
    assert wanted - seen == set()
    refusals = {name for name, rule in operation.refusals.items() if rule.max_bytes is None}
    assert refusals <= {finding["keyword"] for sample in samples for finding in sample["findings"]}
    missing = {f"/{each.name}" for each in operation.shape.parameters if each.required}
    assert missing <= {
        each["pointer"] for sample in samples for each in sample["findings"] if each["in"] == "header"
    }


@pytest.mark.parametrize(("api", "operation"), named(with_body()))
def test_invalid_samples_break_one_thing_each(api: Api, operation: Operation) -> None:
    counts = Counter(len(sample["findings"]) for sample in sampled(api, operation, True, 200))
    assert counts[1] >= 180
    assert set(counts) <= {1, 2, 3}


# Every keyword of JSON Schema

SCHEMAS: dict[str, JSON] = {
    "bounds": {"type": "number", "minimum": -3, "exclusiveMaximum": 7.5},
    "exclusive bounds": {"type": "integer", "exclusiveMinimum": 0, "maximum": 5},
    "multiples": {"type": "integer", "multipleOf": 5, "minimum": 5, "maximum": 50},
    "parts": {"type": "number", "multipleOf": 0.25, "minimum": 0, "maximum": 4},
    "lengths": {"type": "string", "minLength": 3, "maxLength": 5},
    "length in a pattern": {"type": "string", "pattern": "^[a-z]+$", "minLength": 30, "maxLength": 40},
    "pattern beyond ASCII": {"type": "string", "pattern": "^[ßœ]{2}$"},
    "pattern that is none to Python": {"type": "string", "pattern": r"^\p{Lu}"},
    "listed": {"enum": ["a", 1, None, {"b": [True]}]},
    "constant": {"const": {"version": 2}},
    "several types": {"type": ["integer", "string", "null", "boolean"]},
    "a type that is listed": {"type": "string", "enum": ["on", "off", 5]},
    "items": {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 3},
    "distinct items": {"type": "array", "items": {"type": "boolean"}, "uniqueItems": True},
    "a tuple": {"type": "array", "prefixItems": [{"const": "x"}, {"type": "integer"}], "items": False, "minItems": 2},
    "contains": {"type": "array", "contains": {"const": 1}, "items": {"type": "integer"}, "maxItems": 5},
    "contains two": {"type": "array", "contains": {"type": "null"}, "minContains": 2, "maxContains": 3},
    "members": {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}, "b": {}}, "additionalProperties": False},
    "members by pattern": {"type": "object", "patternProperties": {"^x-": {"type": "integer"}}, "additionalProperties": False, "minProperties": 1},
    "other members": {"type": "object", "properties": {"a": {}}, "additionalProperties": {"type": "boolean"}},
    "unevaluated": {"type": "object", "allOf": [{"properties": {"a": {"type": "integer"}}}], "unevaluatedProperties": False},
    "names": {"type": "object", "propertyNames": {"pattern": "^[a-c]{1,3}$"}},
    "how many": {"type": "object", "minProperties": 2, "maxProperties": 4},
    "dependent": {"type": "object", "properties": {"a": {}, "b": {}}, "dependentRequired": {"a": ["b"]}},
    "dependent schema": {"type": "object", "properties": {"a": {}, "b": {}}, "dependentSchemas": {"a": {"properties": {"b": {"type": "string"}}, "required": ["b"]}}},
    "if": {"type": "object", "properties": {"kind": {"enum": ["a", "b"]}}, "required": ["kind"], "if": {"properties": {"kind": {"const": "a"}}}, "then": {"required": ["x"]}, "else": {"properties": {"x": False}}},
    "all": {"allOf": [{"type": "integer", "minimum": 0}, {"maximum": 9}]},
    "any": {"anyOf": [{"type": "integer"}, {"type": "object", "required": ["a"]}]},
    "one": {"oneOf": [{"type": "integer", "multipleOf": 3}, {"type": "integer", "multipleOf": 5}], "minimum": 0, "maximum": 100},
    "not": {"type": "string", "not": {"pattern": "^x"}},
    "one forbidden": {"type": "object", "properties": {"a": {"type": "string"}, "b": {"not": {}}}},
    "itself": {"$ref": "#/components/schemas/Tree"},
    "formats": {"type": "object", "properties": {name: {"type": "string", "format": name} for name in FORMATS}, "required": [*FORMATS]},
    "without a type": {"minLength": 2, "minimum": 3},
}  # fmt: skip
TREE = {
    "type": "object", "required": ["name"],
    "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}},
}  # fmt: skip
OUT_OF_REACH = {("a type that is listed", 5), ("one", 0)}
"""Goals that a schema contradicts itself: a listed value of another type, a bound that two branches take."""


@pytest.mark.parametrize("name", SCHEMAS)
@pytest.mark.parametrize("breaks", [False, True])
def test_every_goal_of_every_keyword_is_reached(name: str, breaks: bool) -> None:
    whole = {"type": "object", "required": ["member"], "properties": {"member": SCHEMAS[name]}}
    subject = subject_of(*invented(whole))
    maker, known = Maker(subject, credential_of(subject)), set[str]()
    lost = []
    with runs.nothing_written():
        for position, goal in subject.goals(breaks):
            tried = (
                runs.sample_for(subject, maker, position, goal, strict, known, f"{SEED}{goal}")
                for strict in (True, False)
            )
            sample = next((each for each in tried if each is not None), None)
            if sample is None:
                lost.append((name, goal.detail))
            elif name != "pattern that is none to Python":
                assert (
                    accepts(whole, {"components": {"schemas": {"Tree": TREE}}}, sample.shown["body"])
                    is not breaks
                )
    assert set(lost) == ({each for each in OUT_OF_REACH if each[0] == name} if not breaks else set())


def invented(schema: JSON) -> tuple[Api, Operation]:
    made = api({"/components/schemas/Thing": schema, "/components/schemas/Tree": TREE})
    return made, made.operations[0]


# Parts of a request beside the body


def test_parameters_credentials_and_prefixes_are_part_of_a_sample(tmp_path: Path) -> None:
    (tmp_path / "odd.yaml").write_text(ODD, encoding="utf-8")
    command = ["samples", "odd", "--spec", str(tmp_path / "odd.yaml"), "--seed", "3"]
    (tmp_path / "mockserver.yaml").write_text("prefixes: {odd: /below}", encoding="utf-8")
    lines = printed([*command, "--config", str(tmp_path / "mockserver.yaml"), "--count", "40"])
    for sample in lines:
        assert sample["path"].startswith("/below/things/")
        assert "{" not in sample["path"]
        assert sample["headers"]["X-Key"].isdigit()
        assert len(sample["headers"]["X-Key"]) == 8
        assert sample["headers"]["Cookie"].startswith("session=")
        assert 1 <= int(sample["query"]["page"]) <= 9
    assert {type(sample["query"].get("tag")) for sample in lines} >= {str, list, type(None)}
    broken = {
        (each["in"], each["keyword"])
        for sample in printed([*command, "--invalid"])
        for each in sample["findings"]
    }
    assert broken >= {
        ("query", "required"),
        ("query", "minimum"),
        ("query", "maximum"),
        ("query", "type"),
        ("cookie", "required"),
    }


ODD = r"""
openapi: 3.1.0
info: {title: Odd, version: '1'}
security: [{digits: []}]
paths:
  /things/{name}:
    post:
      operationId: make
      parameters:
        - {name: name, in: path, required: true, schema: {type: string, minLength: 2}}
        - {name: page, in: query, required: true, schema: {type: integer, minimum: 1, maximum: 9}}
        - {name: tag, in: query, schema: {type: array, items: {type: string}, minItems: 1, maxItems: 3}}
        - {name: session, in: cookie, required: true, schema: {type: string}}
      requestBody:
        required: true
        content: {application/json: {schema: {type: object, properties: {a: {type: integer}}}}}
      responses: {'201': {description: made}}
components:
  securitySchemes:
    digits: {type: apiKey, in: header, name: X-Key, x-mock: {pattern: '([0-9]{8})'}}
"""


def printed(command: list[str]) -> list[dict[str, JSON]]:
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


# The command


def run(folder: Path, *options: str, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    variables = {**os.environ, "PYTHONPATH": str(TOP), **environment}
    variables.pop("HYPOTHESIS_STORAGE_DIRECTORY", None)
    command = [sys.executable, "-m", "mockserver", "samples", *options]
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, timeout=120, check=False)


@pytest.mark.parametrize("more", [[], ["--invalid"]], ids=["valid", "invalid"])
def test_a_seed_prints_the_same_bytes_and_nothing_is_written(tmp_path: Path, more: list[str]) -> None:
    first = run(tmp_path, "suprsend", "--seed", "5", "--count", "12", *more, PYTHONHASHSEED="1", CI="1")
    again = run(tmp_path, "suprsend", "--seed", "5", "--count", "12", *more, PYTHONHASHSEED="2")
    fewer = run(tmp_path, "suprsend", "--seed", "5", "--count", "7", *more)
    assert (first.returncode, first.stderr) == (0, b"")
    assert first.stdout == again.stdout
    assert first.stdout.isascii()
    assert first.stdout.startswith(fewer.stdout)
    assert fewer.stdout.count(b"\n") == 7
    assert list(tmp_path.iterdir()) == []


def test_without_a_seed_it_is_told_which_one_it_was(tmp_path: Path) -> None:
    first, second = (run(tmp_path, "alloy") for _ in range(2))
    assert first.stdout.count(b"\n") == 10
    assert first.stdout != second.stdout
    (seed,) = re.findall(r"^mockserver: --seed ([0-9]+) prints the same again\r?\n$", first.stderr.decode())
    assert run(tmp_path, "alloy", "--seed", seed).stdout == first.stdout


def test_operations_are_taken_in_turn_or_one_is_picked() -> None:
    names = [each["operation"] for each in printed(["samples", "novu", "--count", "6", "--seed", "1"])]
    assert (
        names
        == [
            "EventsController_trigger",
            "EventsController_triggerBulk",
            "EventsController_broadcastEventToAll",
        ]
        * 2
    )
    picked = printed(
        ["samples", "novu", "--operation", "EventsController_triggerBulk", "--count", "3", "--seed", "1"]
    )
    assert {each["operation"] for each in picked} == {"EventsController_triggerBulk"}
    assert {
        each["operation"] for each in printed(["samples", "novu", "--profile", "published", "--seed", "1"])
    } == {"EventsController_trigger"}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["nova"], "there is no API named 'nova'; did you mean novu?"),
        (["novu", "--operation", "EventsController_triger"], "--operation: novu has no operation 'EventsController_triger'; did you mean EventsController_trigger?"),
        (["alloy", "--operation", "x"], "--operation: alloy has no operation 'x'; there are run-event, get-user"),
        (["alloy", "--operation", "get-user"], "--operation: get-user takes no body, so that there is nothing to encode; those that do are run-event"),
        (["alloy", "--count", "0"], "Invalid value for '--count': 0 is not in the range x>=1"),
        (["alloy", "--seed", "x"], "Invalid value for '--seed': 'x' is not a valid integer"),
        (["never", "--spec", "never.yaml"], "Hypothesis finds no request of post /things that it admits; there may be none"),
        (["never", "--spec", "never.yaml", "--profile", "publish"], "'publish' is not one of"),
        (["silent", "--spec", "silent.yaml"], "no operation of silent takes a body; there is nothing to encode"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_told_in_a_sentence(
    options: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = "openapi: 3.1.0\ninfo: {title: T, version: '1'}\npaths: {/things: {post: {"
    tail = "responses: {'201': {description: made}}}}}\n"
    never = (
        "requestBody: {required: true, content: {application/json: {schema: {type: string, enum: [5]}}}}, "
    )
    (tmp_path / "never.yaml").write_text(head + never + tail, encoding="utf-8")
    (tmp_path / "silent.yaml").write_text(head + tail, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["samples", *options])
    assert result.exit_code == 2, result.output
    assert sentence in " ".join(result.stderr.split())
    assert result.stdout == ""


def test_without_hypothesis_it_is_told_how_to_install_it(tmp_path: Path) -> None:
    blocked = "import sys; sys.modules['hypothesis'] = None; from mockserver.cli import main; main(['samples', 'novu'])"
    done = subprocess.run(
        [sys.executable, "-c", blocked], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(TOP)}, capture_output=True,
        encoding="utf-8", timeout=60, check=False,
    )  # fmt: skip
    told = 'Error: samples are made with Hypothesis, which is not installed: pip install "trigger-mockserver[samples]"\n'
    assert (done.returncode, done.stdout, done.stderr) == (2, "", told)


def test_no_other_command_imports_hypothesis(tmp_path: Path) -> None:
    asked = "import sys, mockserver.cli, mockserver.pytest_plugin, mockserver.launch; print('hypothesis' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", asked], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(TOP)}, capture_output=True,
        encoding="utf-8", timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "False"


def test_every_format_that_is_asserted_can_be_drawn() -> None:
    assert set(scalars.FORMATS) == set(FORMATS)
