"""Profiles of one document: the published contract, and what deviations make of it.

A spec's body is the *published* contract; each deviation patches it to what the service is *observed* to
do. A profile is the document with its deviations applied, deepest pointers first, so that a deviation
that wraps a part (``$published: true``) wraps what deeper ones have made of it.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from mockserver.engine.contract import Deviation
from mockserver.engine.exchange import JSON
from mockserver.engine.values import ABSENT, child, steps_of, walk

PROFILES: Final = ("observed", "published")


def read_deviations(document: Mapping[str, JSON]) -> dict[str, Deviation]:
    """Return the deviations that a document lists, by id."""
    listed = document.get("x-mock", {}).get("deviations", [])
    return {item["id"]: _read(item) for item in listed}


def active(deviations: Mapping[str, Deviation], profile: str) -> frozenset[str]:
    """Return the ids of the deviations that make up a profile."""
    return frozenset(id_ for id_, deviation in deviations.items() if profile in deviation.profiles)


def apply(document: JSON, deviations: Mapping[str, Deviation], ids: Iterable[str]) -> JSON:
    """Return the document with the named deviations applied. Raises LookupError(pointer) where one misses.

    What no deviation touches is shared with the document, of which a dozen views are made at each start.
    """
    changes = [change for id_, deviation in deviations.items() if id_ in ids for change in deviation.changes]
    for pointer, observed in sorted(changes, key=lambda change: -change[0].count("/")):
        document = _patched(document, steps_of(pointer), pointer, observed)
    return document


def source_pointer(document: JSON, pointer: str) -> str:
    """Return where in a document as it was read stands what a pointer finds once deviations are applied."""
    is_there = walk(document, pointer) is not ABSENT
    for position, item in enumerate(_listed_deviations(document)):
        for at, where in _places(item, f"/x-mock/deviations/{position}"):
            observed = f"{where}/observed{pointer.removeprefix(at)}"
            is_below = pointer == at or pointer.startswith(f"{at}/")
            if is_below and (not is_there or walk(document, observed) is not ABSENT):
                return observed
    return pointer


def changes_words(document: JSON) -> bool:
    """Tell whether a deviation changes what ``x-mock`` says, which is then to be looked at again."""
    return any("x-mock" in at for item in _listed_deviations(document) for at, _ in _places(item, ""))


def _listed_deviations(document: JSON) -> list[JSON]:
    listed = walk(document, "/x-mock/deviations")
    return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []


def _places(item: Mapping[str, JSON], where: str) -> Iterator[tuple[str, str]]:
    """Yield each pointer that a deviation patches, with the place in the list of deviations that does it."""
    changes = item.get("changes")
    if isinstance(changes, list):
        for position, change in enumerate(changes):
            if isinstance(change, dict):
                yield from _places(change, f"{where}/changes/{position}")
    for at in _listed(item.get("at", [])):
        yield str(at), where


def _read(item: Mapping[str, JSON]) -> Deviation:
    changes = item.get("changes") or ([item] if "at" in item else [])
    return Deviation(
        id=item["id"],
        changes=tuple(
            (at, change.get("observed", ABSENT)) for change in changes for at in _listed(change["at"])
        ),
        profiles=tuple(item.get("profiles", ["observed"])),
        evidence=item["evidence"],
    )


def _listed(value: JSON) -> list[JSON]:
    return value if isinstance(value, list) else [value]


def _patched(node: JSON, steps: list[str], pointer: str, observed: JSON) -> JSON:
    """Return a copy of a node in which the place that the steps lead to is as observed."""
    if not isinstance(node, dict | list):
        raise LookupError(pointer)
    step, *rest = steps
    there = child(node, step)
    if there is ABSENT and (isinstance(node, list) or observed is ABSENT):
        raise LookupError(pointer)
    place: JSON = int(step) if isinstance(node, list) else step
    changed = node.copy()
    if rest:
        changed[place] = _patched(there, rest, pointer, observed)
    elif observed is ABSENT:
        del changed[place]
    else:
        changed[place] = _fill_in(observed, there, pointer)
    return changed


def _fill_in(observed: JSON, published: JSON, pointer: str) -> JSON:
    """Put what was there where ``$published: true`` stands; members beside it are laid over it."""
    if isinstance(observed, dict) and observed.get("$published") is True:
        if published is ABSENT:
            raise LookupError(pointer)
        others = {name: value for name, value in observed.items() if name != "$published"}
        if others and not isinstance(published, dict):
            raise LookupError(pointer)
        return {**published, **others} if others else published
    if isinstance(observed, dict):
        return {name: _fill_in(value, published, pointer) for name, value in observed.items()}
    if isinstance(observed, list):
        return [_fill_in(value, published, pointer) for value in observed]
    return observed
