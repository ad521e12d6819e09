"""Why jsonschema says no, in sentences that say where, what was expected, what came, and how to mend it.

jsonschema yields one error per broken keyword; each becomes one finding, with two exceptions. ``required``
becomes one finding per missing member, at the member's own pointer. A failed ``anyOf`` or ``oneOf`` is told
by its nearest branch: branches that expect another type are put aside; is one left, its own findings are
reported where they stand; are several left, each is named with what it misses, the nearest first.

This module is imported at the first refused request, since jsonschema takes longer to import than all else.
"""

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

from mockserver.engine.exchange import JSON, Finding
from mockserver.engine.explainer import FORMAT_CHECKER, Explainer, followed, matches_pattern, validator_of
from mockserver.engine.sentences import SENTENCES, as_beginning, with_article
from mockserver.engine.values import cut, json_type, pointer_of

MOST_FINDINGS: Final = 50

ValidationError = Any
"""A jsonschema error; its members are typed as possibly unset, which those of a yielded error never are."""

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


# From errors to findings


def _findings(error: ValidationError, above: Steps, root: JSON) -> Iterator[Finding]:
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


def _unknown_members(error: ValidationError) -> Iterator[str]:
    known, patterns = error.schema.get("properties", {}), error.schema.get("patternProperties", {})
    for name in error.instance:
        if name not in known and not any(matches_pattern(pattern, name) for pattern in patterns):
            yield name


def _finding(error: ValidationError, place: Steps, explained: Explained, member: str = "") -> Finding:
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


def _explained(error: ValidationError, keyword: str) -> Explained:
    explain_keyword = SENTENCES.get(keyword)
    received = json_type(error.instance) if keyword == "type" else cut(as_beginning(error.instance))
    if explain_keyword is None:
        return f"fails the rule {keyword}", cut(as_beginning(error.validator_value)), received, ""
    message, expected, fix = explain_keyword(error.validator_value, error.instance)
    return message, expected, received, fix


# anyOf and oneOf


def _alternatives(error: ValidationError, place: Steps, root: JSON) -> Iterator[Finding]:
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


def _branches(error: ValidationError) -> dict[int, list[ValidationError]]:
    branches: dict[int, list[ValidationError]] = {}
    for each in error.context or ():
        if each.relative_schema_path:
            branches.setdefault(int(each.relative_schema_path[0]), []).append(each)
    return branches


def _is_of_another_type(errors: list[ValidationError]) -> bool:
    """Tell whether a branch is out of the question: for a value of another type, or for none at all."""
    return any(not each.relative_path and (each.validator == "type" or _forbids_all(each)) for each in errors)


def _forbids_all(error: ValidationError) -> bool:
    return bool(error.validator == "not" and error.validator_value == {})


def _matches(instance: JSON, branch: JSON, root: JSON) -> bool:
    schema = {"allOf": [branch], "components": root.get("components", {})}
    return bool(Explainer(schema, format_checker=FORMAT_CHECKER).is_valid(instance))


def _nearest(
    error: ValidationError, fitting: Mapping[int, list[ValidationError]], place: Steps, root: JSON
) -> Finding:
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


def _distance(
    error: ValidationError, branch: JSON, errors: list[ValidationError], root: JSON
) -> tuple[int, int]:
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


def _no_type_fits(error: ValidationError, branches: Mapping[int, list[ValidationError]]) -> Explained:
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
