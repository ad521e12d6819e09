"""The document of an API as it is served: what a contract test is held against.

Deviations are applied, every status that an operation can answer is documented, refusals stand in the schema of
the body, examples are rendered, and every alias is a path of its own. What the published document says of a
status stays; what the mock answers beside it is added as an alternative.

Two things a schema cannot say. That two members must be equal: the second is another spelling of the first, and
only the first is described. And how large a value may be, in bytes.
"""

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from mockserver.engine.case import Case
from mockserver.engine.clock import Clock
from mockserver.engine.contract import Answer, Api, Operation, Route
from mockserver.engine.credentials import Credential
from mockserver.engine.decide import open_case
from mockserver.engine.document import Document
from mockserver.engine.exchange import JSON, KINDS, Finding, Reason, Request
from mockserver.engine.media import is_json
from mockserver.engine.paths import variables_of
from mockserver.engine.routing import Found
from mockserver.engine.samples import resolved, sample_of
from mockserver.engine.soundness import reachable
from mockserver.engine.values import as_text, encode, first_step, pointer_of
from mockserver.engine.world import Blueprint, World

NOON: Final = 1795176000.0  # 2026-11-20T12:00:00Z, the time of every rendered example
_ID: Final = 0x520784E2887D4C25B53C4AD46AD38100
PROBLEM: Final = "application/problem+json"
_NOT_HERE: Final = frozenset({Reason.WRONG_METHOD, Reason.NO_ROUTE, Reason.PREFERENCE, Reason.BUG})


def effective_document(api: Api, blueprint: Blueprint) -> JSON:
    """Return the document of an API that a blueprint serves, as OpenAPI 3.1 without templates."""
    document = copy.deepcopy(api.document)
    view = Document(api.name, api.document)
    world = World(blueprint, Clock(lambda: NOON), lambda bits: _ID >> (128 - bits))
    document["paths"] = {}
    for route in api.routes:
        document["paths"].setdefault(_own_path(route), {})[route.method.lower()] = _Rendered(
            view, world, route
        ).operation()
    prefix = next((route.prefix for route in api.routes), "")
    document["servers"] = [{"url": prefix or "/", "description": "The mock server."}]
    document.setdefault("components", {}).pop("responses", None)
    document["components"].setdefault("schemas", {})[_PROBLEM_NAME] = _PROBLEM_SCHEMA
    _leave_out_patches(document)
    return document


def _own_path(route: Route) -> str:
    return route.path.removeprefix(route.prefix)


def _leave_out_patches(document: JSON) -> None:
    """Of the deviations leave the names and the evidence: they have been applied."""
    words = document.get("x-mock", {})
    if "deviations" in words:
        kept = ("id", "profiles", "evidence")
        listed = [{name: item[name] for name in kept if name in item} for item in words["deviations"]]
        document["x-mock"] = {**words, "deviations": listed}


_PROBLEM_NAME: Final = "MockProblem"
_PROBLEM_SCHEMA: Final = {
    "type": "object",
    "description": "The mock's own answer where the API has none, a problem document of RFC 9457.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Rendered:
    """One route of the document, with everything it can answer."""

    view: Document
    world: World
    route: Route

    @property
    def _operation(self) -> Operation:
        return self.route.operation

    @property
    def _source(self) -> JSON:
        return self.view.operation(self._operation.path, self._operation.method.lower())

    def operation(self) -> JSON:
        source = copy.deepcopy(self._source)
        source["parameters"] = self._parameters()
        if self._operation.refusals and self._operation.shape.body is not None:
            source["requestBody"] = self._body(self.view.resolve(source["requestBody"]))
        source["responses"] = self._responses(source["responses"])
        if _own_path(self.route) != self._operation.path:
            source["operationId"] = f"{self._operation.id} {_own_path(self.route)}"
        return source

    # What is taken

    def _parameters(self) -> list[JSON]:
        shared = self.view.root["paths"][self._operation.path].get("parameters", [])
        listed = [self.view.resolve(each) for each in [*shared, *self._source.get("parameters", [])]]
        listed = [{**each, "required": True} if each["in"] == "path" else each for each in listed]
        kept = [each for each in listed if each["name"].lower() not in self.route.supplies]
        schemas = {each["name"].lower(): each.get("schema", {}) for each in listed}
        where = self._where()
        for name, variable in self.route.supplies.items():
            known = {key: value for key, value in schemas.get(name, {}).items() if key != "default"}
            kept.append(_variable(variable, known, where))
        declared = {each["name"] for each in kept if each["in"] == "path"}
        undeclared = [name for name in variables_of(_own_path(self.route)) if name not in declared]
        text = {"type": "string", "minLength": 1}
        return kept + [_variable(name, text, where) for name in undeclared]

    def _where(self) -> Mapping[str, str]:
        """Return the patterns of the route's variables."""
        aliases = self._source.get("x-mock", {}).get("aliases", [])
        own = [alias.get("where", {}) for alias in aliases if alias["path"] == _own_path(self.route)]
        return own[0] if own else {}

    def _body(self, body: JSON) -> JSON:
        refusals = self._operation.refusals.values()
        rules = [_plain(rule.unless) for rule in refusals if rule.unless is not None]
        spellings = [rule.equal[1] for rule in refusals if rule.equal is not None]
        content = {}
        for media_type, media in body["content"].items():
            schema = resolved(media.get("schema", {}), self.view.root)
            parts = [_without(part, {first_step(each) for each in spellings}) for part in [schema, *rules]]
            content[media_type] = {**media, "schema": {"allOf": parts} if rules else parts[0]}
        return {**body, "content": content}

    # What is answered

    def _responses(self, documented: Mapping[str, JSON]) -> JSON:
        responses: dict[str, JSON] = {}
        for status, response in documented.items():
            responses[status] = copy.deepcopy(self.view.resolve(response))
            for media in responses[status].get("content", {}).values():
                media.pop("example", None)
                media.pop("examples", None)
        for name, answer, reason in answers_of(self._operation):
            self._add(responses, name, answer, reason)
        for kind, title, code in self._problems():
            _add_problem(responses, kind, title, code)
        return dict(sorted(responses.items()))

    def _problems(self) -> Iterator[tuple[str, str, int]]:
        """Yield what the mock answers itself: reasons without an answer, preferences, what is no namespace."""
        for reason, _ in reachable(self._operation):
            if reason not in self._operation.answers:
                yield str(reason), KINDS[reason][1], KINDS[reason][0]
        for status in (404, 422):
            yield str(Reason.PREFERENCE), KINDS[Reason.PREFERENCE][1], status
        if _own_path(self.route).startswith("/{"):  # whose value may begin as a namespace does
            yield "namespace", "There is no such namespace", 400

    def _add(self, responses: dict[str, JSON], name: str, answer: Answer, reason: Reason | None) -> None:
        source, media_type = self._written(answer)
        told = source.get("description", KINDS[reason][1] if reason is not None else "The answer.")
        response = responses.setdefault(str(answer.status), {"description": told})
        for header in [*(name for name, _ in answer.headers), *self._more_headers(answer)]:
            response.setdefault("headers", {}).setdefault(header, {"schema": {"type": "string"}})
        if answer.example is None:
            return
        found = source.get("content", {}).get(media_type, {})
        media = response.setdefault("content", {}).setdefault(media_type, {})
        if "schema" in found:
            _add_schema(media, found["schema"])
        media.setdefault("examples", {})[name] = {"value": self._value(answer, reason)}

    def _more_headers(self, answer: Answer) -> Iterator[str]:
        """Yield the headers that rules add to an answer: those of the rate limit, and of a success those of repeats."""
        limit = self._operation.rate_limit
        yield from (name for name, _ in (limit.headers if limit is not None else ()))
        if answer is self._operation.success:
            for rule in self._operation.dedup.values():
                yield from (name for name, _ in (*rule.always, *rule.repeat))

    def _written(self, answer: Answer) -> tuple[JSON, str]:
        """Return the response in which an answer's example is written, and its media type."""
        media_type = answer.content_type[0][1].partition(";")[0]
        own = self._source["responses"]
        shared = self.view.root.get("components", {}).get("responses", {})
        for response in [own.get(str(answer.status), {}), *shared.values()]:
            if any(example.name == answer.example for example in self.view.examples(response)):
                return self.view.resolve(response), media_type
        return {}, media_type

    def _value(self, answer: Answer, reason: Reason | None) -> JSON:
        body = answer.constant if answer.write is None else answer.write(self._case(answer, reason))
        text = (body or b"").decode()
        return json.loads(text) if is_json(answer.content_type[0][1]) else text

    def _path_values(self) -> dict[str, str]:
        """Return a value for each variable of the path, as its parameter has it."""
        schemas = {
            each["name"]: each.get("schema", {}) for each in self._parameters() if each["in"] == "path"
        }
        return {name: as_text(sample_of(schema, self.view.root)) for name, schema in schemas.items()}

    def _case(self, answer: Answer, reason: Reason | None) -> Case:
        """Return a case as it may be when this answer is written."""
        body = sample_of(self._operation.shape.body or {}, self._operation.shape.body)
        request = Request(self._operation.method, self.route.path, body=encode(body))
        case = open_case(self.world, request, Found(self.route, self._path_values()))
        case.body, case.answer = body, answer
        if reason is not None:
            schemes = [scheme for alternative in self._operation.shape.security for scheme in alternative]
            case.findings = (_finding(self._operation, reason),)
            case.credential = Credential(schemes[0], "key", "Key", "missing") if schemes else None
            case.noted |= {**_NOTED, "reason": str(reason)}
        return case


def _add_problem(responses: dict[str, JSON], kind: str, title: str, status: int) -> None:
    response = responses.setdefault(str(status), {"description": title})
    media = response.setdefault("content", {}).setdefault(PROBLEM, {})
    media["schema"] = {"$ref": f"#/components/schemas/{_PROBLEM_NAME}"}
    value = {"type": f"urn:mockserver:{kind}", "title": title, "status": status, "detail": "…"}
    media.setdefault("examples", {})[kind] = {"value": value}


def _variable(name: str, schema: JSON, where: Mapping[str, str]) -> JSON:
    """Return the parameter of a path's variable, which matches the pattern that it has, if any."""
    pattern = {"pattern": f"^({where[name]})$"} if name in where else {}
    return {"name": name, "in": "path", "required": True, "schema": {**schema, **pattern}}


def answers_of(operation: Operation) -> Iterator[tuple[str, Answer, Reason | None]]:
    """Yield each answer under the name of its example, with the reason that leads to it."""
    yield operation.success.example or "success", operation.success, None
    for (_, name), answer in operation.documented.items():
        yield name, answer, None
    for reason, answer in operation.answers.items():
        if reason not in _NOT_HERE:
            yield answer.example or str(reason), answer, reason
    for rule in operation.refusals.values():
        if rule.answer is not None:
            yield rule.answer.example or rule.name, rule.answer, rule.reason


_NOTED: Final = {"key": "key-1", "scheme": "Key", "size": 600_000, "limit.resetSeconds": 1}


def _finding(operation: Operation, reason: Reason) -> Finding:
    """Return what a request would be told: that its credential or its first required member is missing."""
    if reason in {Reason.UNAUTHENTICATED, Reason.FORBIDDEN}:
        fault = "missing" if reason is Reason.UNAUTHENTICATED else "refused"
        return Finding("header", "/authorization", "authorization", fault, f"is {fault}", "a key", "nothing")
    schema = operation.shape.body if isinstance(operation.shape.body, dict) else {}
    pointer = pointer_of(schema.get("required", [])[:1])
    return Finding("body", pointer, first_step(pointer), "required", "is required", "a value", "nothing")


def _plain(schema: JSON) -> JSON:
    """Return a schema without the copies of what it refers to: the document has them."""
    return {name: value for name, value in schema.items() if name != "components"}


def _without(node: JSON, members: set[str]) -> JSON:
    """Return a schema that does not know some members: neither as properties, nor as what a branch asks for."""
    if isinstance(node, list):
        return [_without(each, members) for each in node if not _asks_for(each, members)]
    if not isinstance(node, dict) or not members:
        return node
    kept = {name: _without(value, members) for name, value in node.items()}
    if isinstance(kept.get("properties"), dict):
        kept["properties"] = {
            name: value for name, value in kept["properties"].items() if name not in members
        }
    return kept


def _asks_for(branch: JSON, members: set[str]) -> bool:
    return isinstance(branch, dict) and not members.isdisjoint(branch.get("required", []))


def _add_schema(media: dict[str, JSON], schema: JSON) -> None:
    """Let a response have another schema beside those it has."""
    known = media.get("schema")
    if known is None:
        media["schema"] = schema
        return
    alternatives = known["anyOf"] if isinstance(known, dict) and known.keys() == {"anyOf"} else [known]
    if schema not in [known, *alternatives]:
        media["schema"] = {"anyOf": [*alternatives, schema]}
