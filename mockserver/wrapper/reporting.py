"""The end of a run: its verdict on standard error, its reports in files, and what GitHub shows."""

import contextlib
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from mockserver import __version__, loading
from mockserver.engine.faults import SpecError
from mockserver.engine.values import iso_time
from mockserver.options import Configuration
from mockserver.reports.closing import closing_lines
from mockserver.reports.coverage import Coverage, coverage_of
from mockserver.reports.exports import har, jsonl
from mockserver.reports.github import annotations
from mockserver.reports.junit import junit
from mockserver.reports.markdown import markdown
from mockserver.reports.sensitive import Sensitive, sensitive_in
from mockserver.reports.spots import SpecFile, Spot
from mockserver.reports.verdict import Verdict
from mockserver.wrapper.telling import print_as_utf8, tell
from mockserver.wrapper.wanted import Read
from mockserver.yamltext import lines_of


def report(
    configuration: Configuration, verdict: Verdict, read: Read, began: float, variables: Sequence[str]
) -> bool:
    """Print the verdict and write the reports; tell whether all could be written.

    The run ``began`` at that time, in seconds since the epoch; ``variables`` told its command where the server is.
    """
    spot = _spot(configuration, verdict, keeps_secrets=read.keeps_secrets)
    covered = coverage_of(verdict.calls, verdict.blueprint)
    for line in closing_lines(verdict, covered, spot, variables):
        tell(line)
    sensitive = Sensitive() if read.keeps_secrets else sensitive_in(verdict.blueprint)
    if read.keeps_secrets and read.reports:
        tell("warning: the reports hold secrets, as --keep-secrets asks")
    took = time.time() - began
    writers: Mapping[str, Callable[[TextIO], object]] = {
        "junit": lambda file: file.write(junit(verdict, covered, spot, took, _local(began))),
        "har": lambda file: json.dump(har(verdict.calls, sensitive, __version__), file),
        "jsonl": lambda file: file.writelines(jsonl(verdict.calls, sensitive)),
        "markdown": lambda file: file.write(markdown(verdict, covered, spot)),
    }
    written = [_written(path, writers[kind]) for kind, path in read.reports.items()]
    return all(written) and (not read.is_for_github or _told_github(verdict, covered, spot))


def _written(path: Path, write: Callable[[TextIO], object]) -> bool:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            write(file)
    except OSError as error:
        tell(f"{path} cannot be written: {error.strerror or error}")
        return False
    return True


def _told_github(verdict: Verdict, covered: Sequence[Coverage], spot: Spot) -> bool:
    print_as_utf8("".join(f"{line}\n" for line in annotations(verdict, spot)))
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if not summary:
        return True
    try:
        with Path(summary).open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(markdown(verdict, covered, spot))
    except OSError as error:
        tell(f"the summary of the job cannot be written: {error.strerror or error}")
        return False
    return True


def _local(seconds: float) -> str:
    """Return a time as JUnit's readers want it: in whole seconds, without a zone."""
    return iso_time(seconds)[:19]


def _spot(configuration: Configuration, verdict: Verdict, *, keeps_secrets: bool) -> Spot:
    """Return how violations are told, with the lines of the rules that were broken."""
    files = loading.available(configuration["specs"])
    wanted: dict[str, list[str]] = {}
    for violation in verdict.violations:
        if violation.api is not None and violation.rule_at is not None:
            wanted.setdefault(violation.api, []).append(violation.rule_at)
    found: dict[str, SpecFile] = {}
    for name, pointers in wanted.items():
        with contextlib.suppress(SpecError):  # it has gone since the start
            found[name] = _spec_file(name, files[name], list(dict.fromkeys(pointers)))
    return Spot(found, sensitive_in(verdict.blueprint), keeps_secrets)


def _spec_file(name: str, path: Any, pointers: list[str]) -> SpecFile:
    shown = Path(str(path))
    with contextlib.suppress(ValueError, OSError):
        shown = shown.absolute().relative_to(Path.cwd())
    lines = lines_of(loading.read_text(path), pointers)
    is_bundled = str(loading.bundled().get(name)) == str(path)
    told = f"mockserver/specs/{shown.name}" if is_bundled and shown.is_absolute() else shown.as_posix()
    return SpecFile(told, dict(zip(pointers, lines, strict=True)), is_here=not shown.is_absolute())
