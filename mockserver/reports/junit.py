"""A verdict as JUnit XML: what CI systems read.

One suite for each API that was called, one case for each rule of the contract that its operations could break, and
suites for what belongs to no API. A case has one failure at most, as readers expect.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree as ET

from mockserver.reports.coverage import Coverage, coverage_lines
from mockserver.reports.spots import Spot
from mockserver.reports.verdict import EXPECTED, KINDS, Verdict, Violation

_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 does not allow, not even escaped."""

_LONGEST: Final = 200  # characters of a failure's message
_ELSEWHERE: Final = "mockserver"


@dataclass(frozen=True, slots=True)
class Case:
    """A rule that was looked at, and what broke it."""

    suite: str
    classname: str
    name: str
    broken: tuple[Violation, ...]


def cases_of(verdict: Verdict) -> Iterator[Case]:
    """Yield a case for each operation that was called and each kind that is judged, then those of the run."""
    found = verdict.violations
    for api, operation in dict.fromkeys((each.api, each.operation) for each in verdict.calls):
        if api is None or operation is None:
            continue
        for kind in verdict.judged:
            if kind not in _OF_THE_RUN:
                broken = [
                    each
                    for each in found
                    if each.kind == kind and (each.api, each.operation) == (api, operation)
                ]
                yield Case(
                    f"{_ELSEWHERE}.{api}", f"{_ELSEWHERE}.{api}.{operation}", KINDS[kind], tuple(broken)
                )
    for kind in verdict.judged:
        broken = [
            each for each in found if each.kind == kind and (kind in _OF_THE_RUN or each.operation is None)
        ]
        if kind in _OF_THE_RUN or broken:
            yield Case(_ELSEWHERE, _OF_THE_RUN.get(kind, _ELSEWHERE), KINDS[kind], tuple(broken))
    for expectation in verdict.expectations:
        told = [
            each
            for each in found
            if each.kind == EXPECTED and each.sentence.startswith(f"expected {expectation},")
        ]
        yield Case(_ELSEWHERE, f"{_ELSEWHERE}.{EXPECTED}", str(expectation), tuple(told))


_OF_THE_RUN: Final = {
    "unmatched": f"{_ELSEWHERE}.routes",
    "retry": f"{_ELSEWHERE}.retries",
    "unused-rule": f"{_ELSEWHERE}.rules",
}
"""The kinds that are judged for the run as a whole, and the name under which they stand."""


def junit(verdict: Verdict, covered: Sequence[Coverage], spot: Spot, seconds: float, started: str) -> str:
    """Return the verdict as JUnit XML. ``started`` is ISO 8601, ``seconds`` how long the run took."""
    cases = list(cases_of(verdict))
    suites = dict.fromkeys(case.suite for case in cases)
    root = ET.Element("testsuites", _counts("mockserver", cases, seconds))
    for name in suites:
        inside = [case for case in cases if case.suite == name]
        attributes = {**_counts(name, inside, seconds), "timestamp": started, "hostname": "localhost"}
        suite = ET.SubElement(root, "testsuite", attributes)
        for case in inside:
            _add_case(suite, case, spot)
        told = "".join(f"{line}\n" for line in _coverage(covered, name))
        if told:
            ET.SubElement(suite, "system-out").text = clean(told)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def clean(text: str) -> str:
    """Return text without the characters that XML does not allow."""
    return _FORBIDDEN.sub("�", text)


def _counts(name: str, cases: Sequence[Case], seconds: float) -> dict[str, str]:
    failures = sum(1 for case in cases if case.broken)
    return {
        "name": name, "tests": str(len(cases)), "failures": str(failures), "errors": "0", "skipped": "0",
        "time": f"{seconds:.3f}",
    }  # fmt: skip


def _add_case(suite: ET.Element, case: Case, spot: Spot) -> None:
    attributes = {"classname": clean(case.classname), "name": clean(case.name), "time": "0.000"}
    element = ET.SubElement(suite, "testcase", attributes)
    if not case.broken:
        return
    first = case.broken[0]
    more = f" (and {len(case.broken) - 1} more)" if len(case.broken) > 1 else ""
    message = clean(spot.headline(first))
    failure = ET.SubElement(
        element, "failure", {"message": f"{message[: _LONGEST - len(more)]}{more}", "type": first.kind}
    )
    failure.text = clean("\n".join(_details(case.broken, spot)))


def _details(broken: Iterable[Violation], spot: Spot) -> Iterator[str]:
    for violation in broken:
        yield from spot.details(violation)
        yield ""


def _coverage(covered: Iterable[Coverage], suite: str) -> Iterator[str]:
    for each in covered:
        if f"{_ELSEWHERE}.{each.api}" == suite:
            yield from coverage_lines(each)
