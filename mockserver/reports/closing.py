"""The end of a run in a few lines for a terminal: calls, what failed the run, coverage."""

from collections.abc import Iterator, Sequence
from typing import Final

from mockserver.reports.coverage import KINDS, Coverage, totals
from mockserver.reports.spots import Spot
from mockserver.reports.verdict import Verdict

MOST: Final = 20
"""How many lines there are at most."""


def closing_lines(verdict: Verdict, covered: Sequence[Coverage], spot: Spot) -> list[str]:
    """Return what is told of a run, each line without its ``mockserver:``."""
    before, after = (
        [_calls(verdict)],
        [*_coverage(covered), *(f"NOT CERTAIN  {told}" for told in verdict.unsafe)],
    )
    room = MOST - len(before) - len(after)
    found = verdict.violations
    shown = found if len(found) <= room else found[: room - 1]
    lines = [f"FAIL {each.kind:<13} {spot.headline(each)}{_rule(spot.place(each))}" for each in shown]
    if more := len(found) - len(shown):
        lines.append(f"and {more} more problems; --report has all of them")
    return [*before, *lines, *after]


def _rule(place: str) -> str:
    return f"  [{place}]" if place else ""


def _calls(verdict: Verdict) -> str:
    calls, apis = len(verdict.calls), verdict.apis()
    told = f"{calls} call{'' if calls == 1 else 's'}"
    if apis:
        told += f" ({', '.join(f'{name} {count}' for name, count in apis.items())})"
    outcomes = verdict.outcomes()
    counted = [
        f"{outcomes[name]} {name}"
        for name in ("admitted", "repeated", "refused", "scripted")
        if outcomes[name]
    ]
    return f"{told}: {', '.join(counted)}" if counted else told


def _coverage(covered: Sequence[Coverage]) -> Iterator[str]:
    if covered:
        counts = [
            f"{made} of {total} {KINDS[kind]}" for kind, (made, total) in totals(covered).items() if total
        ]
        yield f"exercised {', '.join(counts)}"
