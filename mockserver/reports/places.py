"""Where in the file of a spec stands what a call has broken.

A finding names the rule by a pointer into the schema that it was held to, references followed. Here that becomes a
pointer into the document as it was read: below the deviation that brought the rule, where one did.
"""

from collections.abc import Iterator, Mapping

from mockserver.engine.contract import Api, Operation
from mockserver.engine.deviations import source_pointer
from mockserver.engine.exchange import JSON
from mockserver.engine.media import is_json
from mockserver.engine.values import ABSENT, child, pointer_of, steps_of, walk


def rule_pointer(api: Api, operation: Operation, finding: Mapping[str, JSON]) -> str:
    """Return the pointer of what a finding is about: its rule, parameter or security scheme, else the operation."""
    place, pointer = finding["in"], finding["pointer"]
    if place == "body":
        each = operation.each
        if each is not None and finding["schemaPath"] and _is_of_item(pointer, each.at):
            operation = next(other for other in api.operations if other.id == each.operation)
        return source_pointer(api.source, _body_rule(api, operation, finding["schemaPath"]))
    name = next(iter(steps_of(pointer)), "").lower()
    found = next((at for at, other in _named_parts(api, operation, place) if other == name), None)
    return source_pointer(api.source, found or operation_pointer(operation))


def operation_pointer(operation: Operation) -> str:
    """Return the pointer of an operation."""
    return pointer_of(["paths", operation.path, operation.method.lower()])


def deviation_pointer(api: Api, id_: str) -> str:
    """Return the pointer of a deviation."""
    listed = walk(api.source, "/x-mock/deviations")
    position = next(index for index, each in enumerate(listed) if each["id"] == id_)
    return pointer_of(["x-mock", "deviations", position])


def _is_of_item(pointer: str, at: str) -> bool:
    """Tell whether a pointer leads to an item of a list, or below it."""
    step = next(iter(steps_of(pointer.removeprefix(at))), "")
    return pointer.startswith(f"{at}/") and step.isdecimal()


def _body_rule(api: Api, operation: Operation, schema_path: str) -> str:
    """Return the pointer, in the document as it is served, of a rule of an operation's body."""
    document, here = api.document, [*steps_of(operation_pointer(operation)), "requestBody"]
    here = _followed(document, here)
    content = walk(document, pointer_of([*here, "content"]))
    if content is ABSENT:
        return operation_pointer(operation)
    media_type = next((name for name in content if is_json(name)), "")
    here = _followed(document, [*here, "content", media_type, "schema"])
    for step in steps_of(schema_path.removeprefix("#")):
        if child(walk(document, pointer_of(here)), step) is ABSENT:
            break  # a rule of ours, or one that a validator wrote otherwise
        here = _followed(document, [*here, step])
    return pointer_of(here)


def _followed(document: JSON, steps: list[str]) -> list[str]:
    """Return steps that lead past references."""
    for _ in range(20):
        node = walk(document, pointer_of(steps))
        ref = node.get("$ref") if isinstance(node, dict) else None
        if not isinstance(ref, str) or not ref.startswith("#/"):
            break
        steps = steps_of(ref[1:])
    return steps


def _named_parts(api: Api, operation: Operation, place: str) -> Iterator[tuple[str, str]]:
    """Yield the pointers of parameters and security schemes in a place, each with its name in lower case."""
    at = operation_pointer(operation)
    for owner in (at.rpartition("/")[0], at):
        listed = walk(api.document, f"{owner}/parameters")
        for index in range(len(listed) if isinstance(listed, list) else 0):
            steps = _followed(api.document, [*steps_of(owner), "parameters", str(index)])
            parameter = walk(api.document, pointer_of(steps))
            if isinstance(parameter, dict) and parameter.get("in") == place:
                yield pointer_of(steps), str(parameter.get("name", "")).lower()
    for alternative in operation.shape.security:
        for scheme in alternative:
            yield pointer_of(["components", "securitySchemes", scheme.name]), scheme.parameter.lower()
