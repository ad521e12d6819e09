"""What a failed assertion says: what was expected, what came nearest, where it differs, and why it was refused."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from mockserver.client.calls import Call

JSON = Any
_LONGEST: Final = 80
_MOST_LISTED: Final = 10


class DroppedCallsError(RuntimeError):
    """The journal has dropped calls, so that a verdict could be wrong; the text says what to do."""

    def __init__(self, dropped: int) -> None:
        advice = "keep more of them (keep=, --keep), or reset more often"
        super().__init__(f"the journal has dropped {dropped} calls, so this cannot be told; {advice}")


def failure(wanted: str, got: str, misses: Sequence[Mapping[str, JSON]] = ()) -> str:
    """Return the text of a failed assertion: what was wanted, what was there, and the nearest calls."""
    lines = [f"expected {wanted}, got {got}"]
    for miss in misses:
        lines += _near(miss)
    return "\n".join(lines)


def counted(count: int, what: str = "call") -> str:
    """Return a number with its unit: ``1 call``, ``2 calls``."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def listed(calls: Iterable[Call]) -> str:
    """Return calls, one on each line."""
    shown = list(calls)
    lines = [f"  {call!r}" for call in shown[:_MOST_LISTED]]
    more = len(shown) - len(lines)
    return "".join(f"\n{line}" for line in [*lines, *([f"  and {more} more"] if more else [])])


def described(asked: Mapping[str, JSON]) -> str:
    """Return in a few words what calls were looked for."""
    rest = {name: value for name, value in asked.items() if name != "api"}
    told = " and ".join(part for name, value in rest.items() for part in _described(name, value))
    return f"{' to ' + str(asked['api']) if 'api' in asked else ''}{' with ' + told if told else ''}"


def _described(name: str, value: JSON) -> Iterator[str]:
    if isinstance(value, dict) and name in {"body", "headers", "query"} and value:
        for member, wanted in value.items():
            is_secret = name == "headers" and member.lower() in _secret()
            yield f"{name}.{member} == {'[redacted]' if is_secret else _shown(wanted)}"
    elif isinstance(value, bytes):
        yield f"{name} == {len(value)} bytes"
    else:
        yield f"{name} == {_shown(value)}"


def _secret() -> Collection[str]:
    from mockserver.reports.redaction import ALWAYS_SECRET  # noqa: PLC0415 - only a failure needs it

    return ALWAYS_SECRET


def _near(miss: Mapping[str, JSON]) -> Iterator[str]:
    request = miss["request"]
    mock, differences = request["mock"], [event["data"] for event in miss["matchResult"]["subEvents"]]
    differ = counted(len(differences), "difference")
    yield f"nearest: {request['method']} {request['url']} (call #{mock['number']}), {differ}"
    for each in differences[:_MOST_LISTED]:
        yield f"  {each['pointer']}: expected {_side(each, 'expected')}, got {_side(each, 'actual')}"
    if mock["outcome"] == "refused":
        why = "; ".join(_finding(each) for each in mock["findings"]) or mock["reason"]
        yield f"  answered {mock['status']}: {why}"


def _side(difference: Mapping[str, JSON], name: str) -> str:
    return _shown(difference[name]) if name in difference else "nothing"


def _finding(finding: Mapping[str, JSON]) -> str:
    pointer = finding["pointer"]
    place = pointer if finding["in"] == "body" else f"{finding['in']} {pointer[1:]}".strip()
    return f"{place or 'the body'}: {finding['message']}"


def _shown(value: JSON) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
