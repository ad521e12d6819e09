"""One keyword at a time: what was expected, and how to mend it.

Each function takes the keyword's value and the instance, and returns a message, what was expected, and a fix.
"""

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import islice
from typing import Final

from mockserver.engine.exchange import JSON
from mockserver.engine.values import cut, json_type, nearest

Sentence = tuple[str, str, str]


def as_beginning(value: JSON) -> str:
    """Write the beginning of a value as JSON; a long one is not written to its end."""
    if isinstance(value, str):
        return _write(value[:1000])
    if _is_short(value):
        return _write(value)
    try:
        return "".join(islice(json.JSONEncoder().iterencode(value), 64))
    except RecursionError:
        return "…"


_write: Final = json.JSONEncoder().encode


def _is_short(value: JSON) -> bool:
    """Tell whether a value is written at once: one of a few atoms at most."""
    if not isinstance(value, dict | list):
        return True
    if len(value) >= 16:
        return False
    for each in value.values() if isinstance(value, dict) else value:
        kind = type(each)
        if kind is dict or kind is list or (kind is str and len(each) > 1000):
            return False
    return True


def _type(wanted: JSON, instance: JSON) -> Sentence:
    names = tuple(wanted) if isinstance(wanted, list) else (wanted,)
    message, expected, fix = _of_type(names, json_type(instance))
    if "array" in names:
        fix = f"Wrap it into a list: {cut('[' + as_beginning(instance) + ']', 60)}."
    elif "string" in names and isinstance(instance, int | float) and not isinstance(instance, bool):
        fix = f"Put it into quotes: {cut(_write(str(instance)), 60)}."
    return message, expected, fix


@lru_cache(maxsize=512)
def _of_type(names: Sequence[str], received: str) -> Sentence:
    wanted = with_article(names)
    return f"must be {wanted}, not {with_article([received])}", " or ".join(names), f"Send {wanted}."


def with_article(names: Sequence[str]) -> str:
    """Return JSON types as a person lists them: "an array, an object or a string"."""
    articles = {"array": "an array", "object": "an object", "integer": "an integer", "null": "null"}
    *others, last = [articles.get(name, f"a {name}") for name in names]
    return f"{', '.join(others)} or {last}" if others else last


def _enum(allowed: JSON, instance: JSON) -> Sentence:
    asked = as_beginning(instance)[:200].strip('"')
    near = nearest(asked, [str(each) for each in allowed][:200], 0.5)
    fix = f"Did you mean {json.dumps(near)}?" if near else "Use one of them."
    expected = ", ".join(as_beginning(each) for each in allowed)
    return f"must be one of {cut(expected)}", expected, fix


def _counted(verb: str, unit: str, bound: str) -> Callable[[JSON, JSON], Sentence]:
    def explained(limit: JSON, _: JSON) -> Sentence:
        expected = f"{bound} {limit} {unit}"
        return f"must have {expected}", expected, f"{verb} {unit}: {bound} {limit}."

    return explained


def _compared(sign: str) -> Callable[[JSON, JSON], Sentence]:
    return lambda limit, _: (f"must be {sign} {limit}", f"{sign} {limit}", f"Send a number {sign} {limit}.")


def _constant(wanted: JSON, _: JSON) -> Sentence:
    text = cut(as_beginning(wanted))
    return f"must be {text}", text, f"Send {text}."


FORMAT_SAMPLES: Final = {
    "uri": "https://example.com/file.pdf", "date-time": "2026-11-20T08:40:55Z", "date": "2026-11-20",
    "email": "ada@example.com", "uuid": "520784e2-887d-4c25-b53c-4ad46ad38100", "hostname": "example.com",
}  # fmt: skip
"""A text of each format."""


def _format(name: JSON, _: JSON) -> Sentence:
    return (
        f"must be of the format {name}",
        f"format {name}",
        f"Send for example {FORMAT_SAMPLES.get(name, name)}.",
    )


def _pattern(pattern: JSON, _: JSON) -> Sentence:
    return f"must match the pattern {cut(pattern)}", f"pattern {pattern}", "Send a text that matches it."


def _forbidden(_: JSON, __: JSON) -> Sentence:
    return "is not allowed here", "nothing", "Leave it out."


SENTENCES: Final[dict[str, Callable[[JSON, JSON], Sentence]]] = {
    "type": _type,
    "enum": _enum,
    "const": _constant,
    "format": _format,
    "pattern": _pattern,
    "minLength": _counted("Mend the number of", "characters", "at least"),
    "maxLength": _counted("Mend the number of", "characters", "at most"),
    "minItems": _counted("Mend the number of", "items", "at least"),
    "maxItems": _counted("Mend the number of", "items", "at most"),
    "minProperties": _counted("Mend the number of", "members", "at least"),
    "maxProperties": _counted("Mend the number of", "members", "at most"),
    "minimum": _compared(">="),
    "maximum": _compared("<="),
    "exclusiveMinimum": _compared(">"),
    "exclusiveMaximum": _compared("<"),
    "multipleOf": lambda factor, _: (f"must be a multiple of {factor}", f"multiple of {factor}", "Round it."),
    "uniqueItems": lambda *_: ("must not have an item twice", "unique items", "Send each item once."),
    "unevaluatedProperties": lambda *_: ("has members that are not allowed", "known members only", "Leave them out."),
    "dependentRequired": lambda wanted, _: ("misses a member that another needs", cut(as_beginning(wanted)), "Add it."),
    "not": _forbidden,
    "false": _forbidden,
}  # fmt: skip
