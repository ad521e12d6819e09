"""What the server prints: one ready line, then one line per call.

A line says number, status, API, event or workflow name, recipient, and the verdict. What a request brought is
printed with its control characters escaped: a payload must not steer a terminal.
"""

import io
import json
import threading
from queue import SimpleQueue
from typing import Final, TextIO

from mockserver.engine.exchange import Exchange
from mockserver.engine.values import iso_time
from mockserver.reports.lines import text_line

MOST_WAITING: Final = 10_000


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
            "namespace": exchange.namespace,
            "state": exchange.state,
            "fault": exchange.fault,
        }
    )
