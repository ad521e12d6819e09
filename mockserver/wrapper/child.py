"""A command that is run while the server is up: started without a shell, told of signals, waited for.

It is in our own process group, as a child of a shell's script is. So a Ctrl-C at the terminal reaches it without our
doing, a terminal that suspends us suspends it too, and it may ask questions on its standard input.
"""

import contextlib
import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from types import FrameType
from typing import Final

TIMED_OUT: Final = 124
NOT_EXECUTABLE: Final = 126
NOT_FOUND: Final = 127
SIGNALLED: Final = 128
"""Exit codes, as shells and ``timeout`` have them; the last with the number of a signal added."""

GRACE: Final = 10.0
"""Seconds between SIGTERM and SIGKILL, for a command that takes too long."""

_TICK: Final = 0.25
_ENDING: Final = tuple(
    number for name in ("SIGINT", "SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)) is not None
)
_OTHERS: Final = tuple(
    number for name in ("SIGUSR1", "SIGUSR2") if (number := getattr(signal, name, None)) is not None
)


class CannotRunError(Exception):
    """A command that cannot be started: the exit code, and a sentence."""

    def __init__(self, code: int, sentence: str) -> None:
        self.code = code
        super().__init__(sentence)


class Child:
    """A command while it runs. ``wait`` has to be called in the main thread, which alone hears signals."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        self._arguments, self._environment = arguments, environment
        self._process: subprocess.Popen[bytes] | None = None
        self._asked_to_end = 0
        self._early: list[int] = []
        self._over = threading.Event()
        self.has_timed_out = False

    def wait(self, timeout: float | None = None, grace: float = GRACE) -> int:
        """Run it to its end, and return the exit code of it. Raises `CannotRunError`.

        ``timeout`` are seconds in which we run: the time for which a terminal has suspended us does not count.
        """
        with self._hearing():
            process = self._process = _started(self._arguments, self._environment)
            for number in self._early:
                process.send_signal(number)
            if timeout is not None:
                watch = threading.Thread(target=self._watch, args=(process, timeout, grace), daemon=True)
                watch.start()
            code = process.wait()
            self._over.set()
        if self.has_timed_out:
            return TIMED_OUT
        return SIGNALLED - code if code < 0 else code

    @contextlib.contextmanager
    def _hearing(self) -> Iterator[None]:
        before = {number: signal.signal(number, self._pass_on) for number in (*_ENDING, *_OTHERS)}
        try:
            yield
        finally:
            for number, known in before.items():
                signal.signal(number, known)

    def _pass_on(self, number: int, _: FrameType | None) -> None:
        """Pass a signal on. The second that asks for an end kills: the first was not enough."""
        process = self._process
        if process is None:
            self._early.append(number)
            return
        self._asked_to_end += number in _ENDING
        if self._asked_to_end > 1:
            process.kill()
        elif not (number == signal.SIGINT and is_from_terminal()):
            process.send_signal(number)

    def _watch(self, process: "subprocess.Popen[bytes]", timeout: float, grace: float) -> None:
        if _is_set_within(self._over, timeout):
            return
        self.has_timed_out = True
        process.terminate()
        if not _is_set_within(self._over, grace):
            process.kill()


def is_from_terminal() -> bool:
    """Tell whether a SIGINT comes from the terminal, which sends it to all of its foreground group, also a child."""
    if sys.platform == "win32":
        return True  # Ctrl-C there goes to all programs of a console
    for number in range(3):
        try:
            if os.tcgetpgrp(number) == os.getpgrp():
                return True
        except OSError:
            continue
    return False


def _is_set_within(event: threading.Event, seconds: float) -> bool:
    """Wait for an event, for so many seconds in which we were not suspended."""
    while seconds > 0:
        begun = time.monotonic()
        if event.wait(min(_TICK, seconds)):
            return True
        seconds -= min(time.monotonic() - begun, 2 * _TICK)
    return False


def _started(arguments: Sequence[str], environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    program = shutil.which(arguments[0], path=environment.get("PATH")) or arguments[0]
    try:
        return subprocess.Popen([program, *arguments[1:]], env=environment)  # noqa: S603 - what the user has typed
    except OSError as error:
        why = f"{arguments[0]} cannot be run: {error.strerror or error}"
        is_missing = error.errno == errno.ENOENT and not os.path.lexists(program)
        raise CannotRunError(NOT_FOUND if is_missing else NOT_EXECUTABLE, why) from None
    except ValueError as error:
        raise CannotRunError(NOT_EXECUTABLE, f"{arguments[0]!r} cannot be run: {error}") from None
