"""A verdict for GitHub Actions: annotations on standard output, and the summary of a job."""

from collections.abc import Iterator
from typing import Final

from mockserver.reports.spots import Spot
from mockserver.reports.verdict import Verdict, Violation

MOST: Final = 10
"""How many annotations GitHub shows of one step."""


def annotations(verdict: Verdict, spot: Spot) -> Iterator[str]:
    """Yield workflow commands, at most as many as GitHub shows; the last says how many there are more."""
    shown = verdict.violations[: MOST if len(verdict.violations) <= MOST else MOST - 1]
    for violation in shown:
        yield _annotation(violation, spot)
    if more := len(verdict.violations) - len(shown):
        yield f"::error title=mockserver::{message(f'{more} more problems are in the summary of this job')}"


def _annotation(violation: Violation, spot: Spot) -> str:
    found, title = spot.file(violation), violation.kind
    if violation.api is not None:
        title = f"{violation.api}: {violation.kind}"
    told, at = spot.headline(violation), ""
    if found is not None and found[0].is_here:
        at = f"file={parameter(found[0].shown)},line={found[1]},"
    elif found is not None:
        told += f" ({spot.place(violation)})"
    return f"::error {at}title={parameter(title)}::{message(told)}"


def message(text: str) -> str:
    """Return text as the message of a workflow command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def parameter(text: str) -> str:
    """Return text as the value of a parameter of a workflow command."""
    return message(text).replace(":", "%3A").replace(",", "%2C")
