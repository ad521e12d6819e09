"""What must hold in a document beyond its syntax, looked at once when it is loaded."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import jsonschema_rs

from mockserver.engine.contract import BUILT_IN_CHECKS, Deviation, Operation
from mockserver.engine.document import Document
from mockserver.engine.exchange import JSON, KINDS, Reason
from mockserver.engine.keywords import unknown_keywords
from mockserver.engine.media import is_json
from mockserver.engine.parameters import types_in
from mockserver.engine.paths import variables_of
from mockserver.engine.references import check_circles, check_reference, check_references, near, referring
from mockserver.engine.values import ABSENT, first_step, pointer_of, walk, write_json

Place = tuple[JSON, list[str | int]]
"""A part of a document, and the steps that lead to it."""


def check_document(document: Document, deviations: Mapping[str, Deviation]) -> None:
    """Blame schemas for words that nothing checks, and names that stand twice or lead nowhere."""
    for schema, steps in _schemas(document):
        unknown = list(unknown_keywords(schema, steps))
        for pointer, sentence in unknown or _misused_keywords(schema, steps):
            document.blame(pointer, sentence)
        check_references(document, schema, steps)
    for part, kind, steps in referring(document):
        check_reference(document, part, kind, steps)
    check_circles(document)
    _check_operations(document)
    _check_sdks(document)
    listed = [item["id"] for item in document.words.get("deviations", [])]
    for name in _twice(listed):
        document.blame("/x-mock/deviations", f"two deviations have the id {name!r}")
    for path, method, source in document.operations():
        _check_rules(document, source, pointer_of(["paths", path, method, "x-mock"]), deviations)
        _check_request(document, source, path, pointer_of(["paths", path, method]))


def _check_sdks(document: Document) -> None:
    """Blame what is said of SDKs where it could never hold."""
    sources = [document.words, *(source.get("x-mock", {}) for _, _, source in document.operations())]
    known = {rule["name"] for words in sources for rule in words.get("dedup", [])}
    for position, sdk in enumerate(document.words.get("sdk", [])):
        at = f"/x-mock/sdk/{position}"
        document.attempt(f"{at}/userAgent", re.compile, sdk.get("userAgent", ""), None)
        for name in sdk.get("renews", []):
            if name not in known:
                document.miss(f"{at}/renews", f"no dedup rule is named {name!r}{near(name, sorted(known))}")


def _check_request(document: Document, source: JSON, path: str, at: str) -> None:
    """Blame an operation for what could never be sent to it."""
    content = document.resolve(source.get("requestBody", {})).get("content", {})
    if content and not any(map(is_json, content)):
        document.blame(f"{at}/requestBody", f"only JSON bodies are read, not {' or '.join(content)}")
    shared = document.root["paths"][path].get("parameters", [])
    listed = [document.resolve(each) for each in [*shared, *source.get("parameters", [])]]
    for name in _twice(f"{each.get('in')} {each.get('name')}" for each in listed):
        document.blame(f"{at}/parameters", f"two parameters are the same: {name}")
    variables, declared = variables_of(path), [each["name"] for each in listed if each.get("in") == "path"]
    for name in declared:
        if name not in variables:
            document.blame(at, f"the path {path} has no variable {name!r}{near(name, variables)}")
    for name in sorted(set(_PATH_EXPRESSION.findall(json.dumps(source)))):
        known = [*variables, *(each for alias in _aliases(source) for each in variables_of(alias["path"]))]
        if name not in known:
            document.blame(
                at, f"$request.path.{name} names no variable of the path {path}{near(name, known)}"
            )
    for parameter in listed:
        _check_parameter(document, parameter, at)


_PATH_EXPRESSION: Final = re.compile(r"\$request\.path\.([^ |}),\"\\]+)")
_STYLES: Final = {"query": "form", "cookie": "form", "path": "simple", "header": "simple"}


def _check_parameter(document: Document, parameter: JSON, at: str) -> None:
    place, name = parameter.get("in"), parameter.get("name")
    style = parameter.get("style", _STYLES.get(place, ""))
    if "content" in parameter or style != _STYLES.get(place, ""):
        told = (
            f"the {place} parameter {name} is written in a way that is not read; use a schema, and no style"
        )
        document.blame(f"{at}/parameters", told)
    elif "object" in types_in(parameter.get("schema", {}), document.root):
        document.blame(f"{at}/parameters", f"the {place} parameter {name} is an object, which is not read")


def _aliases(source: JSON) -> list[JSON]:
    aliases: list[JSON] = source.get("x-mock", {}).get("aliases", [])
    return aliases


def _check_rules(document: Document, source: JSON, at: str, deviations: Mapping[str, Deviation]) -> None:
    words = source.get("x-mock", {})
    _check_names(document, words, at)
    own, shared = ({rule["name"]: rule for rule in each.get("dedup", [])} for each in (words, document.words))
    for name in sorted(_known_rules(source)):
        if name not in {**shared, **own}:
            document.miss(at, f"$mock.known names {name!r}, no dedup rule of this operation or the document")
        elif name not in own and "operation" in shared[name].get("scope", ()):
            document.blame(at, f"$mock.known names {name!r}, whose keys belong to single operations")
    for alias in words.get("aliases", []):
        if alias.get("deviation", "") not in {"", *deviations}:
            document.miss(f"{at}/aliases", f"no deviation has the id {alias['deviation']!r}")


def _check_names(document: Document, words: Mapping[str, JSON], at: str) -> None:
    """Blame rules whose names cannot tell them apart."""
    rules = [rule["name"] for key in ("dedup", "refusals") for rule in words.get(key, [])]
    for name in _twice(rules):
        document.blame(at, f"two rules have the name {name!r}")
    for name in sorted({*rules} & BUILT_IN_CHECKS):
        document.blame(at, f"a rule may not have the name of the check {name!r}")


def check_shared_rules(document: Document, operations: Iterable[Operation]) -> None:
    """Blame dedup rules of the document that no operation has, and names that cannot tell them apart."""
    _check_names(document, document.words, "/x-mock")
    reached = {name for operation in operations for name in operation.dedup}
    items = {name for operation in operations if operation.each for name in operation.each.checks}
    for index, rule in enumerate(document.words.get("dedup", [])):
        if rule["name"] not in reached | items:
            told = f"the rule {rule['name']!r} is never reached: no operation's checks name it"
            document.miss(f"/x-mock/dedup/{index}", told)


def check_items(document: Document, operation: Operation, others: Mapping[str, Operation]) -> None:
    """Blame a bulk operation whose items could not be judged."""
    each = operation.each
    if each is None:
        return
    at = pointer_of(["paths", operation.path, operation.method.lower(), "x-mock", "each"])
    judge = others.get(each.operation)
    if judge is None or (judge.each is not None and judge is not operation):
        why = "is a bulk operation itself" if judge else f"does not exist{near(each.operation, list(others))}"
        document.miss(f"{at}/operation", f"the operation {each.operation!r} {why}")
        return
    schema = document.resolve(operation.shape.body)
    listed = schema.get("properties", {}) if isinstance(schema, dict) else {}
    if each.at and listed and first_step(each.at) not in listed:
        hint = near(first_step(each.at), list(listed))
        document.blame(f"{at}/at", f"the body's schema has no member {first_step(each.at)!r}{hint}")
    usable = [name for name in judge.checks if name not in _OF_A_CALL]
    for name in each.checks:
        if name not in usable:
            told = f"{judge.id} has no check {name!r} for an item; there are {', '.join(usable)}"
            document.blame(f"{at}/checks", told)


_OF_A_CALL: Final = frozenset({"parsing", "authentication", "rate-limit"})
"""The checks that are made of a call, and not of an item in it."""


def check_answers(document: Document, operation: Operation) -> None:
    """Blame an operation that can refuse for a reason to which it has no answer.

    One that has no answers at all is given those of the mock: the first steps of a spec are few.
    """
    if not operation.answers:
        return
    at = pointer_of(["paths", operation.path, operation.method.lower(), "x-mock", "answers"])
    at = at if walk(document.root, at) is not ABSENT else "/x-mock/answers"
    for reason, why in reachable(operation):
        if reason not in operation.answers:
            hint = f"add {reason}: {{status: {KINDS[reason][0]}}}, and an example"
            document.miss(at, f"{reason} has no answer, but {why} can refuse with it; {hint}")


def reachable(operation: Operation) -> Iterator[tuple[Reason, str]]:
    """Yield each reason that a check of an operation can refuse for, and what does."""
    checks, shape = operation.checks, operation.shape
    takes_body = shape.body is not None
    possible = [
        (Reason.TOO_LARGE, "maxBytes", takes_body),
        (Reason.MALFORMED, "parsing", takes_body and "parsing" in checks),
        (
            Reason.WRONG_MEDIA_TYPE,
            "parsing",
            takes_body and "parsing" in checks and operation.media_type == "refused",
        ),
        (Reason.UNAUTHENTICATED, "authentication", bool(shape.security) and "authentication" in checks),
        (Reason.RATE_LIMITED, "rate-limit", "rate-limit" in checks),
        (Reason.INVALID, "validation", "validation" in checks and (takes_body or bool(shape.parameters))),
        (Reason.NOT_IN_CATALOGUE, "catalogue", "catalogue" in checks and operation.catalogue is not None),
        (Reason.PAYLOAD_INVALID, "catalogue", "catalogue" in checks and _has_payload(operation)),
    ]
    yield from ((reason, why) for reason, why, is_reachable in possible if is_reachable)
    for rule in operation.dedup.values():
        if rule.max_length is not None:
            yield Reason.KEY_TOO_LONG, rule.name
        if rule.in_flight_ttl is not None:
            yield Reason.IN_FLIGHT, rule.name
        if rule.compares_body:
            yield Reason.KEY_REUSED, rule.name
    yield from ((rule.reason, rule.name) for rule in operation.refusals.values() if rule.answer is None)


def _has_payload(operation: Operation) -> bool:
    return operation.catalogue is not None and operation.catalogue.payload is not None


def _misused_keywords(schema: JSON, steps: list[str | int]) -> Iterator[tuple[str, str]]:
    """Yield the first keyword of a schema whose value it does not take."""
    if jsonschema_rs.meta.is_valid(schema):
        return
    try:
        jsonschema_rs.meta.validate(schema)
    except jsonschema_rs.ValidationError as error:
        at = error.instance_path
        value = walk(schema, pointer_of(at))
        keyword = next((step for step in reversed(at) if isinstance(step, str)), "")
        yield pointer_of([*steps, *at]), f"{write_json(value)[:80]} is no value for {keyword or 'a schema'}"


def _check_operations(document: Document) -> None:
    """Blame a document without operations, and operations of one name."""
    listed = [(source.get("operationId"), path, method) for path, method, source in document.operations()]
    if not listed:
        document.miss("/paths", "has no operation: a path with get, post or another method")
    seen = set[str]()
    for name, path, method in listed:
        if name in seen:
            place = pointer_of(["paths", path, method, "operationId"])
            document.blame(place, f"another operation is named {name!r} too")
        seen |= {name} if name is not None else set()


def _schemas(document: Document) -> Iterator[Place]:
    for name, schema in document.root.get("components", {}).get("schemas", {}).items():
        yield schema, ["components", "schemas", name]
    for name, response in document.root.get("components", {}).get("responses", {}).items():
        yield from _content(response, ["components", "responses", name])
    for path, method, source in document.operations():
        at: list[str | int] = ["paths", path, method]
        yield from _content(document.resolve(source.get("requestBody", {})), [*at, "requestBody"])
        for status, response in source.get("responses", {}).items():
            yield from _content(response, [*at, "responses", status])
        shared = document.root["paths"][path].get("parameters", [])
        for position, parameter in enumerate([*shared, *source.get("parameters", [])]):
            yield document.resolve(parameter).get("schema", {}), [*at, "parameters", position, "schema"]
        for position, rule in enumerate(source.get("x-mock", {}).get("refusals", [])):
            yield rule.get("unless", {}), [*at, "x-mock", "refusals", position, "unless"]


def _content(holder: Mapping[str, JSON], at: list[str | int]) -> Iterator[Place]:
    for media_type, media in holder.get("content", {}).items():
        yield media.get("schema", {}), [*at, "content", media_type, "schema"]


def _known_rules(source: JSON) -> set[str]:
    """Return the rules that templates of an operation ask after by name."""
    return set(re.findall(r"\$mock\.known\(([^,)]*),", json.dumps(source)))


def _twice(names: Iterable[str]) -> list[str]:
    known, twice = set[str](), []
    for name in names:
        if name in known:
            twice.append(name)
        known.add(name)
    return twice
