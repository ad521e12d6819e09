"""From keyword arguments to what the control plane is asked: request patterns, durations, times, stub mappings."""

import base64
import json
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, TypedDict, Unpack

JSON = Any
Duration = str | float | timedelta
"""A text with a unit (``"250ms"``, ``"25h"``), seconds, or a timedelta."""
Outcome = Literal["admitted", "repeated", "refused", "scripted"]


class Pattern(TypedDict, total=False):
    """What calls are looked for; all that is given has to hold, and None is as if it were not given (but as ``body``).

    ``name`` is the workflow or event, ``recipient`` whom it is for; ``path`` is without the query; ``query`` and
    ``headers`` map names to values, to lists of all their values, to None where there shall be none, or to WireMock
    matchers (objects); ``body`` is JSON that has to be in the body (objects may have more members), or
    bytes that are it; ``matching`` is a WireMock request pattern besides.
    """

    api: str | None
    operation: str | None
    method: str | None
    path: str | None
    query: Mapping[str, JSON] | None
    headers: Mapping[str, JSON] | None
    body: JSON
    name: str | None
    recipient: str | None
    outcome: Outcome | None
    reason: str | None
    status: int | Sequence[int] | None
    matching: Mapping[str, JSON] | None


_SAME: Final = ("api", "operation", "name", "recipient", "method", "outcome", "reason", "status")


def given(asked: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return the keyword arguments that say something. Raises TypeError for one that is not known."""
    if unknown := set(asked) - set(Pattern.__annotations__):
        raise TypeError(
            unknown_names(unknown, Pattern.__annotations__, "is nothing that calls are looked for by")
        )
    return {name: value for name, value in asked.items() if value is not None or name == "body"}


def request_pattern(**asked: Unpack[Pattern]) -> dict[str, JSON]:
    """Return the WireMock request pattern of keyword arguments. Raises TypeError for one that is not known."""
    said = given(asked)
    pattern: dict[str, JSON] = {name: said[name] for name in _SAME if name in said}
    if "path" in said:
        pattern["urlPath"] = said["path"]
    if said.get("query"):
        pattern["queryParameters"] = _matchers(said["query"])
    if said.get("headers"):
        pattern["headers"] = _matchers(said["headers"])
    if "body" in said:
        pattern["bodyPatterns"] = [_body_matcher(said["body"])]
    return _joined(pattern, said.get("matching", {}))


def unknown_names(unknown: Collection[str], known: Collection[str], told: str) -> str:
    """Return the sentence about keyword arguments that are not known, with the one that was probably meant."""
    import difflib  # noqa: PLC0415 - only a mistake needs it

    near = difflib.get_close_matches(min(unknown), known, 1) if len(unknown) == 1 else []
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    return f"{', '.join(sorted(unknown))} {told}; {hint}"


def _joined(pattern: dict[str, JSON], more: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return a pattern that asks for both; where both say something of one value, the second counts."""
    joined = {**pattern, **more}
    for name in ("headers", "queryParameters"):
        if name in pattern and more.get(name):
            joined[name] = {**pattern[name], **more[name]}
    if "bodyPatterns" in pattern and more.get("bodyPatterns"):
        joined["bodyPatterns"] = [*pattern["bodyPatterns"], *more["bodyPatterns"]]
    return joined


def _matchers(values: Mapping[str, JSON]) -> dict[str, JSON]:
    return {name: _matcher(each) for name, each in values.items()}


def _matcher(value: JSON) -> dict[str, JSON]:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, list | tuple):
        return {"hasExactly": [{"equalTo": _text(each)} for each in value]}
    return {"absent": True} if value is None else {"equalTo": _text(value)}


def _text(value: JSON) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _body_matcher(body: JSON) -> dict[str, JSON]:
    if isinstance(body, bytes):
        return {"binaryEqualTo": base64.b64encode(body).decode()}
    wanted = json.dumps(body) if isinstance(body, str) else body  # a text as operand is read as JSON
    return {"equalToJson": wanted, "ignoreExtraMembers": True}


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
