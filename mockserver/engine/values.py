"""JSON values: finding things in them, writing them, and the values that are made fresh."""

import difflib
import hashlib
import json
import re
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from typing import Final

from mockserver.engine.exchange import JSON

Ids = Callable[[int], int]
"""The source of fresh ids: so many random bits as an integer, as ``random.Random().getrandbits``."""


class Absent:
    """The value of an expression that finds nothing; distinct from a JSON null."""

    def __repr__(self) -> str:
        return "ABSENT"

    def __bool__(self) -> bool:
        return False


ABSENT: Final = Absent()


def walk(value: JSON, pointer: str) -> JSON:
    """Return what a JSON Pointer (RFC 6901) finds in a value, or `ABSENT`."""
    return follow(value, steps_of(pointer))


def follow(value: JSON, steps: Iterable[str]) -> JSON:
    """Return what the steps of a JSON Pointer find in a value, or `ABSENT`."""
    for step in steps:
        value = value.get(step, ABSENT) if type(value) is dict else child(value, step)
        if value is ABSENT:
            return ABSENT
    return value


def child(value: JSON, step: str) -> JSON:
    """Return a member of an object or an item of a list, or `ABSENT`."""
    if type(value) is list:
        position = _position(step)
        return value[position] if position < len(value) else ABSENT
    return value.get(step, ABSENT) if isinstance(value, dict) else ABSENT


@lru_cache(maxsize=1024)
def _position(step: str) -> int:
    """Return the position in a list that a step names; beyond every list where it names none."""
    return int(step) if re.fullmatch("0|[1-9][0-9]{0,9}", step) else sys.maxsize


def steps_of(pointer: str) -> list[str]:
    """Return the names that the steps of a JSON Pointer stand for."""
    if "~" not in pointer:
        return pointer.split("/")[1:]
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def pointer_of(steps: Iterable[str | int]) -> str:
    """Return the JSON Pointer that leads through the given names and positions."""
    return "".join(["/" + _escaped(step) if isinstance(step, str) else f"/{step}" for step in steps])


def below(pointer: str, name: str) -> str:
    """Return the JSON Pointer of a member of what a JSON Pointer leads to."""
    return f"{pointer}/{_escaped(name)}"


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1") if "~" in name or "/" in name else name


def first_step(pointer: str) -> str:
    """Return the name of a JSON Pointer's first step; of the root it is empty."""
    first = pointer[1:].partition("/")[0]
    return first.replace("~1", "/").replace("~0", "~") if "~" in first else first


def dotted(pointer: str) -> str:
    """Return a JSON Pointer as dotted names: ``to.0.subscriberId``."""
    if "~" not in pointer:
        return pointer[1:].replace("/", ".")
    return ".".join(steps_of(pointer))


def is_empty(value: JSON) -> bool:
    """Tell whether an operand falls through: absent, null or the empty string."""
    return value is ABSENT or value is None or (isinstance(value, str) and not value)


def as_text(value: JSON) -> str:
    """Return a value as it stands inside text: strings as they are, others as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is ABSENT else json.dumps(value)


def encode(value: JSON) -> bytes:
    """Return a value as JSON bytes, without spaces and in ASCII (a lone surrogate stays legal that way)."""
    return write_json(value).encode("ascii")


_write: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True).encode


def write_json(value: JSON) -> str:
    """Return a value as JSON text, without spaces and in ASCII."""
    return encode_basestring_ascii(value) if type(value) is str else _write(value)


def compact_size(value: JSON) -> int:
    """Return the bytes of a value as compact JSON in UTF-8."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return len(text.encode("utf-8", "surrogatepass"))


def json_type(value: JSON) -> str:
    """Return the JSON type of a value, ``missing`` for `ABSENT`."""
    if isinstance(value, bool):  # a bool is an int to Python, not to JSON
        return "boolean"
    return _TYPES.get(type(value), "missing")


_TYPES: Final[dict[type, str]] = {
    type(None): "null", int: "number", float: "number", str: "string", list: "array", dict: "object",
}  # fmt: skip


def nearest(name: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """Return the known name that was probably meant, None where none is like it; what is long is not compared."""
    return next(iter(difflib.get_close_matches(name[:200], [*known][:1000], 1, likeness)), None)


def cut(text: str, limit: int = 80) -> str:
    """Return a text of at most ``limit`` characters; a longer one ends in an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


LONGEST: Final = 10 * 366 * 86400.0
"""Seconds of the longest duration."""


def seconds_of(duration: str) -> float:
    """Return the seconds of a duration such as ``250ms``, ``1s``, ``5m``, ``24h``. Raises ValueError."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)", str(duration))
    if match is None:
        raise ValueError(f"{duration!r} is not a duration; write a number and a unit: 250ms, 1s, 5m, 24h, 2d")
    seconds = float(match[1]) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}[match[2]]
    if seconds > LONGEST:
        raise ValueError(f"{cut(duration)!r} is longer than ten years")
    return seconds


def duration_text(seconds: float) -> str:
    """Return seconds as a duration, in the largest unit in which they are whole: ``25h``, ``5m``, ``250ms``."""
    for unit, size in (("h", 3600), ("m", 60), ("s", 1)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"  # in full, so that it can be read again
    return f"{seconds * 1000:g}ms" if seconds < 1 else f"{seconds:.3f}".rstrip("0").rstrip(".") + "s"


def positive_seconds(duration: str) -> float:
    """Return the seconds of a duration that is not nothing. Raises ValueError."""
    seconds = seconds_of(duration)
    if seconds <= 0:
        raise ValueError(f"{duration!r} must be longer than nothing")
    return seconds


def uuid_text(bits: int, version: int = 4) -> str:
    """Return 128 bits as a UUID of the given version (RFC 9562)."""
    bits = bits & ~(0xF << 76) & ~(0x3 << 62) | version << 76 | 0x2 << 62
    text = f"{bits:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def uuid_of(value: JSON) -> str:
    """Return the UUID of a value: the same input gives the same id, in every run."""
    digest = hashlib.sha256(encode(value)).digest()
    return uuid_text(int.from_bytes(digest[:16]), version=8)


def iso_time(seconds: float) -> str:
    """Return a time since the epoch as ISO 8601 in UTC with milliseconds and ``Z``."""
    return f"{datetime.fromtimestamp(seconds, UTC).isoformat(timespec='milliseconds')[:-6]}Z"


def counted(number: int, noun: str) -> str:
    """Return a number with what it counts."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
