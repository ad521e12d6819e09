"""What a runtime expression finds: ``$request.…``, ``$item…`` and ``$mock.…``.

Expressions are OpenAPI's runtime expressions plus the names below. Each is compiled into a function of
the facts of one request. A name that is not known is a `TemplateError` when the spec is loaded.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from urllib.parse import parse_qs

from mockserver.engine.exchange import JSON, Request
from mockserver.engine.values import (
    ABSENT,
    Ids,
    as_text,
    child,
    follow,
    is_empty,
    iso_time,
    nearest,
    steps_of,
    uuid_of,
    uuid_text,
)


class Facts(Protocol):
    """What expressions can read of the request that is being answered."""

    item: JSON

    @property
    def request(self) -> Request: ...  # noqa: D102
    @property
    def body(self) -> JSON: ...  # noqa: D102
    @property
    def path(self) -> str: ...  # noqa: D102
    @property
    def path_values(self) -> Mapping[str, str]: ...  # noqa: D102
    @property
    def now(self) -> float: ...  # noqa: D102
    @property
    def ids(self) -> Ids: ...  # noqa: D102
    @property
    def labels(self) -> dict[str, str]: ...  # noqa: D102
    @property
    def noted(self) -> Mapping[str, JSON]: ...  # noqa: D102
    def items(self) -> list[JSON]: ...  # noqa: D102
    def written(self) -> list[tuple[str, JSON]]: ...  # noqa: D102
    def known(self, rule: str, value: JSON) -> bool: ...  # noqa: D102


@dataclass(slots=True)
class RequestFacts:
    """The facts of a request alone, of which nothing has been decided."""

    request: Request
    body: JSON
    path_values: Mapping[str, str]
    item: JSON = None
    now: float = 0.0
    labels: dict[str, str] = field(default_factory=dict)
    noted: dict[str, JSON] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The path that was sent."""
        return self.request.path

    def ids(self, _: int) -> int:
        """Return no randomness: what is found in a request is the same each time."""
        return 0

    def items(self) -> list[JSON]:
        """Return no findings."""
        return []

    def written(self) -> list[tuple[str, JSON]]:
        """Return no findings."""
        return []

    def known(self, _: str, __: JSON) -> bool:
        """Know no keys."""
        return False


Template = Callable[[Facts], Any]
"""A compiled template or expression: from facts to a JSON value, or `ABSENT`."""


class TemplateError(ValueError):
    """An expression that cannot be parsed; the text says why."""


NOTED: Final = frozenset(
    {
        "key", "each", "credential", "scheme", "reason", "size", "catalogue.status", "limit.limit", "limit.remaining",
        "limit.resetSeconds", "limit.window", "limit.burst", "limit.cost",
    }
)  # fmt: skip
"""The ``$mock.`` names that a check puts into the facts."""


def _uuid(facts: Facts) -> str:
    return uuid_text(facts.ids(128))


def _object_id(facts: Facts) -> str:
    return f"{facts.ids(96):024x}"


def _first_finding(facts: Facts) -> JSON:
    return next(iter(facts.items()), ABSENT)


def _findings_by_field(facts: Facts) -> JSON:
    grouped: dict[str, list[JSON]] = {}
    for name, text in facts.written():
        if name:
            grouped.setdefault(name, []).append(text)
    return grouped


VALUES: Final[dict[str, Template]] = {
    "uuid": _uuid,
    "objectId": _object_id,
    "now": lambda facts: iso_time(facts.now),
    "epochMs": lambda facts: int(facts.now * 1000),
    "path": lambda facts: facts.path,
    "target": lambda facts: facts.request.target,
    "bodyText": lambda facts: facts.request.body.decode("utf-8", "surrogateescape"),
    "finding": _first_finding,
    "items": lambda facts: facts.items(),
    "findings": lambda facts: [text for _, text in facts.written()],
    "findingsByField": _findings_by_field,
    "findingsOfRoot": lambda facts: [text for field, text in facts.written() if not field],
    "null": lambda _: None,
}
"""The ``$mock.`` names that are computed from the facts."""

FINDING_MEMBERS: Final = frozenset(
    {
        "in", "pointer", "path", "field", "keyword", "message", "wording", "expected", "received", "value", "fix",
        "schemaPath",
    }
)  # fmt: skip
"""The members of a finding, as `wording.items_of` makes them."""

FUNCTIONS: Final = {"uuidOf": 1, "lower": 1, "digest": 1, "joined": 2, "known": 2}
"""The ``$mock.`` names that take arguments in parentheses, and how many."""

DIGESTS: Final = frozenset({"md5", "sha1", "sha256", "sha512"})
"""What the body's bytes can be digested with."""

LABELLED: Final = frozenset({"uuid", "objectId"})
"""The ``$mock.`` names that may carry ``#label``: one value per label within an exchange."""

Operand = Callable[[str], Template]


def compile_name(text: str, operand: Operand) -> Template:
    """Compile one expression; ``operand`` compiles what stands inside parentheses. Raises `TemplateError`."""
    for root, parse in _ROOTS.items():
        if text.startswith(root):
            if text == root and root.endswith("."):
                raise TemplateError(f"{text!r} names nothing; write a name after the dot")
            return parse(text[len(root) :])
    if text == "$method":
        return lambda facts: facts.request.method
    if text.startswith("$mock."):
        return _mock(text[len("$mock.") :], operand)
    raise TemplateError(
        f"{text!r} is unknown; expressions begin with one of {', '.join([*_ROOTS, '$method', '$mock.'])}"
    )


def _request_body(text: str) -> Template:
    pointer = text[1:]
    if (text and not text.startswith("#")) or (pointer and not pointer.startswith("/")):
        raise TemplateError(f"'$request.body{text}' needs a JSON Pointer after #, as in $request.body#/name")
    steps = steps_of(pointer)
    if len(steps) != 1:
        return lambda facts: follow(facts.body, steps)
    (name,) = steps

    def member(facts: Facts) -> JSON:  # nearly every expression; no parsing of the pointer per call
        body = facts.body
        return body.get(name, ABSENT) if type(body) is dict else child(body, name)

    return member


def _request_header(name: str) -> Template:
    lower = name.lower()
    return lambda facts: facts.request.headers.get(lower, ABSENT)


def _request_path(name: str) -> Template:
    return lambda facts: facts.path_values.get(name, ABSENT)


def _request_query(name: str) -> Template:
    def first_value(facts: Facts) -> JSON:
        values = parse_qs(facts.request.query, keep_blank_values=True).get(name)
        return values[0] if values else ABSENT

    return first_value


def _item(text: str) -> Template:
    if not text:
        return lambda facts: facts.item
    if text.startswith("#"):
        steps = steps_of(text[1:])
        return lambda facts: follow(facts.item, steps)
    if not text.startswith("."):
        raise TemplateError(f"'$item{text}' is unknown; write $item, $item.member or $item#/pointer")
    return lambda facts: child(facts.item, text[1:])


_ROOTS: Final[dict[str, Callable[[str], Template]]] = {
    "$request.body": _request_body,
    "$request.header.": _request_header,
    "$request.path.": _request_path,
    "$request.query.": _request_query,
    "$item": _item,
}


def _mock(text: str, operand: Operand) -> Template:
    if text.endswith(")"):
        return _call(text, operand)
    name, _, label = text.partition("#")
    if label and name in LABELLED:
        return _labelled(text, VALUES[name])
    if text.startswith("finding.") and (member := text.removeprefix("finding.")) in FINDING_MEMBERS:
        return lambda facts: child(_first_finding(facts), member)
    if text in VALUES:
        return VALUES[text]
    if text in NOTED:
        return lambda facts: facts.noted.get(text, ABSENT)
    known = sorted([*VALUES, *NOTED, *FUNCTIONS])
    near = nearest(text, known)
    hint = f"did you mean $mock.{near}?" if near else f"there are {', '.join(known)}"
    raise TemplateError(f"'$mock.{text}' is unknown; {hint}")


def _labelled(label: str, make: Template) -> Template:
    def fill(facts: Facts) -> JSON:
        if label not in facts.labels:
            facts.labels[label] = make(facts)
        return facts.labels[label]

    return fill


def _call(text: str, operand: Operand) -> Template:
    name, _, rest = text.removesuffix(")").partition("(")
    first, _, second = rest.partition(",")
    if FUNCTIONS.get(name) != (2 if second else 1):
        raise TemplateError(f"'$mock.{text}' is unknown, or has the wrong number of arguments")
    match name:
        case "known":
            return _known(first.strip(), operand(second.strip()))
        case "joined":
            return _joined(operand(first.strip()), _text_of(second.strip()))
        case "digest":
            return _digest(first.strip())
        case "lower":
            return _applied(_lower, operand(first.strip()))
        case _:
            return _applied(uuid_of, operand(first.strip()))


def _text_of(argument: str) -> str:
    try:
        value = json.loads(argument)
    except ValueError:
        value = None
    if not isinstance(value, str):
        raise TemplateError(f"{argument!r} must be a text in quotes")
    return value


def _lower(value: JSON) -> JSON:
    return value.lower() if isinstance(value, str) else value


def _applied(function: Callable[[JSON], JSON], operand: Template) -> Template:
    def fill(facts: Facts) -> JSON:
        value = operand(facts)
        return value if is_empty(value) else function(value)

    return fill


def _joined(operand: Template, separator: str) -> Template:
    def fill(facts: Facts) -> JSON:
        found = operand(facts)
        if is_empty(found):
            return ""
        return separator.join(map(as_text, found)) if isinstance(found, list) else as_text(found)

    return fill


def _digest(algorithm: str) -> Template:
    if algorithm not in DIGESTS:
        raise TemplateError(f"{algorithm!r} is no digest; there are {', '.join(sorted(DIGESTS))}")

    def fill(facts: Facts) -> JSON:
        body = facts.request.body
        return hashlib.new(algorithm, body, usedforsecurity=False).hexdigest() if body else ABSENT

    return fill


def _known(rule: str, operand: Template) -> Template:
    return lambda facts: facts.known(rule, operand(facts))
