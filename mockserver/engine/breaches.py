"""Which rules of a schema a value breaks: both are gone through side by side.

The judge's own list of errors is no help: it is made as a whole, copies what is wrong into each error, and fails on
lone surrogates and deep nesting. So the schema is laid out as a tree of `Node`, each with its rules. A rule that
asserts something about one value is put to a judge of that rule alone, which cannot disagree with the judge of the
whole; a rule that leads to other values or schemas is followed here. Nodes and rules are made when a value first
comes to them, and kept: the next refused request pays for nothing but the looking.

Breaches are collected in the order in which the schema is written, and hardly more of them than anybody is told of. A
failed ``anyOf`` or ``oneOf`` carries those of each branch.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final
from urllib.parse import unquote

from mockserver.engine.conditions import CONDITIONS, Holds
from mockserver.engine.exchange import JSON
from mockserver.engine.judge import Judge, matches_pattern
from mockserver.engine.keywords import ANY, ASSERTIONS, broken_by, types_of
from mockserver.engine.values import ABSENT, below, follow, pointer_of, steps_of

MOST_BREACHES: Final = 50


@dataclass(slots=True, eq=False)
class Rule:
    """One keyword at its place in a schema: what it says, and the schema that it stands in."""

    keyword: str
    value: JSON
    schema: Mapping[str, JSON]
    path: str


@dataclass(slots=True, eq=False)
class Breach:
    """One rule that a value breaks. ``place`` is the pointer of the value.

    The rule's path continues ``above``, that of the reference that led to it. ``member`` is the one that misses;
    ``branches`` are the breaches of each branch that does not match, by its position, None where it is for another
    type; ``matching`` are the positions of those that match.
    """

    rule: Rule
    value: JSON
    place: str
    above: str
    member: str | None = None
    branches: Mapping[int, list["Breach"] | None] | None = None
    matching: tuple[int, ...] = ()


Check = Callable[[JSON, str, str, list[Breach]], None]
"""Takes a value, its pointer, and the path of the reference that led here; adds to the last what it finds."""


class Node:
    """A schema at its place in a document; what it refers to is looked up in the document's ``root``."""

    def __init__(self, schema: JSON, path: str = "", root: "Node | None" = None) -> None:
        self.schema, self.path, self.root = schema, path, root or self
        self._known: dict[tuple[str | int, ...] | str, Node] = {}

    def breaches(self, value: JSON, place: str = "", above: str = "") -> list[Breach]:
        """Return what a value breaks, or the beginning of it."""
        found: list[Breach] = []
        self.collect(value, place, above, found)
        return found

    def collect(self, value: JSON, place: str, above: str, found: list[Breach]) -> None:
        """Add what a value breaks to what was found so far."""
        if len(found) >= MOST_BREACHES:
            return
        own = type(value)
        for kinds, rule, holds, check in self._rules:
            if own not in kinds:
                continue
            if check is not None:
                check(value, place, above, found)
            elif holds is not None and not holds(value):
                found.append(Breach(rule, value, place, above))

    def accepts(self, value: JSON) -> bool:
        """Tell whether a value breaks nothing."""
        return not self.breaches(value)

    @cached_property
    def _rules(self) -> list[tuple[frozenset[type], Rule, Holds | None, Check | None]]:
        """Return each rule with the types of values that may break it, and with one of two ways to check it."""
        if self.schema is False:
            return [(ANY, Rule("false", None, {}, self.path), lambda _: False, None)]
        rules: list[tuple[frozenset[type], Rule, Holds | None, Check | None]] = []
        for keyword, value in self.schema.items() if isinstance(self.schema, dict) else ():
            kinds = broken_by(keyword, value)
            rule = Rule(keyword, value, self.schema, f"{self.path}/{keyword}")
            if keyword in ASSERTIONS:
                rules.append((kinds, rule, Judge({keyword: value}).accepts, None))
            elif keyword in CONDITIONS:
                rules.append((kinds, rule, CONDITIONS[keyword](self), None))
            elif keyword in _FOLLOWED:
                rules.append((kinds, rule, None, _FOLLOWED[keyword](self, rule)))
        return rules

    def child(self, *steps: str | int) -> "Node":
        """Return the node of a schema that stands inside this one."""
        if steps not in self._known:
            schema = self.schema
            for step in steps:
                schema = schema[step]
            self._known[steps] = Node(schema, self.path + pointer_of(steps), self.root)
        return self._known[steps]

    def target(self, reference: str) -> "Node":
        """Return the node that a reference leads to; one without rules where it leads nowhere."""
        known = self.root._known
        if reference not in known:
            found = follow(self.root.schema, steps_of(unquote(reference.removeprefix("#"))))
            known[reference] = Node({} if found is ABSENT else found, "", self.root)
        return known[reference]

    def has(self, *keywords: str) -> list[str]:
        """Return which of these keywords stand here."""
        return [each for each in keywords if isinstance(self.schema, dict) and each in self.schema]


def unknown_members(schema: Mapping[str, JSON], value: Mapping[str, JSON]) -> Iterator[str]:
    """Yield the members of a value that ``properties`` and ``patternProperties`` do not name."""
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    for name in value:
        if name not in known and not any(matches_pattern(pattern, name) for pattern in patterns):
            yield name


# Rules that lead on


def _properties(node: Node, rule: Rule) -> Check:
    members = [(name, below("", name), node.child("properties", name)) for name in rule.value]

    def check(value: JSON, place: str, above: str, found: list[Breach]) -> None:
        for name, step, member in members:
            if name in value:
                member.collect(value[name], place + step, above, found)

    return check


def _pattern_properties(node: Node, rule: Rule) -> Check:
    def check(value: JSON, place: str, above: str, found: list[Breach]) -> None:
        for pattern in rule.value:
            inner = node.child("patternProperties", pattern)
            for name, member in value.items():
                if matches_pattern(pattern, name):
                    inner.collect(member, below(place, name), above, found)

    return check


def _additional_properties(node: Node, rule: Rule) -> Check:
    inner = node.child("additionalProperties")

    def check(value: JSON, place: str, above: str, found: list[Breach]) -> None:
        for name in unknown_members(rule.schema, value) if rule.value is not True else ():
            if rule.value is False:
                found.append(Breach(rule, value, place, above))
                break
            inner.collect(value[name], below(place, name), above, found)

    return check


def _property_names(node: Node, _: Rule) -> Check:
    inner = node.child("propertyNames")

    def check(value: JSON, place: str, above: str, found: list[Breach]) -> None:
        for name in value:
            inner.collect(name, place, above, found)

    return check


def _required(_: Node, rule: Rule) -> Check:
    names = rule.value

    def check(value: JSON, place: str, above: str, found: list[Breach]) -> None:
        missing = [name for name in names if name not in value]
        found += [Breach(rule, value, place, above, name) for name in missing[:MOST_BREACHES]]

    return check


def _dependent_required(_: Node, rule: Rule) -> Check:
    def check(value: JSON, place: str, above: str, found: list[Breach]) -> None:
        for name, wanted in rule.value.items():
            if name in value and not all(each in value for each in wanted):
                found.append(Breach(rule, value, place, above))

    return check


def _dependent_schemas(node: Node, rule: Rule) -> Check:
    def check(value: JSON, place: str, above: str, found: list[Breach]) -> None:
        for name in rule.value:
            if name in value:
                node.child("dependentSchemas", name).collect(value, place, above, found)

    return check


def _items(node: Node, rule: Rule) -> Check:
    first, inner = len(rule.schema.get("prefixItems", ())), node.child("items")

    def check(value: JSON, place: str, above: str, found: list[Breach]) -> None:
        if rule.value is False and len(value) > first:
            found.append(Breach(rule, value, place, above))
            return
        for position in range(first, len(value)):
            inner.collect(value[position], f"{place}/{position}", above, found)

    return check


def _prefix_items(node: Node, rule: Rule) -> Check:
    def check(value: JSON, place: str, above: str, found: list[Breach]) -> None:
        for position in range(min(len(rule.value), len(value))):
            node.child("prefixItems", position).collect(value[position], f"{place}/{position}", above, found)

    return check


def _contains(node: Node, rule: Rule) -> Check:
    inner = node.child("contains")
    least, most = rule.schema.get("minContains", 1), rule.schema.get("maxContains")
    too_few = Rule("minContains", least, rule.schema, rule.path)
    too_many = Rule("maxContains", most, rule.schema, rule.path)

    def check(value: JSON, place: str, above: str, found: list[Breach]) -> None:
        count = sum(inner.accepts(each) for each in value)
        if most is not None and count > most:
            found.append(Breach(too_many, value, place, above))
        elif count < least:
            found.append(Breach(too_few if count else rule, value, place, above))

    return check


def _all_of(node: Node, rule: Rule) -> Check:
    branches = [node.child("allOf", position) for position in range(len(rule.value))]

    def check(value: JSON, place: str, above: str, found: list[Breach]) -> None:
        for branch in branches:
            branch.collect(value, place, above, found)

    return check


def _any_of(node: Node, rule: Rule) -> Check:
    branches = _branches(node, rule)

    def check(value: JSON, place: str, above: str, found: list[Breach]) -> None:
        own, failed = type(value), {}
        for position, branch, types in branches:
            inner = branch.breaches(value, place, above) if own in types else None
            if inner == []:
                return
            failed[position] = inner
        found.append(Breach(rule, value, place, above, branches=failed))

    return check


def _one_of(node: Node, rule: Rule) -> Check:
    branches = _branches(node, rule)

    def check(value: JSON, place: str, above: str, found: list[Breach]) -> None:
        own = type(value)
        failed = {
            position: branch.breaches(value, place, above) if own in types else None
            for position, branch, types in branches
        }
        matching = tuple([position for position, inner in failed.items() if inner == []])
        if len(matching) > 1:
            found.append(Breach(rule, value, place, above, matching=matching))
        elif not matching:
            found.append(Breach(rule, value, place, above, branches=failed))

    return check


def _branches(node: Node, rule: Rule) -> list[tuple[int, Node, frozenset[type]]]:
    """Return each branch with its position and the types of values that it may be for."""
    nodes = [node.child(rule.keyword, position) for position in range(len(rule.value))]
    return [(position, each, types_of(each.schema)) for position, each in enumerate(nodes)]


def _if(node: Node, _: Rule) -> Check:
    def check(value: JSON, place: str, above: str, found: list[Breach]) -> None:
        outcome = "then" if node.child("if").accepts(value) else "else"
        if node.has(outcome):
            node.child(outcome).collect(value, place, above, found)

    return check


def _reference(node: Node, rule: Rule) -> Check:
    def check(value: JSON, place: str, above: str, found: list[Breach]) -> None:
        node.target(rule.value).collect(value, place, above + node.path, found)

    return check


_FOLLOWED: Final[Mapping[str, Callable[[Node, Rule], Check]]] = {
    "$ref": _reference,
    "additionalProperties": _additional_properties,
    "allOf": _all_of,
    "anyOf": _any_of,
    "contains": _contains,
    "dependentRequired": _dependent_required,
    "dependentSchemas": _dependent_schemas,
    "if": _if,
    "items": _items,
    "oneOf": _one_of,
    "patternProperties": _pattern_properties,
    "prefixItems": _prefix_items,
    "properties": _properties,
    "propertyNames": _property_names,
    "required": _required,
}
