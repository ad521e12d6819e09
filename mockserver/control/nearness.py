"""What comes near: calls to a pattern, rules and operations to a call, each with where they differ.

Differences stand in sub-events, the one place of a near miss where WireMock's clients take what they do not know.
"""

import base64
import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final

from mockserver.control.replies import RefusedError, unreadable
from mockserver.engine.comparison import Difference
from mockserver.engine.exchange import JSON
from mockserver.engine.headers import packed
from mockserver.engine.journal import Row
from mockserver.engine.mappings import write_mapping
from mockserver.engine.patterns import OURS, Known, Pattern, read_pattern
from mockserver.engine.sightings import Sighting, sighting_of
from mockserver.engine.values import ABSENT, cut
from mockserver.engine.world import World
from mockserver.wire import logged_request

MOST_LOOKED_AT: Final = 1_000
"""How many calls, the newest, are compared with a pattern."""
MOST_SHOWN: Final = 3
_MOST_UNMATCHED: Final = 100
_LONGEST: Final = 200
_BEFORE: Final = 40  # characters that are shown before two long texts begin to differ


def near_calls(world: World, pattern: Pattern) -> list[JSON]:
    """Return the calls that come nearest to a pattern without matching it, nearest first."""
    now, newest = world.clock.now(), world.journal.rows()[: -MOST_LOOKED_AT - 1 : -1]
    rows = [row for row in newest if not pattern.matches(sighting_of(row, now, world.journal.describe))]
    found = nearest_calls(
        pattern, [sighting_of(row, now, world.journal.describe) for row in rows], MOST_SHOWN
    )
    return [
        {
            "request": logged_request(world.journal.read(rows[position])),
            "requestPattern": _closed(pattern.source),
            "matchResult": _result(pattern, differences),
        }
        for position, differences in found
    ]


def nearest_calls(
    pattern: Pattern, sightings: Iterable[Sighting], count: int = 3
) -> list[tuple[int, list[Difference]]]:
    """Return the positions of the calls that come nearest, nearest first, each with its differences."""
    found = [(position, pattern.differences(sighting)) for position, sighting in enumerate(sightings)]
    found.sort(key=lambda each: pattern.distance(each[1]))
    return found[:count]


def near_unmatched(world: World, rows: Sequence[Row]) -> list[JSON]:
    """Return the rules and operations that come nearest to calls that nobody took."""
    now, journal = world.clock.now(), world.journal
    seen = ((sighting_of(row, now, journal.describe), journal.read(row)) for row in rows[-_MOST_UNMATCHED:])
    return [miss for sighting, call in seen for miss in near_rules(world, sighting, logged_request(call))]


def near_rules(world: World, sighting: Sighting, shown: JSON) -> list[JSON]:
    """Return the rules and operations that come nearest to a call, nearest first."""
    found: list[tuple[float, float, int, Pattern, Write, list[Difference]]] = []
    for pattern, write in (*_rules(world), *_operations(world, sighting)):
        differences = pattern.differences(sighting)
        if pattern.distance(differences) == 1:
            continue
        likeness = difflib.SequenceMatcher(None, sighting.path, _path_of(pattern)).ratio()
        found.append((pattern.distance(differences), -likeness, len(found), pattern, write, differences))
    near = sorted(found, key=lambda each: each[:3])
    return [
        {"request": shown, "stubMapping": write(), "matchResult": _result(pattern, differences)}
        for _, __, ___, pattern, write, differences in near[:MOST_SHOWN]
    ]


Write = Callable[[], JSON]
"""Writes a rule or an operation as a stub mapping: only the few that are shown are written."""


def _rules(world: World) -> list[tuple[Pattern, Write]]:
    return [(armed.rule.pattern, partial(write_mapping, armed)) for armed in world.rules]


def _operations(world: World, sighting: Sighting) -> list[tuple[Pattern, Write]]:
    """Return the routes whose paths are like that of a call, as patterns."""
    found: list[tuple[Pattern, Write]] = []
    for route in world.blueprint.router.nearest(sighting.method, sighting.path):
        name = "urlPathTemplate" if "{" in route.path else "urlPath"
        request = {"method": route.method, name: route.path}
        label = f"{route.operation.api} {route.operation.id}"
        mapping = {"name": label, "request": request, "response": {"status": route.operation.success.status}}
        found.append((read_pattern(request, Known()), partial(dict, mapping)))
    return found


def _path_of(pattern: Pattern) -> str:
    named = (
        pattern.source.get(name)
        for name in ("urlPath", "urlPathTemplate", "url", "urlPathPattern", "urlPattern")
    )
    return next((path for path in named if isinstance(path, str)), "")


def _closed(source: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return a pattern without the members that WireMock's clients do not know."""
    return {name: value for name, value in source.items() if name not in OURS}


def _result(pattern: Pattern, differences: Sequence[Difference]) -> JSON:
    return {
        "distance": round(pattern.distance(differences), 4),
        "subEvents": [
            {"type": "DIFFERENCE", "timeOffsetNanos": 0, "data": _told(each)} for each in differences
        ],
        "diffDescriptions": [],
    }


def _told(difference: Difference) -> dict[str, JSON]:
    """Return a difference; what is not there is left out, and long texts are cut around where they begin to differ."""
    expected, actual = difference.expected, difference.actual
    at = 0
    if isinstance(expected, str) and isinstance(actual, str):
        same = zip(expected, actual, strict=False)
        end = min(len(expected), len(actual))
        differs = next((place for place, (one, other) in enumerate(same) if one != other), end)
        at = max(0, differs - _BEFORE)
    told = {"expected": expected, "actual": actual}
    shown = {name: _short(value, at) for name, value in told.items() if value is not ABSENT}
    return {"pointer": difference.pointer, **shown}


def _short(value: JSON, at: int) -> JSON:
    if not isinstance(value, str) or len(value) <= _LONGEST:
        return value
    return cut(f"…{value[at:]}" if at else value, _LONGEST)


def sighting_in(document: JSON, world: World) -> tuple[Sighting, JSON]:
    """Return the call that a LoggedRequest describes, and that request. Raises `RefusedError`."""
    if not isinstance(document, dict) or not isinstance(document.get("url"), str | None):
        raise RefusedError(unreadable([("", "a request is an object with url, method, headers and body")]))
    sent = {name: value for name, value in document.items() if value is not None}
    path, _, query = sent.get("url", "/").partition("?")
    headers = sent.get("headers", {})
    if not isinstance(headers, dict):
        raise RefusedError(unreadable([("/headers", "must map names to values")]))
    lines = [
        (name.encode("latin-1", "replace"), str(each).encode("latin-1", "replace"))
        for name, value in headers.items()
        for each in (value if isinstance(value, list) else [value])
    ]
    seen = (
        str(sent.get("method", "GET")), path, query, packed(lines), _body_of(sent),
        str(sent.get("clientIp", "")), None, None, None, None, None,
    )  # fmt: skip
    return Sighting(seen, world.clock.now()), document


def _body_of(document: Mapping[str, JSON]) -> bytes:
    if isinstance(encoded := document.get("bodyAsBase64"), str):
        try:
            return base64.b64decode(encoded, validate=True)
        except ValueError:  # also what is not ASCII
            raise RefusedError(unreadable([("/bodyAsBase64", "must be base64")])) from None
    return str(document.get("body") or "").encode("utf-8", "replace")
