"""Is a document made of the words that are read: OpenAPI's own parts, and ``x-mock``?

Both vocabularies are closed by JSON Schemas. Where words of ``x-mock`` are wrong, the rest of the document is
looked at all the same, without the faulty parts, so that a person sees everything at once.
"""

import copy
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from mockserver.engine.exchange import JSON, Finding
from mockserver.engine.validation import Schema
from mockserver.engine.values import ABSENT, pointer_of, steps_of, walk

Problem = tuple[str, str]
"""A JSON Pointer and a sentence."""

Taken = tuple[str, int]
"""The pointer of a list, and the position of the item that was taken away."""

VERSION: Final = re.compile(r"3\.1\.[0-9]+")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The schemas of each level of ``x-mock`` (document, operation, scheme, schema), and of OpenAPI's own parts."""

    levels: Mapping[str, Schema]
    structure: Schema

    def structure_problems(self, document: JSON) -> list[Problem]:
        """Return what is wrong with the OpenAPI parts of a document."""
        if not isinstance(document, dict):
            return [("", "must be an OpenAPI document, a mapping with openapi, info and paths")]
        if not VERSION.fullmatch(str(document.get("openapi", ""))):
            return [("/openapi", _version_sentence(document))]
        return [(finding.pointer, sentence_of(finding)) for finding in self.structure.findings(document)]

    def problems(self, document: JSON) -> list[Problem]:
        """Return what is wrong with all parts of a document."""
        return self.structure_problems(document) or self.word_problems(document)

    def word_problems(self, document: JSON) -> list[Problem]:
        """Return what is wrong with the ``x-mock`` parts of a document, also those that deviations bring."""
        found = [
            (pointer + finding.pointer, self._misplaced(finding, level) or sentence_of(finding))
            for pointer, level, words in _words_in(document, [])
            for finding in self.levels[level].findings(words)
        ]
        return found + [(pointer, "is not x-mock; did you mean that?") for pointer in _misspelt(document, [])]

    def _misplaced(self, finding: Finding, level: str) -> str:
        """Say where a word belongs that another level has; nothing where none has it."""
        name = steps_of(finding.pointer)[-1:]
        if finding.keyword != "additionalProperties" or finding.pointer.count("/") != 1:
            return ""
        levels = [other for other in self.levels if other != level and name[0] in self._members(other)]
        return f"belongs into the x-mock of {_PLACES[levels[0]]}, not of {_PLACES[level]}" if levels else ""

    def _members(self, level: str) -> Collection[str]:
        source = self.levels[level].source
        schema = walk(source, source["$ref"][1:]) if "$ref" in source else source
        members: Collection[str] = schema["properties"]
        return members

    def sound_part(self, document: JSON) -> tuple[JSON, list[Taken]]:
        """Return a document without the parts of ``x-mock`` that have problems, and the items of lists taken away."""
        sound, taken = copy.deepcopy(document), list[Taken]()
        while problems := self.word_problems(sound):
            faulty = {_existing(sound, steps_of(pointer)) for pointer, _ in problems}
            for steps in sorted(faulty, key=_from_the_end, reverse=True):
                holder = walk(sound, pointer_of(steps[:-1]))
                if isinstance(holder, list):
                    taken.append((pointer_of(steps[:-1]), int(steps[-1])))
                    del holder[int(steps[-1])]
                elif isinstance(holder, dict):
                    holder.pop(steps[-1], None)
        return sound, taken


def restored(pointer: str, taken: Iterable[Taken]) -> str:
    """Return where in the whole document stands what a pointer finds once items of lists were taken away."""
    for at, position in reversed(list(taken)):
        step, slash, below = pointer.removeprefix(f"{at}/").partition("/")
        if pointer.startswith(f"{at}/") and int(step) >= position:
            pointer = f"{at}/{int(step) + 1}{slash}{below}"
    return pointer


_PLACES: Final = {
    "document": "the document", "operation": "an operation", "scheme": "a security scheme", "schema": "a schema",
}  # fmt: skip


def _misspelt(node: JSON, steps: list[str | int]) -> Iterator[str]:
    """Yield the pointers of members that were meant to be ``x-mock``."""
    if isinstance(node, dict):
        for name, inner in node.items():
            if name.startswith("x-mo") and name != "x-mock":
                yield pointer_of([*steps, name])
            elif name not in _VALUES:
                yield from _misspelt(inner, [*steps, name])
    elif isinstance(node, list):
        for position, inner in enumerate(node):
            yield from _misspelt(inner, [*steps, position])


_VALUES: Final = frozenset({"example", "examples", "default", "enum", "const"})
"""Members that hold values of any form, which are not looked into."""


def sentence_of(finding: Finding) -> str:
    """Return what a finding says, and what to do about it: the schema's own sentence where it has one."""
    if finding.sentences:
        return f"{json.dumps(finding.value)} {finding.sentences[0]}"
    fix = _WRITTEN.get(finding.fix, finding.fix.replace("Send ", "Write ", 1))
    return f"{finding.message}. {fix}".strip()


_WRITTEN: Final = {
    "Send a boolean.": "Write true or false.",
    "Send an object.": "Write a mapping.",
    "Send an array.": "Write a list.",
    "Send an integer.": "Write a whole number, without quotes.",
}
"""What is to be done about a value in a file, where that has a simpler name."""


def _version_sentence(document: Mapping[str, JSON]) -> str:
    version = document.get("openapi", document.get("swagger"))
    if version is None:
        return "is missing: an OpenAPI document says openapi: 3.1.0"
    if re.match(r"(2|3\.0)", str(version)):
        return f"is {version}; only OpenAPI 3.1 is read, so convert the document to 3.1 first"
    return f"is {version!r}; only OpenAPI 3.1 is read: openapi: 3.1.0"


def _existing(document: JSON, steps: list[str]) -> tuple[str, ...]:
    """Return what is at fault: what a pointer leads to, or what misses it."""
    while steps and walk(document, pointer_of(steps)) is ABSENT:
        steps = steps[:-1]
    return tuple(steps)


def _from_the_end(steps: tuple[str, ...]) -> list[tuple[int, str]]:
    """Rank steps so that later items of a list, and inner parts, come last."""
    return [(int(step) if step.isdecimal() else -1, step) for step in steps]


def _words_in(node: JSON, steps: list[str | int]) -> Iterator[tuple[str, str, JSON]]:
    """Yield pointer, level and content of every ``x-mock``."""
    if isinstance(node, dict):
        if "x-mock" in node:
            yield pointer_of([*steps, "x-mock"]), _level(node), node["x-mock"]
        for name, inner in node.items():
            if name not in _VALUES:
                yield from _words_in(inner, [*steps, name])
    elif isinstance(node, list):
        for position, inner in enumerate(node):
            yield from _words_in(inner, [*steps, position])


def _level(node: Mapping[str, JSON]) -> str:
    if "openapi" in node:
        return "document"
    if "responses" in node:
        return "operation"
    kind = node.get("type")
    return "scheme" if isinstance(kind, str) and kind in _SCHEME_TYPES else "schema"


_SCHEME_TYPES: Final = frozenset({"apiKey", "http", "oauth2", "openIdConnect"})
