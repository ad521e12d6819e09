"""What is wrong with a spec or a configuration, for the person who wrote it."""

from collections.abc import Iterable
from typing import NamedTuple


class Problem(NamedTuple):
    """One thing that is wrong: the file (or option), the JSON Pointer in it, a sentence, and the line, 0 if unknown."""

    file: str
    pointer: str
    sentence: str
    line: int = 0

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        told = ": ".join(part for part in (place, self.pointer, self.sentence) if part)
        return told.replace("\r", "\\r").replace("\n", "\\n")


class SpecError(Exception):
    """A spec or a configuration that cannot be used; ``problems`` are all that were found in it."""

    def __init__(self, problems: Iterable[tuple[str, str, str] | Problem]) -> None:
        self.problems: list[Problem] = [Problem(*problem) for problem in problems]
        super().__init__("\n".join(map(str, self.problems)))
