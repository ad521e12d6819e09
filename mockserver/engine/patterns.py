"""Request patterns: does this call match, and how near was it?

One implementation for finding, counting, waiting, deleting and scripting. A pattern is a list of parts joined by
"and", each of which looks at one place of a call; the cheap ones are asked first. A part that does not match says
where the call differs, by JSON Pointer: ``/method``, ``/headers/Authorization``, ``/body/to/0``.

The words are those of WireMock, and some of ours, which `OURS` lists.
"""

import base64
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from mockserver.engine.comparison import Difference
from mockserver.engine.exchange import JSON, NAMES, PORTS, Reason
from mockserver.engine.matchers import read_matcher
from mockserver.engine.matching import Fault, Matcher, Value, short
from mockserver.engine.parts import Part, on_matcher, on_value
from mockserver.engine.paths import normal_path, path_pattern, path_values, variables_of
from mockserver.engine.sightings import Sighting, address_of
from mockserver.engine.text_matchers import expression_of
from mockserver.engine.values import below, nearest


@dataclass(frozen=True, slots=True)
class Pattern:
    """A request pattern as it was sent (``source``, without nulls), and its parts, the cheapest first."""

    source: JSON
    parts: tuple[Part, ...] = field(compare=False)
    knows_verdict: bool = False
    """Whether it asks for what is known only when a call is decided."""

    def matches(self, sighting: Sighting) -> bool:
        """Tell whether a call matches."""
        return all(part.accepts(sighting) for part in self.parts)

    def differences(self, sighting: Sighting) -> list[Difference]:
        """Return where a call differs; nothing where it matches."""
        return [each for part in self.parts for each in part.explain(sighting)]

    def distance(self, differences: Sequence[Difference]) -> float:
        """Return the share of what is compared that differs, from 0 to 1."""
        wrong = sum(each.weight for each in differences)
        return min(1.0, wrong / (sum(part.weight for part in self.parts) or 1))


class PatternError(ValueError):
    """A pattern, a matcher or a rule that cannot be read; ``faults`` are all that was found in it."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{pointer}: {told}" if pointer else told for pointer, told in faults))


@dataclass(frozen=True, slots=True)
class Known:
    """What patterns and rules may name: the APIs that are served with their operations, and the examples of these.

    ``scheme`` is that of all calls, since a server speaks TLS with every client or with none.
    """

    operations: Mapping[str, Collection[str]] = field(default_factory=dict)
    examples: Mapping[tuple[str, str], Collection[str]] = field(default_factory=dict)
    scheme: str = "http"


def read_pattern(source: JSON, known: Known, at: str = "") -> Pattern:
    """Read a request pattern. Raises `PatternError` with all its faults."""
    faults: list[Fault] = []
    pattern = pattern_of(source, known, at, faults)
    if faults or pattern is None:
        raise PatternError(faults)
    return pattern


def pattern_of(source: JSON, known: Known, at: str, faults: list[Fault]) -> Pattern | None:
    """Read a request pattern; its faults are added to the list, with pointers below ``at``."""
    if not isinstance(source, dict):
        faults.append((at, f"a request pattern is an object, not {short(source)}"))
        return None
    source = {name: each for name, each in source.items() if each is not None}  # as some clients send them
    urls = [name for name in URLS if name in source]
    faults += [
        (below(at, name), f"stands beside {urls[0]}; a pattern has one of {', '.join(URLS)}")
        for name in urls[1:]
    ]
    parts: list[Part] = []
    for name, operand in source.items():
        if (read := MEMBERS.get(name)) is None:
            faults.append((below(at, name), _unknown(name)))
            continue
        try:
            parts += read(operand, below(at, name), _Context(source, known, faults))
        except ValueError as error:
            faults.append((below(at, name), str(error)))
    return Pattern(source, tuple(sorted(parts, key=lambda part: part.cost)), not VERDICT.isdisjoint(source))


def _unknown(name: str) -> str:
    near = nearest(name, MEMBERS)
    return f"{name} is no member of a request pattern" + (f"; did you mean {near}?" if near else "")


@dataclass(frozen=True, slots=True)
class _Context:
    """What the reader of one member may look at: the whole pattern, what may be named, and the list of faults."""

    source: Mapping[str, JSON]
    known: Known
    faults: list[Fault]


Reader = Callable[[JSON, str, _Context], list[Part]]


def _text(operand: JSON) -> str:
    if not isinstance(operand, str):
        raise ValueError(f"must be a text, not {short(operand)}")
    return operand


def _method(operand: JSON, _: str, __: _Context) -> list[Part]:
    wanted = _text(operand).upper()
    if wanted == "ANY":
        return []
    return [
        on_value(
            0, "/method", wanted, lambda sighting: sighting.method, lambda found: found.upper() == wanted
        )
    ]


def _url(sighting: Sighting) -> JSON:
    return sighting.url


def _path(sighting: Sighting) -> JSON:
    return sighting.path


def _equal(operand: JSON, _: str, __: _Context, *, read: Callable[[Sighting], JSON]) -> list[Part]:
    return [on_value(1, "/url", wanted := _text(operand), read, wanted.__eq__)]


def _expression(operand: JSON, at: str, _: _Context, *, read: Callable[[Sighting], JSON]) -> list[Part]:
    wanted = expression_of(_text(operand), at.rpartition("/")[2])
    return [on_value(2, "/url", operand, read, lambda found: wanted.fullmatch(found) is not None)]


def _path_template(operand: JSON, at: str, context: _Context) -> list[Part]:
    template, parameters = _text(operand), context.source.get("pathParameters")
    wanted = parameters if isinstance(parameters, dict) else {}
    plain = re.compile(re.escape(template))
    expression = path_pattern(template, {}) or plain

    def holds(path: JSON) -> bool:
        return expression.fullmatch(normal_path(path)) is not None

    def value_of(sighting: Sighting, name: str) -> list[Value]:
        match = expression.fullmatch(normal_path(sighting.path))
        found = path_values(template, match).get(name) if match is not None else None
        return [] if found is None else [Value(found, None, sighting.now)]

    place = below(at.rpartition("/")[0], "pathParameters")
    parts = [on_value(2, "/url", template, _path, holds)]
    known = variables_of(template)
    told = f"the template has {', '.join(known)}" if known else "the template has no variables"
    context.faults.extend((below(place, name), told) for name in wanted if name not in known)
    for name, matcher in _named(wanted, place, context):
        parts.append(on_matcher(2, below("/pathParameters", name), matcher, partial(value_of, name=name)))
    return parts


def _path_parameters(operand: JSON, at: str, context: _Context) -> list[Part]:
    if operand and "urlPathTemplate" not in context.source:
        raise ValueError("needs urlPathTemplate beside it")
    if not isinstance(operand, dict):
        raise ValueError(f"must map names to matchers, not be {short(operand)}")
    return []


def _named(operand: JSON, at: str, context: _Context) -> list[tuple[str, Matcher]]:
    if not isinstance(operand, dict):
        raise ValueError(f"must map names to matchers, not be {short(operand)}")
    read = [(name, read_matcher(each, below(at, name), context.faults)) for name, each in operand.items()]
    return [(name, matcher) for name, matcher in read if matcher is not None]


def _in_place(operand: JSON, at: str, context: _Context, *, place: str, cost: int) -> list[Part]:
    def values(sighting: Sighting, name: str) -> list[Value]:
        return [Value(text, None, sighting.now) for text in sighting.values(place, name)]

    return [
        on_matcher(cost, below(f"/{place}", name), matcher, partial(values, name=name))
        for name, matcher in _named(operand, at, context)
    ]


def _body_patterns(operand: JSON, at: str, context: _Context) -> list[Part]:
    if not isinstance(operand, list):
        raise ValueError("must be a list of matchers")
    read = [read_matcher(each, f"{at}/{position}", context.faults) for position, each in enumerate(operand)]
    return [
        on_matcher(5, "/body", matcher, lambda sighting: [sighting.value()])
        for matcher in read
        if matcher is not None
    ]


def _basic(operand: JSON, _: str, __: _Context) -> list[Part]:
    if not isinstance(operand, dict) or set(operand) != {"username", "password"}:
        raise ValueError("must be an object of username and password")
    pair = f"{_text(operand['username'])}:{_text(operand['password'])}"
    wanted = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return [
        on_value(
            3,
            "/headers/Authorization",
            wanted,
            lambda sighting: sighting.header("authorization"),
            wanted.__eq__,
        )
    ]


def _one_matcher(operand: JSON, at: str, context: _Context, *, read: Callable[[Sighting], str]) -> list[Part]:
    matcher = read_matcher(operand, at, context.faults)
    if matcher is None:
        return []
    place = f"/{at.rpartition('/')[2]}"
    return [on_matcher(3, place, matcher, lambda sighting: [Value(read(sighting), None, sighting.now)])]


def _port(operand: JSON, _: str, context: _Context) -> list[Part]:
    default = PORTS[context.known.scheme]
    if isinstance(operand, bool) or not isinstance(operand, int):
        raise ValueError(f"must be a number, not {short(operand)}")
    return [on_value(3, "/port", operand, lambda sighting: address_of(sighting, default)[1], operand.__eq__)]


def _scheme(operand: JSON, _: str, context: _Context) -> list[Part]:
    wanted, spoken = _text(operand).lower(), context.known.scheme
    return [on_value(0, "/scheme", wanted, lambda _: spoken, wanted.__eq__)]


def _one_of(
    operand: JSON, at: str, context: _Context, *, read: Callable[[Sighting], JSON], cost: int = 0
) -> list[Part]:
    name, wanted = at.rpartition("/")[2], operand if isinstance(operand, list) else [operand]
    known = _nameable(name, context)
    if not wanted:
        raise ValueError("is an empty list, which no call is in")
    for each in wanted:
        if not isinstance(each, str) or (known is not None and each not in known):
            near = nearest(each, known or ()) if isinstance(each, str) else None
            hint = (
                f"did you mean {near}?"
                if near
                else f"there are {', '.join(known)}"
                if known
                else "write a text"
            )
            raise ValueError(f"{short(each)} is no {name}; {hint}")
    return [on_value(cost, f"/mock/{name}", operand, read, lambda found: found in wanted)]


def _status(operand: JSON, _: str, __: _Context) -> list[Part]:
    wanted = operand if isinstance(operand, list) else [operand]
    if not wanted or not all(isinstance(each, int) and not isinstance(each, bool) for each in wanted):
        raise ValueError(f"must be a status, or a list of some, not {short(operand)}")
    return [on_value(0, "/mock/status", operand, lambda sighting: sighting.status, wanted.__contains__)]


def _nameable(name: str, context: _Context) -> list[str] | None:
    """Return what may stand for a member of ours, None where any text may."""
    operations = context.known.operations
    match name:
        case "api":
            return list(operations)
        case "operation":
            return list(dict.fromkeys(each for names in operations.values() for each in names))
        case "outcome":
            return list(NAMES.values())
        case "reason":
            return [str(reason) for reason in Reason]
        case _:
            return None


def _refused(operand: JSON, at: str, _: _Context) -> list[Part]:
    if operand:
        raise ValueError(f"{at.rpartition('/')[2]} is not offered here")
    return []


OURS: Final = frozenset({"api", "operation", "outcome", "reason", "status", "name", "recipient"})
"""The members that WireMock does not have."""
VERDICT: Final = frozenset({"outcome", "reason", "status"})
"""What is known only when a call is decided."""
URLS: Final = ("url", "urlPattern", "urlPath", "urlPathPattern", "urlPathTemplate")
MEMBERS: Final[Mapping[str, Reader]] = {
    "method": _method,
    "url": partial(_equal, read=_url),
    "urlPattern": partial(_expression, read=_url),
    "urlPath": partial(_equal, read=_path),
    "urlPathPattern": partial(_expression, read=_path),
    "urlPathTemplate": _path_template,
    "pathParameters": _path_parameters,
    "headers": partial(_in_place, place="headers", cost=3),
    "queryParameters": partial(_in_place, place="queryParameters", cost=2),
    "cookies": partial(_in_place, place="cookies", cost=3),
    "formParameters": partial(_in_place, place="formParameters", cost=4),
    "bodyPatterns": _body_patterns,
    "basicAuthCredentials": _basic,
    "host": partial(_one_matcher, read=lambda sighting: address_of(sighting)[0]),
    "port": _port,
    "scheme": _scheme,
    "clientIp": partial(_one_matcher, read=lambda sighting: sighting.client),
    "api": partial(_one_of, read=lambda sighting: sighting.api),
    "operation": partial(_one_of, read=lambda sighting: sighting.operation),
    "outcome": partial(_one_of, read=lambda sighting: sighting.outcome),
    "reason": partial(_one_of, read=lambda sighting: sighting.reason),
    "status": _status,
    "name": partial(_one_of, read=lambda sighting: sighting.about[0], cost=4),
    "recipient": partial(_one_of, read=lambda sighting: sighting.about[1], cost=4),
    "multipartPatterns": _refused,
    "customMatcher": _refused,
}
"""Every member of a request pattern, and what reads it."""
