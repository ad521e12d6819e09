"""What is sampled: the parts of an operation's request, each with all that the contract as served says of it.

Of a bulk operation the items are taken as the operation has them that judges each of them. Its refusal rules stand
beside the schema of the body.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mockserver.engine.contract import Api, Operation, Parameter, RefusalRule, Route
from mockserver.engine.exchange import JSON
from mockserver.engine.values import ABSENT, steps_of, walk
from mockserver.sampling.goals import Goal, broken_goals, valid_goals
from mockserver.sampling.places import Place

Equals = Sequence[tuple[str, str]]
"""Pairs of pointers whose values have to be the same."""


@dataclass(frozen=True, eq=False, repr=False)
class Part:
    """The body of a request, without a ``parameter``, or one of its parameters; all ``places`` hold of its value."""

    parameter: Parameter | None
    places: tuple[Place, ...]

    @property
    def is_required(self) -> bool:
        """Whether a request must have it; a body is always sent."""
        return self.parameter is None or self.parameter.required or self.parameter.place == "path"

    def goals(self, breaks: bool) -> Iterator[Goal]:
        """Yield what is to be exercised, or to be broken, in it."""
        for place in self.places:
            yield from (broken_goals if breaks else valid_goals)(place)
        if breaks and self.parameter is not None and self.is_required and self.parameter.place != "path":
            yield Goal(self.places[0].path, LEFT_OUT, breaks=True)


@dataclass(frozen=True, eq=False, repr=False)
class Subject:
    """An operation whose requests are sampled. ``equals`` hold of its body, ``item_equals`` of each item at ``at``."""

    api: Api
    operation: Operation
    route: Route
    parts: tuple[Part, ...]
    equals: Equals
    at: str | None
    item_equals: Equals

    def goals(self, breaks: bool) -> list[tuple[int, Goal]]:
        """Return every goal with the position of the part that it is for."""
        listed = [(position, goal) for position, part in enumerate(self.parts) for goal in part.goals(breaks)]
        if breaks and self.parts[0].parameter is None:
            listed += [(0, Goal((_EQUAL, first, second), breaks=True)) for first, second in self.equals]
        return listed

    def places_for(self, position: int, goal: Goal) -> Sequence[Place]:
        """Return all that holds of a part on the way to a goal."""
        places = self.parts[position].places
        if goal.path[:1] != (_EQUAL,):
            return places
        return [*places, *(Place((_EQUAL, at), _having(steps_of(str(at))), {}) for at in goal.path[1:])]

    def corrected(self, body: JSON, goal: Goal) -> JSON:
        """Return a body in which what has to be equal is, unless just that is to be broken."""
        if goal.path[:1] != (_EQUAL,):
            _equalize(body, self.equals)
        items = walk(body, self.at) if self.at is not None else ()
        for item in items if isinstance(items, list) else ():
            _equalize(item, self.item_equals)
        return body


LEFT_OUT: Final = "left out"
"""What breaks that a parameter is required."""
_EQUAL: Final = "equal"


def _having(steps: Sequence[str]) -> JSON:
    """Return the schema of what has a value at the end of some steps."""
    if not steps:
        return {}
    return {"type": "object", "required": [steps[0]], "properties": {steps[0]: _having(steps[1:])}}


def _equalize(body: JSON, equals: Equals) -> None:
    for first, second in equals:
        value, *above = walk(body, first), *steps_of(second)
        holder = walk(body, second.rpartition("/")[0])
        if value is not ABSENT and isinstance(holder, dict) and above[-1] in holder:
            holder[above[-1]] = value


def subject_of(api: Api, operation: Operation) -> Subject:
    """Return what is sampled of an operation."""
    each = operation.each
    judging = next(
        (other for other in api.operations if each is not None and other.id == each.operation), None
    )
    schema = True if operation.shape.body is None else operation.shape.body
    item_rules: list[RefusalRule] = []
    if each is not None and judging is not None:
        item_rules = [rule for name, rule in judging.refusals.items() if name in each.checks]
        if "validation" in each.checks:  # else an item need not be what the other operation takes
            schema = _with_items(schema, steps_of(each.at), _item_schema(judging, item_rules))
    rules = [rule for name, rule in operation.refusals.items() if name in operation.checks]
    places = [
        Place(("body",), schema, schema),
        *(_place_of(rule) for rule in rules if rule.unless is not None),
    ]
    parameters = [
        Part(each, (Place((each.name,), each.schema, each.schema),)) for each in operation.shape.parameters
    ]
    return Subject(
        api,
        operation,
        next(route for route in api.routes if route.operation is operation),
        (Part(None, tuple(places)), *parameters),
        _equals(rules),
        None if each is None else each.at,
        _equals(item_rules),
    )


def _place_of(rule: RefusalRule) -> Place:
    return Place((rule.name,), rule.unless, rule.unless)


def _equals(rules: Sequence[RefusalRule]) -> Equals:
    return [rule.equal for rule in rules if rule.equal is not None]


def _item_schema(judging: Operation, rules: Sequence[RefusalRule]) -> JSON:
    return {
        "allOf": [judging.shape.body or True, *(rule.unless for rule in rules if rule.unless is not None)]
    }


def _with_items(schema: JSON, steps: Sequence[str], item: JSON) -> JSON:
    """Return the schema of a body in which the items of a list have another one, with all that both refer to."""
    placed = _placed(schema, schema, steps, {"allOf": [_open(each) for each in item["allOf"]]})
    shared: dict[str, JSON] = {}
    for each in [*item["allOf"], schema]:
        shared |= each.get("components", {}).get("schemas", {}) if isinstance(each, dict) else {}
    return {**placed, "components": {"schemas": shared}}


def _open(schema: JSON) -> JSON:
    """Return a schema without the copies of what it refers to."""
    return (
        {name: value for name, value in schema.items() if name != "components"}
        if isinstance(schema, dict)
        else schema
    )


def _placed(schema: JSON, root: JSON, steps: Sequence[str], item: JSON) -> dict[str, JSON]:
    own: Mapping[str, JSON] = schema if isinstance(schema, dict) else {}
    if isinstance(ref := own.get("$ref"), str):
        return _placed(
            {**walk(root, ref.removeprefix("#")), **{k: v for k, v in own.items() if k != "$ref"}},
            root,
            steps,
            item,
        )
    if not steps:
        return {**own, "items": item}
    known = own.get("properties", {})
    inner = _placed(known.get(steps[0], {}), root, steps[1:], item)
    return {**own, "properties": {**known, steps[0]: inner}}


def takes_body(operation: Operation) -> bool:
    """Tell whether there is anything to encode."""
    return operation.shape.body is not None or operation.shape.body_required


def sendable(parameter: Parameter, text: str) -> bool:
    """Tell whether a text can be sent at the place of a parameter, as most clients would send it."""
    return re.fullmatch(_SENDABLE[parameter.place], text) is not None


_SENDABLE: Final = {
    "header": "[!-~]([ -~]*[!-~])?", "cookie": r"[!#-+\--:<-\[\]-~]+", "path": "[A-Za-z0-9_~-][A-Za-z0-9._~-]*",
    "query": "(?s).*",
}  # fmt: skip
