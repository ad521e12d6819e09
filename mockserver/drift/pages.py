"""The OpenAPI document in what a vendor publishes: a file of its own, or a block of code on a page.

Pages are Markdown, of which the fenced blocks are looked at (three or more backticks or tildes, whatever their label),
or HTML, of which the ``pre`` elements are. The first block with an ``openapi`` key at its left edge is taken. A page in
prose has no document; whether its text is still the one that was read is told by a digest that ignores white space.
"""

import hashlib
import json
import re
import textwrap
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Final

from mockserver.drift.schemas import Contract
from mockserver.engine.exchange import JSON
from mockserver.engine.faults import Problem, SpecError
from mockserver.yamltext import YamlError, parse_yaml

_FENCE: Final = re.compile(r" {0,3}(?P<marks>`{3,}|~{3,})(?P<label>.*)")
_YAML: Final = re.compile(r"""^["']?(?:openapi|swagger)["']?\s*:\s*["']?[0-9]""", re.MULTILINE)
_JSON: Final = re.compile(r""""(?:openapi|swagger)"\s*:\s*"[0-9]""")
_HTML: Final = re.compile(r"\s*<(?:!doctype html|html)\b", re.IGNORECASE)


def digest_of(text: str) -> str:
    """Return what tells whether a page in prose has changed: white space does not count."""
    told = " ".join(text.removeprefix("\ufeff").split())
    return f"sha256:{hashlib.sha256(told.encode('utf-8', 'surrogatepass')).hexdigest()}"


def is_html(text: str) -> bool:
    """Tell whether a text is a page in HTML."""
    return _HTML.match(text) is not None


def document_in(text: str, name: str) -> Contract | None:
    """Return the OpenAPI document of a text, None where there is none. Raises `SpecError` for one that is broken."""
    first: Contract | None = None
    for line, block in _blocks(text.removeprefix("\ufeff").replace("\r\n", "\n")):
        if not (_JSON if block.lstrip().startswith("{") else _YAML).search(block):
            continue
        root = _parsed(block, name, line)
        if isinstance(root, dict) and not root.keys().isdisjoint({"openapi", "swagger"}):
            found = Contract(name, _sound(root, name, line))
            if found.root["paths"]:  # else it may be an example of how a document begins
                return found
            first = first or found
    return first


def _blocks(text: str) -> Iterator[tuple[int, str]]:
    """Yield what may be a document, with the number of lines before it: all of the text, or blocks of code in it."""
    if text.lstrip().startswith("{"):
        yield 0, text
    elif is_html(text):
        reader = _Preformatted()
        reader.feed(text)
        reader.close()
        yield from ((line - 1, textwrap.dedent(block)) for line, block in reader.blocks)
    else:
        outside, fenced = _parted(text)
        if _YAML.search(outside):
            yield 0, text
        yield from ((line, textwrap.dedent(block)) for line, block in fenced)


def _parted(text: str) -> tuple[str, list[tuple[int, str]]]:
    """Return what stands outside of fenced blocks, and the blocks, each with the number of lines before it."""
    outside: list[str] = []
    fenced: list[tuple[int, list[str]]] = []
    fence = ""
    for number, line in enumerate(text.split("\n"), 1):
        match = _FENCE.fullmatch(line)
        marks = match["marks"] if match else ""
        if not fence and match and not (marks[0] == "`" and "`" in match["label"]):
            fence = marks
            fenced.append((number, []))
        elif fence and match and marks.startswith(fence) and not match["label"].strip():
            fence = ""
        else:
            (fenced[-1][1] if fence else outside).append(line)
    return "\n".join(outside), [(line, "\n".join(block)) for line, block in fenced]


class _Preformatted(HTMLParser):
    """Collects the texts of ``pre`` elements, each with its line."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks: list[tuple[int, str]] = []
        self._is_inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a block, or a line of it."""
        if tag == "pre":
            self._is_inside = True
            self.blocks.append((self.getpos()[0], ""))
        elif tag == "br":
            self.handle_data("\n")

    def handle_endtag(self, tag: str) -> None:
        """End a block."""
        if tag == "pre":
            self._is_inside = False

    def handle_data(self, data: str) -> None:
        """Add to the block."""
        if self._is_inside:
            line, block = self.blocks[-1]
            self.blocks[-1] = (line, block + data)


def _parsed(block: str, name: str, line: int) -> JSON:
    try:
        return _of_json(block) if block.lstrip().startswith("{") else parse_yaml(block, keys_are_texts=True)
    except YamlError as error:
        at = line + error.line if error.line else 0
        raise SpecError([Problem(name, "", f"the OpenAPI document {error}", at)]) from None


def _of_json(text: str) -> JSON:
    """Read JSON, which may hold tabs that YAML does not allow; what is not JSON may still be YAML that begins so."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return parse_yaml(text, keys_are_texts=True)


def _sound(root: JSON, name: str, line: int) -> JSON:
    version = str(root.get("openapi", f"Swagger {root.get('swagger')}"))
    if not version.startswith("3."):
        told = f"the document is of version {version}; only OpenAPI 3 can be compared: convert it first"
        raise SpecError([Problem(name, "", told, line + 1)])
    if not isinstance(root.get("paths"), dict):
        raise SpecError(
            [
                Problem(
                    name,
                    "/paths",
                    "the OpenAPI document has no paths, so that nothing can be compared",
                    line + 1,
                )
            ]
        )
    return root
