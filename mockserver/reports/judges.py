"""Who says what broke the contract in a run: a judge for each kind of violation."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from mockserver.engine.contract import Api, Operation
from mockserver.engine.exchange import JSON, Exchange, Reason
from mockserver.engine.rules import Rule
from mockserver.engine.world import Blueprint
from mockserver.reports.item_keys import reused_keys
from mockserver.reports.places import deviation_pointer, operation_pointer, rule_pointer
from mockserver.reports.recording import Recording
from mockserver.reports.retries import LogicalCall, audit
from mockserver.reports.retry_rules import FAIL
from mockserver.reports.violations import Violation

_INVALID: Final = frozenset(
    {
        Reason.MALFORMED, Reason.INVALID, Reason.WRONG_MEDIA_TYPE, Reason.TOO_LARGE, Reason.KEY_TOO_LONG,
        Reason.NOT_IN_CATALOGUE, Reason.PAYLOAD_INVALID,
    }
)  # fmt: skip
_UNMATCHED: Final = frozenset({Reason.NO_ROUTE, Reason.WRONG_METHOD})
_UNAUTHENTICATED: Final = frozenset({Reason.UNAUTHENTICATED, Reason.FORBIDDEN})
_REUSE: Final = "key-per-call"  # the audit's name for a key with two bodies


@dataclass(frozen=True)
class Run:
    """What is judged: ``calls`` are those of the recording that are looked at, ``rules`` those that could be used."""

    recording: Recording
    blueprint: Blueprint
    calls: Sequence[Exchange]
    rules: tuple[Rule, ...]

    def api(self, exchange: Exchange) -> Api | None:
        """Return the API that took a call."""
        return next((api for api in self.blueprint.apis if api.name == exchange.api), None)

    def operation(self, exchange: Exchange) -> tuple[Api, Operation] | None:
        """Return the API and the operation that took a call."""
        api = self.api(exchange)
        found = self.blueprint.operations.get((exchange.api or "", exchange.operation or ""))
        return None if api is None or found is None else (api, found)

    @cached_property
    def journals(self) -> list[list[Exchange]]:
        """What is judged of each journal, oldest first."""
        seen = {
            id(each) for each in self.calls
        }  # ids of calls come again after a reset, where there is a seed
        return [[each for each in journal if id(each) in seen] for journal in self.recording.journals()]

    @cached_property
    def audited(self) -> list[tuple[Mapping[int, Exchange], LogicalCall]]:
        """The logical calls that the retry audit knows, each with the calls of its journal by their numbers."""
        found: list[tuple[Mapping[int, Exchange], LogicalCall]] = []
        for calls in self.journals:
            by_number = {each.number: each for each in calls}
            logical = audit(calls, self.blueprint, self.recording.dropped)
            found += [(by_number, each) for each in logical]
        return found


def _refused(run: Run, kind: str, reasons: Collection[str]) -> Iterator[Violation]:
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
    run: Run, kind: str, exchange: Exchange, findings: Iterable[Mapping[str, JSON]]
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


def _deviations(run: Run) -> Iterator[Violation]:
    for each in run.calls:
        api = run.api(each)
        if api is None or each.outcome == "scripted":
            continue
        for id_ in each.deviations:
            evidence = api.deviations[id_].evidence
            yield Violation("deviation", f"leans on {id_}: {evidence}", each, {}, deviation_pointer(api, id_))


def _unpublished(run: Run) -> Iterator[Violation]:
    for each in run.calls:
        known = run.operation(each)
        if known is None or each.published is not False or each.outcome == "scripted":
            continue
        if each.request.method == known[1].method:  # what other methods are answered is the mock's own
            told = f"was answered {each.status}, which the published contract does not list"
            yield Violation("unpublished", told, each, {}, operation_pointer(*known))


def _reused_keys(run: Run) -> Iterator[Violation]:
    told = set[int]()
    for violation in _refused(run, "key-reused", {Reason.KEY_REUSED}):
        told.add(id(violation.exchange))
        yield violation
    for exchange, rule, sentence in _audited(run):
        if rule == _REUSE and id(exchange) not in told:
            yield Violation("key-reused", sentence, exchange)
    for calls in run.journals:
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


def _retries(run: Run) -> Iterator[Violation]:
    for exchange, rule, sentence in _audited(run):
        if rule != _REUSE:
            yield Violation("retry", f"{rule}: {sentence}", exchange)


def _audited(run: Run) -> Iterator[tuple[Exchange, str, str]]:
    """Yield what the retry audit finds: the first call concerned, the rule, and a sentence."""
    for by_number, logical in run.audited:
        for broken in logical.broken:
            if broken.level == FAIL and broken.calls:
                yield by_number[broken.calls[0]], broken.rule, broken.sentence


def _unused_rules(run: Run) -> Iterator[Violation]:
    used = {each.stub for each in run.recording.calls()}
    for rule in run.rules:
        if rule.id not in used:
            yield Violation("unused-rule", f"the rule {rule.name or rule.id} answered no call")


JUDGES: Final[Mapping[str, Callable[[Run], Iterator[Violation]]]] = {
    "invalid": lambda run: _refused(run, "invalid", _INVALID),
    "unmatched": lambda run: _refused(run, "unmatched", _UNMATCHED),
    "unauthenticated": lambda run: _refused(run, "unauthenticated", _UNAUTHENTICATED),
    "deviation": _deviations,
    "key-reused": _reused_keys,
    "retry": _retries,
    "unpublished": _unpublished,
    "unused-rule": _unused_rules,
}
"""Each kind of violation with its judge, which yields what it finds."""
