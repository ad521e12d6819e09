"""The only reader of files: specs, bundled or the user's own, and configuration files.

Loading is loud: every problem of every file is reported at once, each with file, line, place and a sentence.
"""

import importlib.resources
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any, Final, TypeVar

from mockserver.engine.compiler import compile_api
from mockserver.engine.contract import Api
from mockserver.engine.deviations import changes_words, source_pointer
from mockserver.engine.exchange import JSON
from mockserver.engine.faults import Problem, SpecError
from mockserver.engine.validation import Schema
from mockserver.engine.values import nearest
from mockserver.engine.vocabulary import Vocabulary, restored
from mockserver.options import Layer, Table
from mockserver.yamltext import YamlError, lines_of, parse_yaml

T = TypeVar("T")
U = TypeVar("U")


def read_text(path: Any) -> str:
    """Return the text of a file. Raises `SpecError`."""
    try:
        if isinstance(path, Path) and not path.is_file() and path.stat():
            raise SpecError([(str(path), "", "cannot be read: it is not a regular file")])
        text: str = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SpecError([(str(path), "", f"cannot be read: it is not UTF-8 text ({error})")]) from None
    except (OSError, ValueError) as error:
        told = getattr(error, "strerror", None) or error
        raise SpecError([(str(path), "", f"cannot be read: {told}")]) from None
    return text


def stamp_of(path: Any) -> tuple[int, ...]:
    """Return what changes when a file does; nothing where there is none."""
    try:
        stat = path.stat()
    except (AttributeError, OSError, ValueError):
        return ()
    return (stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino)


def read_yaml(path: Any, name: str | None = None) -> JSON:
    """Return the value of a YAML file; problems name it ``name``. Raises `SpecError`."""
    text = read_text(path)
    try:
        return parse_yaml(text)
    except YamlError as error:
        raise SpecError([Problem(name or str(path), "", str(error), error.line)]) from None


def with_lines(path: Any, document: JSON, error: SpecError) -> SpecError:
    """Return the problems of a file with the lines they stand at, in the order of lines."""
    pointers = [source_pointer(document, problem.pointer) for problem in error.problems]
    lines = lines_of(read_text(path), pointers)
    placed = [
        Problem(str(path), *problem[1:3], line) for problem, line in zip(error.problems, lines, strict=True)
    ]
    placed.sort(key=lambda problem: problem.line)
    return SpecError(dict.fromkeys(placed))


# Specs


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
    told = f"the bundled {name} are neither in {inside} nor in {beside}; the installation is broken"
    raise SpecError([(name, "", told)])


_PROJECT_NAME: Final = 'name = "trigger-mockserver"'


def bundled() -> dict[str, Any]:
    """Return the files of the bundled APIs by name, in alphabetical order."""
    files = {entry.name: entry for entry in folder("specs").iterdir() if entry.name.endswith(".yaml")}
    return {name.removesuffix(".yaml"): files[name] for name in sorted(files)}


def control_document() -> JSON:
    """Return the OpenAPI document of the control plane."""
    path = importlib.resources.files("mockserver") / "control" / "openapi.yaml"
    return read_yaml(path, "openapi.yaml")


@lru_cache(maxsize=64)
def samples_of(name: str) -> tuple[dict[str, JSON], ...]:
    """Return the requests that the vendor of a bundled API publishes as samples; none for an API of the user's own.

    Each has ``name``, ``method``, ``path``, ``headers``, and ``body`` or ``text``.
    """
    path = folder("fixtures") / name / "published-samples.yaml"
    if not path.is_file():
        return ()
    document = read_yaml(path, path.name)
    sent = [
        (entry["title"], {**document["base"], **step["send"]})
        for entry in document["conversations"]
        for step in entry["steps"]
        if "send" in step
    ]
    titles = [title for title, _ in sent]
    return tuple(
        {
            **send,
            "name": f"{title} ({titles[: position + 1].count(title)})" if titles.count(title) > 1 else title,
            "method": send.get("method", "POST"),
            "headers": {**document["base"].get("headers", {}), **send.get("headers", {})},
        }
        for position, (title, send) in enumerate(sent)
    )


def available(specs: Iterable[str | Path] = ()) -> dict[str, Any]:
    """Return the files of all APIs by name: the bundled ones, and the user's own beside or instead of them.

    An API has the name of its file. Raises `SpecError`.
    """
    own: dict[str, Path] = {}
    problems = []
    for path in map(Path, specs):
        name = path.name.partition(".")[0]
        if not re.fullmatch("[A-Za-z0-9][A-Za-z0-9_-]*", name):
            told = "its name is the name of the API; use letters, digits, - and _ before the first dot"
            problems.append((str(path), "", told))
        elif own.setdefault(name, path) != path:
            told = f"{own[name]} is an API named {name!r} already; rename one of the files"
            problems.append((str(path), "", told))
    if problems:
        raise SpecError(problems)
    return {**bundled(), **own}


def load_apis(
    names: Iterable[str] = (), profile: str = "observed", specs: Iterable[str | Path] = ()
) -> list[Api]:
    """Load the named APIs, all without names. Raises `SpecError` with every problem of every file."""
    known = available(specs)
    wanted = list(dict.fromkeys(names)) or list(known)
    if unknown := [name for name in wanted if name not in known]:
        raise SpecError([("", "", no_such_api(name, known)) for name in unknown])
    return gathered([partial(load_spec, known[name], name, profile) for name in wanted])


def load_bundled(names: Iterable[str] = (), profile: str = "observed") -> list[Api]:
    """Load the named bundled APIs, all without names. Raises `SpecError`."""
    return load_apis(names, profile)


def bundled_names() -> list[str]:
    """Return the names of the bundled APIs, in alphabetical order."""
    return list(bundled())


def no_such_api(name: str, known: Collection[str]) -> str:
    """Return what is told of an API that is not there."""
    near = nearest(name, known)
    hint = f"did you mean {near}?" if near else f"there are {', '.join(known)}"
    return f"there is no API named {name!r}; {hint}"


def load_spec(path: Any, name: str, profile: str = "observed") -> Api:
    """Load one spec from a file. Raises `SpecError` with every problem of it."""
    return _loaded(path, stamp_of(path), name, profile)


@lru_cache(maxsize=64)  # a test process starts many servers over the same specs
def _loaded(path: Any, _: tuple[int, ...], name: str, profile: str) -> Api:
    document = read_yaml(path)
    try:
        return _compiled(name, document, profile)
    except SpecError as error:
        raise with_lines(path, document, error) from None


def _compiled(name: str, document: JSON, profile: str) -> Api:
    words = vocabulary()
    structure, misused = words.structure_problems(document), []
    if not any(pointer in {"", "/openapi"} for pointer, _ in structure):
        misused = words.word_problems(document)
    if not structure and not misused:
        check = words.problems if changes_words(document) else words.structure_problems
        return compile_api(name, document, profile, check)
    problems = [Problem(name, pointer, sentence) for pointer, sentence in [*structure, *misused]]
    if not structure:
        problems += _further_problems(name, document, profile)
    raise SpecError(problems)


def _further_problems(name: str, document: JSON, profile: str) -> list[Problem]:
    """Return what else is wrong with a document whose words are misused in places."""
    sound, taken = vocabulary().sound_part(document)
    try:
        compile_api(name, sound, profile, vocabulary().problems, partial=True)
    except SpecError as error:
        return [problem._replace(pointer=restored(problem.pointer, taken)) for problem in error.problems]
    return []


def gathered(loads: Iterable[Callable[[], T]]) -> list[T]:
    """Return what each of the loads gives. Raises `SpecError` with the problems of all."""
    found, problems = [], []
    for load in loads:
        try:
            found.append(load())
        except SpecError as error:
            problems += error.problems
    if problems:
        raise SpecError(dict.fromkeys(problems))  # two loads may look at the same file
    return found


def together(first: Callable[[], T], second: Callable[[], U]) -> tuple[T, U]:
    """Return what two loads give. Raises `SpecError` with the problems of both."""
    loads: list[Callable[[], Any]] = [first, second]
    one, other = gathered(loads)
    return one, other


# The configuration

CONFIG_FILE: Final = "mockserver.yaml"
_PATHS: Final = ("journal", "specs", "tls-cert", "tls-key")
"""The keys that name files; in a configuration file they are relative to it."""


@cache
def table() -> Table:
    """Return everything that the server can be told."""
    return Table(schema_source("config"))


def config_path(named: Path | None) -> Path | None:
    """Return the configuration file: the one that is named, else ``mockserver.yaml`` of this folder, if it is there."""
    return named if named is not None or not os.path.lexists(CONFIG_FILE) else Path(CONFIG_FILE)


def load_config(path: Path | None) -> Layer:
    """Return what a configuration file gives. Raises `SpecError` with every problem of it."""
    if path is None:
        return {}
    document = read_yaml(path)
    try:
        layer = table().of_file(document, str(path))
    except SpecError as error:
        raise with_lines(path, document, error) from None
    return {
        place: replace(given, value=_beside(path, given.value)) if place[0] in _PATHS else given
        for place, given in layer.items()
    }


def _beside(path: Path, value: JSON) -> JSON:
    if isinstance(value, list):
        return [_beside(path, each) for each in value]
    return str(path.parent / value)


def located(error: SpecError, files: Mapping[str, Path]) -> SpecError:
    """Return problems with their lines, where they name one of the files (by its path or by a name) and a pointer."""
    problems: list[Problem] = []
    for problem in error.problems:
        path = files.get(problem.file)
        if path is None or problem.line:
            problems.append(problem)
        else:
            problems += with_lines(path, read_yaml(path), SpecError([problem])).problems
    return SpecError(problems)


# Schemas


def schema_source(name: str) -> JSON:
    """Return one of the package's own schemas: ``config``, ``openapi`` or ``x-mock``."""
    return read_yaml(importlib.resources.files("mockserver") / f"{name}.schema.yaml")


@cache
def vocabulary() -> Vocabulary:
    """Return the words that specs are made of."""
    source = schema_source("x-mock")
    shared = {"components": source["components"]}
    levels = {level: Schema({**schema, **shared}) for level, schema in source["levels"].items()}
    return Vocabulary(levels, Schema(schema_source("openapi")))
