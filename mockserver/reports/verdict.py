"""The verdict on a run: what its calls broke, where the rule stands, and whether that can be said at all.

Everything here is made of the recorded calls alone. Which kinds of violation fail a run is for its caller to say; a
scripted answer never does, since somebody asked for it.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from mockserver.engine.contract import Api, Operation
from mockserver.engine.exchange import JSON, Exchange, Reason
from mockserver.engine.patterns import Pattern
from mockserver.engine.rules import Rule
from mockserver.engine.sightings import Sighting
from mockserver.engine.world import Blueprint
from mockserver.reports.expectations import Expectation
from mockserver.reports.item_keys import reused_keys
from mockserver.reports.places import deviation_pointer, operation_pointer, rule_pointer
from mockserver.reports.recording import Recording
from mockserver.reports.retries import LogicalCall, audit
from mockserver.reports.retry_rules import FAIL

KINDS: Final[Mapping[str, str]] = {
    "invalid": "what is sent meets the contract",
    "unmatched": "every call has a route",
    "unauthenticated": "credentials are accepted",
    "deviation": "no call leans on a deviation",
    "key-reused": "a key has one body",
    "retry": "retries wait as asked, and keep their key",
    "unpublished": "answers have a published status",
    "unused-rule": "every rule is used",
}
"""The kinds of violation that can fail a run, each with what holds where there is none."""

EXPECTED: Final = "expected-calls"
"""The kind of an expectation that was not met; it was asked for, and so always fails a run."""

UNAUTHENTICATED: Final = "unauthenticated"
"""The kind that is judged too where it was said which credentials are right."""

DEFAULT: Final = ("invalid", "unmatched")
STRICT: Final = ("invalid", "unmatched", "deviation")

_INVALID: Final = frozenset(
    {
        Reason.MALFORMED, Reason.INVALID, Reason.WRONG_MEDIA_TYPE, Reason.TOO_LARGE, Reason.KEY_TOO_LONG,
        Reason.NOT_IN_CATALOGUE, Reason.PAYLOAD_INVALID,
    }
)  # fmt: skip
_UNMATCHED: Final = frozenset({Reason.NO_ROUTE, Reason.WRONG_METHOD})
_UNAUTHENTICATED: Final = frozenset({Reason.UNAUTHENTICATED, Reason.FORBIDDEN})
_REUSE: Final = "key-per-call"  # the audit's name for a key with two bodies


@dataclass(frozen=True, slots=True, eq=False)
class Violation:
    """One thing that broke the contract: its kind, a sentence, and the call and its finding, where there are such.

    ``rule_at`` is the JSON Pointer of the broken rule in the spec of the call's API, ``expectation`` what was expected
    of the run as a whole.
    """

    kind: str
    sentence: str
    exchange: Exchange | None = None
    finding: Mapping[str, JSON] = field(default_factory=dict)
    rule_at: str | None = None
    expectation: Expectation | None = None

    @property
    def api(self) -> str | None:
        """The API of the call; None where no API took it."""
        return None if self.exchange is None else self.exchange.api

    @property
    def operation(self) -> str | None:
        """The operation of the call; None where none took it."""
        return None if self.exchange is None else self.exchange.operation

    @property
    def pointer(self) -> str:
        """The JSON Pointer of what was wrong in the call; empty where it is the call as a whole."""
        return str(self.finding.get("pointer", ""))

    @property
    def call(self) -> str:
        """The call, by its number and its namespace."""
        if self.exchange is None:
            return ""
        where = f" (~{self.exchange.namespace})" if self.exchange.namespace else ""
        return f"call {self.exchange.number}{where}"

    @property
    def target(self) -> str:
        """Method and path of the call."""
        return "" if self.exchange is None else f"{self.exchange.request.method} {self.exchange.request.path}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of a run: its calls, what broke the contract and fails the run, and why that may be wrong.

    ``judged`` are the kinds that fail it; ``unsafe`` are sentences on what the verdict could not see, ``notes`` on what
    was not looked at.
    """

    blueprint: Blueprint
    calls: Sequence[Exchange]
    judged: tuple[str, ...]
    violations: tuple[Violation, ...]
    expectations: tuple[Expectation, ...] = ()
    unsafe: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_broken(self) -> bool:
        """Whether anything fails the run."""
        return bool(self.violations)

    def outcomes(self) -> Counter[str]:
        """Return how many calls had each outcome."""
        return Counter(each.outcome for each in self.calls)

    def reasons(self) -> Counter[str]:
        """Return how many calls were refused for each reason."""
        return Counter(each.reason for each in self.calls if each.outcome == "refused" and each.reason)

    def apis(self) -> Counter[str]:
        """Return how many calls each API had."""
        return Counter(each.api for each in self.calls if each.api is not None)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a run is judged by: kinds that fail it, calls that are not looked at, expectations."""

    fail_on: tuple[str, ...] = DEFAULT
    ignored: tuple[Pattern, ...] = ()
    expectations: tuple[Expectation, ...] = ()


def judge(recording: Recording, blueprint: Blueprint, asked: Asked, rules: Iterable[Rule] = ()) -> Verdict:
    """Judge a run. ``rules`` are the scripted answers that it could have used."""
    calls = recording.calls()
    seen = [each for each in calls if not _is_ignored(each, asked.ignored)]
    run = _Run(recording, blueprint, seen, tuple(rules))
    judged = tuple(kind for kind in KINDS if kind in asked.fail_on)
    found = [violation for kind in judged for violation in _JUDGES[kind](run)]
    found.sort(key=lambda each: each.exchange.arrived if each.exchange is not None else float("inf"))
    unmet = [
        Violation(EXPECTED, told, expectation=each)
        for each in asked.expectations
        if (told := each.complaint(sum(1 for call in calls if each.counts(call))))
    ]
    unsafe = tuple(_unsafe(recording, calls)) if judged or asked.expectations else ()
    notes = tuple(_notes(run, len(calls), judged))
    return Verdict(blueprint, calls, judged, (*found, *unmet), asked.expectations, unsafe, notes)


def _notes(run: "_Run", calls: int, judged: Collection[str]) -> Iterator[str]:
    """Yield what was not looked at."""
    if ignored := calls - len(run.calls):
        yield f"{counted(ignored, 'call')} not judged, as --ignore asks"
    if "retry" in judged:
        for why in dict.fromkeys(each.not_judged for each in _logical_calls(run) if each.not_judged):
            yield f"retries not judged: {why}"


def _is_ignored(exchange: Exchange, patterns: Collection[Pattern]) -> bool:
    if not patterns:
        return False
    request = exchange.request
    seen = (
        request.method, request.path, request.query, request.raw_headers, request.body, request.client,
        exchange.outcome, exchange.api, exchange.operation, exchange.reason, exchange.status,
    )  # fmt: skip
    abouts = [(each["name"], each["recipient"]) for each in exchange.items]
    sighting = Sighting(seen, exchange.received, lambda *_: abouts or [(exchange.name, exchange.recipient)])
    return any(pattern.matches(sighting) for pattern in patterns)


def _unsafe(recording: Recording, calls: Iterable[Exchange]) -> Iterator[str]:
    """Yield why the verdict may be wrong."""
    if recording.dropped:
        yield f"{counted(recording.dropped, 'call')} dropped, to make room; --keep keeps more"
    if failed := [each for each in calls if each.reason == Reason.BUG]:
        told = f"the mock server itself failed on {counted(len(failed), 'call')}"
        yield f"{told}, first on {failed[0].request.method} {failed[0].request.path}; please report it"


def counted(number: int, noun: str) -> str:
    """Return a number with what it counts."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class _Run:
    recording: Recording
    blueprint: Blueprint
    calls: Sequence[Exchange]
    rules: tuple[Rule, ...]

    def api(self, exchange: Exchange) -> Api | None:
        return next((api for api in self.blueprint.apis if api.name == exchange.api), None)

    def operation(self, exchange: Exchange) -> tuple[Api, Operation] | None:
        api = self.api(exchange)
        found = self.blueprint.operations.get((exchange.api or "", exchange.operation or ""))
        return None if api is None or found is None else (api, found)


def _refused(run: _Run, kind: str, reasons: Collection[str]) -> Iterator[Violation]:
    """Yield what is wrong in calls that were refused for one of the reasons, and in those admitted all the same.

    Those are bulk calls with bad items, and all where invalid calls are only reported.
    """
    for each in run.calls:
        if each.outcome == "refused" and each.reason in reasons:
            yield from _of_findings(run, kind, each, each.findings)
            if not each.findings:
                yield Violation(kind, str(each.reason), each)
        elif each.outcome in {"admitted", "repeated"}:
            told = [finding for finding in each.findings if _kind_of(finding) == kind]
            yield from _of_findings(run, kind, each, told)


def _kind_of(finding: Mapping[str, JSON]) -> str:
    """Return the kind of what is wrong in a call that was admitted; none where nothing is."""
    keyword = finding["keyword"]
    return keyword if keyword == Reason.KEY_REUSED else "" if keyword == Reason.IN_FLIGHT else "invalid"


def _of_findings(
    run: _Run, kind: str, exchange: Exchange, findings: Iterable[Mapping[str, JSON]]
) -> Iterator[Violation]:
    known = run.operation(exchange)
    is_of_catalogue = exchange.reason == Reason.PAYLOAD_INVALID  # the schema is the user's, in no spec
    for finding in findings:
        at = rule_pointer(*known, finding) if known is not None and not is_of_catalogue else None
        yield Violation(kind, _told(finding), exchange, finding, at)


def _told(finding: Mapping[str, JSON]) -> str:
    """Return what is wrong, what was expected and what came, and what to do, in a sentence or two."""
    told, expected, received = str(finding["message"]), finding["expected"], finding["received"]
    if finding["keyword"] == "route":
        return told  # it says what there is instead
    if expected and received and finding["keyword"] != "required" and expected not in told:
        told += f"; expected {expected}, got {received}"
    return f"{told}. {finding['fix']}".removesuffix(".") if finding["fix"] else told


def _deviations(run: _Run) -> Iterator[Violation]:
    for each in run.calls:
        api = run.api(each)
        if api is None or each.outcome == "scripted":
            continue
        for id_ in each.deviations:
            evidence = api.deviations[id_].evidence
            yield Violation("deviation", f"leans on {id_}: {evidence}", each, {}, deviation_pointer(api, id_))


def _unpublished(run: _Run) -> Iterator[Violation]:
    for each in run.calls:
        known = run.operation(each)
        if known is None or each.published is not False or each.outcome == "scripted":
            continue
        if each.request.method == known[1].method:  # what other methods are answered is the mock's own
            told = f"was answered {each.status}, which the published contract does not list"
            yield Violation("unpublished", told, each, {}, operation_pointer(*known))


def _reused_keys(run: _Run) -> Iterator[Violation]:
    told = set[int]()
    for violation in _refused(run, "key-reused", {Reason.KEY_REUSED}):
        told.add(id(violation.exchange))
        yield violation
    for exchange, rule, sentence in _audited(run):
        if rule == _REUSE and id(exchange) not in told:
            yield Violation("key-reused", sentence, exchange)
    for calls in _journals(run):
        for each in reused_keys(calls, run.blueprint):
            sentence = f'sent another body with the {each.rule} "{each.key}" of call #{each.first.number}'
            yield Violation("key-reused", sentence, each.exchange, _at(each.at))


def _at(pointer: str) -> Mapping[str, JSON]:
    """Return what is known of an item, as of a finding; nothing of a call as a whole."""
    known = {
        "in": "body",
        "pointer": pointer,
        "expected": "the body of the first",
        "received": "another body",
    }
    return known if pointer else {}


def _retries(run: _Run) -> Iterator[Violation]:
    for exchange, rule, sentence in _audited(run):
        if rule != _REUSE:
            yield Violation("retry", f"{rule}: {sentence}", exchange)


def _audited(run: _Run) -> Iterator[tuple[Exchange, str, str]]:
    """Yield what the retry audit finds: the first call concerned, the rule, and a sentence."""
    for calls in _journals(run):
        by_number = {each.number: each for each in calls}
        for logical in audit(calls, run.blueprint, run.recording.dropped):
            for broken in logical.broken:
                if broken.level == FAIL and broken.calls:
                    yield by_number[broken.calls[0]], broken.rule, broken.sentence


def _logical_calls(run: _Run) -> Iterator[LogicalCall]:
    for calls in _journals(run):
        yield from audit(calls, run.blueprint, run.recording.dropped)


def _journals(run: _Run) -> Iterator[list[Exchange]]:
    """Yield what is judged of each journal."""
    seen = {id(each) for each in run.calls}  # ids of calls come again after a reset, where there is a seed
    for journal in run.recording.journals():
        yield [each for each in journal if id(each) in seen]


def _unused_rules(run: _Run) -> Iterator[Violation]:
    used = {each.stub for each in run.recording.calls()}
    for rule in run.rules:
        if rule.id not in used:
            yield Violation("unused-rule", f"the rule {rule.name or rule.id} answered no call")


_JUDGES: Final[Mapping[str, Callable[[_Run], Iterator[Violation]]]] = {
    "invalid": lambda run: _refused(run, "invalid", _INVALID),
    "unmatched": lambda run: _refused(run, "unmatched", _UNMATCHED),
    "unauthenticated": lambda run: _refused(run, "unauthenticated", _UNAUTHENTICATED),
    "deviation": _deviations,
    "key-reused": _reused_keys,
    "retry": _retries,
    "unpublished": _unpublished,
    "unused-rule": _unused_rules,
}
