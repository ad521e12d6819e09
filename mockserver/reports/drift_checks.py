"""How a vendor's contract has changed, as checks read it: JUnit, annotations of GitHub Actions, SARIF.

What counts as a failure is said by the caller: every difference, or those that break callers.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Final
from xml.etree import ElementTree as ET

from mockserver import __version__
from mockserver.drift.differences import Difference
from mockserver.drift.survey import Drift
from mockserver.engine.exchange import JSON
from mockserver.engine.values import cut
from mockserver.reports.drift_text import drift_json, drift_text, place_of, sentence_of, verdict_of
from mockserver.reports.escaping import MOST_ANNOTATIONS, clean, message, parameter

Counts = Callable[[Difference], bool]
"""Does a difference make the check fail?"""

_LONGEST: Final = 200


def drift_junit(drift: Drift, counts: Counts, started: str) -> str:
    """Return a suite with a case for each operation that was compared; ``started`` is ISO 8601."""
    names = drift.operations or ("page",)
    told = {
        name: [each for each in drift.differences if (each.operation or "page") == name] for name in names
    }
    failed = sum(any(map(counts, found)) for found in told.values())
    totals = {
        "name": f"mockserver.drift.{drift.api}", "tests": str(len(names)), "failures": str(failed), "errors": "0",
        "time": "0.000",
    }  # fmt: skip
    root = ET.Element("testsuites", totals)
    more = {"skipped": "0", "timestamp": started, "hostname": "localhost"}
    suite = ET.SubElement(root, "testsuite", {**totals, **more})
    for name, found in told.items():
        attributes = {"classname": totals["name"], "name": clean(name), "time": "0.000"}
        _add_result(ET.SubElement(suite, "testcase", attributes), found, counts, drift)
    ET.SubElement(suite, "system-out").text = clean(drift_text(drift))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _add_result(case: ET.Element, found: list[Difference], counts: Counts, drift: Drift) -> None:
    """Give a case one failure at most: several confuse readers."""
    failing = [each for each in found if counts(each)]
    if failing:
        more = f" (and {len(failing) - 1} more)" if len(failing) > 1 else ""
        message_ = cut(_headline(failing[0], drift), _LONGEST - len(more)) + more
        failure = ET.SubElement(case, "failure", {"message": clean(message_), "type": "drift"})
        failure.text = clean(
            "\n".join(f"{_headline(each, drift)} ({place_of(each, drift)})" for each in failing)
        )


def _headline(difference: Difference, drift: Drift) -> str:
    told = sentence_of(difference, drift)
    at = f"{difference.pointer}: " if difference.pointer else ""
    return f"{at}{told}{' (breaking)' if difference.is_breaking else ''}"


def drift_annotations(drift: Drift, counts: Counts, _: str) -> str:
    """Return workflow commands, at most as many as GitHub shows: errors for what counts, warnings for the rest."""
    ordered = sorted(drift.differences, key=lambda each: not counts(each))
    first = ordered if len(ordered) <= MOST_ANNOTATIONS else ordered[: MOST_ANNOTATIONS - 1]
    lines = [_annotation(each, drift, "error" if counts(each) else "warning") for each in first]
    if more := len(ordered) - len(first):
        level = "error" if counts(ordered[len(first)]) else "warning"
        told = f"{more} more differences: see the output of `mockserver drift {drift.api}`"
        lines.append(f"::{level} title={parameter(_title(drift))}::{message(told)}")
    return "".join(f"{line}\n" for line in lines)


def _annotation(difference: Difference, drift: Drift, level: str) -> str:
    at = f"file={parameter(drift.file)},line={difference.line or 1}," if _is_here(drift.file) else ""
    return f"::{level} {at}title={parameter(_title(drift))}::{message(_headline(difference, drift))}"


def _title(drift: Drift) -> str:
    return f"{drift.api}: {verdict_of(drift)}"


def _is_here(file: str) -> bool:
    """Tell whether a file is below the folder that the command runs in: only such can be annotated."""
    return not PurePath(file).is_absolute()


def drift_sarif(drift: Drift, counts: Counts, _: str) -> str:
    """Return a SARIF 2.1.0 log, with a result for each difference."""
    rules = ["drift/breaking", "drift/other"]
    results = [
        {
            "ruleId": rules[not each.is_breaking],
            "level": "error" if counts(each) else "note",
            "message": {"text": _headline(each, drift)},
            "locations": [_location(each, drift)],
        }
        for each in drift.differences
    ]
    driver = {"name": "mockserver", "version": __version__, "rules": [{"id": rule} for rule in rules]}
    log: dict[str, JSON] = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }
    return json.dumps(log, indent=2) + "\n"


def _location(difference: Difference, drift: Drift) -> dict[str, JSON]:
    uri = drift.file if _is_here(drift.file) else PurePath(drift.file).as_uri()
    region = {"startLine": difference.line or 1}
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}


FORMS: Final[Mapping[str, Callable[[Drift, Counts, str], str]]] = {
    "text": lambda drift, _, __: drift_text(drift),
    "json": lambda drift, _, __: drift_json(drift),
    "junit": drift_junit,
    "github": drift_annotations,
    "sarif": drift_sarif,
}
