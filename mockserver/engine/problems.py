"""The mock's own words in an answer: problem documents (RFC 9457), and the header ``sl-violations``.

An API's error goes out in that API's envelope. A problem document is sent where no API can be blamed, or
where the API has no answer for a reason.
"""

import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from mockserver.engine.contract import Route
from mockserver.engine.exchange import JSON, KINDS, Finding, Reason, Request, Response
from mockserver.engine.values import cut, encode, steps_of
from mockserver.engine.wording import default_sentence

PROBLEM_TYPE: Final = ("content-type", "application/problem+json")
LONGEST_HEADER: Final = 8000


def problem(reason: Reason, detail: str, findings: Iterable[Finding] = (), **members: JSON) -> Response:
    """Return a problem document; ``members`` are laid over its own."""
    status, title = KINDS[reason]
    document = {
        "type": f"urn:mockserver:{reason}",
        "title": title,
        "status": status,
        "detail": detail,
        **members,
    }
    if listed := [_entry(finding) for finding in findings]:
        document["validation"] = listed
    return Response(document["status"], (PROBLEM_TYPE,), encode(document))


def refusal_problem(reason: Reason, findings: Sequence[Finding], instance: str) -> Response:
    """Return the problem document of a refusal that the API has no answer for."""
    detail = "; ".join(map(default_sentence, findings)) or KINDS[reason][1]
    unreadable = reason is Reason.PREFERENCE and any(finding.keyword == "syntax" for finding in findings)
    status = 422 if unreadable else KINDS[reason][0]
    return problem(reason, detail, findings, status=status, instance=instance)


def no_route_problem(request: Request, finding: Finding, nearest: Sequence[Route], instance: str) -> Response:
    """Return the 404 of a path that no API has, with the routes that come near it."""
    listed = [{"api": each.operation.api, "method": each.method, "path": each.path} for each in nearest]
    detail = f"{request.method} {request.path} {finding.message}"
    return problem(Reason.NO_ROUTE, detail, nearest=listed, instance=instance)


def no_route_finding(path: str, nearest: Sequence[Route]) -> Finding:
    """Return the finding that says which route was probably meant."""
    known = cut(", ".join(f"{route.method} {route.path}" for route in nearest) or "a path that is served")
    message = f"matches no operation. {_hint(path, nearest)}"
    return Finding("path", "", "", "route", message, known, cut(path), None, _hint(path, nearest))


def _hint(path: str, nearest: Sequence[Route]) -> str:
    if not nearest:
        return "GET / lists what is served; the control plane is below /__admin."
    best = nearest[0]
    if best.path.rstrip("/") == path.rstrip("/"):
        slash = "with a slash at its end" if best.path.endswith("/") else "without a slash at its end"
        return f"This path is served {slash}: {best.method} {best.path} ({best.operation.api})."
    return f"Did you mean {best.method} {best.path} ({best.operation.api})?"


def violations(findings: Sequence[Finding], deviations: Sequence[tuple[str, str]]) -> str:
    """Return the value of ``sl-violations``: a JSON array in ASCII, cut between entries at 8,000 bytes."""
    return _cut_list([_told(finding) for finding in findings], tuple(deviations))


def _told(finding: Finding) -> str:
    place, pointer, _, keyword, message, *_ = finding
    is_long = len(pointer) + len(message) > 500
    return _written(place, pointer, keyword, message) if is_long else _known(place, pointer, keyword, message)


def _written(place: str, pointer: str, keyword: str, message: str) -> str:
    return json.dumps(_entry(Finding(place, pointer, "", keyword, message), "request"))


_known: Final = lru_cache(maxsize=256)(_written)
"""The same mistake is made again and again; what is long is not kept."""


def _entry(finding: Finding, *above: str) -> JSON:
    location = [*above, finding.place, *steps_of(finding.pointer)]
    return _listed(location, "Error", finding.keyword, default_sentence(finding))


def _listed(location: list[str], severity: str, code: str, message: str) -> JSON:
    return {"location": location, "severity": severity, "code": code, "message": message}


@lru_cache(maxsize=256)  # nearly every call of an SDK leans on the same few deviations
def _leaned_on(deviations: tuple[tuple[str, str], ...]) -> list[str]:
    location = ["request", "body"]
    return [json.dumps(_listed(location, "Warning", "deviation", f"{id_}: {why}")) for id_, why in deviations]


def _cut_list(entries: list[str], deviations: tuple[tuple[str, str], ...]) -> str:
    texts = [*entries, *_leaned_on(deviations)]
    whole = f"[{','.join(texts)}]"
    for dropped in range(1, len(texts) + 1):
        if len(whole) <= LONGEST_HEADER:
            break
        more = json.dumps(_listed([], "Information", "more", f"{dropped} more"))
        whole = f"[{','.join([*texts[:-dropped], more])}]"
    return whole
