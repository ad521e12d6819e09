"""A command that is run while the server is up: started without a shell, and waited for.

It has our own streams, open files and process group, so that it may ask questions, show colours, and be suspended and
interrupted by a terminal together with us. Signals of ours go to the command itself, not to what it has started.
"""

import contextlib
import errno
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

TIMED_OUT: Final = 124
NOT_EXECUTABLE: Final = 126
NOT_FOUND: Final = 127
SIGNALLED: Final = 128
"""Exit codes, as shells and ``timeout`` have them; the last with the number of a signal added."""

GRACE: Final = 10.0
"""Seconds between SIGTERM and SIGKILL, for a command that takes too long."""

_TICK: Final = 0.25
_IS_WINDOWS: Final = sys.platform == "win32"
_ADVICE: Final = {
    errno.EACCES: "it is not executable; chmod +x allows it",
    errno.ENOEXEC: "it is no program; a script needs a first line such as #!/bin/sh",
    errno.ENOENT: "it is there, but what its first line names is not",
}


class CannotRunError(Exception):
    """A command that cannot be started: the exit code, and a sentence."""

    def __init__(self, code: int, sentence: str) -> None:
        self.code = code
        super().__init__(sentence)


def started(command: Sequence[str], environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """Start a command, which is looked for on the PATH of its environment. Raises `CannotRunError`."""
    found = shutil.which(command[0], path=environment.get("PATH"))
    # Windows starts npm.cmd by its path only; elsewhere a program is told its name as it was typed.
    typed = [found, *command[1:]] if _IS_WINDOWS and found else list(command)
    try:
        # What is open stays open: make's jobserver, or the /dev/fd/63 of <(…). No file of ours can be inherited.
        return subprocess.Popen(typed, env=environment, close_fds=False)  # noqa: S603 - what the user has typed
    except (OSError, ValueError) as error:
        raise _cannot_run(command[0], found, error) from None


def _cannot_run(name: str, found: str | None, error: OSError | ValueError) -> CannotRunError:
    number = error.errno if isinstance(error, OSError) else None
    is_there = found is not None or (os.path.dirname(name) != "" and os.path.lexists(name))  # noqa: PTH120
    if not name or (number in {errno.ENOENT, errno.ENOTDIR} and not is_there):
        return CannotRunError(NOT_FOUND, f"{name!r} cannot be run: there is no such command")
    why = "it is a folder" if Path(name).is_dir() else _ADVICE.get(number or 0, str(error))
    return CannotRunError(NOT_EXECUTABLE, f"{name!r} cannot be run: {why}")


class Deadline:
    """Ends a process that takes longer than some seconds: SIGTERM, and SIGKILL when it lives on.

    The seconds are those in which we run: the time for which a terminal has suspended us does not count.
    """

    def __init__(
        self, process: "subprocess.Popen[bytes]", seconds: float | None, grace: float = GRACE
    ) -> None:
        self._process, self._grace, self._over = process, grace, threading.Event()
        self.has_passed = False
        if seconds is not None:
            threading.Thread(target=self._watch, args=(seconds,), name="deadline", daemon=True).start()

    def lift(self) -> None:
        """Watch no longer."""
        self._over.set()

    def _watch(self, seconds: float) -> None:
        if _is_set_within(self._over, seconds):
            return
        self.has_passed = True
        self._process.terminate()
        if not _is_set_within(self._over, self._grace):
            self._process.kill()


def code_of(process: "subprocess.Popen[bytes]", deadline: Deadline) -> int:
    """Wait for a process to end, and return its exit code as a shell has it."""
    code = _waited(process)
    deadline.lift()
    if deadline.has_passed:
        return TIMED_OUT
    return SIGNALLED - code if code < 0 else code


def _waited(process: "subprocess.Popen[bytes]") -> int:
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(_TICK if _IS_WINDOWS else None)  # Windows hears no Ctrl-C during a wait


def _is_set_within(event: threading.Event, seconds: float) -> bool:
    """Wait for an event, for so many seconds in which we were not suspended."""
    while seconds > 0:
        begun = time.monotonic()
        if event.wait(min(_TICK, seconds)):
            return True
        seconds -= min(time.monotonic() - begun, 2 * _TICK)
    return False
