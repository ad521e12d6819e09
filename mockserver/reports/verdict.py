"""The verdict on a run: what its calls broke, where the rule stands, and whether that can be said at all.

Everything here is made of the recorded calls alone. Which kinds of violation fail a run is for its caller to say; a
scripted answer never does, since somebody asked for it.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from mockserver.engine.exchange import Exchange, Reason
from mockserver.engine.patterns import Pattern
from mockserver.engine.rules import Rule
from mockserver.engine.sightings import recorded
from mockserver.engine.values import counted
from mockserver.engine.world import Blueprint
from mockserver.reports.expectations import Expectation
from mockserver.reports.judges import JUDGES, Run
from mockserver.reports.recording import Recording
from mockserver.reports.violations import DEFAULT, EXPECTED, KINDS, Violation


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
    run = Run(recording, blueprint, seen, tuple(rules))
    judged = tuple(kind for kind in KINDS if kind in asked.fail_on)
    found = [violation for kind in judged for violation in JUDGES[kind](run)]
    found.sort(key=lambda each: each.exchange.arrived if each.exchange is not None else float("inf"))
    unmet = [
        Violation(EXPECTED, told, expectation=each)
        for each in asked.expectations
        if (told := each.complaint(sum(1 for call in calls if each.counts(call))))
    ]
    unsafe = tuple(_unsafe(recording, calls)) if judged or asked.expectations else ()
    notes = tuple(_notes(run, len(calls), judged))
    return Verdict(blueprint, calls, judged, (*found, *unmet), asked.expectations, unsafe, notes)


def _notes(run: Run, calls: int, judged: Collection[str]) -> Iterator[str]:
    """Yield what was not looked at."""
    if ignored := calls - len(run.calls):
        yield f"{counted(ignored, 'call')} not judged, as --ignore asks"
    if "retry" in judged:
        for why in dict.fromkeys(each.not_judged for _, each in run.audited if each.not_judged):
            yield f"retries not judged: {why}"


def _is_ignored(exchange: Exchange, patterns: Collection[Pattern]) -> bool:
    return bool(patterns) and any(pattern.matches(recorded(exchange)) for pattern in patterns)


def _unsafe(recording: Recording, calls: Iterable[Exchange]) -> Iterator[str]:
    """Yield why the verdict may be wrong."""
    if recording.dropped:
        yield f"{counted(recording.dropped, 'call')} dropped, to make room; --keep keeps more"
    if failed := [each for each in calls if each.reason == Reason.BUG]:
        told = f"the mock server itself failed on {counted(len(failed), 'call')}"
        yield f"{told}, first on {failed[0].request.method} {failed[0].request.path}; please report it"
