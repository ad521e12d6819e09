"""A verdict for GitHub Actions: annotations on standard output."""

from collections.abc import Iterator

from mockserver.engine.values import counted
from mockserver.reports.escaping import MOST_ANNOTATIONS, message, parameter
from mockserver.reports.spots import Spot, alike
from mockserver.reports.verdict import Verdict
from mockserver.reports.violations import Violation


def annotations(verdict: Verdict, spot: Spot) -> Iterator[str]:
    """Yield workflow commands, at most as many as GitHub shows; the last says how many there are more."""
    found = [_of_run(f"the verdict is not certain: {told}") for told in verdict.unsafe]
    found += [_annotation(each, more, spot) for each, more in alike(verdict.violations)]
    shown = found if len(found) <= MOST_ANNOTATIONS else found[: MOST_ANNOTATIONS - 1]
    yield from shown
    if more := len(found) - len(shown):
        yield _of_run(f"{counted(more, 'more problem')}: the summary of this job has them")


def _of_run(told: str) -> str:
    return f"::error title=mockserver::{message(told)}"


def _annotation(violation: Violation, more: int, spot: Spot) -> str:
    found = spot.file(violation)
    title = ": ".join(part for part in (violation.api, violation.kind) if part)
    told, at = spot.headline(violation, more), ""
    if found is not None and found[0].is_here:
        at = f"file={parameter(found[0].shown)},line={found[1]},"
    elif found is not None:
        told += f" ({spot.place(violation)})"
    return f"::error {at}title={parameter(title)}::{message(told)}"
