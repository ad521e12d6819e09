"""Whatever is done to a spec, it is refused with sentences, or loaded, rendered and answered without a bug."""

import copy
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mockserver.checking import _broken
from mockserver.engine.contract import Api
from mockserver.engine.decide import answer, settle
from mockserver.engine.effective import effective_document
from mockserver.engine.exchange import Reason, Request
from mockserver.engine.faults import SpecError
from mockserver.engine.samples import sample_of
from mockserver.engine.values import encode
from mockserver.engine.world import Blueprint
from mockserver.loading import _compiled, bundled, read_yaml
from mockserver.overview import api_overview, overview_text
from mockserver.yamltext import parse_yaml
from tests.engine.specs import world

RICH = """
openapi: 3.1.0
info: {title: Rich, version: '1'}
paths:
  /p/{id}:
    get:
      parameters:
        - {name: id, in: path, required: true, schema: {$ref: '#/components/schemas/Id'}}
        - {name: q, in: query, schema: {anyOf: [{type: integer, maximum: 10}, {enum: [all]}]}}
        - {name: l, in: query, explode: false, schema: {type: array, minItems: 1, items: {allOf: [{type: string, minLength: 2}]}}}
        - {name: c, in: cookie, schema: {$ref: '#/components/schemas/Anything'}}
      responses: {'200': {description: ok, content: {application/json: {example: {id: '{$request.path.id}'}}}}, default: {description: other}}
    post:
      requestBody: {$ref: '#/components/requestBodies/B'}
      responses: {'200': {$ref: '#/components/responses/R'}}
components:
  schemas:
    Id: {type: string}
    Anything: true
    Tree: {type: object, properties: {next: {$ref: '#/components/schemas/Tree'}, list: {type: array, items: {$ref: '#/components/schemas/Id'}}}}
  requestBodies: {B: {content: {application/json: {schema: {allOf: [{$ref: '#/components/schemas/Tree'}, {required: [list]}]}}}}}
  responses: {R: {description: ok, content: {application/json: {schema: {$ref: '#/components/schemas/Anything'}, examples: {e: {$ref: '#/components/examples/E'}}}}}}
  examples: {E: {value: {a: 1}}}
"""
FILES = [*bundled().values(), Path(__file__).parent / "parcel" / "parcel.yaml"]
BASES = [*map(read_yaml, FILES), parse_yaml(RICH)]
ODD: list[Any] = [
    None, True, 0, -1, 5, 1.5, 10**30, "", " ", "a b", "{", "{$", "{$mock.nope}", "{$mock.findings}", "{$item.x}",
    "{$request.body#/a~2}", "{$request.header.}", "{$request.path.zz}", "{$mock.known(x, 1)}", "#/", "#/info", "/", "(",
    "(?P<x>", "1s", "0s", "999999999999d", "null", "200", "2XX", "../x", "{a}{b}", "\u0130", "Content-Length", "text/plain",
    [], {}, [None], [[]], [{}], {"a": 1}, {"$ref": "#/x"}, {"$ref": 5}, {"x-mock": {}}, {"x-mock": 5}, {"type": ["string"]},
    {"enum": 5}, {"allOf": 5}, {"anyOf": None}, {"items": {"enum": 5}}, {"type": "array", "minItems": 2.0}, {"minLength": 3.0},
    {"allOf": [{"properties": {"a": False}}, {"properties": {"a": True}}]}, {"type": "array", "minItems": 10**9},
    {"allOf": [{"$ref": "#/components/schemas/Error"}]}, {"$published": True, "a": 1}, {"type": {}}, {"type": "apiKey"},
]  # fmt: skip


def places(node: Any, steps: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if steps:
        yield steps
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for step, inner in children:
        yield from places(inner, (*steps, step))


def at(document: Any, steps: tuple[Any, ...]) -> Any:
    for step in steps:
        document = document[step]
    return document


PLACES = [list(places(base)) for base in BASES]


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    which = draw(st.integers(0, len(BASES) - 1))
    document = copy.deepcopy(BASES[which])
    steps = draw(st.sampled_from(PLACES[which]))
    holder, last = at(document, steps[:-1]), steps[-1]
    match draw(st.sampled_from(["replace", "remove", "rename", "repeat", "transplant"])):
        case "replace":
            holder[last] = draw(st.sampled_from(ODD))
        case "remove":
            del holder[last]
        case "rename" if isinstance(holder, dict):
            holder[draw(st.sampled_from(["x", f"{last}x", "$ref", "x-mock", "", "~/"]))] = holder.pop(last)
        case "repeat" if isinstance(holder, list):
            holder.append(holder[last])
        case _:
            holder[last] = copy.deepcopy(at(BASES[which], draw(st.sampled_from(PLACES[which]))))
    return document


def use(api: Api) -> None:
    """Do with an API what the commands and the server do."""
    blueprint = Blueprint([api])
    document = effective_document(api, blueprint)
    overview_text(api_overview(api, blueprint.policies[api.name].limits, "http://localhost"))
    list(_broken(api))
    served = world(api)
    for route in api.routes:
        body = sample_of(route.operation.shape.body, route.operation.shape.body)
        for sent in (encode(body), b"{}", b"[]", b"{", b""):
            headers = {"content-type": "application/json", "authorization": "Bearer k", "prefer": "wait=0"}
            decided = answer(served, Request(route.method, route.path, "", headers, b"", sent))
            settle(served, decided, 0.0)
    assert document["paths"]
    assert Reason.BUG not in {each.reason for each in served.journal.newest_first()}


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(mutated())
def test_a_mutated_spec_is_refused_in_sentences_or_served(document: Any) -> None:
    for profile in ("observed", "published"):
        with suppress(SpecError):
            use(_compiled("mutated", document, profile))
