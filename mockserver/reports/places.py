"""Where in the file of a spec stands what a call has broken.

A finding names a rule of a schema by a pointer into that schema, references followed. Here that becomes a pointer into
the document as it was read. It is sure of itself: the steps through the schema have to lead to the very value that the
finding is about. Where they do not, the schema is none of the spec's, but one that the user's catalogue has for a
payload.

what is wrong                          its place
a value of the body, of a parameter    the keyword of the schema
a missing parameter                    the parameter
a credential                           the security scheme
a rule of ours                         its entry below ``x-mock``
a body that is missing or unreadable   the operation's ``requestBody``
anything else of a call                the operation
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from mockserver.engine.contract import Api, Operation
from mockserver.engine.exchange import JSON, Reason
from mockserver.engine.media import is_json
from mockserver.engine.values import ABSENT, child, follow, pointer_of, steps_of, walk
from mockserver.reports.origins import origin

Steps = Sequence[str]


def rule_pointer(api: Api, operation: Operation, finding: Mapping[str, JSON]) -> str | None:
    """Return the pointer, in a spec as it was read, of what a finding is about; None where no spec has it."""
    found = _served(api, operation, finding)
    return None if found is None else origin(api, found)


def operation_pointer(api: Api, operation: Operation) -> str:
    """Return the pointer of an operation in a spec as it was read."""
    return origin(api, _operation(operation))


def deviation_pointer(api: Api, id_: str) -> str:
    """Return the pointer of a deviation."""
    listed = walk(api.source, "/x-mock/deviations")
    position = next(index for index, each in enumerate(listed) if each["id"] == id_)
    return pointer_of(["x-mock", "deviations", position])


def _served(api: Api, operation: Operation, finding: Mapping[str, JSON]) -> str | None:
    """Return the pointer in the document as it is served."""
    readings = list(_readings(api, operation, finding))
    for each, steps in readings:
        found = _own_rule(api, each, finding, steps) or _rule(api, each, finding, steps)
        if found is not None:
            return found
    if finding["in"] == "body" and finding["schemaPath"]:
        return None
    about = readings[-1][0] if finding["in"] == "body" else operation
    return _whole(api, about, finding)


def _readings(
    api: Api, operation: Operation, finding: Mapping[str, JSON]
) -> Iterator[tuple[Operation, Steps]]:
    """Yield the operations that may have found it, with the steps to the value in what each was given.

    In a bulk call that is the operation of an item as well.
    """
    steps, each = steps_of(finding["pointer"]), operation.each
    yield operation, steps
    if each is not None:
        before = steps_of(each.at)
        of_item = steps[: len(before)] == before and steps[len(before) :][:1]
        item = next(other for other in api.operations if other.id == each.operation)
        if finding["in"] != "body":
            yield item, steps
        elif of_item and of_item[0].isdecimal():
            yield item, steps[len(before) + 1 :]


def _operation(operation: Operation) -> str:
    return pointer_of(["paths", operation.path, operation.method.lower()])


# Rules below x-mock


_KEY_REASONS: Final = frozenset({Reason.KEY_TOO_LONG, Reason.KEY_REUSED, Reason.IN_FLIGHT})


def _own_rule(api: Api, operation: Operation, finding: Mapping[str, JSON], steps: Steps) -> str | None:
    """Return the pointer of the rule below ``x-mock`` that a finding is of, None where it is of none."""
    keyword = finding["keyword"]
    if finding["schemaPath"]:
        return None
    if keyword in operation.refusals:
        return _entry(api, operation, "refusals", keyword)
    if keyword in _KEY_REASONS:
        named = [name for name, rule in operation.known.items() if steps_of(rule.pointer) == steps]
        return _entry(api, operation, "dedup", named[0]) if named else None
    if keyword in {"catalogue", "maxBytes"}:
        return _entry(api, operation, keyword)
    return None


def _entry(api: Api, operation: Operation, key: str, name: str | None = None) -> str | None:
    """Return the pointer of what an operation, or else its document, says under a key, or of its rule of a name."""
    for at in (f"{_operation(operation)}/x-mock/{key}", f"/x-mock/{key}"):
        found = walk(api.document, at)
        if name is None and found is not ABSENT:
            return at
        for position, rule in enumerate(found if isinstance(found, list) else ()):
            if rule["name"] == name:
                return f"{at}/{position}"
    return None


# Rules of OpenAPI


def _rule(api: Api, operation: Operation, finding: Mapping[str, JSON], steps: Steps) -> str | None:
    """Return the pointer of the rule of a schema that a finding is of, or of its parameter or security scheme."""
    path = steps_of(finding["schemaPath"].removeprefix("#"))
    if finding["in"] == "body":
        schema = _body_schema(api.document, operation)
        return _keyword(api.document, schema, path, steps) if path and schema is not None else None
    name = next(iter(steps), "").lower()
    parameter = next((at for at, other in _parameters(api, operation, finding["in"]) if other == name), None)
    if parameter is not None:
        return _keyword(api.document, [*parameter, "schema"], path, steps[1:]) or pointer_of(parameter)
    for scheme in (scheme for alternative in operation.shape.security for scheme in alternative):
        signed = scheme.signature.sent_in if scheme.signature is not None else ("", "")
        if (finding["in"], name) in {
            (at, each.lower().lstrip("/")) for at, each in ((scheme.place, scheme.parameter), signed)
        }:
            return pointer_of(["components", "securitySchemes", scheme.name])
    return None


def _whole(api: Api, operation: Operation, finding: Mapping[str, JSON]) -> str:
    """Return the pointer of what is said of a body as a whole, else of the operation."""
    is_about_body = finding["in"] == "body" or finding["keyword"] in {"media-type", "charset", "encoding"}
    at = f"{_operation(operation)}/requestBody"
    return at if is_about_body and walk(api.document, at) is not ABSENT else _operation(operation)


def _body_schema(document: JSON, operation: Operation) -> Steps | None:
    """Return the steps to the schema of an operation's body, None where there is none."""
    body = _followed(document, [*steps_of(_operation(operation)), "requestBody"])
    content = follow(document, [*body, "content"])
    media_type = (
        next((name for name in content if is_json(name)), None) if isinstance(content, dict) else None
    )
    return None if media_type is None else [*body, "content", media_type, "schema"]


def _parameters(api: Api, operation: Operation, place: str) -> Iterator[tuple[Steps, str]]:
    """Yield the steps to the parameters in a place, those of the operation first, each with its name in lower case."""
    at = steps_of(_operation(operation))
    for owner in (at, at[:-1]):
        listed = follow(api.document, [*owner, "parameters"])
        for index in range(len(listed) if isinstance(listed, list) else 0):
            steps = _followed(api.document, [*owner, "parameters", str(index)])
            parameter = follow(api.document, steps)
            if isinstance(parameter, dict) and parameter.get("in") == place:
                yield steps, str(parameter.get("name", "")).lower()


# Through a schema


_BY_NAME: Final = frozenset({"properties", "prefixItems"})
_BY_PATTERN: Final = frozenset({"patternProperties"})
_BRANCHES: Final = frozenset({"allOf", "anyOf", "oneOf", "dependentSchemas", "$defs"})
_BELOW: Final = frozenset({"additionalProperties", "items", "unevaluatedItems", "unevaluatedProperties"})
_OF_A_MEMBER: Final = frozenset({"required", "additionalProperties"})
"""The keywords whose findings name a member of the value that they are about."""


def _keyword(document: JSON, schema: Steps, path: Steps, value: Steps) -> str | None:
    """Return the pointer of the rule to which a path through a schema leads; None where it is for another value."""
    here, rest, left = list(schema), list(path), list(value)
    while rest:
        keyword = rest.pop(0)
        here, known = _at(document, here, keyword)
        if not known:
            return pointer_of(here) if not rest else None  # a rule that is written otherwise: false, for one
        if not rest:
            left = left[1:] if keyword in _OF_A_MEMBER and left else left
        elif keyword in _BY_NAME | _BY_PATTERN | _BRANCHES:
            name = rest.pop(0)
            here, known = _at(document, here, name)
            if not known or (keyword in _BY_NAME and left[:1] != [name]):
                return None
            left = left if keyword in _BRANCHES else left[1:]
        elif keyword in _BELOW:
            left = left[1:]
    return None if left else pointer_of(here)


def _at(document: JSON, steps: Steps, step: str) -> tuple[list[str], bool]:
    """Return the steps to a part of a schema, which may stand in what that refers to, and whether there is one."""
    for _ in range(20):
        node = follow(document, steps)
        if child(node, step) is not ABSENT:
            return [*steps, step], True
        further = _followed(document, steps, most=1)
        if further == steps:
            break
        steps = further
    return list(steps), False


def _followed(document: JSON, steps: Steps, most: int = 20) -> list[str]:
    """Return steps that lead past references."""
    for _ in range(most):
        node = follow(document, steps)
        ref = node.get("$ref") if isinstance(node, dict) else None
        if not isinstance(ref, str) or not ref.startswith("#/"):
            break
        steps = steps_of(ref[1:])
    return list(steps)
