"""The document of an API as it is served: valid, complete, without templates, and the same from every door."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from openapi_spec_validator import OpenAPIV31SpecValidator

from mockserver.checking import check_specs
from mockserver.cli import main
from mockserver.engine.contract import Api
from mockserver.engine.deviations import PROFILES
from mockserver.engine.effective import effective_document
from mockserver.engine.exchange import Reason
from mockserver.engine.faults import SpecError
from mockserver.engine.routing import mounted
from mockserver.engine.samples import sample_of
from mockserver.engine.validation import Schema
from mockserver.engine.world import Blueprint
from mockserver.loading import bundled_names, load_bundled, load_spec
from mockserver.yamltext import parse_yaml
from tests.engine.specs import OPERATION, WORDS, api
from tests.serving import running

PARCEL = Path(__file__).parent / "parcel" / "parcel.yaml"


def effective(served: Api) -> Any:
    return effective_document(served, Blueprint([served]))


APIS = [
    pytest.param(each, id=f"{each.name}-{profile}")
    for profile in PROFILES
    for each in [*load_bundled(profile=profile), load_spec(PARCEL, "parcel", profile)]
]


@pytest.mark.parametrize("served", APIS)
def test_it_is_valid_openapi(served: Api) -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(effective(served)).iter_errors()] == []


@pytest.mark.parametrize("served", APIS)
def test_every_route_and_every_status_is_there(served: Api) -> None:
    paths = effective(served)["paths"]
    assert {(route.method.lower(), route.path) for route in served.routes} == {
        (method, path) for path, item in paths.items() for method in item
    }
    for route in served.routes:
        operation = route.operation
        own = [rule.answer for rule in operation.refusals.values() if rule.answer]
        answers = [
            answer for reason, answer in operation.answers.items() if reason is not Reason.WRONG_METHOD
        ]
        statuses = {
            str(each.status) for each in [operation.success, *own, *answers, *operation.documented.values()]
        }
        assert statuses <= set(paths[route.path][route.method.lower()]["responses"])


def without_words(node: Any) -> Any:
    if isinstance(node, dict):
        return {name: without_words(value) for name, value in node.items() if name != "x-mock"}
    return [without_words(each) for each in node] if isinstance(node, list) else node


@pytest.mark.parametrize("served", APIS)
def test_no_template_and_no_patch_is_left(served: Api) -> None:
    document = effective(served)
    for left in ("{$", "$published", "$each", "$yield"):
        assert left not in json.dumps(without_words(document))
    for deviation in document["x-mock"].get("deviations", []):
        assert set(deviation) <= {"id", "profiles", "evidence"}


def samples(document: Any) -> Iterator[tuple[Any, Any]]:
    for item in document["paths"].values():
        for operation in item.values():
            for media in operation.get("requestBody", {}).get("content", {}).values():
                schema = {**media["schema"], "components": document["components"]}
                yield schema, sample_of(media["schema"], document)


@pytest.mark.parametrize("served", APIS)
def test_the_sample_of_a_body_is_one(served: Api) -> None:
    found = list(samples(effective(served)))
    assert found
    for schema, value in found:
        assert Schema(schema).findings(value) == [], value


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({}, "text"),
        ({"const": 1}, 1),
        ({"enum": ["a", "b"]}, "a"),
        ({"examples": ["x"]}, "x"),
        ({"default": None}, None),
        ({"type": "integer", "minimum": 3}, 3),
        ({"type": "number", "exclusiveMinimum": 3}, 4),
        ({"type": ["null", "string"]}, None),
        ({"type": "boolean"}, True),
        ({"type": "string", "minLength": 6}, "textxx"),
        ({"type": "string", "maxLength": 2}, "te"),
        ({"type": "string", "format": "uuid"}, "520784e2-887d-4c25-b53c-4ad46ad38100"),
        ({"type": "string", "pattern": "^abc$"}, "abc"),
        ({"type": "array", "minItems": 2, "items": {"const": 1}}, [1, 1]),
        ({"oneOf": [{"type": "null"}, {"type": "string"}]}, None),
        ({"allOf": [{"required": ["a"], "properties": {"a": {"const": 1}}}, {"required": ["b"]}]}, {"a": 1, "b": "text"}),
        ({"$ref": "#/components/schemas/A"}, {"a": {}}),
        ({"$ref": "#/components/schemas/No"}, "text"),
        (True, {}),
    ],
)  # fmt: skip
def test_what_a_sample_is(schema: Any, value: Any) -> None:
    root = {
        "components": {
            "schemas": {"A": {"type": "object", "required": ["a"], "properties": {"a": {"type": "object"}}}}
        }
    }
    assert sample_of(schema, root) == value


def test_a_schema_within_itself_has_a_sample_too() -> None:
    schema = {"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#/components/schemas/A"}}}
    sample = sample_of({"$ref": "#/components/schemas/A"}, {"components": {"schemas": {"A": schema}}})
    assert set(sample) == {"a"}


# Refusals as schema

BOTH = {"name": "twins", "equal": ["/a", "/b"], "at": "/b", "message": "differ"}
ONE = {
    "name": "one",
    "unless": {"anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
    "at": "/a",
    "message": "no",
}


def body_schema(*rules: Any) -> Any:
    changes = {
        f"{WORDS}/refusals": list(rules),
        "/x-mock/checks": ["parsing", "rate-limit", "validation", *[rule["name"] for rule in rules]],
        "/components/schemas/Thing/properties": {"name": {"type": "string"}, "a": {}, "b": {}},
    }
    document = effective(api(changes))
    schema = document["paths"]["/things"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    return Schema({**schema, "components": document["components"]})


@pytest.mark.parametrize(
    ("rules", "body", "valid"),
    [
        ([], {"name": "x"}, True),
        ([ONE], {"name": "x"}, False),
        ([ONE], {"name": "x", "a": 1}, True),
        ([ONE], {"name": "x", "b": 1}, True),
        ([ONE, BOTH], {"name": "x", "a": 1}, True),
        ([ONE, BOTH], {"name": "x", "b": 1}, False),  # another spelling of a, which is not described
        ([{**ONE, "unless": {"properties": {"a": {"$ref": "#/components/schemas/Thing"}}}}], {"name": "x", "a": {}}, False),
    ],
)  # fmt: skip
def test_refusals_stand_in_the_schema(rules: list[Any], body: Any, valid: bool) -> None:
    assert body_schema(*rules).accepts(body) is valid


def test_what_the_api_has_no_answer_for_is_documented_as_the_mock_says_it() -> None:
    document = effective(api({"/x-mock/answers": None, f"{WORDS}/success": None, **EXAMPLE}))
    responses = document["paths"]["/things"]["post"]["responses"]
    assert set(responses) == {"201", "400", "404", "413", "415", "422", "429"}
    assert set(responses["422"]["content"]) == {"application/problem+json"}
    assert responses["201"]["content"]["application/json"]["examples"] == {"example": {"value": {"id": 1}}}


EXAMPLE = {f"{OPERATION}/responses/201/content/application~1json": {"example": {"id": 1}}}


@pytest.mark.parametrize(
    ("responses", "pointer", "sentence"),
    [
        ({"default": {"description": "x"}}, f"{OPERATION}/responses", "has no success, as 200"),
        ({"200": {"description": "x", "content": {"application/json": {}}}}, f"{OPERATION}/responses/200", "no example of it"),
    ],
)  # fmt: skip
def test_a_success_that_cannot_be_found_is_told(responses: Any, pointer: str, sentence: str) -> None:
    with pytest.raises(SpecError) as caught:
        api({f"{OPERATION}/responses": responses, f"{WORDS}/success": None})
    assert [each.pointer for each in caught.value.problems if sentence in each.sentence] == [pointer]


# From every door


def test_the_server_and_the_command_give_the_same_document() -> None:
    with running() as server:
        for name in bundled_names():
            for profile in PROFILES:
                path = f"/__admin/apis/{name}/openapi"
                _, headers, as_yaml = server.request("GET", f"{path}.yaml?profile={profile}")
                assert headers["content-type"] == "application/yaml"
                as_json = json.loads(server.request("GET", f"{path}.json?profile={profile}")[2])
                printed = CliRunner().invoke(main, ["spec", name, "--profile", profile, "--json"])
                assert parse_yaml(as_yaml.decode()) == as_json == json.loads(printed.output)
    assert parse_yaml(CliRunner().invoke(main, ["spec", "novu"]).output)["info"]["version"]


@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [
        ("/apis/nova/openapi.yaml", 404, "no API named 'nova' is served; there are alloy, novu"),
        ("/apis/nova/openapi.json", 404, "no API named 'nova'"),
        ("/apis/novu/openapi.json?profile=x", 400, "'x' is not a profile; there are observed, published"),
        ("/apis/novu/openapi.xml", 404, "is not a control route"),
    ],
)
def test_a_document_that_is_not_there_is_told(path: str, status: int, sentence: str) -> None:
    with running() as server:
        got, _, body = server.request("GET", f"/__admin{path}")
    assert got == status
    told = json.loads(body)
    assert sentence in (told["detail"] if "detail" in told else told["errors"][0]["title"])


def test_a_prefix_is_the_base_url_of_the_document() -> None:
    (novu,) = load_bundled(["novu"])
    document = effective(mounted(novu, "/mock/novu"))
    assert document["servers"][0]["url"] == "/mock/novu"
    assert next(iter(document["paths"])) == "/v1/events/trigger"
    assert not any(path.startswith("/mock") for path in document["paths"])


def test_bundled_specs_are_sound() -> None:
    lines = list(check_specs([]))
    assert len(lines) == len(bundled_names())
    assert all(": sound; " in line for line in lines)


def test_an_example_that_breaks_its_schema_is_told(tmp_path: Path) -> None:
    path = tmp_path / "parcel.yaml"
    text = PARCEL.read_text(encoding="utf-8")
    path.write_text(
        text.replace(
            "schema: {type: object}\n              examples:\n                sent",
            "schema: {type: array}\n              examples:\n                sent",
        ),
        encoding="utf-8",
    )
    with pytest.raises(SpecError) as caught:
        list(check_specs([path]))
    problem = caught.value.problems[0]
    content = "/paths/~1parcels~1{depot}/put/responses/200/content/application~1vnd.parcel+json"
    assert problem.pointer == f"{content}/examples/sent/value"
    assert problem.line == text.splitlines().index("                  value:") + 1
    assert "the example 'sent' of 200 does not meet its schema: it must be an array" in problem.sentence
