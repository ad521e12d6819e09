"""How many calls a run should have made: ``3``, ``<api>=2``, ``<api>>=1``, several with commas."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from mockserver.engine.exchange import Exchange
from mockserver.engine.values import counted, nearest

_FORM: Final = re.compile(r"(?:(?P<api>[^=<>]+)(?:=|(?=>=)))?(?P<least>>=)?(?P<count>[0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Expectation:
    """So many calls to an API, or to any where ``api`` is None; ``is_least``: or more."""

    count: int
    api: str | None = None
    is_least: bool = False

    def counts(self, exchange: Exchange) -> bool:
        """Tell whether a call counts: one to the API, whatever became of it."""
        return exchange.api is not None and self.api in {None, exchange.api}

    def complaint(self, made: int) -> str:
        """Say what is wrong with so many calls; nothing where they are as expected."""
        if made == self.count or (self.is_least and made > self.count):
            return ""
        return f"expected {self}, got {made}"

    def __str__(self) -> str:
        calls = counted(self.count, "call")
        return f"{'at least ' if self.is_least else ''}{calls}{f' to {self.api}' if self.api else ''}"


def read_expectations(text: str, apis: Collection[str]) -> tuple[Expectation, ...]:
    """Read what was typed, parted by commas. Raises ValueError."""
    found = []
    for part in map(str.strip, text.split(",")):
        match = _FORM.fullmatch(part)
        if match is None:
            name = next(iter(apis), "api")
            raise ValueError(
                f"{part!r} is not a number of calls; write 3, {name}=2 or '{name}>=1', in quotes"
            )
        api = match["api"]
        if api is not None and api not in apis:
            near = nearest(api, apis)
            hint = f"did you mean {near}?" if near else f"there are {', '.join(apis)}"
            raise ValueError(f"no API named {api!r} is served; {hint}")
        found.append(Expectation(int(match["count"]), api, match["least"] is not None))
    return tuple(found)
