"""The calls of a journal as attempts: who sent what, under which keys, and what its sender could make of the answer.

Bodies are the same whose JSON is equal but for keys, and but for top-level members that hold a UUID or a time and that
the contract does not name: SDKs renew those. Members that it names say what a call is about, whatever they hold.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from enum import StrEnum
from math import inf
from typing import Final, NamedTuple

from mockserver.engine.case import trimmed
from mockserver.engine.contract import DedupRule, Operation, Parameter
from mockserver.engine.credentials import read_credential
from mockserver.engine.dedup import fingerprint_of, key_value
from mockserver.engine.exchange import JSON, Exchange, Reason, Request
from mockserver.engine.expressions import RequestFacts
from mockserver.engine.journal import ABORTED, WAITING
from mockserver.engine.parameters import texts_of
from mockserver.engine.parsing import MalformedError, parse_json
from mockserver.engine.routing import Found
from mockserver.engine.values import ABSENT, LONGEST, is_empty, steps_of
from mockserver.engine.world import Blueprint


class Ending(StrEnum):
    """What a client could make of an answer; `LOST` means that none came, `FINAL` that no retry can help."""

    SUCCEEDED = "succeeded"
    RETRYABLE = "retryable"
    LOST = "lost"
    FINAL = "final"
    REFUSED = "refused"
    WAITING = "waiting"


_FINAL_STATUSES: Final = frozenset({400, 401, 403, 404, 413, 422})
_RETRYABLE_STATUSES: Final = frozenset({408, 429})
_RETRYABLE_REASONS: Final = (Reason.RATE_LIMITED, Reason.IN_FLIGHT, Reason.UNAVAILABLE, Reason.BUG)
_ENDINGS: Final = {
    **{str(reason): Ending.FINAL for reason in Reason},
    **{str(reason): Ending.RETRYABLE for reason in _RETRYABLE_REASONS},
    str(Reason.PREFERENCE): Ending.REFUSED,  # the mock's own answer to who asks it for another
}

Caller = tuple[str, ...]
"""API, operation and credential."""


class SentKey(NamedTuple):
    """The key that a call sent for a dedup rule; ``text`` tells apart what is not equal, as ``1`` and ``"1"``."""

    rule: DedupRule
    value: JSON
    text: str


@dataclass(slots=True, eq=False)
class Sent:
    """A call as an attempt: who sent what, and what came of it.

    ``fingerprint`` stands for its body (empty where the body is not all there), ``form`` for the rest of what it sent.
    ``ends`` is when its answer was out, ``asked`` the seconds that the answer asked to wait.
    """

    exchange: Exchange
    operation: Operation
    caller: Caller
    form: tuple[str, ...]
    fingerprint: str
    keys: tuple[SentKey, ...]
    ending: Ending
    ends: float
    asked: float | None


def attempts_in(exchanges: Iterable[Exchange], blueprint: Blueprint) -> list[Sent]:
    """Read exchanges as attempts, but those that no operation took, or that the mock sent itself.

    A call that broke off within its body is taken for one with the body that came with its key before, or after.
    """
    reader = _Reader(blueprint)
    calls = [sent for each in exchanges if (sent := reader.read(each)) is not None]
    if not all(sent.fingerprint for sent in calls):
        calls = _mended(_mended(calls)[::-1])[::-1]
    return calls


def _mended(calls: list[Sent]) -> list[Sent]:
    """Return the calls, those that broke off with the body that last came with one of their keys."""
    bodies: dict[tuple[Caller, str, str], str] = {}
    mended = []
    for sent in calls:
        names = [(sent.caller, key.rule.name, key.text) for key in sent.keys]
        fingerprint = sent.fingerprint or next((bodies[name] for name in names if name in bodies), "")
        bodies.update(dict.fromkeys(names, fingerprint))
        mended.append(sent if sent.fingerprint else replace(sent, fingerprint=fingerprint))
    return mended


class _Reader:
    def __init__(self, blueprint: Blueprint) -> None:
        self._router = blueprint.router
        self._known = {(each.api, each.id): _Traits.of(each) for each in blueprint.validators}
        self._shared: dict[
            tuple[str, ...], tuple[str, ...]
        ] = {}  # most calls have the same few callers and forms

    def read(self, exchange: Exchange) -> Sent | None:
        request, traits = exchange.request, self._known.get((exchange.api or "", exchange.operation or ""))
        if traits is None or request.method != traits.operation.method or exchange.source is not None:
            return None
        try:
            body = parse_json(request.body)
        except MalformedError:
            body = ABSENT
        operation, shared = traits.operation, self._shared.setdefault
        facts, ending = self._facts(exchange, body, operation), _ending(exchange, traits)
        caller = (operation.api, operation.id, credential_of(operation, request))
        form = _form(facts, traits)
        return Sent(
            exchange,
            operation,
            shared(caller, caller),
            shared(form, form),
            _fingerprint(exchange, body, traits),
            tuple(_keys(facts, operation)),
            ending,
            inf if ending is Ending.WAITING else exchange.arrived + exchange.served,
            None if ending is Ending.SUCCEEDED else _asked(exchange),
        )

    def _facts(self, exchange: Exchange, body: JSON, operation: Operation) -> "_Facts":
        found = self._router.route(exchange.request.method, exchange.request.path)
        if not isinstance(found, Found) or found.operation is not operation:
            return _Facts(exchange.request, body, {}, now=exchange.received)
        return _Facts(exchange.request, body, found.values, now=exchange.received, supplied=found.supplied)


@dataclass(slots=True)
class _Facts(RequestFacts):
    """What expressions read, and what parameters are found in."""

    supplied: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class _Traits:
    """What the audit needs to know of an operation.

    ``key_steps`` lead to the keys in a body, ``named`` are the members that the contract names, ``parameters`` those
    that are no keys, ``retryable`` the statuses that ask for another attempt.
    """

    operation: Operation
    key_steps: tuple[tuple[str, ...], ...]
    named: frozenset[str]
    parameters: tuple[Parameter, ...]
    retryable: frozenset[int]

    @classmethod
    def of(cls, operation: Operation) -> "_Traits":
        rules, answers = operation.dedup.values(), operation.answers
        keys = {(rule.place, rule.pointer[1:].lower()) for rule in rules}
        return cls(
            operation,
            tuple(tuple(steps_of(rule.pointer)) for rule in rules if rule.place == "body" and rule.pointer),
            frozenset(_named_in(operation.shape.body)),
            tuple(each for each in operation.shape.parameters if (each.place, each.name.lower()) not in keys),
            _RETRYABLE_STATUSES | {answers[each].status for each in _RETRYABLE_REASONS if each in answers},
        )


def _named_in(schema: JSON) -> Iterator[str]:
    """Yield the names of all members that a schema speaks of, at any depth."""
    if isinstance(schema, dict):
        if isinstance(members := schema.get("properties"), dict):
            yield from members
        for part in schema.values():
            yield from _named_in(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _named_in(part)


def _ending(exchange: Exchange, traits: _Traits) -> Ending:
    if exchange.state == WAITING:
        return Ending.WAITING
    if exchange.state == ABORTED or exchange.fault is not None or not exchange.status:
        return Ending.LOST
    if exchange.reason is not None:
        return _ENDINGS.get(exchange.reason, Ending.REFUSED)
    if exchange.status < 400:
        return Ending.SUCCEEDED
    if exchange.status >= 500 or exchange.status in traits.retryable:
        return Ending.RETRYABLE
    return Ending.FINAL if exchange.status in _FINAL_STATUSES else Ending.REFUSED


def credential_of(operation: Operation, request: Request) -> str:
    """Return the first credential that can be read, as keys are scoped by it."""
    schemes = (scheme for alternative in operation.shape.security for scheme in alternative)
    found = [read_credential(scheme, request) for scheme in schemes]
    return next((each.value for each in found if not each.fault), found[0].value if found else "")


def _keys(facts: RequestFacts, operation: Operation) -> Iterator[SentKey]:
    for rule in operation.dedup.values():
        value = trimmed(rule, rule.key(facts))
        if not is_empty(value):
            yield SentKey(rule, value, key_value(value))


_FORM: Final = ("user-agent", "content-type", "content-encoding")


def _form(facts: _Facts, traits: _Traits) -> tuple[str, ...]:
    """Return what stays the same in a retry besides the body: headers, and parameters that are no keys."""
    headers = facts.request.headers
    texts = [text for each in traits.parameters for text in (each.name, *texts_of(each, facts))]
    return (*[headers.get(name, "") for name in _FORM], *texts)


def _fingerprint(exchange: Exchange, body: JSON, traits: _Traits) -> str:
    """Return what stands for a body, empty where it broke off; of one that is too large to be read, for its size."""
    if exchange.reason == Reason.MALFORMED and exchange.state == ABORTED:
        return ""
    request = exchange.request
    if body is not ABSENT:
        return fingerprint_of(_essence(body, traits))
    size = request.headers.get("content-length", "") if exchange.reason == Reason.TOO_LARGE else ""
    return fingerprint_of([size, request.body.decode("latin-1")])


def _essence(body: JSON, traits: _Traits) -> JSON:
    """Return a body without what SDKs renew, and without keys; its members, or those of its items, in one order."""
    if isinstance(body, list):
        return [_members(each, traits) for each in body]
    return _members(body, traits)


def essence_of(operation: Operation, body: JSON) -> str:
    """Return what tells two bodies of an operation apart, whatever SDKs renew, and whatever their keys."""
    return fingerprint_of(_members(body, _Traits.of(operation)))


def _members(value: JSON, traits: _Traits) -> JSON:
    if not isinstance(value, dict):
        return value
    for steps in traits.key_steps:
        value = _without(value, steps)
    kept = {name: each for name, each in value.items() if name in traits.named or not _is_renewed(each)}
    return dict(sorted(kept.items()))


def _without(value: JSON, steps: Sequence[str]) -> JSON:
    """Return a value without the member that steps lead to."""
    if not isinstance(value, dict) or steps[0] not in value:
        return value
    rest = {name: each for name, each in value.items() if name != steps[0]}
    return {**rest, steps[0]: _without(value[steps[0]], steps[1:])} if steps[1:] else rest


_RENEWED: Final = re.compile(
    "[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}"
    "|[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}[0-9:.,]*(?:[Zz]|[+-][0-9:]+)?"
)


def _is_renewed(value: JSON) -> bool:
    """Tell whether a value is a UUID, an ISO 8601 time, or a time since the epoch: in seconds or milliseconds."""
    if isinstance(value, str):
        return len(value) <= 40 and _RENEWED.fullmatch(value) is not None
    return isinstance(value, int | float) and (1e9 <= value < 1e10 or 1e12 <= value < 1e13)


_DATE: Final = re.compile(
    "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) "
    "[0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT"
)


def _asked(exchange: Exchange) -> float | None:
    """Return the wait in seconds that an answer asks for, at most ten years; a date is one of the mock's clock."""
    headers = () if exchange.response is None else exchange.response.headers
    text = next((value.strip() for name, value in headers if name.lower() == "retry-after"), "")
    if re.fullmatch("[0-9]+", text):
        return min(float(text), LONGEST)
    if not _DATE.fullmatch(text):
        return None
    try:
        at = parsedate_to_datetime(text).timestamp()
    except ValueError:
        return None  # the 31st of June
    return min(max(0.0, at - exchange.received - exchange.served), LONGEST)
