"""YAML as its 1.2 core schema has it, and where in a text a value stands.

A date is text, ``no`` is a word, keys are texts, and a key that stands twice is an error. What comes out is
what JSON could hold. Lines are found only when there is something to complain about, by reading again.
"""

import math
import re
from collections.abc import Mapping
from typing import Any, Final

import yaml

from mockserver.engine.exchange import JSON
from mockserver.engine.values import steps_of

_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DEEPEST: Final = 100
_MOST_VALUES: Final = 2_000_000


class _CoreLoader(_SafeLoader):  # type: ignore[misc]
    """YAML 1.2's core schema, without duplicate keys."""

    yaml_implicit_resolvers: Mapping[str, list[Any]] = {}
    keys_are_texts = False

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping, and refuse one in which a key stands twice."""
        seen = set()
        for key_node, _ in node.value:
            if self.keys_are_texts and isinstance(key_node, yaml.ScalarNode):
                key_node.tag = "tag:yaml.org,2002:str"
            if key_node.tag != "tag:yaml.org,2002:str":
                shown = f"the key {key_node.value!r}" if isinstance(key_node.value, str) else "a key"
                told = f"{shown} is not a text; put it into quotes"
                raise yaml.constructor.ConstructorError(None, None, told, key_node.start_mark)
            if key_node.value in seen:
                told = f"the key {key_node.value!r} stands twice"
                raise yaml.constructor.ConstructorError(None, None, told, key_node.start_mark)
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


class _OthersLoader(_CoreLoader):
    """Reads what others have written: a key such as 200 or no is the text that stands there."""

    keys_are_texts = True


class YamlError(ValueError):
    """A text that is not YAML; the sentence says why, and ``line`` where, 0 if unknown."""

    def __init__(self, sentence: str, line: int = 0) -> None:
        self.line = line
        super().__init__(sentence)


def parse_yaml(text: str, *, keys_are_texts: bool = False) -> JSON:
    """Return the value of a YAML text; ``keys_are_texts`` takes 200 as a key without quotes. Raises `YamlError`."""
    try:
        return _plain(yaml.load(text, _OthersLoader if keys_are_texts else _CoreLoader), 0)  # noqa: S506 - safe ones
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        told = getattr(error, "problem", None) or getattr(error, "reason", None) or error
        sentence = f"is not valid YAML: {' '.join(str(told).split())}"
        column = f" (column {mark.column + 1})" if mark is not None else ""
        raise YamlError(sentence + column, mark.line + 1 if mark is not None else 0) from None
    except YamlError:
        raise
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        # an explicit tag whose value is not of its type, or an alias to what it stands in
        told = "is not valid YAML: a value does not fit its tag, or is nested in itself"
        raise YamlError(told, _unfit_line(text)) from None


def _unfit_line(text: str) -> int:
    """Return the line of the first value that does not fit its tag, 0 where it is something else."""
    try:
        waiting = [yaml.compose(text, _CoreLoader)]
    except (yaml.YAMLError, RecursionError):
        return 0
    seen = set[int]()
    while waiting:
        node = waiting.pop()
        if isinstance(node, yaml.CollectionNode) and id(node) not in seen:
            seen.add(id(node))
            pairs = [each if isinstance(each, tuple) else (each,) for each in node.value]
            waiting += [each for pair in reversed(pairs) for each in reversed(pair)]
        elif isinstance(node, yaml.ScalarNode) and not _fits(node):
            return int(node.start_mark.line) + 1
    return 0


def _fits(node: yaml.ScalarNode) -> bool:
    try:
        _plain(_CoreLoader("").construct_object(node), 0)
    except (yaml.YAMLError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return False
    return True


def _plain(value: JSON, depth: int, left: list[int] | None = None) -> JSON:
    """Return a value that JSON could hold, and that ends somewhere. Raises ValueError and `YamlError`.

    What an alias stands for is written out; ``left`` counts how many values there may still be.
    """
    left = [_MOST_VALUES] if left is None else left
    left[0] -= 1
    if left[0] < 0:
        raise YamlError(f"is too large: its aliases stand for more than {_MOST_VALUES:,} values")
    if depth > _DEEPEST:
        raise ValueError("nested too deep, or in itself")
    if isinstance(value, dict):
        return {name: _plain(each, depth + 1, left) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each, depth + 1, left) for each in value]
    if value is None or isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise ValueError("not a JSON value")


def lines_of(text: str, pointers: list[str]) -> list[int]:
    """Return the line of each JSON Pointer in a YAML text, from 1; of one that leads nowhere the nearest above it."""
    try:
        root = yaml.compose(text, _CoreLoader)
    except (yaml.YAMLError, RecursionError):
        return [0] * len(pointers)
    return [_line(root, pointer) for pointer in pointers]


def _line(node: yaml.Node | None, pointer: str) -> int:
    line = 1 if node is not None else 0
    for step in steps_of(pointer):
        found = _entry(node, step)
        if found is None:
            return line
        line, node = found
    return line


def _entry(node: yaml.Node | None, step: str) -> tuple[int, yaml.Node] | None:
    """Return the line and the node of a member or an item."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == step:
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and step.isdecimal() and int(step) < len(node.value):
        item = node.value[int(step)]
        return item.start_mark.line + 1, item
    return None


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Writes values without anchors, and texts so that YAML 1.1 and 1.2 both read them as texts."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write a value in full wherever it stands."""
        return True


def write_yaml(value: JSON) -> str:
    """Return a value as YAML."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return text
