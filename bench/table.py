"""The rows of the table: a figure with its spread, and the target that it is held against."""

import os
import platform
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One measure: a value for each round, and the most that its median may be; no ``target``: for information."""

    what: str
    rounds: Sequence[float]
    unit: str = ""
    digits: int = 2
    target: float | None = None
    told: Callable[[float], str] = lambda _: ""
    """Another way to say a value: what a ratio is as a fraction, for instance."""

    def __str__(self) -> str:
        median, target = statistics.median(self.rounds), self.target
        verdict = "" if target is None else "ok" if median <= target else "MISSED"
        wanted = "" if target is None else f"≤ {self._shown(target)}"
        spread = f"{self._number(min(self.rounds))} … {self._number(max(self.rounds))}"
        return f"| {self.what} | {self._shown(median)} | {wanted} | {spread if self.rounds[1:] else ''} | {verdict} |"

    def _shown(self, value: float) -> str:
        return f"{self._number(value)} {self.unit}".rstrip() + self.told(value)

    def _number(self, value: float) -> str:
        return f"{value:,.{self.digits}f}"


HEAD = "| what | median | target | lowest … highest | |\n|---|--:|--:|--:|---|"


def of_the_echo(ratio: float) -> str:
    """Return a ratio of costs as the fraction of the echo's speed."""
    return f" ({1 / ratio:.2f} of the echo)"


def machine() -> Iterator[str]:
    """Yield what is to be known of this machine: figures of another one differ."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    yield f"{python}, {platform.system()} {platform.release()} {platform.machine()}, {os.cpu_count()} cores"
    yield f"processor: {_processor()}; load: {', '.join(f'{each:.2f}' for each in os.getloadavg())}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown"
    )
