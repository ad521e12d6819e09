"""What was typed of a run: what fails it, what is expected, what is reported. Each fault is told with its option."""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from mockserver import loading
from mockserver.engine.faults import Problem, SpecError
from mockserver.engine.patterns import Pattern, PatternError, read_pattern
from mockserver.engine.values import nearest, positive_seconds
from mockserver.options import Configuration
from mockserver.plan import Plan
from mockserver.reports.expectations import Expectation, read_expectations
from mockserver.reports.verdict import Asked
from mockserver.reports.violations import DEFAULT, KINDS, STRICT, UNAUTHENTICATED

NOTHING: Final = "none"
GITHUB: Final = "github"
FILES: Final = ("junit", "har", "jsonl", "markdown")
"""The reports that go into a file; ``github`` goes to standard output and into the summary of a job."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was typed of a run, beside what the server is told."""

    command: Sequence[str]
    fail_on: Sequence[str] = ()
    is_strict: bool = False
    expect_calls: Sequence[str] = ()
    ignore: Sequence[str] = ()
    report: Sequence[str] = ()
    timeout: str | None = None
    overrides_env: bool = False
    keeps_secrets: bool = False


@dataclass(frozen=True, slots=True)
class Read:
    """What was typed of a run, as it is used."""

    asked: Asked
    reports: Mapping[str, Path]
    is_for_github: bool
    timeout: float | None
    keeps_secrets: bool


def read_wanted(plan: Plan, configuration: Configuration, wanted: Wanted) -> Read:
    """Read what was typed of a run. Raises `SpecError` with every problem."""
    known = loading.available(configuration["specs"])
    served = [name for name in known if not configuration["apis"] or name in configuration["apis"]]
    problems: list[Problem] = []

    def attempt(option: str, read: Callable[[], T], otherwise: T) -> T:
        try:
            return read()
        except (ValueError, PatternError) as error:
            problems.append(Problem(f"--{option}", "", str(error)))
            return otherwise

    reports = attempt("report", lambda: _reports(wanted.report), dict[str, str]())
    asked = Asked(
        attempt("fail-on", lambda: _kinds(wanted, has_keys=_has_keys(configuration)), DEFAULT),
        attempt("ignore", lambda: _patterns(plan, configuration, wanted.ignore), ()),
        attempt("expect-calls", lambda: _expectations(wanted.expect_calls, served), ()),
    )
    timeout = attempt("timeout", lambda: positive_seconds(wanted.timeout) if wanted.timeout else None, None)
    if problems:
        raise SpecError(problems)
    is_for_github = GITHUB in reports or os.environ.get("GITHUB_ACTIONS") == "true"
    return Read(
        asked,
        {kind: Path(path) for kind, path in reports.items() if path},
        is_for_github,
        timeout,
        wanted.keeps_secrets,
    )


def _parted(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield from (part.strip() for part in text.split(","))


def _has_keys(configuration: Configuration) -> bool:
    """Tell whether anybody has said which credentials are right."""
    return bool(configuration["keys"] or configuration["secrets"])


def _kinds(wanted: Wanted, *, has_keys: bool) -> tuple[str, ...]:
    """Return the kinds of violation that fail the run. Raises ValueError."""
    kinds = list(_parted(wanted.fail_on)) or [*DEFAULT, *([UNAUTHENTICATED] if has_keys else [])]
    for kind in kinds:
        if kind not in {*KINDS, NOTHING}:
            near = nearest(kind, [*KINDS, NOTHING])
            hint = f"did you mean {near}?" if near else f"there are {', '.join([*KINDS, NOTHING])}"
            raise ValueError(f"{kind!r} is no kind of violation; {hint}")
    if NOTHING in kinds and len(kinds) > 1:
        raise ValueError(f"{NOTHING} stands beside other kinds")
    if wanted.is_strict:
        kinds += STRICT
    return tuple(kind for kind in KINDS if kind in kinds)


def _expectations(texts: Iterable[str], served: Sequence[str]) -> tuple[Expectation, ...]:
    return tuple(each for text in texts for each in read_expectations(text, served))


def _patterns(plan: Plan, configuration: Configuration, texts: Sequence[str]) -> tuple[Pattern, ...]:
    if not texts:
        return ()
    known, found = plan.blueprint(configuration).known, []
    for text in texts:
        try:
            source = json.loads(text)
        except ValueError:
            raise ValueError(
                f"{text!r} is not JSON; write a request pattern, as in " + '{"status": 422}'
            ) from None
        found.append(read_pattern(source, known))
    return tuple(found)


def _reports(texts: Iterable[str]) -> dict[str, str]:
    """Return the file of each report that is asked for, none for ``github``. Raises ValueError."""
    found: dict[str, str] = {}
    for part in _parted(texts):
        kind, sign, path = part.partition("=")
        if kind == GITHUB and not sign:
            found[kind] = ""
        elif kind not in FILES:
            near = nearest(kind, [*FILES, GITHUB])
            hint = f"did you mean {near}?" if near else f"there are {', '.join([*FILES, GITHUB])}"
            raise ValueError(f"{kind!r} is no report; {hint}")
        elif not path:
            raise ValueError(f"{kind} needs a file; write {kind}=FILE")
        elif found.setdefault(kind, path) != path:
            raise ValueError(f"{kind} is given twice, as {found[kind]} and {path}")
        elif path in {other for each, other in found.items() if each != kind}:
            raise ValueError(f"{path} is given for two reports")
        elif not _may_be_written(Path(path)):
            raise ValueError(f"{path} cannot be written: it is a folder, or what it would stand in is none")
    return found


def _may_be_written(path: Path) -> bool:
    """Tell whether a file could be there; folders that it needs are made when it is written."""
    above = next(each for each in path.absolute().parents if each.exists())
    return above.is_dir() and not path.is_dir()
