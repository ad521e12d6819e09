"""One rule of a schema, broken: a value as all other rules there have it."""

from collections.abc import Callable, Mapping
from typing import Final

from hypothesis import reject
from hypothesis import strategies as st

from mockserver.engine.exchange import JSON
from mockserver.sampling import scalars
from mockserver.sampling.containers import member_places
from mockserver.sampling.drawers import TRIES, Drawer, gathered
from mockserver.sampling.goals import types_named
from mockserver.sampling.places import Place

Places = list[Place]


def broken(drawer: Drawer, places: Places, here: Place, depth: int) -> JSON:
    """Return a value that breaks the goal's rule, which stands in ``here``, one of the places."""
    keyword = drawer.goal.keyword
    relaxed = [each.without(keyword) if each is here else each for each in places]
    judge = here.judge_of(
        {name: here.rules[name] for name in (keyword, *_BESIDE.get(keyword, ())) if name in here.rules}
    )
    way = _WAYS.get(keyword, _otherwise)
    for _ in range(TRIES):
        value = way(drawer, relaxed, here, depth)
        if not judge.accepts(value):
            return value
    return reject()


_BESIDE: Final[Mapping[str, tuple[str, ...]]] = {
    "additionalProperties": ("properties", "patternProperties"),
    "unevaluatedProperties": (
        "properties",
        "patternProperties",
        "additionalProperties",
        "allOf",
        "anyOf",
        "oneOf",
    ),
    "unevaluatedItems": ("prefixItems", "items"),
    "items": ("prefixItems",),
    "contains": ("minContains", "maxContains"),
}
"""The keywords that say what another one means."""


def _otherwise(drawer: Drawer, relaxed: Places, _: Place, depth: int) -> JSON:
    """Draw as if the rule were not there: sooner or later it is broken."""
    return drawer.unbroken(relaxed, depth)


def _type(drawer: Drawer, _: Places, here: Place, __: int) -> JSON:
    taken = types_named(here.rules["type"])
    others = [
        kind
        for kind in scalars.BY_TYPE
        if kind not in taken and not (kind == "integer" and "number" in taken)
    ]
    return drawer.draw(scalars.BY_TYPE[drawer.draw(st.sampled_from(others))]()) if others else reject()


def _required(drawer: Drawer, relaxed: Places, _: Place, depth: int) -> JSON:
    value = drawer.unbroken(relaxed, depth)
    if isinstance(value, dict):
        value.pop(drawer.goal.detail, None)
    return value


def _dependent_required(drawer: Drawer, relaxed: Places, _: Place, depth: int) -> JSON:
    value = drawer.unbroken(relaxed, depth)
    name, missing = drawer.goal.detail
    if isinstance(value, dict):
        if name not in value:
            value[name] = drawer.aside().value(member_places(relaxed, name), depth + 1)
        value.pop(missing, None)
    return value


def _too_short(drawer: Drawer, _: Places, here: Place, __: int) -> JSON:
    size = int(here.rules["minLength"]) - 1
    return drawer.draw(scalars.texts(size, size))


def _too_long(drawer: Drawer, relaxed: Places, here: Place, depth: int) -> JSON:
    value = drawer.unbroken(relaxed, depth)
    size = int(here.rules["maxLength"]) + 1
    return drawer.draw(scalars.stretched(st.just(value), size)) if isinstance(value, str) else value


def _another_text(drawer: Drawer, relaxed: Places, here: Place, depth: int) -> JSON:
    """Break a pattern or a format: with what is almost right, or with any text of the right length, or a blank one."""
    rules = gathered(relaxed, {})
    least, most = int(rules.get("minLength", 0)), rules.get("maxLength")
    way = drawer.draw(st.sampled_from(["near", "near", "any", "blank"]))
    if way == "near":
        right = drawer.aside().unbroken([*relaxed, here], depth)
        return drawer.draw(scalars.near(right)) if isinstance(right, str) else right
    return drawer.draw(scalars.blanks(least) if way == "blank" else scalars.texts(least, most))


def _another_value(drawer: Drawer, relaxed: Places, here: Place, depth: int) -> JSON:
    """Break ``enum`` or ``const``: with what is almost one of the values, or with any other."""
    listed = here.rules["enum"] if "enum" in here.rules else [here.rules["const"]]
    if not listed or drawer.draw(st.booleans()):
        return drawer.unbroken(relaxed, depth)
    value = drawer.draw(st.sampled_from(listed))
    if isinstance(value, str):
        return drawer.draw(scalars.near(value))
    return value + 1 if isinstance(value, int | float) and not isinstance(value, bool) else None


def _out_of_bounds(drawer: Drawer, _: Places, here: Place, __: int) -> JSON:
    keyword = drawer.goal.keyword
    return drawer.draw(scalars.beyond(keyword, here.rules[keyword]))


def _one_too_few(drawer: Drawer, relaxed: Places, here: Place, depth: int) -> JSON:
    keyword = drawer.goal.keyword
    return drawer.unbroken(relaxed, depth, {keyword: here.rules[keyword] - 1})


def _one_too_many(drawer: Drawer, relaxed: Places, here: Place, depth: int) -> JSON:
    keyword = drawer.goal.keyword
    return drawer.unbroken(relaxed, depth, {keyword: here.rules[keyword] + 1})


def _twice(drawer: Drawer, relaxed: Places, _: Place, depth: int) -> JSON:
    value = drawer.unbroken(relaxed, depth)
    return [*value, value[0]] if isinstance(value, list) and value else value


def _another_member(drawer: Drawer, relaxed: Places, _: Place, depth: int) -> JSON:
    value = drawer.unbroken(relaxed, depth)
    return (
        {**value, drawer.draw(scalars.NAMES): drawer.draw(scalars.LEAVES)}
        if isinstance(value, dict)
        else value
    )


def _what_is_forbidden(drawer: Drawer, relaxed: Places, here: Place, depth: int) -> JSON:
    if here.is_forbidding:
        return drawer.draw(scalars.ANYTHING)
    beside = [each for each in relaxed if each.path == here.path or not drawer.wants(each)]
    return drawer.aside().value([*beside, here.child("not")], depth)


_WAYS: Final[Mapping[str, Callable[[Drawer, Places, Place, int], JSON]]] = {
    "type": _type, "required": _required, "dependentRequired": _dependent_required,
    "minLength": _too_short, "maxLength": _too_long, "pattern": _another_text, "format": _another_text,
    "enum": _another_value, "const": _another_value,
    **dict.fromkeys(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"], _out_of_bounds),
    "minItems": _one_too_few, "minProperties": _one_too_few, "maxItems": _one_too_many, "maxProperties": _one_too_many,
    "uniqueItems": _twice, "not": _what_is_forbidden,
    **dict.fromkeys(["additionalProperties", "unevaluatedProperties", "propertyNames"], _another_member),
}  # fmt: skip
"""How a rule is broken on purpose."""
