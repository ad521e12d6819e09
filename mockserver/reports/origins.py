"""Where in a spec, as its file has it, stands what a pointer finds in the document that is served.

Deviations put parts of a document into others, and take parts in turn into themselves. So they are applied once more
to a copy of the document in which each object and each scalar is marked with the pointer that it has in the file.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from mockserver.engine.contract import Api
from mockserver.engine.deviations import active, apply, read_deviations
from mockserver.engine.exchange import JSON
from mockserver.engine.values import ABSENT, below, child, steps_of, walk

_MARK: Final = object()
"""The member of a marked object that holds its pointer; a scalar becomes an object that has nothing else."""

_PUBLISHED: Final = "$published"


def origin(api: Api, pointer: str) -> str:
    """Return where in the source of an API stands what a pointer finds in its document, or the nearest part above."""
    node, found = _marked_document(api), ""
    for step in steps_of(pointer):
        node = child(node, step)
        if node is ABSENT:
            break
        found = _pointer(node, below(found, step))
    return found


def _pointer(node: JSON, otherwise: str) -> str:
    if isinstance(node, dict):
        return str(node.get(_MARK, otherwise))
    for position, item in enumerate(node):  # a list is where the items are that were written into it
        if (parted := _pointer(item, "").rpartition("/"))[2] == str(position):
            return parted[0]
    return otherwise


@lru_cache(maxsize=16)
def _marked_document(api: Api) -> JSON:
    listed = walk(api.source, "/x-mock/deviations")
    items = [_marked_item(item, position) for position, item in enumerate(listed or ())]
    deviations = read_deviations({"x-mock": {"deviations": items}})
    return apply(_marked(api.source, ""), deviations, active(deviations, api.profile))


def _marked_item(item: Mapping[str, JSON], position: int) -> JSON:
    at = f"/x-mock/deviations/{position}"
    if "changes" not in item:
        return _marked_change(item, at)
    changes = [_marked_change(each, f"{at}/changes/{index}") for index, each in enumerate(item["changes"])]
    return {**item, "changes": changes}


def _marked_change(change: Mapping[str, JSON], at: str) -> JSON:
    observed = {"observed": _marked(change["observed"], f"{at}/observed")} if "observed" in change else {}
    return {**change, **observed}


def _marked(value: JSON, at: str) -> JSON:
    if isinstance(value, list):
        return [_marked(each, f"{at}/{position}") for position, each in enumerate(value)]
    if not isinstance(value, dict):
        return {_MARK: at}
    if value == {_PUBLISHED: True}:  # what it stands for brings its own mark
        return value
    members = {
        name: each if name == _PUBLISHED else _marked(each, below(at, name)) for name, each in value.items()
    }
    return {**members, _MARK: at}
