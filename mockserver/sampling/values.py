"""A value that a schema takes, drawn along the way to a goal, or one that breaks just the goal's rule.

Several places may hold of one value at once: a schema with what it refers to, with the parts of ``allOf``, and with
the branches that were chosen. They are kept side by side, and a member of the value meets what each of them says of it.
What cannot be had by drawing with a purpose, as that only one branch of ``oneOf`` matches, is had by drawing again:
the judge of each place has the last word, but for those on the way to a rule that is to be broken.
"""

from collections.abc import Mapping, Sequence

from hypothesis import reject
from hypothesis import strategies as st

from mockserver.engine.exchange import JSON
from mockserver.engine.keywords import about
from mockserver.sampling import breaking, containers, scalars
from mockserver.sampling.drawers import NOWHERE, TRIES, Draw, Drawer, gathered
from mockserver.sampling.goals import Goal, types_named
from mockserver.sampling.places import Choice, Path, Place, choices_of, joined


@st.composite
def values_of(draw: Draw, parts: Sequence[Place], goal: Goal, strict: bool = True) -> JSON:
    """Draw a value that meets all of the places, and exercises or breaks what the goal says.

    What breaks a rule may break others of the same value with it, where it has to: then it is not ``strict``.
    """
    return Drawing(draw, goal, strict).value(parts)


class Drawing:
    """One value while it is drawn."""

    def __init__(self, draw: Draw, goal: Goal, strict: bool = True) -> None:
        self.draw, self.goal, self._strict = draw, goal, strict

    def aside(self) -> Drawer:
        """Return one without a goal, for what stands beside the way."""
        return Drawing(self.draw, NOWHERE)

    def wants(self, place: Place) -> bool:
        """Tell whether the goal is in a place or beyond it."""
        return place.leads_to(self.goal.path)

    def value(self, parts: Sequence[Place], depth: int = 0) -> JSON:
        """Return a value that meets all of the places, but for the rule that is to be broken."""
        for _ in range(TRIES):
            places = self._chosen(joined(parts), ())
            value = self._of(places, depth)
            if all(each.judge.accepts(value) for each in self.judging(places)):
                return value
        return reject()

    def judging(self, places: Sequence[Place]) -> Sequence[Place]:
        """Return the places that a value has to meet, for all that is to be broken."""
        if not self.goal.breaks or not any(self.wants(each) for each in places):
            return places
        return [each for each in places if not self.wants(each)] if self._strict else []

    def _chosen(self, places: list[Place], known: tuple[Path, ...]) -> list[Place]:
        """Return places with a branch for every choice that they leave, and for those that the branches leave."""
        waiting = [(each, choice) for each in places if each.path not in known for choice in choices_of(each)]
        if not waiting:
            return places
        taken = [place for each, choice in waiting for place in self._branch(each, choice)]
        return self._chosen([*places, *joined(taken)], (*known, *(each.path for each in places)))

    def _branch(self, place: Place, choice: Choice) -> Sequence[Place]:
        goal = self.goal
        if goal.breaks and goal.path == place.path and goal.keyword in {"anyOf", "oneOf"}:
            return [each for branch in choice for each in branch] if goal.detail == "several" else ()
        wanted = next((branch for branch in choice if any(self.wants(each) for each in branch)), None)
        return self.draw(st.sampled_from(list(choice))) if wanted is None else wanted

    def _of(self, places: list[Place], depth: int) -> JSON:
        goal = self.goal
        here = next((each for each in places if each.path == goal.path), None) if goal.keyword else None
        if here is None:
            return self.unbroken(places, depth)
        if goal.breaks:
            return breaking.broken(self, places, here, depth)
        return (
            goal.detail
            if goal.keyword == "enum"
            else self.unbroken(places, depth, {goal.keyword: goal.detail})
        )

    def unbroken(self, places: list[Place], depth: int, exact: Mapping[str, JSON] | None = None) -> JSON:
        """Return a value that meets the places as far as drawing can see to it; ``exact`` are bounds to be met."""
        exact = exact or {}
        if listed := _listed(places):
            return self.draw(st.sampled_from(listed))
        kinds = self._kinds(places, exact)
        if kinds is None:
            return self.draw(scalars.ANYTHING)
        match kind := self.draw(st.sampled_from(kinds)) if kinds else reject():
            case "object":
                return containers.members(self, places, depth, exact)
            case "array":
                return containers.items(self, places, depth, exact)
            case "string":
                return self.draw(self._texts(gathered(places, exact)))
            case "integer" | "number":
                return self.draw(scalars.numbers(gathered(places, exact), whole=kind == "integer"))
            case _:
                return self.draw(scalars.BY_TYPE[kind]())

    def _texts(self, rules: Mapping[str, JSON]) -> scalars.Texts:
        least, most = int(rules.get("minLength", 0)), rules.get("maxLength")
        if "pattern" in rules:  # of several one; the judges see to the others
            pattern = self.draw(st.sampled_from(rules["pattern"]))
            return scalars.stretched(scalars.of_pattern(pattern), least, most)
        if rules.get("format") in scalars.FORMATS:
            return scalars.FORMATS[rules["format"]]
        return scalars.texts(least, most) if most is None or least <= most else st.nothing()

    def _kinds(self, places: list[Place], exact: Mapping[str, JSON]) -> list[str] | None:
        """Return the types that all places take, those that lead to the goal if any does; None where all are taken."""
        spoken = {about(keyword): None for each in places for keyword in each.rules}
        kinds = [kind for kind in spoken if kind] or None
        named = [_widened(types_named(each.rules["type"])) for each in places if "type" in each.rules]
        if named:
            common = [kind for kind in named[0] if all(kind in each for each in named)]
            kinds = [kind for kind in common if kind != "integer" or "number" not in common]
        ways = {self._way(each) for each in places if self.wants(each)} | {exact.get("type", "")}
        return [kind for kind in kinds or () if kind in ways] or kinds

    def _way(self, place: Place) -> str:
        """Return the type of a value through which the way goes on from a place, or in which it ends."""
        path, depth = self.goal.path, len(place.path)
        return about(str(path[depth])) if len(path) > depth else about(self.goal.keyword)


def _widened(kinds: list[str]) -> list[str]:
    """Return types with that of whole numbers where all numbers are taken."""
    return [*kinds, "integer"] if "number" in kinds else kinds


def _listed(places: list[Place]) -> list[JSON]:
    """Return the values that ``enum`` and ``const`` leave."""
    lists = [each.rules["enum"] for each in places if "enum" in each.rules]
    lists += [[each.rules["const"]] for each in places if "const" in each.rules]
    return [value for value in lists[0] if all(value in other for other in lists)] if lists else []
