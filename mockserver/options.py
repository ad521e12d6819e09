"""What the server can be told, and where each value comes from.

One table, ``config.schema.yaml``, says what there is; options of the command line, variables of the
environment and keys of ``mockserver.yaml`` are three spellings of its entries. What each of the three gives is a
layer; the command line wins over the environment, the environment over the file, the file over defaults. A key
that holds something for each API is laid over API by API.
"""

import json
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Final, Literal

from mockserver.engine.exchange import JSON
from mockserver.engine.faults import Problem, SpecError
from mockserver.engine.validation import Schema
from mockserver.engine.values import nearest, pointer_of
from mockserver.engine.vocabulary import sentence_of

PREFIX: Final = "MOCKSERVER_"
CONFIG_VARIABLE: Final = f"{PREFIX}CONFIG"
TESTS_VARIABLE: Final = f"{PREFIX}BROWSER"
"""What the tests of this project read: it is no mistake where a server is started among them."""
DEFAULT: Final = "default"
REDACTED: Final = "[redacted]"
SECRET: Final = frozenset({"keys", "secrets", "admin-token"})
"""The keys whose values are credentials, which are not shown."""

Place = tuple[str, ...]
"""A key, or a key and an API."""


@dataclass(frozen=True, slots=True)
class Given:
    """A value and who gave it: ``--port``, ``MOCKSERVER_PORT``, a file with a JSON Pointer, or the default."""

    value: JSON
    source: str
    pointer: str = ""

    @property
    def is_from_command(self) -> bool:
        """Whether it stands on the command line."""
        return self.source.startswith("--")


Layer = Mapping[Place, Given]


@dataclass(frozen=True, slots=True)
class Option:
    """One entry of the table. ``name`` is the option's, without dashes; texts are parted at ``separator``."""

    key: str
    name: str
    kind: Literal["text", "choice", "number", "flag", "list", "map"]
    schema: JSON
    metavar: str | None = None
    separator: str | None = None
    is_in_file_only: bool = False

    @property
    def variable(self) -> str:
        """The name of the environment's variable."""
        return PREFIX + self.name.upper().replace("-", "_")

    @property
    def default(self) -> JSON:
        """The value without any layer, None where there is none."""
        return self.schema.get("default")

    def read(self, texts: Sequence[str]) -> JSON:
        """Return the value that texts stand for. Raises ValueError."""
        match self.kind:
            case "number":
                return _number(texts[-1])
            case "flag":
                return _flag(texts[-1])
            case "list":
                mark = self.separator
                parts = [part for text in texts for part in (text.split(mark) if mark else [text])]
                parts = [part.strip() for part in parts]
                if not all(parts):
                    raise ValueError("is empty; leave it out, or say what")
                return parts
            case "map":
                return self._map(texts)
            case _:
                return texts[-1]

    def _map(self, texts: Sequence[str]) -> JSON:
        gathers = "anyOf" in self.schema["additionalProperties"]  # several keys of one API, but one limit
        values: dict[str, JSON] = {}
        for name, value in (pair_of(text, shows=self.key not in SECRET) for text in texts):
            if gathers:
                values.setdefault(name, []).append(value)
            elif values.setdefault(name, value) != value:
                raise ValueError(f"{name} is given twice, as {values[name]} and {value}")
        return values

    def layer(self, value: JSON, source: str, pointer: str = "") -> Layer:
        """Return the places that a value fills."""
        if self.kind != "map":
            return {(self.key,): Given(value, source, pointer)}
        return {
            (self.key, name): Given(each, source, pointer and pointer + pointer_of([name]))
            for name, each in value.items()
        }


def pair_of(text: str, *, shows: bool = True) -> tuple[str, str]:
    """Read ``API=VALUE``. Raises ValueError, which ``shows`` the text unless it may be a credential."""
    api, sign, value = text.partition("=")
    if not sign or not api or not value:
        raise ValueError(f"{repr(text) if shows else 'what was given'} must be written API=VALUE")
    return api, value


def _number(text: str) -> int:
    if not re.fullmatch("[-+]?[0-9]{1,100}", text.strip()):
        raise ValueError(f"{text!r} is not a whole number")
    return int(text)


_FLAGS: Final = {
    "true": True,
    "1": True,
    "yes": True,
    "on": True,
    "false": False,
    "0": False,
    "no": False,
    "off": False,
}


def _flag(text: str) -> bool:
    try:
        return _FLAGS[text.strip().lower()]
    except KeyError:
        raise ValueError(f"{text!r} is neither true nor false") from None


@dataclass(frozen=True)
class Table:
    """Everything that the server can be told; ``source`` is the schema of the configuration file."""

    source: JSON

    @cached_property
    def options(self) -> tuple[Option, ...]:
        """The entries, in the order of the schema."""
        return tuple(_option(key, schema) for key, schema in self.source["properties"].items())

    @cached_property
    def _schema(self) -> Schema:
        return Schema(self.source)

    def of_file(self, document: JSON, file: str) -> Layer:
        """Return what a configuration file gives. Raises `SpecError` with every problem of it."""
        document = {} if document is None else document  # an empty file
        if found := self._schema.findings(document):
            raise SpecError((file, finding.pointer, sentence_of(finding)) for finding in found)
        layers = [
            option.layer(_whole(document[option.key]), file, f"/{option.key}")
            for option in self.options
            if option.key in document
        ]
        return _joined(layers)

    def of_environment(self, environment: Mapping[str, str]) -> Layer:
        """Return what the environment gives; several values are parted by spaces. Raises `SpecError`."""
        given = [
            (option, option.variable, partial(_words, option, environment[option.variable]))
            for option in self.options
            if not option.is_in_file_only and environment.get(option.variable, "").strip()
        ]
        return self._read(given)

    def of_command(self, texts: Mapping[str, Sequence[str]]) -> Layer:
        """Return what the command line gives: the texts of each option by key. Raises `SpecError`."""
        typed = [option for option in self.options if option.key in texts]
        return self._read((option, f"--{option.name}", partial(list, texts[option.key])) for option in typed)

    def _read(self, given: Iterable[tuple[Option, str, Callable[[], list[str]]]]) -> Layer:
        layers, problems = [], list[Problem]()
        for option, source, texts in given:
            try:
                value = option.read(texts())
            except ValueError as error:
                problems.append(Problem(source, "", str(error)))
                continue
            found = self._schema.findings({option.key: value})
            problems += [Problem(source, "", sentence_of(finding)) for finding in found]
            layers.append(option.layer(value, source))
        if problems:
            raise SpecError(problems)
        return _joined(layers)

    def unknown_variables(self, environment: Iterable[str]) -> Iterator[str]:
        """Yield a sentence for each variable that begins as ours do, and is not one."""
        known = [CONFIG_VARIABLE, *(option.variable for option in self.options if not option.is_in_file_only)]
        for name in sorted(environment):
            if name.startswith(PREFIX) and name not in {*known, TESTS_VARIABLE} and not name.endswith("_URL"):
                near = nearest(name, known)
                yield f"{name} is not known" + (f"; did you mean {near}?" if near else "")


def _option(key: str, schema: JSON) -> Option:
    words = schema.get("x-option", {})
    kinds: dict[str | None, Literal["text", "number", "flag", "list", "map"]] = {
        "integer": "number", "boolean": "flag", "array": "list", "object": "map", "string": "text",
    }  # fmt: skip
    return Option(
        key=key,
        name=words["name"] if words and "name" in words else key,
        kind="choice" if "enum" in schema else kinds[schema["type"]],
        schema=schema,
        metavar=words.get("metavar") if words else None,
        separator=words.get("separator") if words else None,
        is_in_file_only=words is False,
    )


def _whole(value: JSON) -> JSON:
    """Return a number as JSON Schema means it: 5.0 is the integer 5."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _words(option: Option, text: str) -> list[str]:
    if option.kind not in {"list", "map"}:
        return [text]
    words = shlex.shlex(text, posix=True, punctuation_chars=False)
    words.whitespace_split, words.escape, words.commenters = (
        True,
        "",
        "",
    )  # a backslash parts folders on Windows
    return list(words)


def _joined(layers: Iterable[Layer]) -> Layer:
    return {place: given for layer in layers for place, given in layer.items()}


@dataclass(frozen=True)
class Configuration:
    """The values in force, by place, and what gave them."""

    options: tuple[Option, ...]
    given: Layer

    def __getitem__(self, key: str) -> JSON:
        option = next(option for option in self.options if option.key == key)
        if option.kind == "map":
            return {place[1]: given.value for place, given in self.given.items() if place[0] == key}
        return self.given[(key,)].value if (key,) in self.given else option.default

    @property
    def scheme(self) -> str:
        """How the server is called: one port speaks TLS only, or not at all."""
        return "http" if self["tls-cert"] is None else "https"

    def entries(self, key: str) -> dict[str, Given]:
        """Return what is given for each API under a key."""
        return {place[1]: given for place, given in self.given.items() if place[0] == key and len(place) == 2}

    def keeping(self, keys: Iterable[str], other: "Configuration") -> "Configuration":
        """Return this configuration with what another one has under some keys."""
        kept = set(keys)
        own = {place: given for place, given in self.given.items() if place[0] not in kept}
        theirs = {place: given for place, given in other.given.items() if place[0] in kept}
        return Configuration(self.options, {**own, **theirs})

    def problem(self, place: Place, sentence: str, below: str = "") -> Problem:
        """Return a problem of a value, named by what gave it."""
        given = self.given[place]
        return Problem(given.source, given.pointer + below if given.pointer else "", sentence)


def configure(table: Table, *layers: Layer) -> Configuration:
    """Lay layers over each other, the weakest first."""
    return Configuration(table.options, _joined(layers))


def shown(configuration: Configuration, source_of: Mapping[Place, str]) -> Iterator[str]:
    """Yield the lines of a configuration as YAML, each value with its source; credentials are not shown."""
    for option in configuration.options:
        if option.kind == "map":
            yield from _shown_map(configuration, option, source_of)
        elif (option.key,) in configuration.given or option.default is not None:
            value = REDACTED if option.key in SECRET else configuration[option.key]
            yield f"{option.key}: {_written(value)}  # {source_of.get((option.key,), DEFAULT)}"
        else:
            yield f"# {option.key}: not set"


def _shown_map(configuration: Configuration, option: Option, source_of: Mapping[Place, str]) -> Iterator[str]:
    entries = configuration.entries(option.key)
    yield f"{option.key}:" if entries else f"{option.key}: {{}}  # {DEFAULT}"
    for name, given in entries.items():
        value = REDACTED if option.key in SECRET else given.value
        yield f"  {_written(name)}: {_written(value)}  # {source_of[option.key, name]}"


def _written(value: JSON) -> str:
    """Write a value as YAML in one line: words as they are, all else as JSON, which is YAML too."""
    is_plain = isinstance(value, str) and re.fullmatch(r"[A-Za-z/][\w./-]*", value)
    return (
        str(value) if is_plain and value not in {"on", "off", "true", "false", "null"} else json.dumps(value)
    )
