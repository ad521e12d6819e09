"""Parameters are text; what they mean is said by their schemas.

A text may stand for a number, a boolean, null or itself. Which of them it is meant to be depends on what the schema
takes: they are tried in that order, and the first that the schema accepts is it. A list is sent as OpenAPI's style
has it: a query parameter several times, or with ``explode: false`` once, its items parted by commas, as always in
headers and paths.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol
from urllib.parse import parse_qs

from mockserver.engine.contract import Parameter
from mockserver.engine.exchange import JSON, Request
from mockserver.engine.headers import cookies_of
from mockserver.engine.values import ABSENT, json_type, walk


class Source(Protocol):
    """Where parameters are found; ``supplied`` are those that the path gives."""

    @property
    def request(self) -> Request: ...  # noqa: D102
    @property
    def path_values(self) -> Mapping[str, str]: ...  # noqa: D102
    @property
    def supplied(self) -> Mapping[str, str]: ...  # noqa: D102


def texts_of(parameter: Parameter, source: Source) -> list[str]:
    """Return the texts that were sent for a parameter, none where it was not sent."""
    found: str | None
    match parameter.place:
        case "query":
            return parse_qs(source.request.query, keep_blank_values=True).get(parameter.name, [])
        case "path":
            found = source.path_values.get(parameter.name)
        case "cookie":
            found = cookies_of(source.request.headers.get("cookie", "")).get(parameter.name)
        case _:
            found = source.supplied.get(parameter.name, source.request.headers.get(parameter.name))
    return [] if found is None else [found]


Accepts = Callable[[JSON], bool]


def read(parameter: Parameter, texts: list[str], accepts: Accepts, accepts_item: Accepts) -> JSON:
    """Return the value that texts stand for: the first that is accepted, else the likeliest."""
    meanings = list(_readings(texts[0], parameter.kinds))
    if parameter.items is not None:
        parts = texts if parameter.explode else [part for text in texts for part in text.split(",")]
        items = [list(_readings(part, parameter.items)) for part in parts]
        meanings.insert(0, [_first(readings, accepts_item) for readings in items])
    return _first(meanings, accepts)


def _first(meanings: list[JSON], accepts: Accepts) -> JSON:
    return next((each for each in meanings if accepts(each)), meanings[0])


def _readings(text: str, kinds: frozenset[str]) -> Iterator[JSON]:
    """Yield what a text may stand for, where the schema could take it; the text itself is always the last."""
    if "integer" in kinds and re.fullmatch("-?[0-9]{1,400}", text):
        yield int(text)
    if "number" in kinds and re.fullmatch(r"-?[0-9]{1,400}(\.[0-9]{1,400})?([eE][-+]?[0-9]{1,2})?", text):
        yield float(text) if re.search("[.eE]", text) else int(text)
    if "boolean" in kinds and text in {"true", "false"}:
        yield text == "true"
    if "null" in kinds and text in {"", "null"}:
        yield None
    yield text


def types_in(schema: JSON, root: JSON, depth: int = 0) -> frozenset[str]:
    """Return the JSON types that a schema speaks of, through references and branches; none where it says nothing."""
    if not isinstance(schema, dict) or depth > 20:
        return frozenset()
    if isinstance(ref := schema.get("$ref"), str):
        found = walk(root, ref.removeprefix("#"))
        return types_in(found if found is not ABSENT else {}, root, depth + 1)
    named = schema.get("type", [])
    types = {each for each in (named if isinstance(named, list) else [named]) if isinstance(each, str)}
    types |= {
        json_type(value)
        for value in [*_listed(schema, "enum"), *([schema["const"]] if "const" in schema else [])]
    }
    for keyword in ("allOf", "anyOf", "oneOf"):
        for branch in _listed(schema, keyword):
            types |= types_in(branch, root, depth + 1)
    return frozenset(types)


def _listed(schema: Mapping[str, JSON], keyword: str) -> list[JSON]:
    """Return the list that a keyword holds; what is no list is told when schemas are checked."""
    value = schema.get(keyword)
    return value if isinstance(value, list) else []


def items_in(schema: JSON, root: JSON) -> JSON:
    """Return the schema of a list's items, through one reference; nothing where there is none."""
    if isinstance(schema, dict) and isinstance(ref := schema.get("$ref"), str):
        schema = walk(root, ref.removeprefix("#"))
    return schema.get("items", {}) if isinstance(schema, dict) else {}
