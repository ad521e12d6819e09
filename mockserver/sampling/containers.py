"""The members of an object and the items of a list, each drawn for all that the places above say of it."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from hypothesis import strategies as st

from mockserver.engine.exchange import JSON
from mockserver.engine.judge import matches_pattern
from mockserver.sampling import scalars
from mockserver.sampling.drawers import DEEPEST, TRIES, Drawer, gathered
from mockserver.sampling.places import Place

Rules = Mapping[str, JSON]

# Objects


def members(drawer: Drawer, places: Sequence[Place], depth: int, exact: Rules) -> dict[str, JSON]:
    """Return an object: what is required, what leads to the goal, some of the rest, and others where they are taken."""
    bounds = gathered(places, exact)
    telling = [each for each in drawer.judging(places) if each.is_about_presence]
    for _ in range(2 * TRIES):  # to draw the names again costs less than to draw the whole object again
        names = _declared(drawer, places, depth, bounds.get("maxProperties"))
        names |= dict.fromkeys(_extra(drawer, places, depth, len(names), bounds))
        if all(each.judge.accepts(names) for each in telling):
            break
    return {name: drawer.value(member_places(places, name), depth + 1) for name in names}


def _declared(drawer: Drawer, places: Sequence[Place], depth: int, most: JSON) -> dict[str, None]:
    """Return the names of the members that are there, in the order in which they are declared."""
    declared = dict.fromkeys(name for each in places for name in each.rules.get("properties", ()))
    needed = _needed(drawer, places, declared)
    spare = (len(declared) + len(needed) if most is None else most) - len(needed)
    optional = set()
    for name in declared:
        if name in needed or depth >= DEEPEST or spare <= 0 or _is_forbidden(places, name):
            continue
        if drawer.draw(st.booleans()):
            optional.add(name)
            spare -= 1
    taken = {name: None for name in declared if name in needed or name in optional}
    for each in places:
        for name, others in each.rules.get("dependentRequired", {}).items():
            taken |= dict.fromkeys(others if name in taken else ())
    return {**taken, **needed}


def _needed(drawer: Drawer, places: Sequence[Place], declared: Mapping[str, None]) -> dict[str, None]:
    """Return the names of the members that are required, or lead to the goal."""
    needed = dict.fromkeys(name for each in places for name in each.rules.get("required", ()))
    inside = [
        (name, each.child("properties", name)) for each in places for name in each.rules.get("properties", ())
    ]
    return {
        **needed,
        **dict.fromkeys(name for name, member in inside if name in declared and drawer.wants(member)),
    }


def _is_forbidden(places: Sequence[Place], name: str) -> bool:
    return any(each.is_forbidding for each in member_places(places, name))


def member_places(places: Sequence[Place], name: str) -> list[Place]:
    """Return all that is said of a member."""
    return [each for place in places for each in _of_member(place, name)]


def _of_member(place: Place, name: str) -> Iterator[Place]:
    rules, known = place.rules, False
    if name in rules.get("properties", ()):
        known = True
        yield place.child("properties", name)
    for pattern in rules.get("patternProperties", ()):
        if matches_pattern(pattern, name):
            known = True
            yield place.child("patternProperties", pattern)
    if not known and "additionalProperties" in rules:
        yield place.child("additionalProperties")


def _extra(drawer: Drawer, places: Sequence[Place], depth: int, count: int, bounds: Rules) -> list[str]:
    """Return the names of members that no schema declares."""
    wanted = next((each for each in _open_places(places) if drawer.wants(each)), None)
    lacking = max(bounds.get("minProperties", 0) - count, 0 if wanted is None else 1)
    room = bounds.get("maxProperties", count + lacking + 2) - count
    most = 0 if depth >= DEEPEST or not _is_open(places) else min(2, room)
    number = drawer.draw(st.integers(0, max(most, 0)))
    names = [_extra_name(drawer, places, wanted) for _ in range(max(lacking, number))]
    return [name for name in names if all(name not in each.rules.get("properties", ()) for each in places)]


def _open_places(places: Sequence[Place]) -> Iterator[Place]:
    for each in places:
        yield from (each.child("patternProperties", name) for name in each.rules.get("patternProperties", ()))
        if "additionalProperties" in each.rules:
            yield each.child("additionalProperties")


def _is_open(places: Sequence[Place]) -> bool:
    """Tell whether members that are not declared are to be expected: they are asked for, or nothing is declared."""
    listed = [each.rules for each in places]
    if any(rules.get(name) is False for rules in listed for name in _CLOSING):
        return any("patternProperties" in rules for rules in listed)
    return any("additionalProperties" in rules for rules in listed) or not any(
        "properties" in rules for rules in listed
    )


_CLOSING: Final = ("additionalProperties", "unevaluatedProperties")


def _extra_name(drawer: Drawer, places: Sequence[Place], wanted: Place | None) -> str:
    naming = [each.child("propertyNames") for each in places if "propertyNames" in each.rules]
    if naming:
        text: Place = Place(("name",), {"type": "string"}, {})
        return str(drawer.aside().value([text, *naming], DEEPEST))
    patterns = [name for each in places for name in each.rules.get("patternProperties", ())]
    if wanted is not None and wanted.path[-1] in patterns:
        patterns = [str(wanted.path[-1])]
    closed = any(each.rules.get(name) is False for each in places for name in _CLOSING)
    if patterns and (closed or wanted is not None or drawer.draw(st.booleans())):
        return drawer.draw(scalars.of_pattern(drawer.draw(st.sampled_from(patterns))))
    return drawer.draw(scalars.NAMES)


# Lists

_DISTINCT: Final = 4
"""How many different items a long list has: the others are copies of these."""


def items(drawer: Drawer, places: Sequence[Place], depth: int, exact: Rules) -> list[JSON]:
    """Return a list; one of its items leads to the goal, where items do."""
    bounds = gathered(places, exact)
    aim = _aim(drawer, places)
    containing = [each.child("contains") for each in places if "contains" in each.rules]
    least = max(int(bounds.get("minItems", 0)), 0 if aim is None else aim + 1, len(containing))
    most = least if depth >= DEEPEST else int(min(bounds.get("maxItems", least + 3), least + 3))
    size = drawer.draw(st.integers(least, max(least, most)))
    unique = any(each.rules.get("uniqueItems") for each in places)
    listed: list[JSON] = []
    for position in range(size):
        inside = [*_of_item(places, position), *containing[position : position + 1]]
        one = drawer if position == aim else drawer.aside()
        is_copy = (
            position >= max(_DISTINCT, (aim or 0) + 1) and not unique and not _is_prefix(places, position)
        )
        listed.append(
            copy.deepcopy(listed[-2]) if is_copy else _item(one, inside, depth, listed if unique else [])
        )
    return listed


def _item(drawer: Drawer, inside: Sequence[Place], depth: int, others: Sequence[JSON]) -> JSON:
    """Return an item that is none of the others."""
    value = drawer.value(inside, depth + 1)
    for _ in range(TRIES):
        if value not in others:
            break
        value = drawer.value(inside, depth + 1)
    return value


def _aim(drawer: Drawer, places: Sequence[Place]) -> int | None:
    """Return the position of the item that leads to the goal."""
    for each in places:
        prefix = len(each.rules.get("prefixItems", ()))
        for position in range(prefix):
            if drawer.wants(each.child("prefixItems", position)):
                return position
        if "items" in each.rules and drawer.wants(each.child("items")):
            return prefix
    return None


def _is_prefix(places: Sequence[Place], position: int) -> bool:
    return any(
        position < len(each.rules.get("prefixItems", ())) + 2
        for each in places
        if "prefixItems" in each.rules
    )


def _of_item(places: Sequence[Place], position: int) -> Iterator[Place]:
    for each in places:
        if position < len(each.rules.get("prefixItems", ())):
            yield each.child("prefixItems", position)
        elif "items" in each.rules:
            yield each.child("items")
