"""From bytes to a JSON value, or the finding that says why not.

The standard library's parser with its edges closed: strict UTF-8 without a byte order mark, no ``NaN`` or
``Infinity``, no number too large for a float, no nesting deeper than `DEEPEST`. Duplicate members: the last
wins, as in most services; the journal has the bytes.
"""

import json
import math
from functools import lru_cache
from typing import Any, Final, NoReturn

from mockserver.engine.exchange import JSON, Finding
from mockserver.engine.media import is_json

DEEPEST: Final = 500


class MalformedError(ValueError):
    """The bytes are not a JSON document; the text is a sentence."""


def parse_json(body: bytes) -> JSON:
    """Parse a body. Raises `MalformedError`."""
    try:
        value = _decode(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise MalformedError(f"is not valid UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise MalformedError(f"is not valid JSON: {_told(error)}") from None
    except RecursionError:
        raise MalformedError(f"is nested deeper than {DEEPEST} levels") from None
    except ValueError as error:
        raise MalformedError(f"is not valid JSON: {error}") from None
    if len(body) > 2 * DEEPEST and body.count(b"[") + body.count(b"{") > DEEPEST:
        _refuse_depth(value)
    return value


def _told(error: json.JSONDecodeError) -> str:
    if error.doc.startswith("\ufeff"):
        return "it begins with a byte order mark"
    message = error.msg[0].lower() + error.msg[1:]
    return f"{message} at line {error.lineno}, column {error.colno}"


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text[:40]} is too large")
    return number


_decoder: Final[Any] = json.JSONDecoder(parse_constant=_constant, parse_float=_finite)


def _decode(text: str) -> JSON:
    try:
        value, end = _decoder.scan_once(text, 0)
        if end == len(text):
            return value
    except StopIteration:
        pass
    return _decoder.decode(text)  # with white space around it, or wrong: the long way knows what to say


def _refuse_depth(value: JSON) -> None:
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise MalformedError(f"is nested deeper than {DEEPEST} levels")
        containers = [each for each in level if isinstance(each, dict | list)]
        level = [
            child for each in containers for child in (each.values() if isinstance(each, dict) else each)
        ]


@lru_cache(maxsize=256)
def media_type_fault(content_type: str, encoding: str) -> Finding | None:
    """Return what is wrong with a body's ``Content-Type`` and ``Content-Encoding``, None where it is plain JSON."""
    if encoding and encoding.lower() != "identity":
        return _fault(
            "content-encoding", "encoding", "no Content-Encoding", encoding, "Send the body uncompressed."
        )
    kind, *parameters = [part.strip() for part in content_type.lower().split(";")]
    if not is_json(kind):
        return _fault(
            "content-type",
            "media-type",
            "application/json",
            content_type,
            "Send Content-Type: application/json.",
        )
    charset = next((text[8:].strip('"') for text in parameters if text.startswith("charset=")), "utf-8")
    if charset not in {"utf-8", "utf8", "us-ascii"}:
        return _fault("content-type", "charset", "charset utf-8", charset, "Send the body in UTF-8.")
    return None


def _fault(name: str, keyword: str, expected: str, received: str, fix: str) -> Finding:
    came = received[:80] or "nothing"
    message = f"must be {expected}, not {came}"
    return Finding("header", f"/{name}", name, keyword, message, expected, came, received[:80] or None, fix)
