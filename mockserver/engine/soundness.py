"""What must hold in a document beyond its syntax, looked at once when it is loaded."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping

from mockserver.engine.contract import BUILT_IN_CHECKS, Deviation, Operation
from mockserver.engine.document import Document
from mockserver.engine.exchange import JSON, Reason
from mockserver.engine.keywords import unknown_keywords
from mockserver.engine.values import pointer_of


def check_document(document: Document, deviations: Mapping[str, Deviation]) -> None:
    """Blame schemas for words that nothing checks, and names that stand twice or lead nowhere."""
    for schema, steps in _schemas(document):
        for pointer, sentence in unknown_keywords(schema, steps):
            document.blame(pointer, sentence)
    listed = [item["id"] for item in document.words.get("deviations", [])]
    for name in _twice(listed):
        document.blame("/x-mock/deviations", f"two deviations have the id {name!r}")
    for path, method, source in document.operations():
        at = pointer_of(["paths", path, method, "x-mock"])
        words = source.get("x-mock", {})
        rules = [rule["name"] for key in ("dedup", "refusals") for rule in words.get(key, [])]
        for name in _twice(rules):
            document.blame(at, f"two rules have the name {name!r}")
        for name in sorted({*rules} & BUILT_IN_CHECKS):
            document.blame(at, f"a rule may not have the name of the check {name!r}")
        for name in sorted(_known_rules(source) - {*rules}):
            document.blame(at, f"$mock.known names the rule {name!r}, which this operation does not have")
        for alias in words.get("aliases", []):
            if alias.get("deviation", "") not in {"", *deviations}:
                document.blame(f"{at}/aliases", f"no deviation has the id {alias['deviation']!r}")


def check_answers(document: Document, operation: Operation) -> None:
    """Blame an operation that can refuse for a reason to which it has no answer."""
    at = pointer_of(["paths", operation.path, operation.method.lower(), "x-mock", "answers"])
    for reason, why in _reachable(operation):
        if reason not in operation.answers:
            document.blame(at, f"{reason} has no answer, but {why} can refuse with it")


def _reachable(operation: Operation) -> Iterator[tuple[Reason, str]]:
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


def _schemas(document: Document) -> Iterator[tuple[JSON, list[str | int]]]:
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


def _content(holder: Mapping[str, JSON], at: list[str | int]) -> Iterator[tuple[JSON, list[str | int]]]:
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
