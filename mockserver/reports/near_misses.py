"""Near misses and request patterns without secrets: those of a call, and those that a pattern asks for."""

from collections.abc import Collection, Mapping
from typing import Final

from mockserver.engine.exchange import JSON
from mockserver.reports.redaction import REDACTED, redacted
from mockserver.reports.sensitive import ALWAYS_SECRET, Sensitive

_NAMED: Final = frozenset({"/headers", "/queryParameters", "/cookies"})


def redacted_miss(miss: Mapping[str, JSON], sensitive: Sensitive) -> dict[str, JSON]:
    """Return a near miss without its secrets: those of its call, and those that its pattern asks for."""
    shown = redacted(miss, sensitive)
    shown["requestPattern"] = redacted_pattern(shown["requestPattern"], sensitive.names)
    for event in (event["data"] for event in shown["matchResult"]["subEvents"]):
        place, _, name = event["pointer"].rpartition("/")
        if place in _NAMED and (name.lower() in sensitive.names or place == "/cookies"):
            event.update({side: REDACTED for side in ("expected", "actual") if side in event})
    return shown


def redacted_pattern(value: JSON, names: Collection[str] = ALWAYS_SECRET) -> JSON:
    """Return a request pattern without the texts that it asks secret places for."""
    if isinstance(value, list):
        return [redacted_pattern(each, names) for each in value]
    if not isinstance(value, Mapping):
        return value
    hidden = {*names, "basicauthcredentials", "cookies"}
    return {
        name: _blanked(each) if name.lower() in hidden else redacted_pattern(each, names)
        for name, each in value.items()
    }


def _blanked(value: JSON) -> JSON:
    """Return a value in which every text is redacted."""
    if isinstance(value, list):
        return [_blanked(each) for each in value]
    if isinstance(value, Mapping):
        return {name: _blanked(each) for name, each in value.items()}
    return REDACTED if isinstance(value, str) else value
