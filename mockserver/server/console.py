"""What the server prints: one ready line, then one line per call.

A line says number, status, API, event or workflow name, recipient, and the verdict. What a request brought is
printed with its control characters escaped: a payload must not steer a terminal. Lines are collected for a
moment and written together, so that printing does not slow the calls.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Final, TextIO

from mockserver.engine.journal import ABORTED, Record

_FLUSH_AFTER: Final = 0.02
_RED, _GREEN, _YELLOW, _CYAN, _DIM, _PLAIN = "31", "32", "33", "36", "2", "0"


class Console:
    """Prints calls to a stream as ``text`` or ``json``."""

    def __init__(self, stream: TextIO, form: str, *, colours: bool) -> None:
        self._stream, self._write = stream, json_line if form == "json" else text_line
        self._colours, self._lines = colours, list[str]()
        self._flushing: asyncio.TimerHandle | None = None

    def ready(self, url: str, form: str) -> None:
        """Print the one line that says where the server is."""
        told = json.dumps({"event": "ready", "url": url}) if form == "json" else f"mockserver ready on {url}"
        self._stream.write(f"{told}\n")
        self._stream.flush()

    def call(self, record: Record) -> None:
        """Print one call, in a moment."""
        self._lines.append(self._write(record, self._paint))
        if self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_later(_FLUSH_AFTER, self.flush)

    def flush(self) -> None:
        """Print what has been collected."""
        lines, self._lines, self._flushing = self._lines, [], None
        self._stream.write("".join(f"{line}\n" for line in lines))
        self._stream.flush()

    def _paint(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colours else text


Paint = Callable[[str, str], str]


def text_line(record: Record, paint: Paint) -> str:
    """Return a call as a line for a person."""
    gone = record.state == ABORTED
    status = paint("---", _DIM) if gone else paint(str(record.status), _status_colour(record.status))
    number = paint(f"#{record.number}".rjust(5), _DIM)
    name = record.name or f"{record.method} {record.path}"
    who = f" → {shown(record.recipient)}" if record.recipient else ""
    verdict = verdict_of(record)
    painted = paint(verdict, _verdict_colour(record)) if verdict else ""
    return f"{number}  {status}  {(record.api or '-').ljust(9)} {shown(name)}{who}  {painted}".rstrip()


def verdict_of(record: Record) -> str:
    """Return what became of a call, in a few words; nothing for one that was simply admitted."""
    if record.state == ABORTED:
        return "the client went away"
    if record.outcome == "repeated":
        return f"repeat of #{record.repeat_of}"
    if record.outcome == "scripted":
        return f"asked for by {record.rule}"
    if record.findings:
        return _told(json.loads(record.findings))
    if record.reason is not None:
        return "no API has this path" if record.reason == "no-route" else record.reason
    return f"leans on {', '.join(record.deviations)}" if record.deviations else ""


def _told(findings: list[dict[str, str]]) -> str:
    first = findings[0]
    text = f"{shown(first['pointer'] or 'the body')} {shown(first['message'])}"
    return text if len(findings) == 1 else f"{len(findings)} problems: {text}"


def json_line(record: Record, _: Paint) -> str:
    """Return a call as one JSON object."""
    return json.dumps(
        {
            "event": "call",
            "number": record.number,
            "method": record.method,
            "path": record.path,
            "status": record.status,
            "api": record.api,
            "operation": record.operation,
            "outcome": record.outcome,
            "reason": record.reason,
            "name": record.name,
            "recipient": record.recipient,
            "repeatOf": record.repeat_of,
            "findings": json.loads(record.findings) if record.findings else [],
            "deviations": list(record.deviations),
            "state": record.state,
        }
    )


def shown(text: str | None, limit: int = 120) -> str:
    """Return text that came from outside, safe for a terminal."""
    text = text or ""
    text = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(character if character.isprintable() else f"\\x{ord(character):02x}" for character in text)


def _status_colour(status: int) -> str:
    return _GREEN if status < 300 else _YELLOW if status in {409, 429, 503} else _RED


def _verdict_colour(record: Record) -> str:
    if record.outcome == "refused":
        return _YELLOW if record.reason in {"rate-limited", "in-flight"} else _RED
    return _CYAN if record.outcome == "repeated" else _YELLOW if record.outcome == "scripted" else _DIM
