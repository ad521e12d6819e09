"""Why a value is refused, in sentences that say where, what was expected, what came, and how to mend it.

Each breach becomes one finding, with two exceptions. Unknown members become one each, at the member's own pointer.
A failed ``anyOf`` or ``oneOf`` is told by its nearest branch: branches that expect another type are put aside; is
one left, its own findings are reported where they stand; are several left, each is named with what it misses, the
nearest first.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final, NamedTuple

from mockserver.engine.breaches import MOST_BREACHES, Breach, Node, Rule, unknown_members
from mockserver.engine.exchange import JSON, Finding
from mockserver.engine.sentences import SENTENCES, as_beginning, with_article
from mockserver.engine.unfolding import followed, unfolded
from mockserver.engine.values import below, cut, first_step, json_type, nearest, write_json

MOST_KNOWN: Final = 256
"""How many comparisons of branches are kept: the same mistake is made again and again."""

_LONG: Final = 2000  # characters of names, which would be kept for as long as the server runs

Mistake = tuple[Rule, tuple[str, ...], tuple[tuple[int, str], ...]]
"""A rule with branches, the members of the value, and those that each branch misses."""


class Branch(NamedTuple):
    """What never changes about one branch of an ``anyOf`` or ``oneOf``."""

    name: str
    members: frozenset[str]


class Explainer:
    """Explains what one schema refuses; what can be made once is kept for the next time."""

    __slots__ = ("_branches", "_known", "_order", "_root", "_schema")

    def __init__(self, schema: JSON) -> None:
        self._schema, self._root = schema, Node(unfolded(schema))
        names = _properties(schema, schema)
        self._order = {name: position for position, name in reversed(list(enumerate(names)))}
        self._branches: dict[Rule, list[Branch]] = {}
        self._known: dict[Mistake, tuple[str, str]] = {}

    def explain(self, value: JSON) -> list[Finding]:
        """Return what is wrong with a value, ordered by the schema's properties, pointer and keyword.

        Where the value is nested deeper than it can be followed, what was found until then.
        """
        breaches: list[Breach] = []
        try:  # noqa: SIM105 - a with statement would cost half a microsecond of every refused call
            self._root.collect(value, "", "", breaches)
        except RecursionError:
            pass
        findings = [finding for breach in breaches for finding in self._findings(breach)]
        if len(findings) < 2:
            return findings
        order = {first_step(each.pointer): each for each in findings}
        if len(order) == len(findings) and order.keys() <= self._order.keys():  # nearly always: a member each
            return [order[name] for name in sorted(order, key=self._order.__getitem__)]
        if len({each.pointer for each in findings}) < len(findings):
            findings = list({(each.pointer, each.keyword, each.message): each for each in findings}.values())
        findings.sort(key=self._rank)
        return findings[:MOST_BREACHES]

    def _rank(self, finding: Finding) -> tuple[Any, ...]:
        _, *steps = finding.pointer.split("/")
        first = self._order.get(steps[0], len(self._order)) if steps else -1
        return (
            first,
            [(0, int(step), "") if step.isdecimal() else (1, 0, step) for step in steps],
            finding.keyword,
        )

    def _findings(self, breach: Breach) -> Iterable[Finding]:
        if breach.branches is not None:
            return self._alternatives(breach, breach.branches)
        if breach.matching:
            return (self._matched_twice(breach),)
        if breach.member is not None:
            return (_missing(breach, breach.member),)
        if breach.rule.keyword == "additionalProperties":
            return _unknown(breach)
        return (_finding(breach, breach.place, *_explained(breach)),)

    # anyOf and oneOf

    def _matched_twice(self, breach: Breach) -> Finding:
        branches = self._branches_of(breach.rule)
        matching = " and ".join(branches[position].name for position in breach.matching)
        message, fix = (
            f"matches {matching}, but must match only one",
            "Leave out what only the other one has.",
        )
        return _finding(breach, breach.place, message, "exactly one of them", json_type(breach.value), fix)

    def _alternatives(self, breach: Breach, branches: Mapping[int, list[Breach] | None]) -> Iterable[Finding]:
        place = breach.place
        fitting = {each: inner for each, inner in branches.items() if inner and _is_of_type(inner, place)}
        if len(fitting) == 1:
            (inner,) = fitting.values()
            return [finding for each in inner for finding in self._findings(each)]
        if fitting:
            return (self._nearest(breach, fitting),)
        return (_finding(breach, place, *_no_type_fits(breach, branches)),)

    def _nearest(self, breach: Breach, fitting: Mapping[int, list[Breach]]) -> Finding:
        key = _mistake(breach, fitting)
        told = self._known.get(key) if key is not None else None
        if told is None:
            told = self._compared(breach, fitting)
            if key is not None and len(self._known) < MOST_KNOWN:
                self._known[key] = told
        message, fix = told
        return _finding(breach, breach.place, message, "one of them", json_type(breach.value), fix)

    def _compared(self, breach: Breach, fitting: Mapping[int, list[Breach]]) -> tuple[str, str]:
        """Return what each branch misses, the nearest first, and what mends the nearest."""
        branches, base, value = self._branches_of(breach.rule), len(breach.place) + 1, breach.value
        members = value if isinstance(value, dict) else {}
        ranked = sorted(fitting, key=lambda each: _distance(branches[each], fitting[each], members))
        names = [f"{branches[each].name} ({self._misses(fitting[each], base)})" for each in ranked]
        nearest = fitting[ranked[0]][0]
        fix = _fix(nearest.member) if nearest.member else next(iter(self._findings(nearest))).fix
        return f"matches none of {', '.join(names)}", fix

    def _misses(self, breaches: Iterable[Breach], base: int) -> str:
        missing, wrong = {}, []
        for breach in breaches:
            if breach.member is not None:
                missing[below(breach.place, breach.member)[base:]] = True
                continue
            for each in self._findings(breach):
                if each.keyword == "required":
                    missing[each.pointer[base:]] = True
                else:
                    wrong.append(f"{each.pointer[base:] or 'it'} {each.message}")
        return "; ".join([*([f"missing {', '.join(missing)}"] if missing else []), *wrong[:3]])

    def _branches_of(self, rule: Rule) -> list[Branch]:
        if rule not in self._branches:
            self._branches[rule] = [
                Branch(_branch_name(each), frozenset(_properties(each, self._schema))) for each in rule.value
            ]
        return self._branches[rule]


def _properties(schema: JSON, root: JSON) -> list[str]:
    """Return the names of the top-level properties, also of branches, in the order they are written."""
    node = followed(schema, root)
    if not isinstance(node, dict):
        return []
    branches = [node[name] for name in ("then", "else") if name in node]
    branches += [branch for name in ("allOf", "anyOf", "oneOf") for branch in node.get(name, [])]
    return [*node.get("properties", {}), *(name for branch in branches for name in _properties(branch, root))]


# From breaches to findings


def _missing(breach: Breach, name: str) -> Finding:
    return _finding(breach, below(breach.place, name), "is required", "a value", "nothing", _fix(name))


def _fix(missing: str) -> str:
    return f"Add the member {write_json(missing)}."


def _unknown(breach: Breach) -> Iterator[Finding]:
    known = list(breach.rule.schema.get("properties", {}))[:200]
    for name in islice(unknown_members(breach.rule.schema, breach.value), MOST_BREACHES):
        near = nearest(name, known)
        fix = f"Did you mean {write_json(near)}?" if near else "Leave it out."
        pointer = below(breach.place, name)
        yield _finding(breach, pointer, "is not a known member", "nothing", write_json(name), fix)


def _finding(breach: Breach, pointer: str, message: str, expected: str, received: str, fix: str) -> Finding:
    rule, missing = breach.rule, breach.member
    owner = rule.schema if missing is None else rule.schema.get("properties", {}).get(missing)
    words = owner.get("x-mock", _NO_WORDS) if isinstance(owner, dict) else _NO_WORDS
    return Finding(
        "body",
        pointer,
        words["field"] if "field" in words else first_step(pointer),
        rule.keyword,
        message,
        cut(expected),
        cut(received),
        _short(breach.value) if missing is None else None,
        fix,
        f"#{breach.above}{rule.path}",
        _sentences(words["message"], rule.keyword, expected) if "message" in words else (),
    )


_NO_WORDS: Final[Mapping[str, JSON]] = {}


def _sentences(message: JSON, keyword: str, expected: str) -> tuple[str, ...]:
    """Pick the API's own sentences that stand at this constraint."""
    if isinstance(message, dict):
        message = message.get(keyword)
    if isinstance(message, dict):
        message = message.get(expected)
    if message is None:
        return ()
    return tuple(message) if isinstance(message, list) else (message,)


def _short(value: JSON) -> JSON:
    """Return a value as it is where it is short, else its beginning as text."""
    if isinstance(value, str):
        return cut(value)
    if value is None or isinstance(value, bool | int | float):
        return value if len(str(value)) <= 80 else cut(str(value))
    return cut(as_beginning(value))


def _explained(breach: Breach) -> tuple[str, str, str, str]:
    """Return message, expected, received and fix for one keyword."""
    rule, value = breach.rule, breach.value
    explain_keyword = SENTENCES.get(rule.keyword)
    received = json_type(value) if rule.keyword == "type" else cut(as_beginning(value))
    if explain_keyword is None:
        return f"fails the rule {rule.keyword}", cut(as_beginning(rule.value)), received, ""
    message, expected, fix = explain_keyword(rule.value, value)
    return message, expected, received, fix


def _mistake(breach: Breach, fitting: Mapping[int, list[Breach]]) -> Mistake | None:
    """Return what a comparison of branches depends on, where that is nothing but the names of members."""
    missing = []
    for position, inner in fitting.items():
        for each in inner:
            if each.member is None or each.place != breach.place:
                return None
            missing.append((position, each.member))
    names = tuple(breach.value)
    return (breach.rule, names, tuple(missing)) if sum(map(len, names)) < _LONG else None


# One branch at a time


def _is_of_type(breaches: Iterable[Breach], place: str) -> bool:
    """Tell whether a branch is for a value of this type; one for another type, or for none, is out of the question."""
    for each in breaches:
        rule = each.rule
        if each.place == place and (
            rule.keyword in _EXCLUDING or (rule.keyword == "not" and rule.value == {})
        ):
            return False
    return True


_EXCLUDING: Final = frozenset({"type", "false"})


def _distance(branch: Branch, breaches: list[Breach], members: Mapping[str, JSON]) -> tuple[int, int]:
    """Rank a branch: the more members it shares with the value, and the less it misses, the nearer."""
    missing = [each for each in breaches if each.member is not None]
    return -len(branch.members & members.keys()), len(breaches) + len(missing)


def _branch_name(branch: JSON) -> str:
    if not isinstance(branch, dict):
        return str(branch)
    if "title" in branch:
        return str(branch["title"])
    if "$ref" in branch:
        return str(branch["$ref"]).rpartition("/")[2]
    if "enum" in branch or "type" not in branch:
        return cut(as_beginning({name: value for name, value in branch.items() if name != "x-mock"}), 40)
    names = branch["type"] if isinstance(branch["type"], list) else [branch["type"]]
    return with_article(names)


def _no_type_fits(breach: Breach, branches: Mapping[int, list[Breach] | None]) -> tuple[str, str, str, str]:
    received, wanted = json_type(breach.value), []
    for position, inner in branches.items():
        if inner is None:
            wanted.append(breach.rule.value[position]["type"])
        else:
            here = [each.rule for each in inner if each.place == breach.place]
            wanted += [rule.value for rule in here if rule.keyword == "type"]
    kinds = [name for each in wanted for name in ([each] if isinstance(each, str) else each)]
    if not kinds:
        return "is not allowed here", "nothing", received, "Leave it out."
    kinds = list(dict.fromkeys(kinds))
    message = f"must be {with_article(kinds)}, not {with_article([received])}"
    return message, " or ".join(kinds), received, f"Send {with_article(kinds)}."
