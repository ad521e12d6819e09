"""The end of a run in a few lines for a terminal: calls, what failed the run, coverage."""

from collections.abc import Iterator, Sequence
from typing import Final

from mockserver.engine.values import counted
from mockserver.reports.coverage import KINDS, Coverage, totals
from mockserver.reports.spots import Spot, alike
from mockserver.reports.verdict import Verdict

MOST: Final = 16
"""How many lines there are at most: of the twenty that a run may print, a few are left for what else is told."""

_MOST_NOTES: Final = 3
_LONGEST: Final = 200  # characters of what is said of one violation, beside its call and its place


def closing_lines(
    verdict: Verdict, covered: Sequence[Coverage], spot: Spot, variables: Sequence[str] = ("MOCKSERVER_URL",)
) -> list[str]:
    """Return what is told of a run, each line without its ``mockserver:``; ``variables`` are those that were set."""
    before = [_calls(verdict) if verdict.calls else _no_calls(variables)]
    notes = verdict.notes[:_MOST_NOTES]
    after = [*notes, *_coverage(covered), *(f"NOT CERTAIN  {told}" for told in verdict.unsafe)]
    room, found = MOST - len(before) - len(after), alike(verdict.violations)
    shown = found if len(found) <= room else found[: room - 1]
    lines = [
        f"FAIL {each.kind:<13} {spot.headline(each, more, _LONGEST)}{_rule(spot.place(each))}"
        for each, more in shown
    ]
    if more := len(found) - len(shown):
        lines.append(f"and {counted(more, 'more problem')}; --report has all of them")
    return [*before, *lines, *after]


def _rule(place: str) -> str:
    return f"  [{place}]" if place else ""


def _no_calls(variables: Sequence[str]) -> str:
    return f"no call came; is the client told where the server is? It stands in {', '.join(variables)}"


def _calls(verdict: Verdict) -> str:
    told, apis, outcomes = counted(len(verdict.calls), "call"), verdict.apis(), verdict.outcomes()
    parts = [f"{name} {count}" for name, count in apis.items()]
    if elsewhere := len(verdict.calls) - apis.total():
        parts.append(f"no API {elsewhere}")
    names = ("admitted", "repeated", "refused", "scripted")
    became = ", ".join(f"{outcomes[name]} {name}" for name in names if outcomes[name])
    why = ", ".join(f"{number} {reason}" for reason, number in verdict.reasons().items())
    return (
        f"{told} ({', '.join(parts)}): {became.replace(' refused', f' refused ({why})') if why else became}"
    )


def _coverage(covered: Sequence[Coverage]) -> Iterator[str]:
    if covered:
        counts = [
            f"{made} of {total} {KINDS[kind]}" for kind, (made, total) in totals(covered).items() if total
        ]
        yield f"exercised {', '.join(counts)}"
