"""JSON Schemas for editors: of the configuration file, and of a whole spec.

That of a spec is put together from the parts of OpenAPI that are read and the levels of ``x-mock``; what its words
mean is told as ``specs/README.md`` tells it.
"""

import copy
import re
from typing import Final

from mockserver.engine.exchange import JSON
from mockserver.loading import folder, schema_source

SCHEMAS: Final = ("config", "spec")
DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
_LEVELS: Final = {
    "document": "document",
    "operation": "operation",
    "securityScheme": "scheme",
    "schema": "schema",
}
"""Which part of OpenAPI carries which level of ``x-mock``."""


def editor_schema(name: str) -> JSON:
    """Return the JSON Schema of what is called ``config`` or ``spec``."""
    return schema_source("config") if name == "config" else _spec_schema()


def _spec_schema() -> JSON:
    parts = copy.deepcopy(schema_source("openapi")["components"]["schemas"])
    words = _renamed(_explained(schema_source("x-mock")["components"]["schemas"], _meanings()))
    for part, level in _LEVELS.items():
        parts[part].setdefault("properties", {})["x-mock"] = {"$ref": f"#/components/schemas/x-mock-{level}"}
    schemas = {**parts, **{f"x-mock-{level}": schema for level, schema in words.items()}}
    title = "An OpenAPI 3.1 document with x-mock"
    return {
        "$schema": DRAFT,
        "title": title,
        "$ref": "#/components/schemas/document",
        "components": {"schemas": schemas},
    }


def _renamed(node: JSON) -> JSON:
    """Return schemas whose references lead to names that OpenAPI's parts do not have."""
    if isinstance(node, list):
        return [_renamed(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {
        name: value.replace("/schemas/", "/schemas/x-mock-") if name == "$ref" else _renamed(value)
        for name, value in node.items()
    }


def _meanings() -> dict[str, str]:
    """Return what each word means, but for those that mean several things."""
    rows = re.findall(
        r"^\| `([A-Za-z]+)` \| (.+) \|$",
        folder("specs").joinpath("README.md").read_text("utf-8"),
        re.MULTILINE,
    )
    words = [word for word, _ in rows]
    return {word: meaning for word, meaning in rows if words.count(word) == 1}


def _explained(node: JSON, meanings: dict[str, str]) -> JSON:
    """Return schemas whose properties are described."""
    if isinstance(node, list):
        return [_explained(each, meanings) for each in node]
    if not isinstance(node, dict):
        return node
    inner = {name: _explained(value, meanings) for name, value in node.items()}
    if isinstance(properties := node.get("properties"), dict):
        inner["properties"] = {
            name: {"description": meanings[name], **inner["properties"][name]}
            if name in meanings
            else inner["properties"][name]
            for name in properties
        }
    return inner
