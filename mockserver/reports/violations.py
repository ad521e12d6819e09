"""What can break the contract in a run, by kind, and one such thing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from mockserver.engine.exchange import JSON, Exchange
from mockserver.reports.expectations import Expectation

KINDS: Final[Mapping[str, str]] = {
    "invalid": "what is sent meets the contract",
    "unmatched": "every call has a route",
    "unauthenticated": "credentials are accepted",
    "deviation": "no call leans on a deviation",
    "key-reused": "a key has one body",
    "retry": "retries wait as asked, and keep their key",
    "unpublished": "answers have a published status",
    "unused-rule": "every rule is used",
}
"""The kinds of violation that can fail a run, each with what holds where there is none."""

EXPECTED: Final = "expected-calls"
"""The kind of an expectation that was not met; it was asked for, and so always fails a run."""

UNAUTHENTICATED: Final = "unauthenticated"
"""The kind that is judged too where it was said which credentials are right."""

DEFAULT: Final = ("invalid", "unmatched")
STRICT: Final = ("invalid", "unmatched", "deviation")


@dataclass(frozen=True, slots=True, eq=False)
class Violation:
    """One thing that broke the contract: its kind, a sentence, and the call and its finding, where there are such.

    ``rule_at`` is the JSON Pointer of the broken rule in the spec of the call's API, ``expectation`` what was expected
    of the run as a whole.
    """

    kind: str
    sentence: str
    exchange: Exchange | None = None
    finding: Mapping[str, JSON] = field(default_factory=dict)
    rule_at: str | None = None
    expectation: Expectation | None = None

    @property
    def api(self) -> str | None:
        """The API of the call; None where no API took it."""
        return None if self.exchange is None else self.exchange.api

    @property
    def operation(self) -> str | None:
        """The operation of the call; None where none took it."""
        return None if self.exchange is None else self.exchange.operation

    @property
    def pointer(self) -> str:
        """The JSON Pointer of what was wrong in the call; empty where it is the call as a whole."""
        return str(self.finding.get("pointer", ""))

    @property
    def call(self) -> str:
        """The call, by its number and its namespace."""
        if self.exchange is None:
            return ""
        where = f" (~{self.exchange.namespace})" if self.exchange.namespace else ""
        return f"call {self.exchange.number}{where}"

    @property
    def target(self) -> str:
        """Method and path of the call."""
        return "" if self.exchange is None else f"{self.exchange.request.method} {self.exchange.request.path}"
