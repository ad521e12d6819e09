"""The bundled specs: true to what is published, sound, and answered as they say."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from mockserver.engine.case import Case
from mockserver.engine.contract import Answer, Api, Operation
from mockserver.engine.credentials import Credential
from mockserver.engine.decide import open_case
from mockserver.engine.deviations import apply, read_deviations
from mockserver.engine.exchange import Finding, Reason
from mockserver.engine.paths import variables_of
from mockserver.engine.routing import Found
from mockserver.engine.validation import Schema
from mockserver.engine.values import walk
from mockserver.loading import bundled_names, folder, load_bundled, read_yaml
from tests.engine.specs import request, world

PUBLISHED = Path(__file__).parent / "published"
NAMES = bundled_names()
NOTES = {"description", "summary", "example", "examples", "tags", "x-mock", "x-bearer-format", "bearerFormat"}


def without_notes(node: Any, root: Any, seen: tuple[str, ...] = ()) -> Any:
    """Return a part of a document with references followed, and nothing that is only for readers."""
    if isinstance(node, list):
        return [without_notes(each, root, seen) for each in node]
    if not isinstance(node, dict):
        return node
    if isinstance(ref := node.get("$ref"), str):
        return {"$ref": ref} if ref in seen else without_notes(walk(root, ref[1:]), root, (*seen, ref))
    return {
        name: without_notes(value, root, seen)
        for name, value in node.items()
        if name not in NOTES and not (name == "title" and isinstance(value, str))
    }


@pytest.mark.parametrize("name", [path.stem for path in sorted(PUBLISHED.glob("*.json"))])
def test_the_body_of_a_spec_is_the_published_contract(name: str) -> None:
    """`tests/published` holds what the vendors published on the date in each spec's source, without its prose."""
    document = read_yaml(folder("specs") / f"{name}.yaml", name)
    schemes = document["components"]["securitySchemes"] if name != "alloy" else {}
    ours = {
        "servers": document["servers"],
        "security": document.get("security"),
        "paths": without_notes(document["paths"], document),
        "securitySchemes": without_notes(schemes, document),
    }
    assert ours == json.loads((PUBLISHED / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("profile", ["observed", "published"])
@pytest.mark.parametrize("name", NAMES)
def test_each_profile_is_valid_openapi(name: str, profile: str) -> None:
    (api,) = load_bundled([name], profile)
    assert [error.message for error in OpenAPIV31SpecValidator(api.document).iter_errors()] == []


@pytest.mark.parametrize("name", NAMES)
def test_patterns_mean_the_same_to_both_validators(name: str) -> None:
    text = (folder("specs") / f"{name}.yaml").read_text(encoding="utf-8")
    assert not re.findall(r"^.*pattern:.*\\[dws].*$", text, re.MULTILINE | re.IGNORECASE)


@pytest.mark.parametrize("name", NAMES)
def test_every_deviation_has_evidence_and_makes_a_difference(name: str) -> None:
    document = read_yaml(folder("specs") / f"{name}.yaml", name)
    listed = read_deviations(document)
    assert listed
    for deviation in listed.values():
        assert deviation.evidence.endswith("."), deviation.id
        assert len(deviation.evidence) > 40, deviation.id
        assert apply(document, listed, {deviation.id}) != document, deviation.id


# Every answer that can be given meets the schema that stands beside it

FINDING = Finding(
    "body", "/to", "to", "required", "is required", "a value", "nothing", None, "Add it.", "#/required"
)
ANSWERS = [
    pytest.param(
        api, operation, answer, id=f"{api.name}-{api.profile}-{operation.id}-{answer.status}-{answer.example}"
    )
    for name in NAMES
    for profile in ("observed", "published")
    for api in load_bundled([name], profile)
    for operation in api.operations
    for answer in [
        operation.success,
        *operation.answers.values(),
        *operation.documented.values(),
        *[rule.answer for rule in operation.refusals.values() if rule.answer],
    ]
]


def case_for(api: Api, operation: Operation, answer: Answer, forced: bool) -> Case:
    """Return a case that was refused with a finding, or one of which nothing is known but the body."""
    body = {"name": "welcome", "event": "e", "email": "ada@example.com", "payload": {"a": 1}}
    route = next(route for route in api.routes if route.operation is operation)
    found = Found(route, dict.fromkeys(variables_of(route.path), "ada"))
    case = open_case(world(api), request(body), found)
    case.body, case.answer = body, answer
    if forced:
        return case
    case.findings = (FINDING,)
    case.noted |= {"key": "k", "scheme": "Foo", "reason": "invalid", "size": 9, "limit.resetSeconds": 3}
    scheme = next((each for alternative in operation.shape.security for each in alternative), None)
    case.credential = Credential(scheme, "k", "Foo", "") if scheme is not None else None
    return case


@pytest.mark.parametrize("forced", [False, True])
@pytest.mark.parametrize(("api", "operation", "answer"), ANSWERS)
def test_every_answer_meets_its_schema(api: Api, operation: Operation, answer: Answer, forced: bool) -> None:
    if answer.example is None:
        assert answer.write is None
        assert answer.constant is None
        return
    body = answer.constant if answer.write is None else answer.write(case_for(api, operation, answer, forced))
    schemas = list(schemas_beside(api, operation, answer))
    assert schemas, "no response has this example"
    media_type = answer.content_type[0][1]
    value = json.loads(body or b"") if "json" in media_type else (body or b"").decode()
    assert [finding.message for schema in schemas for finding in schema.findings(value)] == []


def schemas_beside(api: Api, operation: Operation, answer: Answer) -> Iterator[Schema]:
    for document in (api.document, load_bundled([api.name])[0].document):
        own = document["paths"].get(operation.path, {}).get(operation.method.lower(), {}).get("responses", {})
        shared = document["components"].get("responses", {})
        found = []
        for response in [own.get(str(answer.status), {}), *shared.values()]:
            followed = walk(document, response["$ref"][1:]) if "$ref" in response else response
            for media in followed.get("content", {}).values():
                if answer.example in media.get("examples", {}):
                    found.append(
                        Schema(
                            {
                                **media.get("schema", {}),
                                "components": {"schemas": document["components"].get("schemas", {})},
                            }
                        )
                    )
        if found:
            yield found[0]
            return


@pytest.mark.parametrize("name", NAMES)
def test_every_status_that_is_published_can_be_had(name: str) -> None:
    for operation in load_bundled([name], "published")[0].operations:
        reachable = {operation.success.status, *(answer.status for answer in operation.answers.values())}
        assert operation.published_statuses <= reachable


def test_reasons_in_the_schema_are_those_of_the_engine() -> None:
    schema = read_yaml(Path(__file__).parent.parent / "mockserver" / "x-mock.schema.yaml", "schema")
    listed = set(schema["components"]["schemas"]["answers"]["properties"])
    assert listed == {str(reason) for reason in Reason} - {"no-route", "preference", "bug"}
