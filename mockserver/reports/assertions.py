"""Recorded calls as tests in Python: each asserts that the code under test sends what was sent.

A body that is a JSON object or list is asserted as one, any other byte by byte. What could only be asserted by telling
a secret is left out, and a comment says so.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from mockserver.engine.exchange import JSON, Exchange
from mockserver.engine.parsing import MalformedError, parse_json
from mockserver.engine.values import ABSENT
from mockserver.reports.redaction import Secrets, secrets_of
from mockserver.reports.sensitive import Sensitive
from mockserver.wire import serve_event

_DEEPEST_LITERAL: Final = 40  # levels; Python's parser takes 200 brackets in all
_LINE: Final = 88


def pytest_text(exchanges: Iterable[Exchange], sensitive: Sensitive) -> str:
    """Return a Python module with a test for each call."""
    calls = list(exchanges)
    numbers = [exchange.number for exchange in calls]
    if len(set(numbers)) < len(numbers):  # each namespace counts its own
        numbers = list(range(1, len(numbers) + 1))
    tests = [_test(exchange, number, sensitive) for exchange, number in zip(calls, numbers, strict=True)]
    text = "\n\n".join(tests)
    imports = "\nimport json\n" if "json.loads(" in text else ""
    return f'"""Recorded calls, as tests of the code that sent them."""\n{imports}\n\n{text}'


def _test(exchange: Exchange, number: int, sensitive: Sensitive) -> str:
    expected, left_out = _expected(exchange, sensitive)
    api = "" if exchange.api is None else f".api({_inline(exchange.api)})"
    lines = [
        f"def test_call_{number}(mockserver):",
        "    # Call the code under test here, with mockserver.url as its base URL.",
        *([f"    # Not asserted, since a secret stands there: {', '.join(left_out)}."] if left_out else []),
        f"    mockserver{api}.assert_called_once(",
        *(f"        {name}={_literal(value, 8 + len(name) + 2)}," for name, value in expected.items()),
        "    )",
    ]
    return "\n".join(lines) + "\n"


Asserted = tuple[dict[str, JSON], bool]
"""Keyword arguments that assert a part of a call, and whether they assert all of it."""


def _expected(exchange: Exchange, sensitive: Sensitive) -> tuple[dict[str, JSON], list[str]]:
    """Return what is asserted of a call, as keyword arguments, and the parts of it that are left out."""
    event = serve_event(exchange)
    secrets, request = secrets_of(event, sensitive), exchange.request
    parts: dict[str, Asserted] = {
        "method": _text("method", request.method, secrets),
        "path": _text("path", request.path, secrets),
        "query": _query(event["request"]["queryParams"], secrets),
        "body": _body(request.body, secrets),
    }
    expected: dict[str, JSON] = {}
    matching: dict[str, JSON] = {}
    for asserted, _ in parts.values():
        matching |= asserted.pop("matching", {})
        expected |= asserted
    left_out = [part for part, (_, is_whole) in parts.items() if not is_whole]
    return expected | ({"matching": matching} if matching else {}), left_out


def _text(name: str, text: str, secrets: Secrets) -> Asserted:
    return ({}, False) if secrets.are_in(text) else ({name: text}, True)


def _query(parameters: Mapping[str, JSON], secrets: Secrets) -> Asserted:
    values = {
        name: parameter["values"]
        for name, parameter in parameters.items()
        if name.lower() not in secrets.names and not any(map(secrets.are_in, [name, *parameter["values"]]))
    }
    once = {name: each[0] for name, each in values.items() if len(each) == 1}
    several = {
        name: {"hasExactly": [{"equalTo": value} for value in each]}
        for name, each in values.items()
        if len(each) > 1
    }
    asserted: dict[str, JSON] = {"query": once} if once else {}
    return asserted | _matching("queryParameters", several), len(values) == len(parameters)


def _matching(name: str, pattern: JSON) -> dict[str, JSON]:
    return {"matching": {name: pattern}} if pattern else {}


def _body(body: bytes, secrets: Secrets) -> Asserted:
    value = _json(body)
    if value is ABSENT:
        if secrets.are_in(body):
            return {}, False
        return _matching("bodyPatterns", [_equal(body)] if body else []), True
    if not any(secrets.are_in(str(each)) for each in _scalars(value)):
        return {"body": value}, True
    value = _without(value, secrets)
    return ({} if value is ABSENT else {"body": value}), False


def _json(body: bytes) -> JSON:
    """Return the object or list that a body is, else `ABSENT`: only those are matched by their members."""
    try:
        value = parse_json(body)
    except MalformedError:
        return ABSENT
    is_plain = isinstance(value, dict | list) and not any(
        _PLACEHOLDER in str(each) for each in _scalars(value)
    )
    return value if is_plain else ABSENT


_PLACEHOLDER: Final = "${json-unit."
"""What stands for any value where JSON is compared; as a value that was sent it would not match itself."""


def _equal(body: bytes) -> dict[str, JSON]:
    try:
        return {"equalTo": body.decode("utf-8")}
    except UnicodeDecodeError:
        return {"binaryEqualTo": base64.b64encode(body).decode("ascii")}


def _scalars(value: JSON) -> Iterator[JSON]:
    """Yield what a value holds that holds nothing itself, the names of members included."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield from each
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
        else:
            yield each


def _without(value: JSON, secrets: Secrets) -> JSON:
    """Return a value without the members that hold a secret; `ABSENT` where it is lost as a whole."""
    if isinstance(value, dict):
        kept = {}
        for name, each in value.items():  # no comprehension: it would take a frame more of each level
            left = ABSENT if secrets.are_in(name) else _without(each, secrets)
            if left is not ABSENT:
                kept[name] = left
        return kept
    if isinstance(value, list):
        items = []
        for each in value:
            items.append(_without(each, secrets))
            if items[-1] is ABSENT:  # those after it would stand at another position
                return ABSENT
        return items
    return ABSENT if secrets.are_in(str(value)) else value


def _literal(value: JSON, column: int) -> str:
    """Return a value as Python writes it, on one line where that fits behind the column."""
    if _depth(value) > _DEEPEST_LITERAL:
        return f"json.loads({_inline(json.dumps(value))})"
    return _laid_out(value, 8, column)


def _depth(value: JSON) -> int:
    depth, level = 0, [value]
    while containers := [each for each in level if isinstance(each, dict | list)]:
        depth += 1
        level = [
            child for each in containers for child in (each.values() if isinstance(each, dict) else each)
        ]
    return depth


def _laid_out(value: JSON, margin: int, column: int) -> str:
    """Return a value that begins in a column of a line that begins at the margin."""
    line = _inline(value)
    if len(line) + column < _LINE or not isinstance(value, dict | list) or not value:
        return line
    inner, pad = margin + 4, " " * (margin + 4)
    if isinstance(value, list):
        items = [f"{pad}{_laid_out(each, inner, inner)},\n" for each in value]
        return f"[\n{''.join(items)}{' ' * margin}]"
    names = {name: f"{pad}{_inline(name)}: " for name in value}
    items = [f"{names[name]}{_laid_out(each, inner, len(names[name]))},\n" for name, each in value.items()]
    return f"{{\n{''.join(items)}{' ' * margin}}}"


def _inline(value: JSON) -> str:
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_inline(name)}: {_inline(each)}' for name, each in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_inline, value))}]"
    text = repr(value)
    return f'"{text[1:-1]}"' if text[0] == "'" and '"' not in text else text
