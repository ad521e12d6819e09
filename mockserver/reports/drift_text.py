"""How a vendor's contract has changed, as text for people and as JSON for programs."""

import json
from collections.abc import Iterator

from mockserver.drift.differences import Difference
from mockserver.drift.rules import BOTH
from mockserver.drift.survey import Drift
from mockserver.engine.exchange import JSON
from mockserver.engine.values import ABSENT, cut
from mockserver.reports.lines import shown

_LONGEST = 100  # characters of a value in a sentence


def drift_text(drift: Drift) -> str:
    """Return what was compared, what differs and where, for a person."""
    return "".join(f"{line}\n" for line in _lines(drift))


def _lines(drift: Drift) -> Iterator[str]:
    yield f"{drift.api}: {verdict_of(drift)}"
    yield f"  published:     {source_text(drift)}"
    yield f"  compared with: {shown(drift.document, 300)}, {_compared(drift)}"
    told = ""
    for each in drift.differences:
        if each.operation != told:
            yield from ("", shown(each.operation, 300))
            told = each.operation
        yield f"  {'breaking' if each.is_breaking else 'other   '}  {sentence_of(each, drift)}"
        places = [shown(each.pointer, 1000), place_of(each, drift)]
        yield f"            {'  '.join(filter(None, places))}"


def verdict_of(drift: Drift) -> str:
    """Return how much differs, in a few words."""
    count = len(drift.differences)
    if not count:
        return "no difference"
    return f"{count} difference{'s' * (count > 1)}, {drift.breaking or 'none'} of them breaking"


def source_text(drift: Drift) -> str:
    """Return where and when the contract of the spec was read."""
    source = drift.source
    parts = [source.get("page"), source.get("url")]
    parts += [f"version {source['version']}"] if "version" in source else []
    parts += [f"read {source['read']}"] if "read" in source else []
    return shown(", ".join(filter(None, parts)) or "the spec does not say where", 300)


def _compared(drift: Drift) -> str:
    if not drift.operations:
        return "the text of the page"
    count = len(drift.operations)
    told = f"{count} operation{'s' * (count != 1)}"
    return f"{told}; {drift.others} more there that the spec has not" if drift.others else told


def sentence_of(difference: Difference, drift: Drift) -> str:
    """Return what has changed, in a sentence without its place."""
    if difference.subject == "page":
        since = f" since {drift.source['read']}" if "read" in drift.source else ""
        told = f"the text of the page has changed{since}; read it again, nobody knows whether callers break"
        return f"{told} (its digest is now {difference.after})"
    where = "" if difference.where == BOTH else f" in {next(iter(difference.where))}s"
    values = _values(difference)
    return f"{shown(difference.subject)} {difference.kind}{where}{': ' if values else ''}{values}"


def _values(difference: Difference) -> str:
    before, after = difference.before, difference.after
    if isinstance(before, list) and isinstance(after, list):
        gained, lost = (
            [each for each in one if each not in other] for one, other in ((after, before), (before, after))
        )
        told = [("gained", gained), ("lost", lost)]
        return "; ".join(f"{word} {', '.join(map(_value, values))}" for word, values in told if values)
    if before is ABSENT or after is ABSENT:
        value = after if before is ABSENT else before
        return "" if value is True or isinstance(value, dict) else _value(value)
    return f"{_value(before)} → {_value(after)}"


def _value(value: JSON) -> str:
    return cut(json.dumps(value, ensure_ascii=True), _LONGEST)


def place_of(difference: Difference, drift: Drift) -> str:
    """Return file and line of the spec where a difference is to be looked at."""
    return f"{drift.file}:{difference.line}" if difference.line else drift.file


def drift_json(drift: Drift) -> str:
    """Return all that is known of a drift as one JSON document."""
    document = {
        "api": drift.api,
        "source": drift.source,
        "document": drift.document,
        "operations": list(drift.operations),
        "otherOperations": drift.others,
        "breaking": drift.breaking,
        "differences": [_row(each, drift) for each in drift.differences],
    }
    return json.dumps(document, indent=2) + "\n"


def _row(difference: Difference, drift: Drift) -> dict[str, JSON]:
    values = {"before": difference.before, "after": difference.after}
    return {
        "kind": difference.kind,
        "breaking": difference.is_breaking,
        "subject": difference.subject,
        "operation": difference.operation,
        "in": sorted(difference.where),
        "pointer": difference.pointer,
        **{name: value for name, value in values.items() if value is not ABSENT},
        "file": drift.file,
        "line": difference.line,
        "message": sentence_of(difference, drift),
    }
