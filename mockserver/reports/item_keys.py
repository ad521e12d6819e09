"""Keys that were sent with two bodies, one of them that of an item of a bulk call.

The retry audit looks at calls as wholes; a service that knows an item's key takes the second one for a repeat, and
drops what it says.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mockserver.engine.contract import Operation
from mockserver.engine.dedup import key_value
from mockserver.engine.exchange import Exchange
from mockserver.engine.expressions import RequestFacts
from mockserver.engine.values import ABSENT, as_text, cut, is_empty
from mockserver.engine.world import Blueprint
from mockserver.reports.attempts import credential_of, essence_of


class Reused(NamedTuple):
    """A call that sent a key with another body than the call ``first``; ``at`` is the pointer of its item, if any."""

    exchange: Exchange
    at: str
    rule: str
    key: str
    first: Exchange


class _Use(NamedTuple):
    exchange: Exchange
    at: str | None
    essence: str


def reused_keys(calls: Sequence[Exchange], blueprint: Blueprint) -> Iterator[Reused]:
    """Yield what reuses a key, of the calls of one journal, oldest first; two single calls are left to the audit."""
    first: dict[tuple[str, ...], _Use] = {}
    for call in calls:
        if call.api is None or call.outcome not in {"admitted", "repeated"}:
            continue
        for at, operation, facts in _told_in(call, blueprint):
            if facts.body is ABSENT:
                continue
            use = _Use(call, at, essence_of(operation, facts.body))
            for rule, key, identity in _keys(operation, facts, call):
                known = first.setdefault(identity, use)
                is_single = known.at is None and at is None
                if not is_single and known.essence != use.essence:
                    yield Reused(call, at or "", rule, cut(key, 40), known.exchange)


def _told_in(call: Exchange, blueprint: Blueprint) -> Iterator[tuple[str | None, Operation, RequestFacts]]:
    """Yield what a call tells of; of a bulk call its items, each with its pointer."""
    known = blueprint.operations.get((call.api or "", call.operation or ""))
    told = [] if known is None else list(blueprint.told_in(known, call.request))
    if known is None or known.each is None or not call.items:
        yield from ((None, operation, facts) for operation, facts in told)
        return
    for position, ((operation, facts), item) in enumerate(zip(told, call.items, strict=False)):
        if item["outcome"] != "refused":  # whose key is not used up
            yield f"{known.each.at}/{position}", operation, facts


def _keys(
    operation: Operation, facts: RequestFacts, call: Exchange
) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for rule in operation.dedup.values():
        if not is_empty(value := rule.key(facts)):
            whose = credential_of(operation, call.request)
            yield rule.name, as_text(value), (operation.api, rule.name, whose, key_value(value))
