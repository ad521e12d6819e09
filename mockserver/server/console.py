"""What the server prints: one ready line, then one line per call.

A line says number, status, API, event or workflow name, recipient, and the verdict. What a request brought is
printed with its control characters escaped: a payload must not steer a terminal.
"""

import io
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from queue import SimpleQueue
from typing import Final, TextIO

from mockserver.engine.exchange import Exchange
from mockserver.engine.journal import ABORTED
from mockserver.engine.values import cut, iso_time

MOST_WAITING: Final = 10_000
_RED, _GREEN, _YELLOW, _CYAN, _DIM = "31", "32", "33", "36", "2"


class Console:
    """Prints lines to a stream from a thread of its own: who reads slowly, or not at all, must not stop the server.

    Lines that nobody reads are dropped beyond `MOST_WAITING`, and counted. A stream that fails is given up.
    """

    def __init__(self, stream: TextIO | None, form: str, *, colours: bool) -> None:
        self._stream, self._form, self._colours = stream, form, colours
        self._waiting: SimpleQueue[str | None] = SimpleQueue()
        self._dropped = 0
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # not every terminal can print every name
        self._writer = threading.Thread(target=self._write, name="mockserver-console", daemon=True)
        self._writer.start()

    def ready(self, url: str) -> None:
        """Print the one line that says where the server is."""
        self._print(
            json.dumps({"event": "ready", "url": url})
            if self._form == "json"
            else f"mockserver ready on {url}"
        )

    def call(self, exchange: Exchange) -> None:
        """Print one call."""
        self._print(json_line(exchange) if self._form == "json" else text_line(exchange, self._paint))

    def close(self, timeout: float = 0.5) -> None:
        """Print what is left, but wait no longer than the timeout in seconds for who reads it."""
        self._waiting.put(None)
        self._writer.join(timeout)

    def _print(self, line: str) -> None:
        if self._waiting.qsize() > MOST_WAITING:
            self._dropped += 1
            return
        dropped, self._dropped = self._dropped, 0
        told = f"… {dropped} lines were not printed, since nobody read them\n" if dropped else ""
        self._waiting.put(f"{told}{line}\n")

    def _write(self) -> None:
        lines: list[str | None] = [""]
        while self._stream is not None and lines[-1] is not None:
            lines = [self._waiting.get()]
            while not self._waiting.empty():  # what has gathered meanwhile is written at once
                lines.append(self._waiting.get())
            try:
                self._stream.write("".join(line for line in lines if line is not None))
                self._stream.flush()
            except (OSError, ValueError):  # the reader is gone, the disk is full, the stream is closed
                self._stream = None

    def _paint(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colours else text


Paint = Callable[[str, str], str]


def text_line(exchange: Exchange, paint: Paint) -> str:
    """Return a call as a line for a person."""
    gone = exchange.state == ABORTED or exchange.fault is not None
    status = paint("---", _DIM) if gone else paint(str(exchange.status), _status_colour(exchange.status))
    number = paint(f"#{exchange.number}".rjust(5), _DIM)
    told = f"{exchange.request.method} {shown(exchange.request.path)}"
    if exchange.name:
        told = (
            f"{shown(exchange.name)} → {shown(exchange.recipient)}"
            if exchange.recipient
            else shown(exchange.name)
        )
    verdict = verdict_of(exchange)
    painted = paint(verdict, _verdict_colour(exchange)) if verdict else ""
    return f"{number}  {status}  {(exchange.api or '-').ljust(9)} {told}  {painted}".rstrip()


def verdict_of(exchange: Exchange) -> str:
    """Return what became of a call, in a few words; nothing for one that was simply admitted."""
    if exchange.state == ABORTED:
        return "the client went away"
    if exchange.outcome == "repeated":
        return f"repeat of #{exchange.repeat_of}"
    if exchange.outcome == "scripted":
        made = f"{exchange.fault}, " if exchange.fault is not None else ""
        return f"{made}forced by {exchange.rule}"
    if exchange.findings:
        return f"{'admitted: ' if exchange.outcome == 'admitted' else ''}{_told(exchange.findings)}"
    if exchange.reason is not None:
        return exchange.reason
    return f"leans on {', '.join(exchange.deviations)}" if exchange.deviations else ""


def _told(findings: Sequence[Mapping[str, str]]) -> str:
    first = findings[0]
    place, name = first["in"], first["pointer"]
    where = f"{place} {name[1:]}" if name and place != "body" else name or f"the {place}"
    text = f"{shown(where)} {shown(first['message'])}"
    return text if len(findings) == 1 else f"{len(findings)} problems: {text}"


def json_line(exchange: Exchange) -> str:
    """Return a call as one JSON object."""
    return json.dumps(
        {
            "event": "call",
            "id": exchange.id,
            "time": iso_time(exchange.received),
            "number": exchange.number,
            "method": exchange.request.method,
            "path": exchange.request.path,
            "status": exchange.status,
            "api": exchange.api,
            "operation": exchange.operation,
            "outcome": exchange.outcome,
            "reason": exchange.reason,
            "name": exchange.name,
            "recipient": exchange.recipient,
            "repeatOf": exchange.repeat_of,
            "findings": list(exchange.findings),
            "deviations": list(exchange.deviations),
            "state": exchange.state,
        }
    )


def shown(text: str | None, limit: int = 120) -> str:
    """Return text that came from outside, safe for a terminal."""
    told = cut(text or "", limit)
    return "".join(character if character.isprintable() else f"\\x{ord(character):02x}" for character in told)


def _status_colour(status: int) -> str:
    return _GREEN if status < 300 else _YELLOW if status in {409, 429, 503} else _RED


def _verdict_colour(exchange: Exchange) -> str:
    if exchange.outcome == "refused":
        return _YELLOW if exchange.reason in {"rate-limited", "in-flight"} else _RED
    return _CYAN if exchange.outcome == "repeated" else _YELLOW if exchange.outcome == "scripted" else _DIM
