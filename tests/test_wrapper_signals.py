"""``mockserver run`` and signals: those that are sent to it, and those of a terminal, which a command gets by itself."""

import contextlib
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mockserver.wrapper import signals
from mockserver.wrapper.signals import Relay
from tests.wrapping import INVALID, SEND, begun, ended, environment, python, wrapper

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has neither these signals nor these terminals"
)

COUNTING = """
import signal, sys, time
heard = []
for name in NAMES:
    signal.signal(getattr(signal, name), lambda number, _: heard.append(signal.Signals(number).name))
print("up", flush=True)
while not heard:
    time.sleep(0.01)
time.sleep(0.4)  # another one would come now
"""
"""A command that waits for signals, and counts them."""


def counting(*names: str, then: str = "print(*heard, flush=True)") -> list[str]:
    return python(f"NAMES = {names}\n{COUNTING}{then}")


def is_up(process: "subprocess.Popen[str]") -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"


# Sent to the wrapper


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"])
def test_a_signal_is_passed_on_once(name: str, tmp_path: Path) -> None:
    then = f"print(*heard, flush=True){SEND}{INVALID}; sys.exit(9)"
    process = begun("--", *counting(name, then=then), cwd=tmp_path, start_new_session=True)
    is_up(process)
    process.send_signal(getattr(signal, name))
    code, out, lines = ended(process)
    assert (code, out) == (9, f"{name}\n")
    assert [line.split()[:2] for line in lines][:2] == [["mockserver:", "1"], ["mockserver:", "FAIL"]]


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1"])
def test_one_that_the_command_does_not_handle_ends_both(name: str, tmp_path: Path) -> None:
    waiting = f"import signal, time; signal.signal(signal.{name}, 0); print('up', flush=True); time.sleep(60)"
    process = begun("--", *python(waiting), cwd=tmp_path, start_new_session=True)
    is_up(process)
    process.send_signal(getattr(signal, name))
    code, _, lines = ended(process)
    assert (code, [line.split(" ")[0] for line in lines]) == (128 + getattr(signal, name), ["mockserver:"])


@pytest.mark.parametrize("names", [("SIGTERM", "SIGTERM"), ("SIGINT", "SIGTERM"), ("SIGINT", "SIGINT")])
def test_a_second_one_that_asks_for_an_end_kills(names: tuple[str, str], tmp_path: Path) -> None:
    waiting = "import signal, time; [signal.signal(n, lambda *_: print('no', flush=True)) for n in (2, 15)]; print('up', flush=True)\nwhile True: time.sleep(1)"
    process = begun("--", *python(waiting), cwd=tmp_path, start_new_session=True)
    is_up(process)
    process.send_signal(getattr(signal, names[0]))
    assert process.stdout is not None
    assert process.stdout.readline() == "no\n"
    time.sleep(signals.TOGETHER)
    process.send_signal(getattr(signal, names[1]))
    code, _, lines = ended(process)
    assert (code, [line.split(" ")[0] for line in lines]) == (128 + signal.SIGKILL, ["mockserver:"])


def test_one_that_is_sent_to_us_and_to_our_group_as_timeout_does_leaves_time_to_clean_up(
    tmp_path: Path,
) -> None:
    process = begun("--", *counting("SIGTERM", then="sys.exit(9)"), cwd=tmp_path, start_new_session=True)
    is_up(process)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.05)
    os.killpg(process.pid, signal.SIGTERM)
    assert ended(process)[0] == 9


def test_many_that_do_not_ask_for_an_end_do_not_kill(tmp_path: Path) -> None:
    then = "print('again', flush=True)\nwhile len(heard) < 2: time.sleep(0.01)\nsys.exit(9)"
    process = begun("--", *counting("SIGHUP", then=then), cwd=tmp_path, start_new_session=True)
    is_up(process)
    process.send_signal(signal.SIGHUP)
    assert process.stdout is not None
    assert process.stdout.readline() == "again\n"
    time.sleep(signals.TOGETHER)
    process.send_signal(signal.SIGHUP)
    assert ended(process)[0] == 9


@pytest.mark.parametrize("name", ["SIGHUP", "SIGINT"])
def test_what_is_ignored_stays_so_for_the_command_as_well(name: str, tmp_path: Path) -> None:
    """As under ``nohup``, and in the background of a script."""
    code = f"import os, signal; print(signal.getsignal(signal.{name}) is signal.SIG_IGN, flush=True); os.kill(os.getppid(), signal.{name})"
    script = f"import os, signal, sys; signal.signal(signal.{name}, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    done = subprocess.run([*python(script), *wrapper("--", *python(code))], cwd=tmp_path, env=environment(), capture_output=True, encoding="utf-8", timeout=60, check=False)  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "True\n")


def test_whenever_it_comes_the_command_does_not_outlive_us(tmp_path: Path) -> None:
    code = "import os, sys, time; open(str(os.getpid()), 'w').close(); time.sleep(60)"
    for folder in (folders := [tmp_path / f"{number}0ms" for number in range(12)]):
        folder.mkdir()
    runs = [begun("--", *python(code), cwd=folder, start_new_session=True) for folder in folders]
    for process in runs:
        time.sleep(0.08)
        process.terminate()
    for process, folder in zip(runs, folders, strict=True):
        code_, _, lines = ended(process)
        assert code_ in {-signal.SIGTERM, 128 + signal.SIGTERM}
        assert all(line.startswith("mockserver: ") for line in lines)
        for number in folder.iterdir():
            with pytest.raises(ProcessLookupError):
                os.kill(int(number.name), 0)


class Noted:
    """What stands for a process: it notes what is sent to it."""

    def __init__(self) -> None:
        self.sent: list[int | str] = []

    def send_signal(self, number: int) -> None:
        self.sent.append(number)

    def kill(self) -> None:
        self.sent.append("kill")


@pytest.mark.parametrize(
    ("before", "after", "is_at_terminal", "sent"),
    [
        # what comes before there is a command, and after
        ("TERM", "", False, ["TERM"]),
        ("INT", "", True, ["INT"]),  # the terminal did not know the command yet
        ("USR1 TERM", "USR2", False, ["USR1", "TERM", "USR2"]),
        ("TERM", "1s TERM", False, ["TERM", "kill"]),
        # what a terminal sends to all
        ("", "INT QUIT TERM", True, []),  # SIGTERM comes too soon after SIGINT to be another wish
        ("", "INT 1s TERM", True, ["kill"]),
        ("", "QUIT QUIT HUP", True, ["HUP"]),
        ("", "INT QUIT", False, ["INT", "QUIT"]),
        # one wish or two
        ("", "TERM 0.4s TERM", False, ["TERM"]),
        ("", "TERM 0.6s INT", False, ["TERM", "kill"]),
        ("", "INT 0.3s INT 0.3s INT", False, ["INT", "kill"]),
        ("", "HUP 1s HUP 1s USR1 1s USR1", False, ["HUP", "HUP", "USR1", "USR1"]),
    ],
)
def test_what_becomes_of_signals(
    before: str, after: str, is_at_terminal: bool, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now, noted = [0.0], Noted()

    def come(words: str) -> None:
        for word in words.split():
            if word.endswith("s"):
                now[0] += float(word[:-1])
            else:
                signal.raise_signal(getattr(signal, f"SIG{word}"))

    monkeypatch.setattr(signals, "is_in_foreground", lambda: is_at_terminal)
    with Relay(lambda: now[0]) as relay:
        come(before)
        relay.attach(noted)  # type: ignore[arg-type]
        come(after)
    assert noted.sent == [each if each == "kill" else getattr(signal, f"SIG{each}") for each in sent]


# Of a terminal


class Terminal:
    """A terminal with a shell in it, as a person has it."""

    def __init__(self, folder: Path) -> None:
        self._hand, screen = os.openpty()
        begin = "import fcntl, os, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp('bash', ['bash', '--norc', '--noprofile', '-i'])"
        self._shell = subprocess.Popen(
            python(begin), stdin=screen, stdout=screen, stderr=screen, start_new_session=True, cwd=folder,
            env=environment(PS1="$ ", TERM="dumb", HISTFILE="/dev/null"),
        )  # fmt: skip
        os.close(screen)
        self._seen = ""
        self.until(r"\$ ")
        self.type("stty -echo; bind 'set enable-bracketed-paste off' 2>/dev/null")
        self.until(r"\$ ")

    def type(self, text: str, end: str = "\n") -> None:
        os.write(self._hand, (text + end).encode())

    def until(self, pattern: str, seconds: float = 30) -> str:
        """Return what is on the screen up to a pattern, from where the last such text ended."""
        deadline = time.monotonic() + seconds
        while (found := re.search(pattern, self._seen)) is None:
            ready, _, _ = select.select([self._hand], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"no {pattern!r} in {self._seen!r}"
            self._seen += os.read(self._hand, 65536).decode().replace("\r\n", "\n")
        text, self._seen = self._seen[: found.end()], self._seen[found.end() :]
        return text

    def close(self) -> None:
        self._shell.kill()
        self._shell.wait()
        os.close(self._hand)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    opened = Terminal(tmp_path)
    with contextlib.closing(opened):
        yield opened


def script(folder: Path, command: list[str], *options: str) -> str:
    """Return what is typed to run a command of Python, which goes into a file."""
    (folder / "it.py").write_text(command[-1])
    return f'"{sys.executable}" -m mockserver run {" ".join(options)} -- "{sys.executable}" it.py'


@pytest.mark.parametrize("streams", ["", " <in >out 2>&1", " | (trap '' INT; cat)"])
def test_ctrl_c_reaches_the_command_once_and_we_wait_and_report(streams: str, terminal: Terminal, tmp_path: Path) -> None:  # fmt: skip
    os.mkfifo(tmp_path / "in")
    then = f"{SEND}print('sent', send()); print(len(heard), *heard, flush=True); sys.exit(9)"
    command = counting("SIGINT", then=then)
    up = "open('is-up', 'w').close(); print('up', flush=True)"
    command[-1] = command[-1].replace('print("up", flush=True)', up)
    terminal.type(f"exec 9<>in; {script(tmp_path, command)}{streams}; echo code=${{PIPESTATUS[0]}}")
    while not (tmp_path / "is-up").exists():
        time.sleep(0.01)
    terminal.type("\x03", end="")
    seen = terminal.until(r"code=\d+\n")
    assert seen.endswith("code=9\n")
    told = (tmp_path / "out").read_text() if ">out" in streams else seen
    assert "sent 201\n1 SIGINT\n" in told
    assert "mockserver: 1 call (novu 1): 1 admitted" in told
    assert "Traceback" not in told


def test_a_terminal_is_one_for_the_command(terminal: Terminal, tmp_path: Path) -> None:
    code = "import os, sys; print(*map(os.isatty, range(3))); print('hello', input('name? '))"
    terminal.type(f"{script(tmp_path, python(code))}; echo code=$?")
    assert terminal.until(r"name\? ") == "True True True\nname? "
    terminal.type("ada")
    assert re.fullmatch(r"hello ada\nmockserver: .+\ncode=0\n", terminal.until(r"code=\d+\n"))


def test_ctrl_z_suspends_both_and_the_time_does_not_count(terminal: Terminal, tmp_path: Path) -> None:
    code = f"{SEND}print('at', os.environ['MOCKSERVER_URL'], flush=True); print('then', input(), send()); sys.exit(9)"
    terminal.type(script(tmp_path, python(code), "--timeout", "2s"))
    port = int(terminal.until(r"at http://127.0.0.1:\d+\n").strip().rpartition(":")[2])
    terminal.type("\x1a", end="")
    terminal.until("Stopped")
    until = time.monotonic() + 2.5  # longer than --timeout
    with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
        connection.sendall(b"GET /__admin/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with pytest.raises(TimeoutError):
            connection.recv(1)
        time.sleep(max(0, until - time.monotonic()))
        terminal.type("fg; echo code=$?")
        terminal.type("yes")
        connection.settimeout(30)
        assert connection.recv(12) == b"HTTP/1.1 200"
    seen = terminal.until(r"code=\d+\n")
    assert "then yes 201\n" in seen
    assert "mockserver: 1 call (novu 1): 1 admitted\n" in seen
    assert seen.endswith("code=9\n")


def test_in_the_background_of_a_terminal_a_signal_is_passed_on(terminal: Terminal, tmp_path: Path) -> None:
    terminal.type(f"{script(tmp_path, counting('SIGINT', then='print(*heard); sys.exit(9)'))} &")
    terminal.until("up\n")
    terminal.type("kill -INT $!; wait $!; echo code=$?")
    seen = terminal.until(r"code=\d+\n")
    assert "SIGINT\nmockserver: " in seen
    assert "SIGINT SIGINT" not in seen
    assert seen.endswith("code=9\n")


def test_a_terminal_that_is_closed_leaves_time_to_clean_up(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    command = counting("SIGHUP", then="open('cleaned', 'w').close()")
    terminal.type(script(tmp_path, command, "--report", "jsonl=calls"))
    terminal.until("up\n")
    terminal.close()
    deadline = time.monotonic() + 30
    while not (tmp_path / "calls").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert (tmp_path / "cleaned").exists()
