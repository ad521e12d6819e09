"""What a run prints, also where nobody reads it any more: that should not change how it ends."""

import contextlib
import sys

from mockserver.launch import flushed


def tell(text: str) -> None:
    """Print a line on standard error."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(f"mockserver: {text}\n")
        flushed(sys.stderr)


def print_as_utf8(text: str) -> None:
    """Print on standard output, in UTF-8 whatever the system's own encoding is: runners read that."""
    if sys.stdout is not None:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
        flushed(sys.stdout)
