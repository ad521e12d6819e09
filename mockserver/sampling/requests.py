"""A request made of drawn values, and what the engine says of it: only its word makes a sample."""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

from hypothesis import find, reject, settings
from hypothesis import strategies as st

from mockserver.engine.clock import Clock
from mockserver.engine.contract import Parameter, SecurityScheme
from mockserver.engine.decide import answer
from mockserver.engine.exchange import JSON, Admitted, Finding, Refused, Request
from mockserver.engine.headers import packed
from mockserver.engine.values import ABSENT, as_text, encode
from mockserver.engine.world import Blueprint, World
from mockserver.sampling.drawers import NOWHERE, Draw
from mockserver.sampling.goals import Goal
from mockserver.sampling.subjects import LEFT_OUT, Part, Subject, sendable
from mockserver.sampling.values import values_of

_NOON: Final = 1795176000.0  # 2026-11-20T12:00:00Z: no sample depends on the time


@dataclass(frozen=True, slots=True)
class Sample:
    """A request as it is printed, and what the engine finds in it."""

    shown: Mapping[str, JSON]
    findings: Sequence[Finding]
    is_admitted: bool


@st.composite
def drawn(draw: Draw, subject: Subject, position: int, goal: Goal, strict: bool) -> list[JSON]:
    """Draw a value for each part of a request, absent where it is left out; one of the parts leads to the goal."""
    values: list[JSON] = []
    for index, part in enumerate(subject.parts):
        own = goal if index == position else NOWHERE
        if own.keyword == LEFT_OUT or (own is NOWHERE and not part.is_required and draw(st.booleans())):
            values.append(ABSENT)
            continue
        value = draw(values_of(subject.places_for(index, own), own, strict))
        if part.parameter is not None:
            values.append(_texts(part.parameter, value))
        else:  # many clients take the body null for none at all
            values.append(reject() if value is None and own.breaks else subject.corrected(value, own))
    return values


def _texts(parameter: Parameter, value: JSON) -> list[str]:
    """Return the texts that stand for the value of a parameter."""
    listed = value if isinstance(value, list) and parameter.items is not None else [value]
    texts = [as_text(each) for each in listed]
    if not parameter.explode and parameter.items is not None:
        texts = [",".join(texts)]
    return texts if texts and all(sendable(parameter, text) for text in texts) else reject()


class Maker:
    """What makes requests of drawn values and asks the engine, as it is without any settings."""

    def __init__(self, subject: Subject, credential: Mapping[tuple[str, str], str]) -> None:
        self._subject, self._credential = subject, credential
        self._blueprint = Blueprint([subject.api])

    def sample(self, values: Sequence[JSON]) -> Sample | None:
        """Return the sample that values make, None where it would be another operation's."""
        placed = list(zip(self._subject.parts, values, strict=True))
        operation, route = self._subject.operation, self._subject.route
        body = next(value for part, value in placed if part.parameter is None)
        given = {place: dict(self._of(placed, place)) for place in ("path", "query", "header", "cookie")}
        path = re.sub(r"\{([^}]+)\}", lambda found: quote(str(given["path"][found[1]]), safe=""), route.path)
        headers = {"Content-Type": "application/json"}
        headers |= {_title(name): str(value) for name, value in given["header"].items()}
        if given["cookie"]:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in given["cookie"].items())
        shown = {
            "api": operation.api, "operation": operation.id, "method": operation.method, "path": path,
            "query": given["query"], "headers": headers, "body": body,
        }  # fmt: skip
        return self._judged(shown)

    def _of(self, placed: Sequence[tuple[Part, JSON]], place: str) -> Iterator[tuple[str, JSON]]:
        """Yield the parameters and credentials of one place; a list where several texts are sent."""
        yield from ((name, text) for (where, name), text in self._credential.items() if where == place)
        for part, value in placed:
            if part.parameter is not None and part.parameter.place == place and value is not ABSENT:
                yield part.parameter.name, value[0] if len(value) == 1 else value

    def _judged(self, shown: Mapping[str, Any]) -> Sample | None:
        world = World(self._blueprint, Clock(lambda: _NOON), random.Random(0).getrandbits)
        decided = answer(world, request_of(shown))
        if decided.case is None or decided.case.operation is not self._subject.operation:
            return None
        if not isinstance(decided.outcome, Admitted | Refused):
            return None
        findings = decided.case.findings
        return Sample(shown, findings, isinstance(decided.outcome, Admitted))


def request_of(shown: Mapping[str, Any]) -> Request:
    """Return the request that a printed sample stands for."""
    headers = {name.lower(): value for name, value in shown["headers"].items()}
    lines = packed([(name.encode(), value.encode("latin-1")) for name, value in headers.items()])
    query = urlencode(shown["query"], doseq=True)
    return Request(shown["method"], shown["path"], query, headers, lines, encode(shown["body"]))


def _title(name: str) -> str:
    return "-".join(word.capitalize() for word in name.split("-"))


# Credentials


def credential_of(subject: Subject) -> dict[tuple[str, str], str]:
    """Return a credential that the operation can read, by place and name: any of its form is as good as another."""
    alternatives = subject.operation.shape.security
    schemes = alternatives[0] if alternatives else ()
    return {(each.place, each.parameter): _text_for(each) for each in schemes}


def _text_for(scheme: SecurityScheme) -> str:
    words = [*re.findall("[A-Za-z]{3,}", scheme.pattern.pattern)[:1]]
    for text in (*(f"{word} any" for word in words), "any"):
        if _is_read(scheme, text):
            return text
    drawn_texts = st.from_regex(scheme.pattern, fullmatch=True)
    return find(
        drawn_texts,
        lambda text: _is_read(scheme, text),
        settings=settings(database=None),
        random=random.Random(0),
    )


def _is_read(scheme: SecurityScheme, text: str) -> bool:
    match = scheme.pattern.fullmatch(text)
    return match is not None and bool(match[1]) and text.isascii() and text.isprintable()
