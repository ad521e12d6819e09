"""Answers on demand: what ``Prefer`` and the ``__code``, ``__example`` query keys ask for.

The words are those of Prism (and RFC 7240). Preferences are looked at after every check, so that a forced
status never hides a broken request. ``wait`` alone only delays; ``dynamic`` and ``seed`` are read and have
no effect; names that are not known are ignored.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from mockserver.engine.contract import Answer, Operation
from mockserver.engine.exchange import Finding, Reason, Refused, Request, Scripted

LONGEST_WAIT: Final = 60.0
QUERY_KEYS: Final = ("__code", "__example", "__dynamic", "__seed", "__wait")
RULE: Final = "prefer"
_SECONDS: Final = re.compile(r"[0-9]{1,9}(\.[0-9]+)?")
_KNOWN: Final = frozenset({"code", "example", "wait"})
_PREFERENCE: Final = re.compile(
    r'((?:"(?:[^"\\]|\\.)*+"?|[^",])*+)(?:,|$)'
)  # possessive: a header is read in one pass
_BEFORE_PARAMETERS: Final = re.compile(r'(?:"(?:[^"\\]|\\.)*+"?|[^";])*+')


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a request asks for, by name, in the order given; ``in_header`` tells the two forms apart."""

    asked: Mapping[str, str]
    in_header: bool


def read_preferences(request: Request) -> Preferences | None:
    """Read what a request asks for; None where it asks for nothing that is known."""
    header = request.headers.get("prefer")
    if header is None and "__" not in request.query:
        return None
    if header is not None:
        pairs = [_read_preference(match[1]) for match in _PREFERENCE.finditer(header)]
    else:
        found = parse_qsl(request.query, keep_blank_values=True)
        pairs = [(name[2:], value) for name, value in found if name in QUERY_KEYS]
    asked: dict[str, str] = {}
    for name, value in pairs:
        asked.setdefault(name.lower(), value)
    known = {name: _at_most(name, value) for name, value in asked.items() if name in _KNOWN}
    return Preferences(known, header is not None) if known else None


def _at_most(name: str, value: str) -> str:
    """Cut a wait to the longest one, so that what is said to be applied is what is done."""
    is_too_long = name == "wait" and _SECONDS.fullmatch(value) is not None and float(value) > LONGEST_WAIT
    return f"{LONGEST_WAIT:g}" if is_too_long else value


def _read_preference(text: str) -> tuple[str, str]:
    match = _BEFORE_PARAMETERS.match(text)
    name, _, value = (match[0] if match is not None else text).partition("=")
    return name.strip(), _unquoted(value)


def _unquoted(value: str) -> str:
    value = value.strip()
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') and len(value) > 1 else value


def wait_of(preferences: Preferences) -> float | Refused:
    """Return how long to hold the answer back, in seconds."""
    text = preferences.asked.get("wait", "0")
    if not _SECONDS.fullmatch(text):
        return _cannot("wait", text, "a number of seconds, as in wait=1.5")
    return float(text)


def prefer(operation: Operation, preferences: Preferences) -> Scripted | Refused | None:
    """Choose the answer that was asked for; None where only a delay was."""
    code, example = preferences.asked.get("code"), preferences.asked.get("example")
    if code is None:
        return None if example is None else _by_example(operation, example)
    if not re.fullmatch("[0-9]{3}", code):
        return _cannot("code", code, "a status of three digits, as in code=429")
    status = int(code)
    candidates = [answer for answer in offered_answers(operation) if answer.status == status]
    if not candidates and status not in operation.statuses:
        known = sorted({answer.status for answer in offered_answers(operation)} | operation.statuses)
        return _unknown("code", code, f"the status {code}", map(str, known))
    if example is not None:
        if not any(answer.example == example for answer in candidates):
            return _unknown("example", example, f"an example {example!r} for {code}", _names(candidates))
        return Scripted(RULE, status, example)
    return Scripted(RULE, status, candidates[0].example if candidates else None)


def _by_example(operation: Operation, example: str) -> Scripted | Refused:
    candidates = offered_answers(operation)
    for answer in candidates:
        if answer.example == example:
            return Scripted(RULE, answer.status, example)
    return _unknown("example", example, f"an example {example!r}", _names(candidates))


def offered_answers(operation: Operation) -> list[Answer]:
    """Return every answer that can be asked for: the success, the refusals in the order of reasons, then the rest."""
    refusals = [operation.answers[reason] for reason in Reason if reason in operation.answers]
    own = [rule.answer for rule in operation.refusals.values() if rule.answer is not None]
    successes = [each for each in operation.documented.values() if each.status == operation.success.status]
    return [operation.success, *successes, *refusals, *own, *operation.documented.values()]


def scripted_answer(operation: Operation, scripted: Scripted) -> Answer:
    """Return the answer that a scripted outcome names; an empty body where the status has no example."""
    for answer in offered_answers(operation):
        if answer.status == scripted.status and answer.example == scripted.example:
            return answer
    return Answer(scripted.status, published=scripted.status in operation.published_statuses)


def _names(answers: Iterable[Answer]) -> list[str]:
    return list(dict.fromkeys(answer.example for answer in answers if answer.example))


def _unknown(name: str, value: str, what: str, known: Iterable[str]) -> Refused:
    options = ", ".join(known)
    message = f"asks for {what}, which this operation does not document; there are {options}"
    return Refused(Reason.PREFERENCE, (_finding(name, value, "unknown", message, options),))


def _cannot(name: str, value: str, expected: str) -> Refused:
    message = f"must be {expected}, not {value!r}"
    return Refused(Reason.PREFERENCE, (_finding(name, value, "syntax", message, expected),))


def _finding(name: str, value: str, keyword: str, message: str, expected: str) -> Finding:
    return Finding(
        "header",
        "/prefer",
        f"Prefer {name}",
        keyword,
        message,
        expected[:80],
        value[:80],
        value[:80],
        f"Send {expected}.",
    )
