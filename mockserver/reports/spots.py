"""How a violation is told to people: the call, the operation, the pointer, the rule's place in its spec; no secrets.

All that is told is in one line each, with what a terminal or a page would obey or not show escaped.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from mockserver.engine.exchange import Exchange
from mockserver.engine.values import counted, cut
from mockserver.reports.commands import curl
from mockserver.reports.lines import shown
from mockserver.reports.redaction import concealer
from mockserver.reports.sensitive import Sensitive
from mockserver.reports.violations import Violation
from mockserver.wire import serve_event

_LONGEST: Final = 400  # characters of a sentence, of a value, of an operation
_LONGEST_PATH: Final = 120
_LONGEST_BODY: Final = 10_000  # bytes of a call that is given as a command


Sort = tuple[Violation, int]
"""The first violation of a sort, and how many calls more there are with one of that sort."""


@dataclass(frozen=True, slots=True)
class SpecFile:
    """The file of a spec: its path as it is shown, and the lines of pointers in it.

    ``is_here`` says that it is below the folder that the run is in: a file that its repository has.
    """

    shown: str
    lines: Mapping[str, int]
    is_here: bool = False


@dataclass(frozen=True, slots=True)
class Spot:
    """What is needed to tell of violations: the files of specs by API, and what is not to be shown.

    With ``keeps_secrets`` nothing is redacted.
    """

    files: Mapping[str, SpecFile]
    sensitive: Sensitive = field(default_factory=Sensitive)
    keeps_secrets: bool = False
    _known: dict[int, Callable[[str], str]] = field(default_factory=dict)

    def file(self, violation: Violation) -> tuple[SpecFile, int] | None:
        """Return the file in which the broken rule stands, and its line."""
        file = self.files.get(violation.api or "")
        if file is None or violation.rule_at is None:
            return None
        return file, file.lines[violation.rule_at]

    def place(self, violation: Violation) -> str:
        """Return file and line of the broken rule; empty where there is none."""
        found = self.file(violation)
        return "" if found is None else f"{found[0].shown}:{found[1]}"

    def call(self, violation: Violation, more: int = 0) -> str:
        """Return which call it was, and how many ``more`` did the same, with its method and path."""
        others = f"{violation.call} (and {counted(more, 'more call')})" if more else violation.call
        target = self._plain(violation.target, violation, _LONGEST_PATH)
        return "  ".join(part for part in (others, target) if part)

    def where(self, violation: Violation) -> str:
        """Return what was wrong in a call, as a place and a pointer; nothing where it is the call as a whole."""
        if not violation.finding:
            return ""
        place, pointer = violation.finding["in"], violation.pointer
        told = f"{place} {pointer[1:]}" if pointer and place != "body" else pointer or f"the {place}"
        return self._plain(told, violation, _LONGEST_PATH)

    def sentence(self, violation: Violation, longest: int = _LONGEST) -> str:
        """Return what is wrong."""
        return self._plain(violation.sentence, violation, longest)

    def headline(self, violation: Violation, more: int = 0, longest: int = _LONGEST) -> str:
        """Return a violation in one line: the call, how many ``more`` did the same, where, and what was wrong."""
        before = "  ".join(part for part in (self.call(violation, more), self.where(violation)) if part)
        told = self.sentence(violation, longest)
        return f"{before}: {told}" if before else told

    def details(self, sorts: Iterable[Sort]) -> Iterator[str]:
        """Yield all that is known of sorts of violations, a line each; a call that several are of is given once."""
        for _, of_call in groupby(sorts, key=lambda each: id(each[0].exchange)):
            found = list(of_call)
            for violation, more in found:
                yield from self._facts(violation, more)
                yield ""
            if command := self.command(found[0][0]):
                yield from [*command.splitlines(), ""]

    def command(self, violation: Violation) -> str:
        """Return the call as a command for a shell, in which variables stand for secrets; empty without a call."""
        exchange = violation.exchange
        if exchange is None:
            return ""
        if (size := len(exchange.request.body)) > _LONGEST_BODY:
            return f"# The body of this call has {size} bytes; the reports har and jsonl have it."
        return curl([exchange], Sensitive() if self.keeps_secrets else self.sensitive).strip()

    def _facts(self, violation: Violation, more: int) -> Iterator[str]:
        finding = violation.finding
        known = {
            "problem": violation.sentence,
            "pointer": violation.pointer,
            "expected": str(finding.get("expected") or ""),
            "received": str(finding.get("received") or ""),
        }
        facts = {
            "kind": violation.kind,
            "call": self.call(violation, more),
            "operation": " ".join(part for part in (violation.api, violation.operation) if part),
            "in": str(finding.get("in", "")),
            **{name: self._plain(text, violation) for name, text in known.items()},
            "rule": self.place(violation),
        }
        yield from (f"{name}: {text}" for name, text in facts.items() if text)

    def _plain(self, text: str, violation: Violation, longest: int = _LONGEST) -> str:
        """Return a text in one line, without the secrets of its call."""
        if violation.exchange is not None and not self.keeps_secrets:
            text = self._conceal(violation.exchange)(text)
        return shown(text, longest)

    def _conceal(self, exchange: Exchange) -> Callable[[str], str]:
        if id(exchange) not in self._known:
            self._known[id(exchange)] = concealer(serve_event(exchange), self.sensitive)
        return self._known[id(exchange)]


def alike(violations: Iterable[Violation]) -> list[Sort]:
    """Return violations by sort: of one sort are those that break the same rule in the same place.

    The position in a list, and the value, do not matter.
    """
    found: dict[tuple[str | None, ...], list[Violation]] = {}
    for each in violations:
        found.setdefault(_sort_of(each), []).append(each)
    return [(each[0], len({id(one.exchange) for one in each}) - 1) for each in found.values()]


def _sort_of(violation: Violation) -> tuple[str | None, ...]:
    whose = (violation.kind, violation.api, violation.operation or violation.target)
    if violation.rule_at is None or not violation.finding:
        return (*whose, violation.pointer, violation.sentence)
    steps = ("*" if step.isdecimal() else step for step in violation.pointer.split("/"))
    return (*whose, "/".join(steps), violation.finding["keyword"], violation.rule_at)


def one_line(text: str, longest: int, end: str = "") -> str:
    """Return a text that is not longer than it may be, its end included."""
    return cut(text, longest - len(end)) + end
