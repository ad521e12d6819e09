"""A verdict as Markdown: totals, a table by API, the problems, and what of the contract was exercised."""

import html
import re
from collections.abc import Iterator, Sequence
from typing import Final

from mockserver.engine.values import counted
from mockserver.reports.coverage import KINDS, Coverage, totals
from mockserver.reports.spots import Sort, Spot, alike
from mockserver.reports.verdict import Verdict

MOST: Final = 50
"""How many problems are told one by one."""

MOST_BYTES: Final = 900_000
"""GitHub drops a summary of more than a mebibyte as a whole."""

_SPECIAL: Final = re.compile(r"([\\`*_\[\]<>|~$&@#]|:(?=//|[\w+-]+:))")
"""What Markdown, or GitHub's dialect of it, reads as more than itself inside a line; ``:tada:`` and URLs too."""

_OUTCOMES: Final = ("admitted", "repeated", "refused", "scripted")


def markdown(verdict: Verdict, covered: Sequence[Coverage], spot: Spot) -> str:
    """Return a verdict as Markdown, short enough for the summary of a job."""
    blocks, size = [], 0
    for block in _blocks(verdict, covered, spot):
        size += len(block.encode("utf-8", "backslashreplace")) + 1
        if size > MOST_BYTES:
            blocks.append(f"\nThe rest is left out: a summary holds {MOST_BYTES:,} bytes.")
            break
        blocks.append(block)
    return "".join(f"{block}\n" for block in blocks)


def _blocks(verdict: Verdict, covered: Sequence[Coverage], spot: Spot) -> Iterator[str]:
    yield "## Mock server\n"
    yield f"{_totals(verdict)}\n"
    for told in verdict.notes:
        yield f"> {escaped(told)}\n"
    for told in verdict.unsafe:
        yield f"> **Not certain:** {escaped(told)}\n"
    if verdict.apis():
        yield from _by_api(verdict)
    if verdict.violations:
        yield from _problems(alike(verdict.violations), spot)
    if covered:
        yield from _coverage(covered)


def _totals(verdict: Verdict) -> str:
    calls, problems = counted(len(verdict.calls), "call"), counted(len(verdict.violations), "problem")
    return f"{calls}, **{problems}**." if verdict.violations else f"{calls}, no problem."


def _by_api(verdict: Verdict) -> Iterator[str]:
    yield f"| API | calls | {' | '.join(_OUTCOMES)} | problems |"
    yield f"|---|--:|{'--:|' * (len(_OUTCOMES) + 1)}"
    for api, calls in verdict.apis().items():
        counts = [
            sum(1 for each in verdict.calls if each.api == api and each.outcome == outcome)
            for outcome in _OUTCOMES
        ]
        problems = sum(1 for each in verdict.violations if each.api == api)
        yield _row(api, str(calls), *map(str, counts), str(problems))
    yield ""


def _problems(found: Sequence[Sort], spot: Spot) -> Iterator[str]:
    yield "### Problems\n"
    yield "| | call | where | problem | rule |"
    yield "|---|---|---|---|---|"
    for each, more in found[:MOST]:
        yield _row(each.kind, spot.call(each, more), spot.where(each), spot.sentence(each), spot.place(each))
    yield ""
    if len(found) > MOST:
        yield f"{counted(len(found) - MOST, 'more problem')} not shown here.\n"
    told = {id(each.exchange): each for each, _ in reversed(found[:MOST]) if each.exchange is not None}
    for each in reversed(told.values()):
        yield from _folded(spot.call(each), spot.command(each))


def _row(*cells: str) -> str:
    return f"| {' | '.join(map(escaped, cells))} |"


def _folded(title: str, text: str) -> Iterator[str]:
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    summary = f"<summary>{html.escape(title)}</summary>"
    yield f"<details>{summary}\n\n{fence}sh\n{text}\n{fence}\n\n</details>\n"


def _coverage(covered: Sequence[Coverage]) -> Iterator[str]:
    yield "### Coverage of the contract\n"
    yield f"| operation | {' | '.join(KINDS.values())} |"
    yield f"|---|{'--:|' * len(KINDS)}"
    for each in covered:
        counts = [each.counts(kind) for kind in KINDS]
        cells = [f"{made} of {total}" if total else "" for made, total in counts]
        yield _row(f"{each.api} {each.method} {each.path}", *cells)
    yield _row("all", *(f"{made} of {total}" for made, total in totals(covered).values()))
    yield ""
    for each in covered:
        missed = [
            f"{plural}: {', '.join(names)}" for kind, plural in KINDS.items() if (names := each.missed(kind))
        ]
        if missed:
            yield from _folded(f"Not exercised: {each.api} {each.operation}", "\n".join(missed))


def escaped(text: str) -> str:
    """Return text of one line that Markdown shows as it is."""
    return _SPECIAL.sub(r"\\\1", text)
