"""From keyword arguments to what the control plane is asked: request patterns, durations, times, stub mappings."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypedDict, Unpack

JSON = Any
Duration = str | float | timedelta
"""A text with a unit (``"250ms"``, ``"25h"``), seconds, or a timedelta."""


class Pattern(TypedDict, total=False):
    """What calls are looked for; all that is given has to hold.

    ``path`` is without the query; ``query`` and ``headers`` map names to values, or to WireMock matchers (objects);
    ``body`` is JSON that has to be in the body (it may have more members and longer lists), or bytes that are it;
    ``matching`` is a WireMock request pattern, laid over all that.
    """

    api: str
    operation: str
    method: str
    path: str
    query: Mapping[str, JSON]
    headers: Mapping[str, JSON]
    body: JSON
    outcome: str
    reason: str
    matching: Mapping[str, JSON]


_SAME: Final = ("api", "operation", "method", "outcome", "reason")


def request_pattern(**asked: Unpack[Pattern]) -> dict[str, JSON]:
    """Return the WireMock request pattern of keyword arguments. Raises TypeError for one that is not known."""
    if unknown := set(asked) - set(Pattern.__annotations__):
        known = ", ".join(Pattern.__annotations__)
        raise TypeError(
            f"{', '.join(sorted(unknown))} is nothing that calls are looked for by; there are {known}"
        )
    pattern: dict[str, JSON] = {name: asked[name] for name in _SAME if asked.get(name) is not None}
    if asked.get("path") is not None:
        pattern["urlPath"] = asked["path"]
    if asked.get("query"):
        pattern["queryParameters"] = _matchers(asked["query"])
    if asked.get("headers"):
        pattern["headers"] = _matchers(asked["headers"])
    if "body" in asked:
        pattern["bodyPatterns"] = [_body_matcher(asked["body"])]
    return {**pattern, **asked.get("matching", {})}


def _matchers(values: Mapping[str, JSON]) -> dict[str, JSON]:
    return {
        name: dict(each) if isinstance(each, Mapping) else {"equalTo": str(each)}
        for name, each in values.items()
    }


def _body_matcher(body: JSON) -> dict[str, JSON]:
    if isinstance(body, bytes):
        return {"binaryEqualTo": base64.b64encode(body).decode()}
    wanted = json.dumps(body) if isinstance(body, str) else body  # a text as operand is read as JSON
    return {"equalToJson": wanted, "ignoreExtraElements": True}


def seconds(duration: Duration) -> float:
    """Return a duration in seconds. Raises ValueError."""
    if isinstance(duration, timedelta):
        return duration.total_seconds()
    if isinstance(duration, int | float):
        return float(duration)
    from mockserver.engine.values import seconds_of  # noqa: PLC0415 - the engine is not needed to reach a server

    return seconds_of(duration)


def moment(at: str | datetime) -> str:
    """Return a time as the control plane reads it; one without a zone is in UTC."""
    if isinstance(at, str):
        return at
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).isoformat()
