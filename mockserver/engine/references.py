"""Where the references of a document lead: to parts of the right kind, and not back to themselves."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from mockserver.engine.document import Document
from mockserver.engine.exchange import JSON
from mockserver.engine.values import ABSENT, nearest, pointer_of, walk

_SCHEMA_REFERENCE: Final = re.compile("#/components/schemas/[^/]+")
_VALUES: Final = frozenset({"const", "default", "enum", "example", "examples", "x-mock"})


def check_references(document: Document, schema: JSON, steps: list[str | int]) -> None:
    """Blame the references of a schema that lead elsewhere than to a schema of this document."""
    known = document.root.get("components", {}).get("schemas", {})
    for ref, at in _found_in(schema, steps):
        if not _SCHEMA_REFERENCE.fullmatch(ref):
            document.blame(
                pointer_of(at), f"{ref!r} leads elsewhere; a schema refers to #/components/schemas/…"
            )
        elif walk(document.root, ref[1:]) is ABSENT:
            document.blame(pointer_of(at), f"{ref!r} leads nowhere{near(ref.rpartition('/')[2], known)}")


def check_reference(document: Document, part: JSON, kind: str, steps: list[str | int]) -> None:
    """Blame a reference that does not lead to a part of the same kind."""
    ref = part.get("$ref") if isinstance(part, dict) else None
    if not isinstance(ref, str):
        return
    known = document.root.get("components", {}).get(kind, {})
    name = ref.removeprefix(f"#/components/{kind}/")
    if name not in known:
        told = (
            f"{ref!r} leads nowhere; it has to be #/components/{kind}/…{near(name.rpartition('/')[2], known)}"
        )
        document.blame(pointer_of([*steps, "$ref"]), told)
    elif "$ref" in document.resolve(part):
        document.blame(pointer_of([*steps, "$ref"]), f"{ref!r} leads in a circle")


def check_circles(document: Document) -> None:
    """Blame schemas that lead back to themselves without going into the value: they say nothing."""
    schemas = document.root.get("components", {}).get("schemas", {})
    for name in schemas:
        reached, waiting = set[str](), [schemas[name]]
        while waiting:
            for other in _in_place(waiting.pop()):
                if other not in reached and other in schemas:
                    reached.add(other)
                    waiting.append(schemas[other])
        if name in reached:
            place = pointer_of(["components", "schemas", name])
            document.blame(place, "leads back to itself for the same value, which would never end")


def _in_place(schema: JSON) -> list[str]:
    """Return the names of the schemas that one refers to for the same value."""
    if not isinstance(schema, dict):
        return []
    ref = schema.get("$ref")
    own = [ref.removeprefix("#/components/schemas/")] if isinstance(ref, str) else []
    single = [schema[name] for name in ("not", "if", "then", "else") if name in schema]
    inner = [*single, *(each for name in ("allOf", "anyOf", "oneOf") for each in schema.get(name, []))]
    return own + [name for each in inner for name in _in_place(each)]


def near(name: str, known: Iterable[str]) -> str:
    """Return a hint at the known name that was probably meant, nothing where there is none."""
    near = nearest(name, list(known))
    return f"; did you mean {near}?" if near else ""


def _found_in(node: JSON, steps: list[str | int]) -> Iterator[tuple[str, list[str | int]]]:
    """Yield every ``$ref`` of a schema with its place."""
    if isinstance(node, list):
        for position, inner in enumerate(node):
            yield from _found_in(inner, [*steps, position])
    elif isinstance(node, dict):
        for name, inner in node.items():
            if name == "$ref" and isinstance(inner, str):
                yield inner, [*steps, name]
            elif name not in _VALUES:
                yield from _found_in(inner, [*steps, name])


def referring(document: Document) -> Iterator[tuple[JSON, str, list[str | int]]]:
    """Yield the parts of operations that may be references to shared parts, and of which kind those have to be."""
    for path, method, source in document.operations():
        at: list[str | int] = ["paths", path, method]
        yield source.get("requestBody"), "requestBodies", [*at, "requestBody"]
        for status, each in source["responses"].items():
            yield each, "responses", [*at, "responses", status]
        for holder, place in ((document.root["paths"][path], at[:2]), (source, at)):
            listed = enumerate(holder.get("parameters", []))
            yield from ((each, "parameters", [*place, "parameters", position]) for position, each in listed)
