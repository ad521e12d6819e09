"""The journal over HTTP: list, find, count, remove, and what came near."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, Final, TypeVar

from starlette.responses import Response

from mockserver.control.nearness import near_calls, near_rules, near_unmatched, sighting_in
from mockserver.control.replies import (
    Asked,
    RefusedError,
    nothing,
    of_journal,
    reply,
    unreadable,
    wrong_id,
    wrong_query,
)
from mockserver.engine.exchange import JSON
from mockserver.engine.journal import Record, Row
from mockserver.engine.mappings import UUID
from mockserver.engine.matchers import read_matcher
from mockserver.engine.matching import Fault, Value
from mockserver.engine.patterns import Pattern, read_pattern
from mockserver.engine.sightings import sighting_of
from mockserver.engine.values import write_json
from mockserver.engine.world import World
from mockserver.reports.near_misses import redacted_miss
from mockserver.reports.sensitive import sensitive_in
from mockserver.wire import UNMATCHED, logged_request, serve_event

T = TypeVar("T")
_REASON: Final = Record._fields.index("reason")
_RECEIVED: Final = Record._fields.index("received")
_STUB: Final = Record._fields.index("stub")


def matching(world: World, pattern: Pattern) -> list[Row]:
    """Return the stored calls that match a pattern, oldest first."""
    rows = world.journal.rows()
    if not pattern.parts:
        return rows
    now = world.clock.now()
    return [row for row in rows if pattern.matches(sighting_of(row, now, world.journal.describe))]


def pattern_in(asked: Asked) -> Pattern:
    """Read the request pattern that was sent. Raises `PatternError` and `RefusedError`."""
    return read_pattern(asked.document(), asked.stage.blueprint.known)


def events_of(world: World, rows: Iterable[Row]) -> list[JSON]:
    """Return calls as ServeEvents."""
    return [serve_event(world.journal.read(row), world.rules) for row in rows]


def requests_of(asked: Asked, rows: Iterable[Row]) -> list[JSON]:
    """Return calls as LoggedRequests; with ``response=true`` in the query, each with its answer."""
    answered = (asked.query("response") or "").lower() == "true"
    return [logged_request(asked.world.journal.read(row), answered=answered) for row in rows]


def list_requests(asked: Asked) -> Response:
    """Return the calls, newest first; all that are wanted are counted in ``total``."""
    faults: list[Fault] = []
    limit = _read(asked, "limit", _limit, "is not a number of calls", faults)
    since = _read(asked, "since", _since, "is not a valid ISO8601 date", faults)
    stub = asked.query("matchingStub")
    if faults:
        return wrong_query(faults)
    unmatched = (asked.query("unmatched") or "").lower() == "true"
    rows = [
        row
        for row in reversed(asked.world.journal.rows())
        if (since is None or row[_RECEIVED] >= since)
        and (not unmatched or row[_REASON] in UNMATCHED)
        and (stub is None or row[_STUB] == stub.lower())
    ]
    shown = rows if limit is None else rows[:limit]
    return of_journal(asked, {**_events(asked, shown), "meta": {"total": len(rows)}, **_ENABLED})


def _events(asked: Asked, rows: Iterable[Row]) -> dict[str, JSON]:
    return {"requests": events_of(asked.world, rows)}


_ENABLED: Final = {"requestJournalDisabled": False}


def _read(asked: Asked, name: str, parse: Callable[[str], T], fault: str, faults: list[Fault]) -> T | None:
    text = asked.query(name)
    if text is None:
        return None
    try:
        return parse(text)
    except ValueError:
        faults.append((name, f"{text} {fault}"))
        return None


def _limit(text: str) -> int:
    if not text.isdecimal():
        raise ValueError(text)
    return int(text[:18])  # more than any journal holds, and what a slice can take


def _since(text: str) -> float:
    moment = datetime.fromisoformat(text.replace(" ", "+"))  # a plus sign that was not percent-encoded
    return moment.astimezone().timestamp() if moment.tzinfo is None else moment.timestamp()


def _row(asked: Asked) -> Row:
    """Return the call that the path names. Raises `RefusedError`."""
    id_, journal = asked.part("id"), asked.world.journal
    if not UUID.fullmatch(id_):
        raise RefusedError(wrong_id(id_))
    row = journal.row(journal.number_of(id_.lower()) or 0)
    if row is None:
        raise RefusedError(nothing())
    return row


def get_request(asked: Asked) -> Response:
    """Return one call."""
    return of_journal(asked, events_of(asked.world, [_row(asked)])[0])


def delete_request(asked: Asked) -> Response:
    """Forget one call."""
    asked.world.journal.remove([_row(asked)[0]])
    asked.stage.tell_cleared(asked.world)
    return reply({})


def delete_requests(asked: Asked) -> Response:
    """Empty the journal, and nothing else."""
    asked.world.journal.clear()
    asked.stage.tell_cleared(asked.world)
    return reply({})


def count(asked: Asked) -> Response:
    """Count the calls that match a pattern."""
    return of_journal(asked, {"count": len(matching(asked.world, pattern_in(asked))), **_ENABLED})


def find(asked: Asked) -> Response:
    """Return the calls that match a pattern, oldest first."""
    found = requests_of(asked, matching(asked.world, pattern_in(asked)))
    return of_journal(asked, {"requests": found, **_ENABLED})


def remove(asked: Asked) -> Response:
    """Forget the calls that match a pattern, and return them."""
    return _removed(asked, matching(asked.world, pattern_in(asked)))


def remove_by_metadata(asked: Asked) -> Response:
    """Forget the calls that a rule acted on whose metadata match, and return them."""
    meets, rules = metadata_matcher(asked), asked.world.rules
    acted = ((row, rules.rule_of(row[_STUB] or "")) for row in asked.world.journal.rows())
    return _removed(asked, [row for row, rule in acted if rule is not None and meets(rule.metadata)])


def _removed(asked: Asked, rows: list[Row]) -> Response:
    events = events_of(asked.world, rows)
    asked.world.journal.remove(row[0] for row in rows)
    asked.stage.tell_cleared(asked.world)
    return of_journal(asked, {"serveEvents": events})


def metadata_matcher(asked: Asked) -> Callable[[Any], bool]:
    """Read the matcher of metadata that was sent. Raises `RefusedError`."""
    faults: list[Fault] = []
    matcher = read_matcher(asked.document(), "", faults)
    if matcher is None:
        raise RefusedError(unreadable(faults))
    now = asked.world.clock.now()
    return lambda metadata: matcher.meets([Value(write_json(dict(metadata)), None, now)])


def _unmatched(world: World) -> Iterator[Row]:
    return (row for row in world.journal.rows() if row[_REASON] in UNMATCHED)


def unmatched(asked: Asked) -> Response:
    """Return the calls that neither an operation nor a rule took."""
    return of_journal(asked, {"requests": requests_of(asked, _unmatched(asked.world)), **_ENABLED})


def unmatched_near_misses(asked: Asked) -> Response:
    """Return what the calls that nobody took were probably meant for."""
    return of_journal(asked, {"nearMisses": near_unmatched(asked.world, list(_unmatched(asked.world)))})


def near_misses_of_request(asked: Asked) -> Response:
    """Return the rules and operations that come nearest to a request."""
    sighting, shown = sighting_in(asked.document(), asked.world)
    return of_journal(asked, {"nearMisses": near_rules(asked.world, sighting, shown)})


def near_misses_of_pattern(asked: Asked) -> Response:
    """Return the calls that come nearest to a pattern."""
    return of_journal(asked, {"nearMisses": near_misses(asked, pattern_in(asked))})


def near_misses(asked: Asked, pattern: Pattern) -> list[JSON]:
    """Return the calls that come nearest to a pattern; with ``redact=true`` in the query, without secrets."""
    found = near_calls(asked.world, pattern)
    if (asked.query("redact") or "").lower() != "true":
        return found
    sensitive = sensitive_in(asked.stage.blueprint)
    return [redacted_miss(miss, sensitive) for miss in found]
