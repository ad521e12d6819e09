"""Both sides of a scenario as plain values, without what differs between two runs: for the record."""

import re
from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from typing import Any, Final

from mockserver.client import Call
from tests.sdk.sdks import KEY

JSON = Any
SOON: Final = 0.05  # seconds that clocks and pipes may take

FRESH: Final = (  # what is made anew in each run, in the order in which it is looked for
    ("txn", re.compile(r"txn_[0-9a-f]{24}")),
    ("uuid", re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")),
    ("time", re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")),
    ("link", re.compile(r"https?://[^\s'\"]+")),  # into documents, and with versions in them
    ("signature", re.compile(r"(?<=:)[A-Za-z0-9+/]{43}=")),
)
UNNUMBERED: Final = {"time", "signature", "link"}


def both_sides(answers: Sequence[JSON], calls: Sequence[Call], url: str) -> JSON:
    """Return what the SDK told and what the journal has, with every fresh value replaced by its kind and number."""
    seen = {
        "sdk": [_plain(answer) for answer in answers],
        "journal": [_told(call, earlier) for call, earlier in _after_another(calls)],
    }
    keys = [call.headers["idempotency-key"] for call in calls if "idempotency-key" in call.headers]
    return _masked(seen, _mask([key for key in keys if key != KEY], url))


def _plain(answer: JSON) -> JSON:
    """Return an answer without its verdict, where that goes without saying."""
    return {
        name: value for name, value in answer.items() if name != "ok" or value is not ("returned" in answer)
    }


def _after_another(calls: Sequence[Call]) -> Iterable[tuple[Call, Call | None]]:
    return zip(calls, [None, *calls], strict=False)


def _told(call: Call, earlier: Call | None) -> JSON:
    told = {
        "status": call.status,
        "outcome": call.outcome,
        "reason": call.reason,
        "operation": call.operation,
        "path": call.path + (f"?{call.query}" if call.query else ""),
        "authorization": call.headers.get("authorization"),
        "idempotency-key": call.headers.get("idempotency-key"),
        "deviations": sorted(call.deviations) or None,
        "rule": None if call.outcome == "scripted" else call.rule,
        "repeatOf": call.repeat_of,
        "waited": _waited(call, earlier),
        "answered": _answered(call),
    }
    return {name: value for name, value in told.items() if value is not None}


def _answered(call: Call) -> JSON:
    """Return the body of a refusal; None where it has none, and for what is no refusal."""
    if call.status < 400 or call.answer is None or not call.answer.body:
        return None
    try:
        return call.answer.json
    except ValueError:
        return call.answer.body.decode("utf-8", "replace")


def _waited(call: Call, earlier: Call | None) -> str | None:
    """Return how long a client waited that was asked to; None where it was not."""
    asked = None if earlier is None or earlier.answer is None else earlier.answer.headers.get("retry-after")
    if asked is None or earlier is None:
        return None
    gap = (call.received - earlier.received).total_seconds()
    return "as long as asked" if gap >= int(asked) - SOON else "less than asked"


def _mask(keys: Sequence[str], url: str) -> Callable[[str], str]:
    seen: dict[str, dict[str, None]] = {}

    def named(kind: str, value: str) -> str:
        known = seen.setdefault(kind, {})
        known.setdefault(value)
        return f"<{kind}>" if kind in UNNUMBERED else f"<{kind} {list(known).index(value) + 1}>"

    def mask(text: str) -> str:
        # Python 3.13 has another name for the 422, which the server sends and SDKs repeat.
        text = text.replace(url, "<url>").replace(HTTPStatus(422).phrase, "Unprocessable Entity")
        for key in keys:
            text = text.replace(key, named("key", key))
        for kind, pattern in FRESH:
            for value in dict.fromkeys(pattern.findall(text)):
                text = text.replace(value, named(kind, value))
        return text

    return mask


def _masked(value: JSON, mask: Callable[[str], str]) -> JSON:
    match value:
        case str():
            return mask(value)
        case list():
            return [_masked(each, mask) for each in value]
        case dict():
            return {name: _masked(each, mask) for name, each in value.items()}
        case _:
            return value
