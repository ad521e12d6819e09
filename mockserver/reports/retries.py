"""The retry audit: how clients retried, as far as the journal of one namespace can tell, and what was wrong with it.

Waits are judged in real time, against what the answers asked for. Nothing is judged of a logical call between whose
attempts the mock's clock was moved, nor of one whose first attempts may be among the calls that the journal dropped.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from mockserver.engine.exchange import JSON, Exchange
from mockserver.engine.values import cut, write_json
from mockserver.engine.world import Blueprint
from mockserver.reports.attempts import Ending, Sent, attempts_in
from mockserver.reports.grouping import WINDOW, grouped
from mockserver.reports.retry_rules import (
    RULES,
    Broken,
    History,
    KeyRow,
    changes,
    gap_between,
    is_honoured,
    keys_of,
    reuses_in,
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call of a logical call, with times in seconds.

    ``gap`` is what passed since the previous answer was out, None where it was not; ``asked`` is what ``Retry-After``
    of this answer asked for, and ``honoured`` whether the next attempt waited so long, None where that cannot be said.
    """

    number: int
    id: str
    status: int
    outcome: str
    reason: str | None
    state: str
    fault: str | None
    gap: float | None
    asked: float | None
    honoured: bool | None

    def as_json(self) -> dict[str, JSON]:
        """Return the attempt as the control plane writes it, its gap in milliseconds."""
        return {
            "number": self.number,
            "id": self.id,
            "status": self.status,
            "outcome": self.outcome,
            "reason": self.reason,
            "state": self.state,
            "fault": self.fault,
            "gap": None if self.gap is None else round(self.gap * 1000),
            "retryAfter": None if self.asked is None else round(self.asked, 3),
            "honoured": self.honoured,
        }


@dataclass(frozen=True, slots=True)
class LogicalCall:
    """What a client wanted once, and all its attempts.

    ``grouped_by`` is the dedup rule by whose key the attempts belong together, or ``body``; ``keys`` are those of each
    rule in the order of the attempts, equal neighbours once, None for an attempt without. ``key_unchanged`` is None
    where there was no key. It ``ended`` as ``succeeded``, ``refused`` or ``given-up``, or is ``waiting`` for an answer.
    ``not_judged`` is the sentence that says why no rule was looked at, empty where they were.
    """

    api: str
    operation: str
    grouped_by: str
    keys: Mapping[str, tuple[JSON, ...]]
    key_unchanged: bool | None
    attempts: tuple[Attempt, ...]
    retried_final: bool
    ended: str
    not_judged: str
    broken: tuple[Broken, ...]

    @property
    def judged(self) -> bool:
        """Whether the rules were looked at."""
        return not self.not_judged

    def as_json(self) -> dict[str, JSON]:
        """Return the logical call as the control plane writes it."""
        return {
            "api": self.api,
            "operation": self.operation,
            "groupedBy": self.grouped_by,
            "keys": {rule: list(values) for rule, values in self.keys.items()},
            "keyUnchanged": self.key_unchanged,
            "attempts": [attempt.as_json() for attempt in self.attempts],
            "retriedFinal": self.retried_final,
            "ended": self.ended,
            "judged": self.judged,
            "notJudged": self.not_judged or None,
            "broken": [each.as_json() for each in self.broken],
        }


def audit(exchanges: Sequence[Exchange], blueprint: Blueprint, dropped: int = 0) -> tuple[LogicalCall, ...]:
    """Return the logical calls that were retried, were given up, or took the key of another.

    ``exchanges`` are those of one namespace, oldest first; ``dropped`` is how many older ones its journal has dropped.
    """
    calls = attempts_in(exchanges, blueprint)
    reuses = reuses_in(calls)
    sdks = {api.name: api.document.get("x-mock", {}).get("sdk", []) for api in blueprint.apis}
    begin = exchanges[0].arrived if exchanges and dropped else None
    found = []
    for attempts in grouped(calls):
        if len(attempts) > 1 or _ended(attempts) == "given-up" or attempts[0].exchange.number in reuses:
            history = History(attempts, keys_of(attempts), reuses, sdks[attempts[0].operation.api])
            found.append(_told(history, _why_not_judged(attempts, begin, dropped)))
    return tuple(found)


def _told(history: History, not_judged: str) -> LogicalCall:
    attempts, keys = history.attempts, history.keys
    return LogicalCall(
        api=attempts[0].operation.api,
        operation=attempts[0].operation.id,
        grouped_by=_grouped_by(attempts, keys),
        keys={rule: _shown(row) for rule, row in keys.items()},
        key_unchanged=not any(map(changes, keys.values())) if keys else None,
        attempts=tuple(_attempts(attempts)),
        retried_final=any(sent.ending is Ending.FINAL for sent in attempts[:-1]),
        ended=_ended(attempts),
        not_judged=not_judged,
        broken=() if not_judged else tuple(each for rule in RULES if (each := rule(history)) is not None),
    )


def _grouped_by(attempts: Sequence[Sent], keys: Mapping[str, KeyRow]) -> str:
    """Return what holds the attempts together: the first key that all of them have, or the body."""
    return next(
        (rule for rule in attempts[0].operation.dedup if rule in keys and not changes(keys[rule])), "body"
    )


def _shown(keys: KeyRow) -> tuple[JSON, ...]:
    shown = (keys[position] for position in (0, *changes(keys)))
    return tuple(None if key is None else _short(key.value) for key in shown)


def _short(value: JSON) -> JSON:
    """Return a key as it is shown: what is long or no scalar as text."""
    if isinstance(value, str):
        return cut(value)
    text = write_json(value)
    return cut(text) if len(text) > 40 or isinstance(value, list | dict) else value


def _attempts(attempts: Sequence[Sent]) -> Iterator[Attempt]:
    before = [None, *(gap_between(*pair) for pair in pairwise(attempts))]
    after = [*(is_honoured(*pair) for pair in pairwise(attempts)), None]
    for sent, gap, honoured in zip(attempts, before, after, strict=True):
        each = sent.exchange
        yield Attempt(
            each.number,
            each.id,
            each.status,
            each.outcome,
            each.reason,
            each.state,
            each.fault,
            gap,
            sent.asked,
            honoured,
        )


_ENDED: Final = {Ending.RETRYABLE: "given-up", Ending.LOST: "given-up"}


def _ended(attempts: Sequence[Sent]) -> str:
    """Say how a logical call ended; of several attempts at once, an earlier one may be answered last."""
    endings = {sent.ending for sent in attempts}
    if Ending.SUCCEEDED in endings:
        return "succeeded"
    return "waiting" if Ending.WAITING in endings else _ENDED.get(attempts[-1].ending, "refused")


def _why_not_judged(attempts: Sequence[Sent], begin: float | None, dropped: int) -> str:
    """Say why the rules cannot be applied; ``begin`` is when the oldest call that is left arrived."""
    for earlier, later in pairwise(sent.exchange for sent in attempts):
        if earlier.clock_moves != later.clock_moves:
            return f"the mock's clock was moved between calls #{earlier.number} and #{later.number}"
    first = attempts[0].exchange
    if begin is not None and first.arrived - begin < WINDOW:
        return (
            f"attempts before call #{first.number} may be among the {dropped} calls that the journal dropped"
        )
    return ""
