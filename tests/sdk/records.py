"""What was seen of an SDK, as it is checked in: both sides of every scenario, without what differs between two runs."""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from mockserver.client import Call
from tests.installing import CACHE, locked
from tests.sdk.sdks import KEY

JSON = Any
RECORDS: Final = Path(__file__).parent / "records"
EMPTY: Final = {"package": "", "registry": "", "version": "", "facts": {}, "scenarios": {}}
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
    }
    return {name: value for name, value in told.items() if value is not None}


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
        text = text.replace(url, "<url>")
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


def path_of(name: str) -> Path:
    """Return where the record of an SDK is kept."""
    return RECORDS / f"{name}.yaml"


def read(name: str) -> dict[str, JSON]:
    """Return the record of an SDK; an empty one where there is none yet."""
    path = path_of(name)
    record = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {**EMPTY, **record, "scenarios": record.get("scenarios") or {}}


def merge(name: str, seen: Mapping[str, JSON], order: Sequence[str]) -> None:
    """Lay what was seen over a record; ``order`` are the scenarios that it can have. Workers take turns."""
    with locked(CACHE / "sdk-records.lock"):
        record = read(name)
        scenarios = {**record["scenarios"], **seen.get("scenarios", {})}
        ordered = {each: scenarios[each] for each in order if each in scenarios}
        text = written({**record, **seen, "scenarios": ordered})
        path_of(name).write_text(text, encoding="utf-8", newline="\n")


def written(record: Mapping[str, JSON]) -> str:
    """Return a record as it stands in its file: a line for each answer and each call."""
    lines = [f"{name}: {_inline(value)}" for name, value in record.items() if name != "scenarios"]
    lines.append("scenarios:")
    for name, seen in record["scenarios"].items():
        lines += ["", f"  {_inline(name)}:"]
        for side, entries in seen.items():
            if isinstance(entries, list):
                lines += [f"    {side}:", *(f"      - {_inline(entry)}" for entry in entries)]
            else:
                lines.append(f"    {side}: {_inline(entries)}")
    return "\n".join([*lines, ""])


def _inline(value: JSON) -> str:
    text: str = yaml.safe_dump(
        value, sort_keys=False, allow_unicode=True, width=float("inf"), default_flow_style=True
    )
    return text.removesuffix("\n").removesuffix("\n...")


def difference(recorded: JSON, seen: JSON, name: str) -> str:
    """Return what is different in scenarios, line by line; nothing where nothing is."""
    before, now = (written({"scenarios": each}).splitlines() for each in (recorded, seen))
    told = difflib.unified_diff(before, now, f"records/{name}.yaml", "this run", lineterm="", n=4)
    return "\n".join(told)
