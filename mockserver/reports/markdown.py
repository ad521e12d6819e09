"""A verdict as Markdown: totals, a table by API, the problems, and what of the contract was exercised."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from mockserver.reports.coverage import KINDS, Coverage, totals
from mockserver.reports.spots import Spot
from mockserver.reports.verdict import Verdict, Violation

MOST: Final = 50
"""How many problems are told one by one."""

MOST_BYTES: Final = 900_000
"""GitHub drops a summary of more than a mebibyte as a whole."""

_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>()#+!|~$-])")
_OUTCOMES: Final = ("admitted", "repeated", "refused", "scripted")


def markdown(verdict: Verdict, covered: Sequence[Coverage], spot: Spot) -> str:
    """Return a verdict as Markdown, short enough for the summary of a job."""
    text, size = "", 0
    for block in _blocks(verdict, covered, spot):
        size += len(block.encode("utf-8", "replace")) + 1
        if size > MOST_BYTES:
            return f"{text}\nThe rest is left out: a summary holds {MOST_BYTES:,} bytes.\n"
        text += f"{block}\n"
    return text


def _blocks(verdict: Verdict, covered: Sequence[Coverage], spot: Spot) -> Iterator[str]:
    yield "## Mock server\n"
    yield f"{_totals(verdict)}\n"
    for told in verdict.unsafe:
        yield f"> **Not certain:** {escaped(told)}\n"
    if verdict.apis():
        yield from _by_api(verdict)
    if verdict.violations:
        yield from _problems(verdict.violations, spot)
    if covered:
        yield from _coverage(covered)


def _totals(verdict: Verdict) -> str:
    calls = len(verdict.calls)
    problems = len(verdict.violations)
    told = f"{calls} call{'' if calls == 1 else 's'}"
    if not problems:
        return f"{told}, no problem."
    return f"{told}, **{problems} problem{'' if problems == 1 else 's'}**."


def _by_api(verdict: Verdict) -> Iterator[str]:
    yield f"| API | calls | {' | '.join(_OUTCOMES)} | problems |"
    yield f"|---|--:|{'--:|' * (len(_OUTCOMES) + 1)}"
    for api, calls in verdict.apis().items():
        counts = [
            sum(1 for each in verdict.calls if each.api == api and each.outcome == outcome)
            for outcome in _OUTCOMES
        ]
        problems = sum(1 for each in verdict.violations if each.api == api)
        yield f"| {escaped(api)} | {calls} | {' | '.join(map(str, counts))} | {problems} |"
    yield ""


def _problems(violations: Sequence[Violation], spot: Spot) -> Iterator[str]:
    yield "### Problems\n"
    yield "| | call | where | problem | rule |"
    yield "|---|---|---|---|---|"
    for each in violations[:MOST]:
        call = " ".join(part for part in (each.call, each.target) if part)
        cells = (each.kind, call, spot.where(each), each.sentence, spot.place(each))
        yield "| " + " | ".join(escaped(spot.plain(cell, each)) for cell in cells) + " |"
    yield ""
    if len(violations) > MOST:
        yield f"{len(violations) - MOST} more problems are not shown.\n"
    for each in violations[:MOST]:
        if command := spot.command(each):
            yield from _folded(f"{each.call}: {each.kind}", command)


def _folded(title: str, text: str) -> Iterator[str]:
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    yield f"<details><summary>{escaped(title)}</summary>\n\n{fence}sh\n{text}\n{fence}\n\n</details>\n"


def _coverage(covered: Sequence[Coverage]) -> Iterator[str]:
    yield "### Coverage of the contract\n"
    yield f"| operation | {' | '.join(KINDS.values())} |"
    yield f"|---|{'--:|' * len(KINDS)}"
    for each in covered:
        counts = [each.counts(kind) for kind in KINDS]
        cells = [f"{made} of {total}" if total else "" for made, total in counts]
        yield f"| {escaped(f'{each.api} {each.method} {each.path}')} | {' | '.join(cells)} |"
    sums = [f"{made} of {total}" for made, total in totals(covered).values()]
    yield f"| all | {' | '.join(sums)} |"
    yield ""
    for each in covered:
        missed = [
            f"{plural}: {', '.join(names)}" for kind, plural in KINDS.items() if (names := each.missed(kind))
        ]
        if missed:
            yield from _folded(f"Not exercised: {each.api} {each.operation}", "\n".join(missed))


def escaped(text: str) -> str:
    """Return text that Markdown shows as it is, in one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
