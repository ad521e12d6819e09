"""Rules that hold or not, and need other schemas for it.

``unevaluated…`` is about what no other rule has looked at, here or in what is applied to the same value.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, Protocol

from mockserver.engine.exchange import JSON
from mockserver.engine.judge import matches_pattern


class Node(Protocol):
    """A schema at its place, as `breaches` lays it out."""

    schema: JSON

    def accepts(self, value: JSON) -> bool: ...  # noqa: D102
    def child(self, *steps: str | int) -> "Node": ...  # noqa: D102
    def target(self, reference: str) -> "Node": ...  # noqa: D102
    def has(self, *keywords: str) -> list[str]: ...  # noqa: D102


Holds = Callable[[JSON], bool]


def _evaluated_names(node: Node, value: Mapping[str, JSON]) -> set[str]:
    """Return the members that some rule has looked at, here or in what is applied to the same value."""
    schema = node.schema if isinstance(node.schema, dict) else {}
    names: set[str] = value.keys() & schema.get("properties", {}).keys()
    for pattern in schema.get("patternProperties", {}):
        names |= {name for name in value if matches_pattern(pattern, name)}
    for keyword in node.has("additionalProperties", "unevaluatedProperties"):
        names |= {name for name, member in value.items() if node.child(keyword).accepts(member)}
    return names.union(*(_evaluated_names(each, value) for each in _applied(node, value)))


def _evaluated_positions(node: Node, value: list[JSON]) -> set[int]:
    """Return the items that some rule has looked at, here or in what is applied to the same value."""
    if node.has("items"):
        return set(range(len(value)))
    positions = set(range(len(node.schema["prefixItems"]) if node.has("prefixItems") else 0))
    for keyword in node.has("contains", "unevaluatedItems"):
        positions |= {place for place, item in enumerate(value) if node.child(keyword).accepts(item)}
    return positions.union(*(_evaluated_positions(each, value) for each in _applied(node, value)))


def _applied(node: Node, value: JSON) -> Iterator[Node]:
    """Yield the schemas that a node applies to the same value, as far as they count."""
    if node.has("$ref"):
        yield node.target(node.schema["$ref"])
    for keyword in node.has("allOf", "anyOf", "oneOf"):
        branches = [node.child(keyword, position) for position in range(len(node.schema[keyword]))]
        yield from (branch for branch in branches if branch.accepts(value))
    if node.has("if"):
        met = node.child("if").accepts(value)
        yield from (node.child(each) for each in node.has(*(("if", "then") if met else ("else",))))
    for name in node.schema["dependentSchemas"] if node.has("dependentSchemas") else ():
        if isinstance(value, dict) and name in value:
            yield node.child("dependentSchemas", name)


def _not(node: Node) -> Holds:
    inner = node.child("not")
    return lambda value: not inner.accepts(value)


def _unevaluated_properties(node: Node) -> Holds:
    return lambda value: value.keys() <= _evaluated_names(node, value)


def _unevaluated_items(node: Node) -> Holds:
    return lambda value: set(range(len(value))) <= _evaluated_positions(node, value)


CONDITIONS: Final[Mapping[str, Callable[[Node], Holds]]] = {
    "not": _not,
    "unevaluatedItems": _unevaluated_items,
    "unevaluatedProperties": _unevaluated_properties,
}
