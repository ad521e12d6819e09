"""A verdict as JUnit XML: what CI systems read.

One suite for each API that was called, with a case for each of its operations and each kind of violation; one more for
what is judged of the run as a whole. A case has one failure at most, as readers expect; an error where the verdict may
be wrong. No case is timed: only the run is.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree as ET

from mockserver.engine.values import counted
from mockserver.reports.coverage import Coverage, coverage_lines
from mockserver.reports.escaping import clean
from mockserver.reports.spots import Spot, alike, one_line
from mockserver.reports.verdict import Verdict
from mockserver.reports.violations import EXPECTED, KINDS, Violation

MOST: Final = 50
"""How many sorts of violations are told of one case."""

_LONGEST: Final = 200  # characters of a failure's message
_RUN: Final = "mockserver"
_OF_THE_RUN: Final[Mapping[str, str]] = {
    "unmatched": f"{_RUN}.routes", "retry": f"{_RUN}.retries", "unused-rule": f"{_RUN}.rules",
}  # fmt: skip
"""The kinds that are judged for the run as a whole, and the name under which they stand."""


@dataclass(frozen=True, slots=True)
class Case:
    """A rule that was looked at, what broke it, and why that cannot be said for certain."""

    suite: str
    classname: str
    name: str
    broken: tuple[Violation, ...] = ()
    unsafe: tuple[str, ...] = ()


def cases_of(verdict: Verdict) -> Iterator[Case]:
    """Yield a case for each operation that was called and each kind that is judged, then those of the run."""
    found: dict[tuple[str, str | None, str | None], list[Violation]] = {}
    for each in verdict.violations:
        whose = (
            (None, None) if each.kind in _OF_THE_RUN or each.operation is None else (each.api, each.operation)
        )
        found.setdefault((each.kind, *whose), []).append(each)
    for api, operation in dict.fromkeys((each.api, each.operation) for each in verdict.calls):
        if api is not None and operation is not None:
            for kind in verdict.judged:
                if kind not in _OF_THE_RUN:
                    broken = found.get((kind, api, operation), ())
                    yield Case(f"{_RUN}.{api}", f"{_RUN}.{api}.{operation}", KINDS[kind], tuple(broken))
    for kind in verdict.judged:
        broken = found.get((kind, None, None), ())
        if kind in _OF_THE_RUN or broken:
            yield Case(_RUN, _OF_THE_RUN.get(kind, _RUN), KINDS[kind], tuple(broken))
    for expectation in verdict.expectations:
        unmet = [each for each in verdict.violations if each.expectation is expectation]
        yield Case(_RUN, f"{_RUN}.{EXPECTED}", str(expectation), tuple(unmet))
    yield Case(_RUN, f"{_RUN}.verdict", "every call was seen", unsafe=verdict.unsafe)


def junit(verdict: Verdict, covered: Sequence[Coverage], spot: Spot, seconds: float, started: str) -> str:
    """Return the verdict as JUnit XML. ``started`` is ISO 8601, ``seconds`` how long the run took."""
    cases = list(cases_of(verdict))
    root = ET.Element("testsuites", _counts(_RUN, cases, seconds))
    for name in dict.fromkeys(case.suite for case in cases):
        inside = [case for case in cases if case.suite == name]
        attributes = {"skipped": "0", "timestamp": started, "hostname": "localhost"}
        suite = ET.SubElement(root, "testsuite", {**_counts(name, inside, 0.0), **attributes})
        for case in inside:
            _add_case(suite, case, spot)
        if told := "".join(f"{line}\n" for line in _coverage(covered, name)):
            ET.SubElement(suite, "system-out").text = clean(told)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _counts(name: str, cases: Sequence[Case], seconds: float) -> dict[str, str]:
    failures, errors = sum(1 for case in cases if case.broken), sum(1 for case in cases if case.unsafe)
    return {
        "name": name, "tests": str(len(cases)), "failures": str(failures), "errors": str(errors),
        "time": f"{seconds:.3f}",
    }  # fmt: skip


def _add_case(suite: ET.Element, case: Case, spot: Spot) -> None:
    attributes = {"classname": clean(case.classname), "name": clean(case.name), "time": "0.000"}
    element = ET.SubElement(suite, "testcase", attributes)
    if case.unsafe:
        _add_fault(element, "error", "unsafe", case.unsafe[0], "\n".join(case.unsafe))
    if case.broken:
        more = f" (and {len(case.broken) - 1} more)" if len(case.broken) > 1 else ""
        message = one_line(spot.headline(case.broken[0]), _LONGEST, more)
        _add_fault(element, "failure", case.broken[0].kind, message, "\n".join(_details(case, spot)))


def _add_fault(case: ET.Element, tag: str, kind: str, message: str, text: str) -> None:
    fault = ET.SubElement(case, tag, {"message": clean(message), "type": kind})
    fault.text = clean(text)


def _details(case: Case, spot: Spot) -> Iterator[str]:
    sorts = alike(case.broken)
    yield from spot.details(sorts[:MOST])
    if (more := len(sorts) - MOST) > 0:
        yield f"{counted(more, 'more problem')} of this case"


def _coverage(covered: Iterable[Coverage], suite: str) -> Iterator[str]:
    for each in covered:
        if f"{_RUN}.{each.api}" == suite:
            yield from coverage_lines(each)
