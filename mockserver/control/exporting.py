"""What leaves the journal: the calls in forms to keep or to run, without secrets, and the retry audit."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from starlette.responses import Response

from mockserver import __version__
from mockserver.control.replies import DROPPED, Asked, compact, of_journal, text, wrong_query
from mockserver.engine.exchange import Exchange
from mockserver.engine.search import parse_search
from mockserver.reports.exports import curl, har, jsonl, pytest_text
from mockserver.reports.lines import text as lines
from mockserver.reports.retries import audit
from mockserver.reports.sensitive import Sensitive, sensitive_in

Export = Callable[[Sequence[Exchange], Sensitive], str]

FORMATS: Final[dict[str, tuple[str, str, Export]]] = {
    "har": (
        "application/json",
        "calls.har",
        lambda calls, sensitive: compact(har(calls, sensitive, __version__)),
    ),
    "jsonl": (
        "application/x-ndjson",
        "calls.jsonl",
        lambda calls, sensitive: "".join(jsonl(calls, sensitive)),
    ),
    "curl": ("text/plain", "calls.sh", curl),
    "text": ("text/plain", "calls.txt", lines),
    "pytest": ("text/x-python", "test_calls.py", pytest_text),
}
"""Media type, name of a file, and what writes it, by name of the format."""


def export(asked: Asked) -> Response:
    """Return the calls that ``q`` asks for, oldest first, in a format."""
    name = asked.query("format") or ""
    if name not in FORMATS:
        return wrong_query([("format", f"{name!r} is not a format; there are {', '.join(FORMATS)}")])
    media_type, file, write = FORMATS[name]
    world, blueprint = asked.world, asked.stage.blueprint
    now = datetime.fromtimestamp(world.clock.now()).astimezone()
    search = parse_search(asked.query("q") or "", now, blueprint.key_of)
    if search.problems:
        return wrong_query([("q", told) for told in search.problems])
    read = (world.journal.read(row) for row in world.journal.rows())
    calls = [exchange for exchange in read if search.matches(exchange)]
    dropped = {DROPPED: str(world.journal.dropped)} if world.journal.dropped else {}
    written = write(calls, sensitive_in(blueprint))
    return text(written, media_type, **{"Content-Disposition": f'attachment; filename="{file}"'}, **dropped)


def list_retries(asked: Asked) -> Response:
    """Return what clients did after an answer that asks for another attempt, and what was wrong with it."""
    world = asked.world
    exchanges = [world.journal.read(row) for row in world.journal.rows()]
    calls = audit(exchanges, asked.stage.blueprint, world.journal.dropped)
    return of_journal(asked, {"calls": [each.as_json() for each in calls], "dropped": world.journal.dropped})
