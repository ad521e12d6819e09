"""The only reader of files: bundled specs, and the configuration of the user.

Loading is loud. YAML is read as its 1.2 core schema has it (a date is text, ``no`` is a word), a key that
stands twice is an error, and every problem of a file is reported, each with file, place and a sentence.
"""

import difflib
import importlib.resources
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from mockserver.engine.compiler import compile_api
from mockserver.engine.contract import Api
from mockserver.engine.exchange import JSON, Finding
from mockserver.engine.faults import SpecError
from mockserver.engine.validation import Schema
from mockserver.engine.values import pointer_of

_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


_DEEPEST: Final = 100


class _CoreLoader(_SafeLoader):  # type: ignore[misc]
    """YAML 1.2's core schema, without duplicate keys."""

    yaml_implicit_resolvers: Mapping[str, list[Any]] = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping, and refuse one in which a key stands twice."""
        seen = set()
        for key_node, _ in node.value:
            if key_node.tag != "tag:yaml.org,2002:str":
                told = f"the key {key_node.value!r} is not a text; put it into quotes"
                raise yaml.constructor.ConstructorError(None, None, told, key_node.start_mark)
            if key_node.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key_node.value!r} stands twice", key_node.start_mark
                )
            seen.add(key_node.value)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return mapping


for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", list("-+.0123456789")),
):
    _CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first)


def _whole_number(_: yaml.Loader, node: yaml.ScalarNode) -> int:
    """Read an integer as YAML 1.2 has it: a leading zero does not make it octal."""
    text = node.value
    return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)


_CoreLoader.add_constructor("tag:yaml.org,2002:int", _whole_number)


def read_yaml(path: Any, name: str) -> JSON:
    """Read a YAML file. Raises `SpecError`."""
    try:
        text = path.read_text(encoding="utf-8")
        return _plain(yaml.load(text, _CoreLoader), 0)  # noqa: S506 - a subclass of the safe loader
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(
            [(name, "", f"cannot be read: {getattr(error, 'strerror', None) or error}")]
        ) from None
    except yaml.YAMLError as error:
        raise SpecError([(name, "", _told(error))]) from None
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        # an explicit tag whose value is not of its type, or an alias to what it stands in
        raise SpecError(
            [
                (
                    name,
                    "",
                    "is not valid YAML: a value does not fit its tag, or is nested in itself",
                )
            ]
        ) from None


def _plain(value: JSON, depth: int) -> JSON:
    """Return a value that JSON could hold, and that ends somewhere. Raises ValueError."""
    if depth > _DEEPEST:
        raise ValueError("nested too deep, or in itself")
    if isinstance(value, dict):
        return {name: _plain(each, depth + 1) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each, depth + 1) for each in value]
    if value is None or isinstance(value, str | int | float):
        return value
    raise ValueError("not a JSON value")


def _told(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark is not None else ""
    return f"is not valid YAML: {getattr(error, 'problem', None) or error}{where}"


# Bundled specs


def folder(name: str) -> Any:
    """Return the bundled folder ``specs`` or ``fixtures``: inside the package, or beside it in a checkout."""
    inside = importlib.resources.files("mockserver") / name
    if inside.is_dir():
        return inside
    top = Path(__file__).resolve().parent.parent
    beside, project = top / name, top / "pyproject.toml"
    if (
        (top / "specs" / "README.md").is_file()
        and project.is_file()
        and _PROJECT_NAME in project.read_text(encoding="utf-8")
    ):
        return beside
    raise SpecError(
        [
            (
                name,
                "",
                f"the bundled {name} are neither in {inside} nor in {beside}; the installation is broken",
            )
        ]
    )


_PROJECT_NAME: Final = 'name = "trigger-mockserver"'


def bundled_names() -> list[str]:
    """Return the names of the bundled APIs, in alphabetical order."""
    return sorted(
        entry.name.removesuffix(".yaml")
        for entry in folder("specs").iterdir()
        if entry.name.endswith(".yaml")
    )


def load_bundled(names: Iterable[str] = (), profile: str = "observed") -> list[Api]:
    """Load the named bundled APIs, all without names. Raises `SpecError` with every problem of every file."""
    known = bundled_names()
    wanted = list(names) or known
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise SpecError([(name, "", _no_such_api(name, known)) for name in unknown])
    return _all([lambda name=name: _bundled(name, profile) for name in dict.fromkeys(wanted)])


def _no_such_api(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"no such API; did you mean {near[0]}?" if near else f"no such API; there are {', '.join(known)}"


@cache  # a test process starts many servers over the same specs
def _bundled(name: str, profile: str) -> Api:
    return load_spec(folder("specs") / f"{name}.yaml", name, profile)


def load_spec(path: Any, name: str, profile: str = "observed") -> Api:
    """Load one spec from a file. Raises `SpecError`."""
    document = read_yaml(path, path.name)
    check_words(document, path.name)
    try:
        return compile_api(name, document, profile)
    except SpecError as error:
        raise SpecError([(path.name, pointer, text) for _, pointer, text in error.problems]) from None


def _all(loads: Iterable[Any]) -> list[Any]:
    found, problems = [], []
    for load in loads:
        try:
            found.append(load())
        except SpecError as error:
            problems += error.problems
    if problems:
        raise SpecError(problems)
    return found


# The schema of the extension


def check_words(document: JSON, file: str) -> None:
    """Check every ``x-mock`` of a document against the schema of the extension. Raises `SpecError`."""
    if not isinstance(document, dict) or not str(document.get("openapi", "")).startswith("3.1"):
        raise SpecError([(file, "/openapi", "must be an OpenAPI 3.1 document")])
    schemas = words_schemas()
    problems = [
        (file, pointer + finding.pointer, _sentence(finding))
        for pointer, level, words in _words_in(document, [])
        for finding in schemas[level].findings(words)
    ]
    if problems:
        raise SpecError(problems)


def _sentence(finding: Finding) -> str:
    return f"{finding.message}. {finding.fix}".strip()


@cache
def words_schemas() -> Mapping[str, Schema]:
    """Return the schema of each level of ``x-mock``: document, operation, scheme, schema."""
    source = read_yaml(importlib.resources.files("mockserver") / "x-mock.schema.yaml", "x-mock.schema.yaml")
    shared = {"components": source["components"]}
    return {level: Schema({**source["levels"][level], **shared}) for level in source["levels"]}


def _words_in(node: JSON, steps: list[str | int]) -> Iterator[tuple[str, str, JSON]]:
    """Yield pointer, level and content of every ``x-mock``, also of those that deviations bring."""
    if isinstance(node, dict):
        if "x-mock" in node:
            yield pointer_of([*steps, "x-mock"]), _level(node), node["x-mock"]
        for name, child in node.items():
            if name not in {"example", "examples", "default", "enum", "const"}:
                yield from _words_in(child, [*steps, name])
    elif isinstance(node, list):
        for position, child in enumerate(node):
            yield from _words_in(child, [*steps, position])


def _level(node: Mapping[str, JSON]) -> str:
    if "openapi" in node:
        return "document"
    if "responses" in node:
        return "operation"
    return "scheme" if node.get("type") in {"apiKey", "http", "oauth2", "openIdConnect"} else "schema"


# The configuration

CONFIG_FILE: Final = "mockserver.yaml"


def load_config(path: Path | None) -> dict[str, JSON]:
    """Load a configuration file, ``mockserver.yaml`` of this folder if none is named. Raises `SpecError`."""
    if path is None and not Path(CONFIG_FILE).is_file():
        return {}
    path = path or Path(CONFIG_FILE)
    config = read_yaml(path, str(path))
    if config is None:  # an empty file
        return {}
    schema = Schema(
        read_yaml(importlib.resources.files("mockserver") / "config.schema.yaml", "config.schema.yaml")
    )
    if problems := [(str(path), finding.pointer, _sentence(finding)) for finding in schema.findings(config)]:
        raise SpecError(problems)
    found: dict[str, JSON] = config
    return found
