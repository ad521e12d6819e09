"""How a violation is told to people: the call, the operation, the pointer, the rule's place in its spec; no secrets."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mockserver.reports.commands import curl
from mockserver.reports.lines import shown
from mockserver.reports.redaction import concealed
from mockserver.reports.verdict import Violation
from mockserver.wire import serve_event


@dataclass(frozen=True, slots=True)
class SpecFile:
    """The file of a spec: its path as it is shown, and the lines of pointers in it."""

    shown: str
    lines: Mapping[str, int]

    @property
    def is_here(self) -> bool:
        """Whether it is a file below the folder that the run is in: one that its repository has."""
        path = Path(self.shown)
        return not path.is_absolute() and path.is_file()


@dataclass(frozen=True, slots=True)
class Spot:
    """What is needed to tell of violations: the files of specs by API, and the names that hold secrets.

    With ``keeps_secrets`` nothing is redacted.
    """

    files: Mapping[str, SpecFile]
    names: Collection[str]
    keeps_secrets: bool = False

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

    def headline(self, violation: Violation) -> str:
        """Return a violation in one line: the call, what was wrong, and where."""
        parts = [violation.call, violation.target, self.where(violation)]
        before = "  ".join(shown(self.plain(part, violation)) for part in parts if part)
        told = shown(self.plain(violation.sentence, violation), 400)
        return f"{before}: {told}" if before else told

    def where(self, violation: Violation) -> str:
        """Return what was wrong in a call, as a place and a pointer."""
        if not violation.finding:
            return ""
        place, pointer = violation.finding["in"], violation.pointer
        return f"{place} {pointer[1:]}" if pointer and place != "body" else pointer or f"the {place}"

    def details(self, violation: Violation) -> Iterator[str]:
        """Yield everything that is known of a violation, a line each."""
        finding = violation.finding
        known = {
            "kind": violation.kind,
            "call": f"{violation.call} {violation.target}".strip(),
            "operation": " ".join(part for part in (violation.api, violation.operation) if part),
            "pointer": self.where(violation),
            "problem": violation.sentence,
            "known": violation.note,
            "expected": str(finding.get("expected") or ""),
            "received": str(finding.get("received") or ""),
            "rule": self.place(violation),
        }
        for name, text in known.items():
            if text:
                yield f"{name}: {shown(self.plain(text, violation), 400)}"
        if violation.exchange is not None:
            yield ""
            yield from self.command(violation).splitlines()

    def command(self, violation: Violation) -> str:
        """Return the call as a command for a shell, in which variables stand for secrets; empty without a call."""
        return "" if violation.exchange is None else curl([violation.exchange], self.names).strip()

    def plain(self, text: str, violation: Violation) -> str:
        """Return a text without the secrets of its call."""
        if violation.exchange is None or self.keeps_secrets:
            return text
        return str(concealed({"": text}, serve_event(violation.exchange), self.names)[""])
