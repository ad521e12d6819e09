"""Has a vendor's contract changed since a spec was written from it? The published body of the spec is what is compared.

Deviations are left aside: they say what the mock does beside the published contract, and were never in it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from mockserver.drift.differences import CHANGED, Difference
from mockserver.drift.fetching import read_published
from mockserver.drift.operations import contract_differences, others, titles
from mockserver.drift.pages import digest_of, document_in, is_html
from mockserver.drift.rules import BOTH
from mockserver.drift.schemas import Contract
from mockserver.engine.exchange import JSON
from mockserver.engine.faults import SpecError
from mockserver.engine.values import walk
from mockserver.loading import available, load_spec, no_such_api, read_text
from mockserver.yamltext import lines_of

_NO_DOCUMENT: Final = "there is no OpenAPI document in it, neither as a whole nor in a block of code"


@dataclass(frozen=True, slots=True)
class Drift:
    """How what a vendor publishes differs from what a spec says was published."""

    api: str
    document: str
    """The file or address of what the vendor publishes."""
    source: Mapping[str, JSON]
    """Where and when the spec's contract was read."""
    differences: tuple[Difference, ...]
    file: str = ""
    """The file of the spec, relative to the folder that the command runs in where it is below that."""
    operations: tuple[str, ...] = ()
    """What was compared; nothing where all there is is a page in prose."""
    others: int = 0
    """How many operations the vendor's document has that the spec has not."""

    @property
    def breaking(self) -> int:
        """Return how many of the differences break callers."""
        return sum(each.is_breaking for each in self.differences)


def drift_of(api: str, specs: Iterable[str], document: str) -> Drift:
    """Return how what a vendor publishes, at an address or in a file, differs from a spec. Raises `SpecError`."""
    known = available(specs)
    if api not in known:
        raise SpecError([("", "", no_such_api(api, known))])
    path = known[api]
    spec = load_spec(path, api).source
    return placed(survey(api, spec, document, read_published(document)), path)


def placed(drift: Drift, path: Any) -> Drift:
    """Return a drift whose differences have the lines of the spec at which they are to be looked at."""
    lines = lines_of(read_text(path), [each.place for each in drift.differences])
    found = [replace(each, line=line) for each, line in zip(drift.differences, lines, strict=True)]
    return replace(drift, differences=tuple(found), file=_file_name(path))


def _file_name(path: Any) -> str:
    """Return the name of a file as reports have it, with forward slashes."""
    own, here = Path(str(path)).resolve(), Path.cwd().resolve()
    return own.relative_to(here).as_posix() if own.is_relative_to(here) else str(own)


def survey(api: str, spec: JSON, document: str, text: str) -> Drift:
    """Return how a text that a vendor publishes differs from a spec as it was read. Raises `SpecError`."""
    source = walk(spec, "/x-mock/source") or {}
    theirs = document_in(text, document)
    if theirs is None:
        return Drift(api, document, source, _page_differences(source, document, text))
    ours = Contract(api, spec)
    try:
        found = _merged(contract_differences(ours, theirs))
    except RecursionError:
        raise SpecError([(document, "", "the OpenAPI document is nested too deep to be compared")]) from None
    return Drift(api, document, source, tuple(found), operations=titles(ours), others=others(ours, theirs))


def _page_differences(source: Mapping[str, JSON], document: str, text: str) -> tuple[Difference, ...]:
    """Return the one thing that can be told of a page in prose: that it is another text than the one that was read."""
    read = source.get("digest")
    if read is None or is_html(text):
        hint = "; where a page is HTML, its source in Markdown may have one" if is_html(text) else ""
        raise SpecError([(document, "", f"cannot be compared: {_NO_DOCUMENT}{hint}")])
    now = digest_of(text)
    if now == read:
        return ()
    return (Difference(CHANGED, "page", "", "/x-mock/source/digest", read, now, BOTH, is_breaking=False),)


def _merged(found: Iterable[Difference]) -> list[Difference]:
    """Return each difference once, also where requests and responses share what has changed; breaking ones first."""
    merged: dict[tuple[str, str, str], Difference] = {}
    for each in found:
        key = (each.kind, each.subject, each.pointer)
        first = merged.setdefault(key, each)
        is_breaking = first.is_breaking or each.is_breaking
        merged[key] = replace(first, where=first.where | each.where, is_breaking=is_breaking)
    operations = list(dict.fromkeys(each.operation for each in merged.values()))
    return sorted(merged.values(), key=lambda each: (operations.index(each.operation), not each.is_breaking))
