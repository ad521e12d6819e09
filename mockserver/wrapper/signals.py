"""Signals that come while a command runs: what is passed on to it, what it has got already, and what kills it.

The command is in our own process group, as a child of a shell's script is. So what a terminal sends to its foreground
group reaches the command without our doing: Ctrl-C, and the Ctrl-Z that suspends us both.

    signal              from the terminal     sent to us
    SIGINT              left                  passed on
    SIGQUIT, SIGBREAK   left                  passed on
    SIGTERM             -                     passed on
    SIGHUP, SIGUSR1/2   passed on             passed on

A second SIGINT or SIGTERM kills, since the first was not enough; but not one that comes at once after the first:
``timeout``, and runners that pass on what a terminal has sent, send the same one twice. A signal that is ignored when
we start, as under ``nohup``, stays so, for the command as well.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

TOGETHER: Final = 0.5
"""Seconds within which two signals that ask for an end are one."""


def _known(*names: str) -> frozenset[int]:
    """Return the signals of some names that this system has."""
    return frozenset(getattr(signal, name) for name in names if hasattr(signal, name))


ENDING: Final = _known("SIGINT", "SIGTERM")
OF_TERMINAL: Final = _known("SIGINT", "SIGQUIT", "SIGBREAK")
HEARD: Final = ENDING | OF_TERMINAL | _known("SIGHUP", "SIGUSR1", "SIGUSR2")


class Relay:
    """Passes signals on to a command. Used in the main thread, which alone hears them, and for as long as they matter.

    Before there is a command they are kept for it; once it has ended they do nothing.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._process: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []
        self._asked: float | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Relay":
        for number in HEARD:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._hear)
        return self

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def attach(self, process: "subprocess.Popen[bytes]") -> None:
        """Pass signals on to this process, and first what has come before it."""
        self._process = process
        for number in dict.fromkeys(self._early):
            if number in ENDING:
                self._since_asked()
            process.send_signal(number)

    def _hear(self, number: int, _: FrameType | None) -> None:
        process = self._process
        if process is None:
            self._early.append(number)
        elif number in ENDING and (since := self._since_asked()) is not None:
            if since >= TOGETHER:
                process.kill()
        elif not (number in OF_TERMINAL and is_in_foreground()):
            process.send_signal(number)

    def _since_asked(self) -> float | None:
        """Return how long ago an end was asked for; None when that is asked for the first time."""
        if self._asked is None:
            self._asked = self._now()
            return None
        return self._now() - self._asked


def is_in_foreground() -> bool:
    """Tell whether our process group is the foreground one of a terminal, which sends SIGINT and SIGQUIT to all of it.

    One that somebody else sends to us alone in the meantime cannot be told from that.
    """
    if sys.platform == "win32":
        return True  # Ctrl-C and Ctrl-Break go to all programs of a console
    try:
        terminal = os.open(os.ctermid(), os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False  # there is none
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False  # it has just been closed
    finally:
        os.close(terminal)
