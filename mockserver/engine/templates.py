"""Templates: parse, check, fill.

A template is any JSON value. Strings in it may hold expressions in braces, ``{$request.body#/to}``;
operands joined by ``||`` are tried in order. A template is compiled once, into a function of the facts
of one request, so that filling it parses nothing.

    the string is            filled with
    one whole expression     the value itself, of its JSON type; an absent one drops its member
    text with expressions    text; absent is nothing, other values are written as JSON
    without an expression    itself

    an operand is            for example
    an expression            $request.header.Idempotency-Key, $mock.uuidOf($request.body#/email)
    JSON                     {}, 1, null
    a quoted template        "txn_{$mock.objectId}"

Absent, null and ``""`` fall through to the next operand; the last is taken as it is. Lists come from
``{$each: <expression>, $yield: <template using $item>}``. There are no conditions and no scripting.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Final

from mockserver.engine.exchange import JSON
from mockserver.engine.expressions import Facts, Template, TemplateError, compile_name
from mockserver.engine.values import ABSENT, as_text, encode, is_empty, write_json

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}()\[\]]|\|\|')


def compile_template(value: JSON) -> Template:
    """Compile a JSON value into a template. Raises `TemplateError`."""
    if isinstance(value, str):
        return _compile_text(value)
    if isinstance(value, Mapping) and "$each" in value:
        return _compile_each(value)
    if isinstance(value, Mapping) and has_expressions(value):
        return _compile_object(value)
    if isinstance(value, list) and has_expressions(value):
        return _compile_list(value)
    return _constant(value)


def compile_writer(value: JSON) -> Callable[[Facts], bytes]:
    """Compile a JSON value into a function that writes it as JSON bytes. Raises `TemplateError`.

    What never changes is written once, here; only what is filled in is written per call. Where a member
    would have to be dropped, the value is built and written as a whole.
    """
    build = compile_template(value)
    parts, rest = _parts_of(value)

    def write(facts: Facts) -> bytes:
        written = ""
        for before, template in parts:
            filled = template(facts)
            if filled is ABSENT:
                whole = build(facts)
                return encode(None if whole is ABSENT else whole)  # JSON has no word for nothing but null
            written += before + write_json(filled)
        return (written + rest).encode("ascii")

    return write


def _parts_of(value: JSON) -> tuple[list[tuple[str, Template]], str]:
    """Split the JSON text of a value into what stands before each place that is filled in, and the rest."""
    parts: list[tuple[str, Template]] = []
    text = ""

    def add(node: JSON) -> None:
        nonlocal text
        if not has_expressions(node):
            text += write_json(node)
        elif isinstance(node, Mapping) and "$each" not in node:
            for position, (name, member) in enumerate(node.items()):
                text += f"{',' if position else '{'}{write_json(name)}:"
                add(member)
            text += "}"
        else:
            parts.append((text, compile_template(node)))
            text = ""

    add(value)
    return parts, text


def compile_expression(text: JSON) -> Template:
    """Compile a string that must be one whole expression in braces. Raises `TemplateError`."""
    if not isinstance(text, str) or not text.startswith("{$") or _end_of(text, 0) != len(text):
        raise TemplateError(f"{text!r} is not an expression; write it as {{$request.…}} or {{$mock.…}}")
    return _compile_text(text)


def has_expressions(value: JSON) -> bool:
    """Tell whether anything in a JSON value would be filled in."""
    if isinstance(value, str):
        return "{$" in value
    if isinstance(value, Mapping):
        return "$each" in value or any(map(has_expressions, value.values()))
    return isinstance(value, list) and any(map(has_expressions, value))


def _constant(value: JSON) -> Template:
    return lambda _: value


def _compile_object(value: Mapping[str, JSON]) -> Template:
    members = [(name, compile_template(member)) for name, member in value.items()]

    def fill(facts: Facts) -> JSON:
        filled = [(name, template(facts)) for name, template in members]
        return {name: member for name, member in filled if member is not ABSENT}

    return fill


def _compile_list(value: list[JSON]) -> Template:
    templates = [compile_template(item) for item in value]

    def fill(facts: Facts) -> JSON:
        return [item for template in templates if (item := template(facts)) is not ABSENT]

    return fill


def _compile_each(value: Mapping[str, JSON]) -> Template:
    if set(value) != {"$each", "$yield"}:
        raise TemplateError(
            "a list is written {$each: <expression>, $yield: <template>}, with nothing beside"
        )
    source, produce = compile_expression(value["$each"]), compile_template(value["$yield"])

    def fill(facts: Facts) -> JSON:
        found, outer, filled = source(facts), facts.item, []
        for item in found if isinstance(found, list) else ():
            facts.item = item
            filled.append(produce(facts))
        facts.item = outer
        return filled

    return fill


def _compile_text(text: str) -> Template:
    parts = _split_text(text)
    if len(parts) == 1:
        return parts[0]
    if len(parts) == 2 and not text.startswith("{$"):
        return _prefixed(text[: text.index("{$")], parts[1])
    return lambda facts: "".join([as_text(part(facts)) for part in parts])


def _prefixed(prefix: str, template: Template) -> Template:
    return lambda facts: prefix + as_text(template(facts))


def _split_text(text: str) -> list[Template]:
    parts: list[Template] = []
    start = 0
    while (opening := text.find("{$", start)) >= 0:
        if opening > start:
            parts.append(_constant(text[start:opening]))
        start = _end_of(text, opening)
        parts.append(_compile_operands(text[opening + 1 : start - 1]))
    if start < len(text) or not parts:
        parts.append(_constant(text[start:]))
    return parts


def _end_of(text: str, opening: int) -> int:
    depth = 0
    for token in _TOKEN.finditer(text, opening):
        depth += (token[0] in "{([") - (token[0] in "})]")
        if depth == 0:
            return token.end()
    raise TemplateError(f"the brace opened at character {opening + 1} of {text!r} is never closed")


def _compile_operands(text: str) -> Template:
    operands = [_compile_operand(operand) for operand in _split_operands(text)]
    if len(operands) == 1:
        return operands[0]
    first, last = operands[:-1], operands[-1]

    def fill(facts: Facts) -> JSON:
        for operand in first:
            value = operand(facts)
            if not is_empty(value):
                return value
        return last(facts)

    return fill


def _split_operands(text: str) -> list[str]:
    parts, start, depth = [], 0, 0
    for token in _TOKEN.finditer(text):
        depth += (token[0] in "{([") - (token[0] in "})]")
        if token[0] == "||" and depth == 0:
            parts.append(text[start : token.start()].strip())
            start = token.end()
    return [*parts, text[start:].strip()]


def _compile_operand(text: str) -> Template:
    if text.startswith("$"):
        return compile_name(text, _compile_operand)
    try:
        value = json.loads(text)
    except ValueError:
        raise TemplateError(f"{text!r} is neither an expression, JSON nor a quoted template") from None
    return _compile_text(value) if isinstance(value, str) else _constant(value)


def place_of(expression: str) -> tuple[str, str]:
    """Return where the first operand of an expression finds its value: place and JSON Pointer."""
    if match := re.match(r"\{\$request\.(header|query|path)\.([^ |}]+)", expression):
        return match[1], f"/{match[2]}"
    match = re.match(r"\{\$request\.body#(/[^ |}]*)", expression)
    return "body", match[1] if match else ""
