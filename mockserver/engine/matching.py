"""What a matcher is: a value that it looks at, its verdict, and what is told when it cannot be read."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mockserver.engine.comparison import Difference, leaves
from mockserver.engine.exchange import JSON
from mockserver.engine.parsing import MalformedError, parse_json
from mockserver.engine.values import ABSENT, below, cut, write_json

Fault = tuple[str, str]
"""A JSON Pointer into what was sent, and a sentence."""


class Value:
    """What a matcher looks at: a text, or nothing; a body also as bytes. ``now`` is the time on the mock's clock."""

    __slots__ = ("_json", "data", "now", "text")

    def __init__(
        self, text: str | None, data: bytes | None = None, now: float = 0.0, parsed: JSON = ABSENT
    ) -> None:
        self.text, self.data, self.now, self._json = text, data, now, parsed

    @property
    def is_absent(self) -> bool:
        """Whether there is nothing: no such header, or an empty body."""
        return self.text is None or (self.data is not None and not self.data)

    @property
    def json(self) -> JSON:
        """The value as JSON, `ABSENT` where it is none."""
        if self._json is ABSENT and self.text is not None:
            with contextlib.suppress(MalformedError):
                self._json = parse_json(
                    self.text.encode("utf-8", "surrogatepass") if self.data is None else self.data
                )
        return self._json


Accepts = Callable[[Value], bool]


@dataclass(frozen=True, slots=True)
class Matcher:
    """One matcher as it was sent (``source``), and what it does.

    ``pairs`` compares all values of a name at once; ``differences`` says more than yes or no, where it can;
    ``weight`` is the number of values that it compares.
    """

    source: JSON
    accepts: Accepts
    pairs: Callable[[Sequence[Value]], bool] | None = None
    differences: Callable[[Value], list[Difference]] | None = None
    weight: int = 1

    def meets(self, values: Sequence[Value]) -> bool:
        """Tell whether the values of one name meet this; where there are several, one is enough."""
        if self.pairs is not None:
            return self.pairs(values)
        return any(map(self.accepts, values)) if values else self.accepts(Value(None))

    def explain(self, values: Sequence[Value], at: str) -> list[Difference]:
        """Return the differences, of which there are none when the values meet this."""
        if self.meets(values):
            return []
        first = values[0] if values else Value(None)
        if self.differences is not None and not first.is_absent and (found := self.differences(first)):
            return [
                Difference(at + each.pointer, each.expected, each.actual, leaves(each.expected))
                for each in found
            ]
        return [Difference(at, self._expected(), shown(values), self.weight)]

    def _expected(self) -> JSON:
        """Return what was asked for: of a plain ``equalTo`` its operand, else the matcher."""
        return self.source["equalTo"] if set(self.source) == {"equalTo"} else self.source


def shown(values: Sequence[Value]) -> JSON:
    """Return what there is, for a difference: a text, several, or `ABSENT`."""
    texts = [each.text for each in values if not each.is_absent]
    return texts[0] if len(texts) == 1 else texts or ABSENT


Read = Callable[[JSON, Any, str, list[Fault]], Matcher | None]
"""From an operand, the matcher that it stands in, that one's place, and the list of faults."""


class WholeError(ValueError):
    """A fault of a matcher as a whole, not of its operand."""


def text_of(operand: JSON, name: str) -> str:
    """Return an operand that has to be a text. Raises `WholeError`."""
    if not isinstance(operand, str):
        raise WholeError(f"{name} operand must be a non-null string")
    return operand


def flag_of(source: JSON, name: str, at: str, faults: list[Fault]) -> bool:
    """Return an option that has to be true or false; one that is neither is a fault."""
    value = source.get(name, False)
    if not isinstance(value, bool):
        faults.append((below(at, name), f"{name} must be true or false, not {short(value)}"))
    return value is True


def short(value: JSON) -> str:
    """Return a value as text that fits into a sentence."""
    return cut(write_json(value), 120)
