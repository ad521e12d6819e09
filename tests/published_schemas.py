"""What others say a report has to look like: the schemas of JUnit and HAR, and GitHub's grammar of annotations."""

import json
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import xmlschema
from markdown_it import MarkdownIt
from markdown_it.token import Token
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT6

from tests.installing import installed_npm, unpacked_sdist

PYTEST = "pytest==8.4.2"
JUNIT = "testing/example_scripts/junit-10.xsd"
"""The schema of Jenkins' xunit plugin, which pytest holds its own reports to."""


@cache
def _junit() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(unpacked_sdist(PYTEST, JUNIT) / Path(JUNIT).name)


def junit_faults(text: str) -> list[str]:
    """Return what is wrong with a JUnit report, by its schema."""
    return [str(error.reason) for error in _junit().iter_errors(text)]


@cache
def _har() -> jsonschema.Draft6Validator:
    folder = installed_npm("har", Path(__file__).parent / "har") / "har-schema" / "lib"
    found = {path.stem: json.loads(path.read_text("utf-8")) for path in folder.glob("*.json")}
    registry: Any = Registry().with_resources(
        (source["$id"].rstrip("#"), Resource.from_contents(source, DRAFT6)) for source in found.values()
    )
    return jsonschema.Draft6Validator(found["har"], registry=registry)


def har_faults(archive: Any) -> list[str]:
    """Return what is wrong with an HTTP archive, by its schema."""
    return [f"{error.json_path}: {error.message[:200]}" for error in _har().iter_errors(archive)]


# -- GitHub -----------------------------------------------------------------------------------------------------------


class Annotation(NamedTuple):
    """A workflow command, its texts unescaped."""

    level: str
    parameters: dict[str, str]
    message: str


_COMMAND = re.compile(
    r"::(?P<level>error|warning|notice)(?: (?P<parameters>[^:\r\n]*))?::(?P<message>[^\r\n]*)"
)
_ESCAPES = {"%25": "%", "%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ","}


def annotation_of(line: str) -> Annotation:
    """Read a line as the runner of GitHub Actions does."""
    match = _COMMAND.fullmatch(line)
    assert match is not None, line
    pairs = (each.partition("=") for each in (match["parameters"] or "").split(",") if each)
    parameters = {name: _unescaped(value, "%25|%0D|%0A|%3A|%2C") for name, _, value in pairs}
    return Annotation(match["level"], parameters, _unescaped(match["message"], "%25|%0D|%0A"))


def _unescaped(text: str, escapes: str) -> str:
    assert not re.search(f"%(?!{escapes.replace('%', '')})", text), text
    return re.sub(escapes, lambda match: _ESCAPES[match[0]], text)


# -- Markdown ---------------------------------------------------------------------------------------------------------


def tables_of(text: str) -> list[list[list[str]]]:
    """Return the tables of a Markdown text, their cells as they are seen; markup inside a cell is a failure."""
    tables: list[list[list[str]]] = []
    for token in parsed(text):
        if token.type == "table_open":
            tables.append([])
        elif token.type == "tr_open":
            tables[-1].append([])
        elif token.type == "inline" and tables and token.level > 2:
            kinds = {child.type for child in token.children or ()}
            assert kinds <= {"text", "text_special"}, (kinds, token.content)
            tables[-1][-1].append("".join(child.content for child in token.children or ()))
    return tables


def parsed(text: str) -> list[Token]:
    """Return a text as a parser of CommonMark with tables sees it."""
    return MarkdownIt("commonmark").enable("table").parse(text)


def html_of(text: str) -> str:
    """Return a text as a page."""
    rendered: str = MarkdownIt("commonmark").enable("table").render(text)
    return rendered


def is_shell(script: str) -> bool:
    """Tell whether a text is a script that a shell can read."""
    return subprocess.run(["sh", "-n"], input=script.encode("utf-8", "replace"), check=False).returncode == 0
