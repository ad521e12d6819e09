"""What jsonschema finds: the other opinion, which the explanations are held against.

It yields one error per broken keyword; each becomes a finding by the same rules. They stand here a second
time on purpose: an opinion that shared code with the judged one would share its faults.
"""

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any, Final

import jsonschema_rs
from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.validators import extend

from mockserver.engine.exchange import JSON, Finding
from mockserver.engine.formats import FORMATS
from mockserver.engine.sentences import SENTENCES, as_beginning, with_article
from mockserver.engine.values import cut, json_type, pointer_of

FORMAT_CHECKER: Final = FormatChecker(formats=())
for _name, _check in FORMATS.items():
    FORMAT_CHECKER.checks(_name)(lambda value, check=_check: not isinstance(value, str) or check(value))


class _Identity:
    """A schema as a cache key: a dict cannot be hashed, but the same one is the same schema."""

    __slots__ = ("schema",)

    def __init__(self, schema: JSON) -> None:
        self.schema = schema

    def __hash__(self) -> int:
        return id(self.schema)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and other.schema is self.schema


def validator_of(schema: JSON) -> Any:
    """Return the jsonschema validator that explains what a schema refuses; made once for each schema."""
    return _validator(_Identity(schema))


@lru_cache(maxsize=256)
def _validator(key: _Identity) -> Any:
    return Explainer(_explainable(key.schema, key.schema, ()), format_checker=FORMAT_CHECKER)


@lru_cache(maxsize=512)
def _judge_of(pattern: str) -> Any:
    return jsonschema_rs.Draft202012Validator({"pattern": pattern})


def matches_pattern(pattern: str, text: str) -> bool:
    """Ask the judge: Python's regular expressions differ from those of JSON Schema, and may take for ever."""
    try:
        return bool(_judge_of(pattern).is_valid(text))
    except ValueError:  # a lone surrogate
        return re.search(pattern, text) is not None


def _check_pattern(validator: Any, pattern: str, instance: JSON, _: JSON) -> Iterator[Any]:
    if validator.is_type(instance, "string") and not matches_pattern(pattern, instance):
        yield ValidationError(f"does not match {pattern}")


def _check_pattern_properties(
    validator: Any, patterns: Mapping[str, JSON], instance: JSON, _: JSON
) -> Iterator[Any]:
    for pattern, subschema in patterns.items() if validator.is_type(instance, "object") else ():
        for name, value in instance.items():
            if matches_pattern(pattern, name):
                yield from validator.descend(value, subschema, path=name, schema_path=pattern)


def _check_additional_properties(
    validator: Any, allowed: JSON, instance: JSON, schema: JSON
) -> Iterator[Any]:
    """As jsonschema does, but in the order of the instance: its own is that of a set, another in each run."""
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    names = instance if validator.is_type(instance, "object") else ()
    extras = [
        name
        for name in names
        if name not in known and not any(matches_pattern(each, name) for each in patterns)
    ]
    if allowed is False and extras:
        yield ValidationError("has unknown members")
    for name in extras if allowed is not False else ():
        yield from validator.descend(instance[name], allowed, path=name)


Explainer: Final[Any] = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {
        "pattern": _check_pattern,
        "patternProperties": _check_pattern_properties,
        "additionalProperties": _check_additional_properties,
    },
)


def _explainable(node: JSON, root: JSON, inside: tuple[str, ...]) -> JSON:
    """Return a schema that jsonschema explains better and twice as fast.

    References are replaced by what they lead to, under its name as title, but for those within themselves;
    what is forbidden is written ``{not: {}}``, since of a plain ``false`` jsonschema does not tell the place.
    """
    if isinstance(node, list):
        return [_explainable(each, root, inside) for each in node]
    if not isinstance(node, dict):
        return node
    ref = node.get("$ref")
    if isinstance(ref, str) and ref not in inside and (found := followed(node, root)) is not None:
        others = {name: value for name, value in node.items() if name != "$ref"}
        title = {"title": ref.rpartition("/")[2]}
        return _explainable({**title, **found, **others}, root, (*inside, ref))
    inner = {
        name: _explainable(value, root, inside) for name, value in node.items() if name not in _NOT_RULES
    }
    for name in _SCHEMAS_BY_NAME & inner.keys():
        inner[name] = {member: _written_out(each) for member, each in inner[name].items()}
    for name in _SCHEMAS_IN_A_LIST & inner.keys():
        inner[name] = [_written_out(each) for each in inner[name]]
    return {**inner, **{name: node[name] for name in _NOT_RULES if name in node}}


def _written_out(schema: JSON) -> JSON:
    return {"not": {}} if schema is False else schema


_SCHEMAS_BY_NAME: Final = {"properties", "patternProperties", "dependentSchemas"}
_SCHEMAS_IN_A_LIST: Final = {"allOf", "anyOf", "oneOf", "prefixItems"}
_MOST_HOPS: Final = 20  # references that lead to references; more of them lead in a circle
_NOT_RULES: Final = ("components", "const", "default", "enum", "examples", "x-mock")


def followed(node: JSON, root: JSON) -> JSON:
    """Follow the references of a schema object to ``#/components/schemas/…``."""
    for _ in range(_MOST_HOPS):
        if not isinstance(node, dict) or not str(node.get("$ref", "")).startswith("#/components/schemas/"):
            break
        node = root.get("components", {}).get("schemas", {}).get(node["$ref"].rpartition("/")[2])
    return node


# From errors to findings


MOST_FINDINGS: Final = 50

Steps = tuple[str | int, ...]
Explained = tuple[str, str, str, str]
"""Message, expected, received, fix."""


def explain(schema: JSON, instance: JSON) -> list[Finding]:
    """Return what is wrong with an instance, ordered by the schema's properties, pointer and keyword.

    Empty where jsonschema finds nothing, or where the instance is nested deeper than it can follow.
    """
    try:
        errors = list(islice(validator_of(schema).iter_errors(instance), MOST_FINDINGS))
        findings = [finding for error in errors for finding in _findings(error, (), schema)]
    except (RecursionError, re.error):
        return []
    order = {name: position for position, name in reversed(list(enumerate(_properties(schema, schema))))}
    unique = {(finding.pointer, finding.keyword, finding.message): finding for finding in findings}
    return sorted(unique.values(), key=lambda finding: _rank(finding, order))[:MOST_FINDINGS]


def _properties(schema: JSON, root: JSON) -> list[str]:
    """Return the names of the top-level properties, also of branches, in the order they are written."""
    node = followed(schema, root)
    if not isinstance(node, dict):
        return []
    branches = [node[name] for name in ("then", "else") if name in node]
    branches += [branch for name in ("allOf", "anyOf", "oneOf") for branch in node.get(name, [])]
    return [*node.get("properties", {}), *(name for branch in branches for name in _properties(branch, root))]


def _rank(finding: Finding, order: Mapping[str, int]) -> tuple[Any, ...]:
    steps = finding.pointer.split("/")[1:]
    first = order.get(steps[0], len(order)) if steps else -1
    return (
        first,
        [(0, int(step), "") if step.isdecimal() else (1, 0, step) for step in steps],
        finding.keyword,
    )


def _findings(error: Any, above: Steps, root: JSON) -> Iterator[Finding]:
    """Yield the findings of one error; ``above`` leads to the place that the error's path starts from."""
    place = (*above, *error.relative_path)
    keyword = str(error.validator or "false")
    if keyword in {"anyOf", "oneOf"}:
        yield from _alternatives(error, place, root)
    elif keyword == "required":
        missing = islice(
            (name for name in error.validator_value if name not in error.instance), MOST_FINDINGS
        )
        for name in missing:
            explained = "is required", "a value", "nothing", f"Add the member {json.dumps(name)}."
            yield _finding(error, (*place, name), explained, member=name)
    elif keyword == "additionalProperties" and error.validator_value is False:
        known = error.schema.get("properties", {})
        for name in islice(_unknown_members(error), MOST_FINDINGS):
            near = difflib.get_close_matches(name[:200], list(known)[:200], 1)
            fix = f"Did you mean {json.dumps(near[0])}?" if near else "Leave it out."
            yield _finding(error, (*place, name), ("is not a known member", "nothing", json.dumps(name), fix))
    else:
        yield _finding(error, place, _explained(error, keyword))


def _unknown_members(error: Any) -> Iterator[str]:
    known, patterns = error.schema.get("properties", {}), error.schema.get("patternProperties", {})
    for name in error.instance:
        if name not in known and not any(matches_pattern(pattern, name) for pattern in patterns):
            yield name


def _finding(error: Any, place: Steps, explained: Explained, member: str = "") -> Finding:
    message, expected, received, fix = explained
    pointer, keyword = pointer_of(place), str(error.validator or "false")
    schema = error.schema if isinstance(error.schema, dict) else {}
    owner = schema.get("properties", {}).get(member, {}) if member else schema
    words = owner.get("x-mock", {}) if isinstance(owner, dict) else {}
    own = pointer_of(error.absolute_schema_path)
    return Finding(
        place="body",
        pointer=pointer,
        field=words.get("field", str(place[0]) if place else ""),
        keyword=keyword,
        message=message,
        expected=cut(expected),
        received=cut(received),
        value=None if member else _short(error.instance),
        fix=fix,
        schema_path=f"#{own}",
        sentences=_sentences(words.get("message"), keyword, expected),
    )


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


# One keyword at a time


def _explained(error: Any, keyword: str) -> Explained:
    explain_keyword = SENTENCES.get(keyword)
    received = json_type(error.instance) if keyword == "type" else cut(as_beginning(error.instance))
    if explain_keyword is None:
        return f"fails the rule {keyword}", cut(as_beginning(error.validator_value)), received, ""
    message, expected, fix = explain_keyword(error.validator_value, error.instance)
    return message, expected, received, fix


# anyOf and oneOf


def _alternatives(error: Any, place: Steps, root: JSON) -> Iterator[Finding]:
    branches = _branches(error)
    if not branches:  # oneOf, and more than one branch matches
        matching = [each for each in error.validator_value if _matches(error.instance, each, root)]
        message = f"matches {' and '.join(_branch_name(each) for each in matching)}, but must match only one"
        fix = "Leave out what only the other one has."
        yield _finding(error, place, (message, "exactly one of them", json_type(error.instance), fix))
        return
    fitting = {index: errors for index, errors in branches.items() if not _is_of_another_type(errors)}
    if len(fitting) == 1:
        (errors,) = fitting.values()
        for each in errors:
            yield from _findings(each, place, root)
    elif fitting:
        yield _nearest(error, fitting, place, root)
    else:
        yield _finding(error, place, _no_type_fits(error, branches))


def _branches(error: Any) -> dict[int, list[Any]]:
    branches: dict[int, list[Any]] = {}
    for each in error.context or ():
        if each.relative_schema_path:
            branches.setdefault(int(each.relative_schema_path[0]), []).append(each)
    return branches


def _is_of_another_type(errors: list[Any]) -> bool:
    """Tell whether a branch is out of the question: for a value of another type, or for none at all."""
    return any(not each.relative_path and (each.validator == "type" or _forbids_all(each)) for each in errors)


def _forbids_all(error: Any) -> bool:
    return bool(error.validator == "not" and error.validator_value == {})


def _matches(instance: JSON, branch: JSON, root: JSON) -> bool:
    schema = {"allOf": [branch], "components": root.get("components", {})}
    return bool(Explainer(schema, format_checker=FORMAT_CHECKER).is_valid(instance))


def _nearest(error: Any, fitting: Mapping[int, list[Any]], place: Steps, root: JSON) -> Finding:
    ranked = sorted(
        fitting.items(),
        key=lambda branch: _distance(error, error.validator_value[branch[0]], branch[1], root),
    )
    told = [
        (index, [finding for each in errors for finding in _findings(each, place, root)])
        for index, errors in ranked
    ]
    names = [
        f"{_branch_name(error.validator_value[index])} ({_misses(found, place)})" for index, found in told
    ]
    fix = told[0][1][0].fix
    return _finding(
        error, place, (f"matches none of {', '.join(names)}", "one of them", json_type(error.instance), fix)
    )


def _distance(error: Any, branch: JSON, errors: list[Any], root: JSON) -> tuple[int, int]:
    """Rank a branch: the more members it shares with the value, and the less it misses, the nearer."""
    members = error.instance if isinstance(error.instance, dict) else {}
    shared = len(set(_properties(branch, root)) & set(members))
    return -shared, sum(2 if each.validator == "required" else 1 for each in errors)


def _misses(findings: Iterable[Finding], place: Steps) -> str:
    base = len(pointer_of(place))
    missing = [finding.pointer[base + 1 :] for finding in findings if finding.keyword == "required"]
    wrong = [
        f"{finding.pointer[base + 1 :] or 'it'} {finding.message}"
        for finding in findings
        if finding.keyword != "required"
    ]
    return "; ".join([*([f"missing {', '.join(dict.fromkeys(missing))}"] if missing else []), *wrong[:3]])


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


def _no_type_fits(error: Any, branches: Mapping[int, list[Any]]) -> Explained:
    kinds: list[str] = []
    for errors in branches.values():
        for each in errors:
            if each.validator == "type" and not each.relative_path:
                kinds += (
                    each.validator_value if isinstance(each.validator_value, list) else [each.validator_value]
                )
    kinds = list(dict.fromkeys(kinds))
    if not kinds:
        return "is not allowed here", "nothing", json_type(error.instance), "Leave it out."
    received = json_type(error.instance)
    message = f"must be {with_article(kinds)}, not {with_article([received])}"
    return message, " or ".join(kinds), json_type(error.instance), f"Send {with_article(kinds)}."
