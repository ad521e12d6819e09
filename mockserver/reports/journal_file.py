"""What is kept of calls outside the server while it runs: one JSON object per line, without secrets."""

import contextlib
import json
import sys
from typing import TextIO

from mockserver.engine.exchange import Exchange
from mockserver.reports.redaction import redacted
from mockserver.reports.sensitive import Sensitive
from mockserver.wire import serve_event


class JournalFile:
    """Appends every call to a file as it is completed; a crash loses at most the last one.

    Where the file cannot be written any more, that is told once on standard error, and the server goes on.
    """

    def __init__(self, stream: TextIO, sensitive: Sensitive) -> None:
        self._stream, self.sensitive = stream, sensitive
        self._has_failed = False

    def append(self, exchange: Exchange) -> None:
        """Write one call and flush it."""
        if self._has_failed:
            return
        try:
            self._stream.write(json_line(exchange, self.sensitive) + "\n")
            self._stream.flush()
        except (OSError, ValueError) as error:
            self._has_failed = True
            told = f"call #{exchange.number} and later ones are not in the journal file: {error}"
            sys.stderr.write(f"mockserver: {told}\n")

    def close(self) -> None:
        """Give the file up."""
        with contextlib.suppress(OSError):  # what could not be written has been told
            self._stream.close()


def json_line(exchange: Exchange, sensitive: Sensitive) -> str:
    """Return a call as one line of JSON, its secrets redacted."""
    return json.dumps(redacted(serve_event(exchange), sensitive), separators=(",", ":"))
