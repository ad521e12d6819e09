"""How the operations of two documents differ: parameters, bodies, responses, security, servers.

Compared is what the spec has; what else the vendor's document describes is only counted. Names that are not sent do
not count: of a path's variable, of a component, of a security scheme.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

from mockserver.drift.differences import Difference, Sides, absent, are_same, difference, schema_differences
from mockserver.drift.rules import BOTH, LESS, MORE, Directions
from mockserver.drift.schemas import Contract, Place, is_note, text_of
from mockserver.engine.exchange import JSON
from mockserver.engine.values import ABSENT

METHODS: Final = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
_STYLES: Final = {"query": "form", "cookie": "form", "path": "simple", "header": "simple"}
"""How OpenAPI has a parameter written that says nothing else."""

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Call:
    """An operation in its document."""

    contract: Contract
    title: str
    item: Place
    """The path item that it stands in."""
    operation: Place
    variables: list[str]
    """The names of the path's variables, in their order."""

    def nearest(self, name: str) -> Place:
        """Return a member of the operation, else of the path item, else of the document."""
        found = [holder.child(name) for holder in (self.operation, self.item, Place(self.contract.root, ""))]
        return next((each for each in found if each.value is not ABSENT), found[0])


def calls_of(contract: Contract) -> dict[Key, Call]:
    """Return the operations of a document by method and path; variables of paths have no names there."""
    found = {}
    for path, place in contract.at("/paths").members().items():
        item = contract.followed(place)
        for method in filter(METHODS.__contains__, item.members() if path.startswith("/") else ()):
            operation = item.child(method)
            key = (method.upper(), re.sub(r"\{[^}]*\}", "{}", path))
            variables = re.findall(r"\{([^}]*)\}", path)
            found[key] = Call(contract, f"{key[0]} {path}", item, operation, variables)
    return found


def contract_differences(ours: Contract, theirs: Contract) -> Iterator[Difference]:
    """Yield how a vendor's document differs in the operations that the spec has. Raises `SpecError`."""
    sides, named = Sides(ours, theirs), calls_of(theirs)
    for key, call in calls_of(ours).items():
        if key in named:
            found = chain(_call_differences(sides, call, named[key]), schema_differences(sides))
            yield from (replace(each, operation=call.title) for each in found)
        else:
            gone = Place(ABSENT, call.operation.pointer)
            yield replace(difference("operation", call.operation, gone, BOTH), operation=call.title)


def _call_differences(sides: Sides, ours: Call, theirs: Call) -> Iterator[Difference]:
    yield from _flag("deprecated", ours.operation, theirs.operation, LESS)
    yield from _server_differences(ours, theirs)
    yield from _security_differences(ours, theirs)
    yield from _parameter_differences(sides, ours, theirs)
    yield from _body_differences(sides, ours, theirs)
    yield from _response_differences(sides, ours, theirs)


def _flag(
    name: str, ours: Place, theirs: Place, where: Directions, keyword: str = ""
) -> Iterator[Difference]:
    """Yield the difference of a member that is true, or false when it is absent."""
    one, other = (
        each if each.value is True else Place(ABSENT, each.pointer)
        for each in (ours.child(name), theirs.child(name))
    )
    if (one.value is ABSENT) != (other.value is ABSENT):
        yield difference(keyword or name, one, other, where)


# Servers and security


def _server_differences(ours: Call, theirs: Call) -> Iterator[Difference]:
    one, other = (call.nearest("servers") for call in (ours, theirs))
    before, after = (frozenset(filter(None, map(_address, place.items()))) for place in (one, other))
    if before != after and before:
        yield difference("server", Place(before, one.pointer), Place(after, other.pointer), LESS)


def _address(server: Place) -> str:
    return str(server.child("url").value).rstrip("/") if isinstance(server.value, dict) else ""


def _security_differences(ours: Call, theirs: Call) -> Iterator[Difference]:
    one, other = (call.nearest("security") for call in (ours, theirs))
    if _alternatives(one, _by_name(ours.contract)) == _alternatives(other, _by_name(theirs.contract)):
        return
    names = [_alternatives(place, lambda name: name) for place in (one, other)]
    if names[0] != names[1]:
        yield difference("security", Place(names[0], one.pointer), Place(names[1], other.pointer), LESS)
        return
    for name in dict.fromkeys(name for each in other.items() for name in each.members()):
        yield from _scheme_differences(_scheme(ours.contract, name), _scheme(theirs.contract, name))


def _alternatives(security: Place, identity: Callable[[str], str]) -> frozenset[str]:
    """Return what a caller may choose from, each as a text; without any, nothing is asked for."""
    listed = [
        {
            identity(name): sorted(str(scope.value) for scope in scopes.items())
            for name, scopes in each.members().items()
        }
        for each in security.items()
    ]
    return frozenset(map(text_of, listed or [{}]))


def _scheme(contract: Contract, name: str) -> Place:
    place = contract.at("/components/securitySchemes").child(name)
    return contract.followed(place)


def _by_name(contract: Contract) -> Callable[[str], str]:
    """Return what tells what a security scheme is, whatever its name."""
    return lambda name: text_of(_plain_scheme(_scheme(contract, name)))


def _plain_scheme(scheme: Place) -> dict[str, JSON]:
    kept = {name: each.value for name, each in scheme.members().items() if not is_note(name)}
    for name in ("scheme", "name") if kept.get("in") not in ("query", "cookie") else ():
        if name in kept:
            kept[name] = str(kept[name]).lower()  # of headers and schemes case says nothing
    return kept


def _scheme_differences(ours: Place, theirs: Place) -> Iterator[Difference]:
    before, after = _plain_scheme(ours), _plain_scheme(theirs)
    for name in dict.fromkeys([*after, *before]):
        values = before.get(name, ABSENT), after.get(name, ABSENT)
        is_same_header = name == "name" and len({str(each).lower() for each in values}) == 1
        if not are_same(*values) and not (is_same_header and before.get("in") != after.get("in")):
            one, other = ours.child(name), theirs.child(name)
            yield difference("security scheme", one, other, LESS, f"security scheme's {name}")


# Requests


def _parameter_differences(sides: Sides, ours: Call, theirs: Call) -> Iterator[Difference]:
    known, named = _parameters(ours), _parameters(theirs)
    for key in dict.fromkeys([*named, *known]):
        place, name = key
        one = known.get(key, absent(ours.operation, "parameters"))
        other = named.get(key, absent(theirs.operation, "parameters"))
        if key in known and key in named:
            yield from _one_parameter(sides, one, other, LESS, _STYLES.get(place, ""))
        else:
            is_required = (other if key in named else one).child("required").value is True
            keyword = "required parameter" if is_required else "parameter"
            yield difference(keyword, one, other, LESS, f"{place} {keyword} {name}")


def _parameters(call: Call) -> dict[Key, Place]:
    """Return the parameters of an operation, by where they are sent and their name; of the path by their position."""
    found = {}
    for holder in (call.item, call.operation):
        for place in holder.child("parameters").items():
            each = call.contract.followed(place)
            sent, name = str(each.child("in").value), str(each.child("name").value)
            if sent == "path" and name in call.variables:
                name = f"#{call.variables.index(name) + 1}"
            found[sent, name.lower() if sent == "header" else name] = each
    return found


def _one_parameter(
    sides: Sides, ours: Place, theirs: Place, where: Directions, style: str
) -> Iterator[Difference]:
    """Yield how a parameter, or a header of a response, differs."""
    yield from _flag("required", ours, theirs, where, "is required")
    for name in ("deprecated", "allowReserved", "allowEmptyValue"):
        yield from _flag(name, ours, theirs, where)
    yield from _setting("style", ours, theirs, (style, style))
    explode = tuple(
        each.child("style").value in ("form", ABSENT) and style == "form" for each in (ours, theirs)
    )
    yield from _setting("explode", ours, theirs, explode)
    yield from _schemas(sides, ours, theirs, where)
    yield from _content_differences(sides, ours, theirs, where)


def _setting(name: str, ours: Place, theirs: Place, absent_as: tuple[JSON, ...]) -> Iterator[Difference]:
    """Yield the difference of a member that has a value where it is absent."""
    one, other = (
        Place(implied, each.pointer) if each.value is ABSENT else each
        for each, implied in zip((ours.child(name), theirs.child(name)), absent_as, strict=True)
    )
    if not are_same(one.value, other.value):
        yield difference(name, one, other, LESS)


def _body_differences(sides: Sides, ours: Call, theirs: Call) -> Iterator[Difference]:
    one, other = (call.contract.followed(call.operation.child("requestBody")) for call in (ours, theirs))
    if one.value is not ABSENT and other.value is not ABSENT:
        yield from _flag("required", one, other, LESS, "is required")
        yield from _content_differences(sides, one, other, LESS)
    elif one.value is not other.value:
        is_required = any(each.child("required").value is True for each in (one, other))
        yield difference("required request body" if is_required else "request body", one, other, LESS)


# Responses


def _response_differences(sides: Sides, ours: Call, theirs: Call) -> Iterator[Difference]:
    one, other = (call.operation.child("responses") for call in (ours, theirs))
    known, named = (
        {name: each for name, each in place.members().items() if not is_note(name)} for place in (one, other)
    )
    for status in dict.fromkeys([*named, *known]):
        if status in known and status in named:
            before, after = sides.ours.followed(known[status]), sides.theirs.followed(named[status])
            yield from _header_differences(sides, before, after)
            yield from _content_differences(sides, before, after, MORE)
        else:
            before, after = known.get(status, absent(one, status)), named.get(status, absent(other, status))
            yield difference("status", before, after, MORE, f"status {status}")


def _header_differences(sides: Sides, ours: Place, theirs: Place) -> Iterator[Difference]:
    one, other = ours.child("headers"), theirs.child("headers")
    known, named = _lowered(one), _lowered(other)
    for name in dict.fromkeys([*named, *known]):
        if name in known and name in named:
            before, after = sides.ours.followed(known[name]), sides.theirs.followed(named[name])
            yield from _one_parameter(sides, before, after, MORE, "simple")
        else:
            before, after = known.get(name, absent(one, name)), named.get(name, absent(other, name))
            yield difference("header", before, after, MORE, f"header {name}")


def _lowered(place: Place) -> dict[str, Place]:
    return {name.lower(): each for name, each in place.members().items()}


# What both have


def _content_differences(sides: Sides, ours: Place, theirs: Place, where: Directions) -> Iterator[Difference]:
    one, other = ours.child("content"), theirs.child("content")
    known, named = (
        {_media_type(name): each for name, each in place.members().items()} for place in (one, other)
    )
    for name in dict.fromkeys([*named, *known]):
        if name in known and name in named:
            yield from _schemas(sides, known[name], named[name], where)
            yield from _encodings(known[name], named[name], where)
        else:
            before, after = known.get(name, absent(one, name)), named.get(name, absent(other, name))
            yield difference("media type", before, after, where, f"media type {name}")


def _media_type(name: str) -> str:
    """Return a media type as it is compared: JSON is UTF-8 with or without being called so."""
    return re.sub(r";charset=\"?utf-8\"?", "", re.sub(r"\s", "", name.lower()))


def _encodings(ours: Place, theirs: Place, where: Directions) -> Iterator[Difference]:
    one, other = ours.child("encoding"), theirs.child("encoding")
    if not are_same(one.value, other.value):
        yield difference("encoding", one, other, where)


def _schemas(sides: Sides, ours: Place, theirs: Place, where: Directions) -> Iterator[Difference]:
    one, other = ours.child("schema"), theirs.child("schema")
    if one.value is not ABSENT and other.value is not ABSENT:
        sides.compare(one, other, where)
    elif one.value is not other.value:
        yield difference("schema", one, other, where)


def titles(contract: Contract) -> tuple[str, ...]:
    """Return the operations of a document by method and path."""
    return tuple(call.title for call in calls_of(contract).values())


def others(ours: Contract, theirs: Contract) -> int:
    """Return how many operations the vendor's document has that the spec has not."""
    return len(calls_of(theirs).keys() - calls_of(ours).keys())
