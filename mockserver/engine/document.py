"""One OpenAPI document while it is being compiled: looking things up, and collecting what is wrong."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeVar

from mockserver.engine.contract import Headers, Wording
from mockserver.engine.exchange import JSON
from mockserver.engine.expressions import FINDING_MEMBERS, Facts, Template, TemplateError
from mockserver.engine.media import body_bytes, is_json
from mockserver.engine.templates import compile_expression, compile_template, compile_writer
from mockserver.engine.values import ABSENT, nearest, pointer_of, walk

METHODS: Final = ("get", "put", "post", "delete", "patch", "head", "options", "trace")
T = TypeVar("T")


class Example(NamedTuple):
    """An example of an answer: its media type, its name, what it is, and where it stands."""

    media_type: str
    name: str
    value: JSON
    pointer: str


@dataclass(slots=True)
class Document:
    """A document under one profile; ``problems`` are ``(file, pointer, sentence)``, shared between profiles.

    A ``partial`` document is one whose faulty parts were taken away: what is missing in it may be such a part.
    """

    file: str
    root: JSON
    problems: list[tuple[str, str, str]] = field(default_factory=list)
    partial: bool = False

    @property
    def words(self) -> Mapping[str, JSON]:
        """The document's own ``x-mock``."""
        words: Mapping[str, JSON] = self.root.get("x-mock", {})
        return words

    def blame(self, pointer: str, sentence: str) -> None:
        """Note a problem."""
        self.problems.append((self.file, pointer, sentence))

    def miss(self, pointer: str, sentence: str) -> None:
        """Note that something which is named is not there."""
        if not self.partial:
            self.blame(pointer, sentence)

    def attempt(self, pointer: str, make: Callable[[Any], T], value: JSON, fallback: T) -> T:
        """Make something of a value; where that fails, note the problem and go on with the fallback."""
        try:
            return make(value)
        except (TemplateError, ValueError, re.error) as error:
            self.blame(pointer, str(error))
            return fallback

    # Looking up

    def operation(self, path: str, method: str) -> JSON:
        """Return the operation object under a path, None where there is none."""
        return self.root.get("paths", {}).get(path, {}).get(method)

    def operations(self) -> Iterator[tuple[str, str, JSON]]:
        """Yield path, method and operation object, in the order of the document."""
        for path, item in self.root.get("paths", {}).items():
            for method in METHODS:
                if method in item:
                    yield path, method, item[method]

    def rules(self) -> set[str]:
        """Return the names of the dedup and refusal rules of the document and of all operations."""
        sources = [self.words, *(source.get("x-mock", {}) for _, _, source in self.operations())]
        return {
            rule["name"] for words in sources for key in ("dedup", "refusals") for rule in words.get(key, [])
        }

    def resolve(self, node: JSON) -> JSON:
        """Follow ``$ref`` within the document; one that leads nowhere is blamed by `soundness`."""
        followed: set[str] = set()
        while isinstance(node, dict) and isinstance(ref := node.get("$ref"), str) and ref not in followed:
            followed.add(ref)
            found: JSON = walk(self.root, ref.removeprefix("#")) if ref.startswith("#/") else ABSENT
            if not isinstance(found, dict):
                return {}
            node = {**found, **{name: value for name, value in node.items() if name != "$ref"}}
        return node

    def examples(self, response: JSON, at: str = "") -> list[Example]:
        """Return every example of a response, which stands at a pointer."""
        if isinstance(response, dict) and isinstance(ref := response.get("$ref"), str):
            at = ref.removeprefix("#")
        return [
            Example(media_type, name, example["value"], f"{at}{pointer_of(['content', media_type])}{below}")
            for media_type, media in self.resolve(response).get("content", {}).items()
            for name, example, below in self._examples_of(media)
            if "value" in example
        ]

    def _examples_of(self, media: JSON) -> Iterator[tuple[str, JSON, str]]:
        """Yield name, example object and pointer; a single ``example`` has the name ``example``."""
        if "example" in media:
            yield "example", {"value": media["example"]}, "/example"
        for name, example in media.get("examples", {}).items():
            yield name, self.resolve(example), pointer_of(["examples", name, "value"])

    def closed(self, schema: JSON) -> JSON:
        """Return a schema together with everything its references lead to, under the same pointers."""
        reached: dict[str, JSON] = {}
        waiting = [schema]
        while waiting:
            for ref in _references(waiting.pop()):
                name = ref.removeprefix("#/components/schemas/")
                found = ABSENT if name == ref else walk(self.root, ref.removeprefix("#"))
                if found is not ABSENT and name not in reached:
                    reached[name] = found
                    waiting.append(found)
        return {**schema, "components": {"schemas": reached}} if reached else schema

    # Templates

    def template(self, value: JSON, at: str) -> Template:
        """Compile a template."""
        return self.attempt(at, compile_template, value, _nothing)

    def telling(self, value: JSON, at: str) -> Template:
        """Compile a template that tells of one finding, ``$item``: it may not ask for what is told of all of them."""
        text = json.dumps(value)
        for name in sorted(set(_CIRCULAR.findall(text))):
            self.blame(
                at, f"$mock.{name} is made of what is written here; use $item, the finding that is told"
            )
        for name in sorted({*_ITEM_MEMBER.findall(text)} - FINDING_MEMBERS):
            near = nearest(name, FINDING_MEMBERS)
            hint = (
                f"; did you mean $item.{near}?"
                if near
                else f"; there are {', '.join(sorted(FINDING_MEMBERS))}"
            )
            self.blame(at, f"a finding has no member {name!r}{hint}")
        return self.template(value, at)

    def writer(self, value: JSON, media_type: str, at: str) -> Callable[[Facts], bytes]:
        """Compile the body of an answer into what writes its bytes."""
        if not is_json(media_type):
            fill = self.template(value, at)
            return lambda facts: body_bytes(fill(facts), media_type)
        return self.attempt(at, compile_writer, value, _writes_nothing)

    def expression(self, text: JSON, at: str) -> Template:
        """Compile a string that must be one expression."""
        return self.attempt(at, compile_expression, text, _nothing)

    def headers(self, headers: Mapping[str, JSON], at: str) -> Headers:
        """Compile a map of header templates."""
        return tuple((name, self.template(value, at + pointer_of([name]))) for name, value in headers.items())

    def wording(self, wording: Mapping[str, JSON], at: str) -> Wording:
        """Compile keyword -> sentence or sentences; ``type`` may be split by the expected type."""
        sentences: dict[str, tuple[Template, ...]] = {}
        for keyword, text in wording.items():
            for expected, value in text.items() if isinstance(text, dict) else [("", text)]:
                key = f"{keyword}/{expected}" if expected else keyword
                each = value if isinstance(value, list) else [value]
                sentences[key] = tuple(self.telling(sentence, f"{at}/{keyword}") for sentence in each)
        return sentences


_CIRCULAR: Final = re.compile(r"\$mock\.(findings\w*|items|finding)\b")
_ITEM_MEMBER: Final = re.compile(r"\$item\.(\w+)")


def _write_nothing(_: Facts) -> bytes:
    return b""


def _fill_nothing(_: Facts) -> JSON:
    return ABSENT


_nothing: Final[Template] = _fill_nothing
_writes_nothing: Final[Callable[[Facts], bytes]] = _write_nothing


def _references(node: JSON) -> list[str]:
    if isinstance(node, list):
        return [ref for item in node for ref in _references(item)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
    return own + [ref for value in node.values() for ref in _references(value)]
