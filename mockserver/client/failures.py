"""What a failed assertion says: what was expected, what came nearest, where it differs, and why it was refused."""

import base64
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from mockserver.client.calls import Call

JSON = Any
_LONGEST: Final = 80
_MOST_LISTED: Final = 10
_HIDDEN: Final = "[redacted]"


class DroppedCallsError(RuntimeError):
    """The journal has dropped calls, so that a verdict could be wrong; the text says what to do."""

    def __init__(self, dropped: int) -> None:
        advice = "keep more of them (keep=, --keep), or reset more often"
        told = f"the journal has dropped {counted(dropped)}, so this cannot be told; {advice}"
        super().__init__(told)
        self.dropped = dropped


def failure(wanted: str, got: str, found: Iterable[Call], misses: Sequence[Mapping[str, JSON]] = ()) -> str:
    """Return the text of a failed assertion: what was wanted, what was there, and the nearest calls."""
    lines = [f"expected {wanted}, got {got}", *listed(found)]
    for miss in misses:
        if miss["matchResult"]["subEvents"]:  # else it is one of those that were found
            lines += _near(miss)
    return "\n".join(lines)


def counted(count: int, what: str = "call") -> str:
    """Return a number with its unit: ``1 call``, ``2 calls``."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def listed(calls: Iterable[Call]) -> list[str]:
    """Return calls, one on each line."""
    shown = list(calls)
    lines = [f"  {call!r}" for call in shown[:_MOST_LISTED]]
    more = len(shown) - len(lines)
    return [*lines, f"  and {more} more"] if more else lines


def described(asked: Mapping[str, JSON]) -> str:
    """Return in a few words what calls were looked for."""
    rest = {name: value for name, value in asked.items() if name != "api"}
    told = " and ".join(part for name, value in rest.items() for part in _described(name, value))
    return f"{' to ' + str(asked['api']) if 'api' in asked else ''}{' with ' + told if told else ''}"


def _described(name: str, value: JSON) -> Iterator[str]:
    if isinstance(value, Mapping) and name in {"body", "headers", "query"} and value:
        for member, wanted in value.items():
            is_secret = name != "body" and member.lower() in _secret()
            yield f"{name}.{member} == {_HIDDEN if is_secret else _shown(wanted)}"
    else:
        yield f"{name} == {_shown(_without_secrets(value) if name == 'matching' else value)}"


def _secret() -> Collection[str]:
    from mockserver.reports.sensitive import ALWAYS_SECRET  # noqa: PLC0415 - only a failure needs it

    return ALWAYS_SECRET


def _without_secrets(pattern: JSON) -> JSON:
    from mockserver.reports.near_misses import redacted_pattern  # noqa: PLC0415 - as above

    return redacted_pattern(pattern)


def _near(miss: Mapping[str, JSON]) -> Iterator[str]:
    request = miss["request"]
    mock, differences = request["mock"], [event["data"] for event in miss["matchResult"]["subEvents"]]
    differ = counted(len(differences), "difference")
    yield f"nearest: {request['method']} {request['url']} (call #{mock['number']}), {differ}"
    for each in differences[:_MOST_LISTED]:
        yield f"  {each['pointer']}: expected {_side(each, 'expected')}, got {_side(each, 'actual')}"
    if (more := len(differences) - _MOST_LISTED) > 0:
        yield f"  and {more} more"
    if mock["outcome"] == "refused":
        why = "; ".join(_finding(each) for each in mock["findings"]) or mock["reason"]
        yield f"  answered {mock['status']}: {why}"


def _side(difference: Mapping[str, JSON], name: str) -> str:
    return _shown(_operand(difference[name])) if name in difference else "nothing"


def _operand(value: JSON) -> JSON:
    """Return what a body was compared with, where the whole of it differs: not the matcher that did it."""
    match value:
        case {"equalToJson": str(text), "ignoreExtraMembers": True}:
            return json.loads(text)
        case {"equalToJson": wanted, "ignoreExtraMembers": True}:
            return wanted
        case {"binaryEqualTo": str(encoded)}:
            return base64.b64decode(encoded)
        case _:
            return value


def _finding(finding: Mapping[str, JSON]) -> str:
    pointer = finding["pointer"]
    place = pointer if finding["in"] == "body" else f"{finding['in']} {pointer[1:]}".strip()
    return f"{place or 'the body'}: {finding['message']}"


def _shown(value: JSON) -> str:
    text = repr(value) if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
