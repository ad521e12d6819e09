"""What a client may do wrong when it retries: each rule is a function that says how a logical call breaks it.

rule                    level    broken when
retry-after-honoured    fail     the client came back earlier than asked
key-unchanged           fail     a key differs between attempts; a note where another key stayed the same, or
                                 where the spec's ``sdk`` says that this SDK renews it
key-present             note     a POST or PATCH was retried without any key, where the API has one
no-retry-of-final       fail     the same was sent again after a refusal that no retry can change
bounded                 note     there are too many attempts, or waits of the client's own choice do not grow
key-per-call            fail     one key was sent with different bodies
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

from mockserver.engine.exchange import JSON, Reason
from mockserver.engine.values import cut, write_json
from mockserver.reports.attempts import Ending, Sent, SentKey
from mockserver.reports.grouping import SLACK

MOST_ATTEMPTS: Final = 10
FAIL: Final = "fail"
NOTE: Final = "note"


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that a logical call breaks: how badly, the first time as a sentence, and the numbers of all such calls."""

    rule: str
    level: str
    sentence: str
    calls: tuple[int, ...]

    def as_json(self) -> dict[str, JSON]:
        """Return the broken rule as the control plane writes it."""
        return {
            "rule": self.rule,
            "level": self.level,
            "sentence": self.sentence,
            "calls": list(self.calls),
        }


class Reuse(NamedTuple):
    """A key that a call sent with another body than its ``owner``, a call whose number is None if it is not known."""

    key: SentKey
    owner: int | None


KeyRow = tuple[SentKey | None, ...]
"""The keys of one dedup rule, attempt by attempt; None where none was sent."""


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """A logical call as rules look at it; ``sdks`` are those of its API, ``reuses`` by the number of the call."""

    attempts: Sequence[Sent]
    keys: Mapping[str, KeyRow]
    reuses: Mapping[int, Reuse]
    sdks: Sequence[Mapping[str, JSON]]


def keys_of(attempts: Sequence[Sent]) -> dict[str, KeyRow]:
    """Return the keys of all attempts, by the names of the rules of which any was sent."""
    rows = [{key.rule.name: key for key in sent.keys} for sent in attempts]
    return {
        rule: tuple(row.get(rule) for row in rows)
        for rule in dict.fromkeys(name for row in rows for name in row)
    }


def changes(keys: KeyRow) -> list[int]:
    """Return the positions of the keys that differ from the one before."""
    texts = [None if key is None else key.text for key in keys]
    return [position for position in range(1, len(texts)) if texts[position] != texts[position - 1]]


def gap_between(earlier: Sent, later: Sent) -> float | None:
    """Return the seconds from an answer to the next attempt, None where the answer was not out yet."""
    gap = later.exchange.arrived - earlier.ends
    return None if gap < -SLACK else max(0.0, gap)


def is_honoured(earlier: Sent, later: Sent) -> bool | None:
    """Tell whether an attempt waited as long as it was asked to, None where that cannot be said."""
    gap = gap_between(earlier, later)
    if earlier.asked is None or gap is None or earlier.exchange.clock_moves != later.exchange.clock_moves:
        return None
    return gap >= earlier.asked - SLACK


# The rules, in the order in which they are told


def retry_after_honoured(history: History) -> Broken | None:
    """Did each attempt wait as long as the answer before asked?"""
    early = [pair for pair in pairwise(history.attempts) if is_honoured(*pair) is False]
    if not early:
        return None
    earlier, later = early[0]
    gap, asked = _seconds(gap_between(earlier, later) or 0.0), _seconds(earlier.asked or 0.0)
    told = f"retried {gap} after a {earlier.exchange.status} that asked for {asked}"
    return Broken("retry-after-honoured", FAIL, told, _later(early))


def key_unchanged(history: History) -> Broken | None:
    """Did all attempts send the same keys?"""
    for rule, keys in history.keys.items():
        if positions := changes(keys):
            level, why = _weight(history, rule)
            before, after = keys[positions[0] - 1], keys[positions[0]]
            told = f"sent {_quoted(after)} as {rule} after {_quoted(before)}{why}"
            calls = tuple(history.attempts[position].exchange.number for position in positions)
            return Broken("key-unchanged", level, told, calls)
    return None


def _weight(history: History, changed: str) -> tuple[str, str]:
    """Return how bad it is that a key has changed, and why."""
    for rule, keys in history.keys.items():
        if not changes(keys):
            return NOTE, f"; {rule} stayed the same"
    agents = [sent.exchange.request.headers.get("user-agent", "") for sent in history.attempts]
    for sdk in history.sdks:
        pattern = sdk.get("userAgent", "")
        if changed in sdk.get("renews", ()) and all(re.search(pattern, agent) for agent in agents):
            return NOTE, f", as {sdk['package']} does unless it is given one"
    return FAIL, ": the service cannot tell that it is the same call"


def key_present(history: History) -> Broken | None:
    """Was there a key, where one is of use?"""
    operation, retried = history.attempts[0].operation, _numbers(history.attempts[1:])
    if not retried or history.keys or not operation.dedup or operation.method not in {"POST", "PATCH"}:
        return None
    if operation.each is not None:  # whose items may have keys of their own
        return None
    told = f"retried a {operation.method} without {' or '.join(operation.dedup)}: it may be done twice"
    return Broken("key-present", NOTE, told, retried)


def no_retry_of_final(history: History) -> Broken | None:
    """Was nothing sent again that can only be refused again?"""
    again = [pair for pair in pairwise(history.attempts) if pair[0].ending is Ending.FINAL]
    if not again:
        return None
    told = (
        f"retried after a {again[0][0].exchange.status} with the same body, which can only be refused again"
    )
    return Broken("no-retry-of-final", FAIL, told, _later(again))


def bounded(history: History) -> Broken | None:
    """Were there few attempts, and waits that grow where no answer asked for one?"""
    attempts = history.attempts
    if len(attempts) > MOST_ATTEMPTS:
        told = f"made {len(attempts)} attempts; more than {MOST_ATTEMPTS} help nobody"
        return Broken("bounded", NOTE, told, _numbers(attempts[MOST_ATTEMPTS:]))
    own = [pair for pair in pairwise(attempts) if pair[0].asked is None]
    gaps = [gap for pair in own if (gap := gap_between(*pair)) is not None]
    if len(gaps) < 3 or max(gaps[1:]) > gaps[0] * 1.25 + 0.01:  # less is the timers' doing
        return None
    told = f"waited {', '.join(map(_seconds, gaps[:3]))} between attempts; the waits should grow"
    return Broken("bounded", NOTE, told, _later(own))


def key_per_call(history: History) -> Broken | None:
    """Did each key stand for one body?"""
    found = [sent for sent in history.attempts if sent.exchange.number in history.reuses]
    if not found:
        return None
    key, owner = history.reuses[found[0].exchange.number]
    whose = "an earlier call" if owner is None else f"call #{owner}"
    told = f"sent another body with the {key.rule.name} {_quoted(key)} of {whose}"
    return Broken("key-per-call", FAIL, told, _numbers(found))


RULES: Final[tuple[Callable[[History], Broken | None], ...]] = (
    retry_after_honoured, key_unchanged, key_present, no_retry_of_final, bounded, key_per_call,
)  # fmt: skip


def _numbers(attempts: Iterable[Sent]) -> tuple[int, ...]:
    return tuple(sent.exchange.number for sent in attempts)


def _later(pairs: Iterable[tuple[Sent, Sent]]) -> tuple[int, ...]:
    return _numbers(later for _, later in pairs)


def _quoted(key: SentKey | None) -> str:
    return "nothing" if key is None else cut(write_json(key.value))


def _seconds(seconds: float) -> str:
    return f"{round(seconds, 2):.12g} s"


# Keys that are sent with different bodies


def reuses_in(calls: Iterable[Sent]) -> dict[int, Reuse]:
    """Return the calls that send another body with a key that belongs to an earlier call, by number."""
    owners: dict[tuple[str, ...], Sent] = {}
    found: dict[int, Reuse] = {}
    for sent in calls:
        for key in sent.keys:
            name = _scoped(sent, key)
            owner = _still_known(owners.get(name), sent, key)
            if _is_reused(sent, key, owner):
                found.setdefault(
                    sent.exchange.number, Reuse(key, None if owner is None else owner.exchange.number)
                )
            elif owner is None and _may_own(sent):
                owners[name] = sent
    return found


def _scoped(sent: Sent, key: SentKey) -> tuple[str, ...]:
    api, operation, credential = sent.caller
    scope = {"credential": credential, "operation": operation}
    return (api, key.rule.name, *[scope.get(part, "") for part in key.rule.scope], key.text)


def _still_known(owner: Sent | None, sent: Sent, key: SentKey) -> Sent | None:
    """Return the owner of a key, unless the time of the key has run out, or was turned back."""
    age = 0.0 if owner is None else sent.exchange.received - owner.exchange.received
    return owner if 0 <= age < key.rule.ttl else None


def _is_reused(sent: Sent, key: SentKey, owner: Sent | None) -> bool:
    if sent.exchange.reason == Reason.KEY_REUSED and sent.exchange.rule == key.rule.name:
        return True
    if owner is None or not sent.fingerprint or not owner.fingerprint:
        return False
    return sent.fingerprint != owner.fingerprint


def _may_own(sent: Sent) -> bool:
    """Tell whether a service may have done what a call asks for, so that its key belongs to it."""
    if sent.ending is Ending.RETRYABLE:
        return sent.exchange.status >= 500
    return sent.ending in {Ending.SUCCEEDED, Ending.LOST, Ending.WAITING}
