"""The lines that are printed for calls."""

import io
import json
import threading
from typing import Any

import pytest

from mockserver.engine.journal import Record
from mockserver.server.console import MOST_WAITING, Console, json_line, shown, text_line

FOUND: dict[str, Any] = {
    "api": "novu",
    "operation": "o",
    "name": "welcome",
    "recipient": "ada",
    "published": True,
}
FINDING = {"pointer": "/to", "message": "is required", "in": "body"}


def record(number: int = 12, **members: Any) -> Record:
    return Record(
        number, 0.0, "POST", "/p", "", b"", b"", "", **{"outcome": "admitted", "status": 201, **members}
    )


def plain(text: str, _: str) -> str:
    return text


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (record(**FOUND), "  #12  201  novu      welcome → ada"),
        (record(**FOUND, deviations=("a", "b")), "  #12  201  novu      welcome → ada  leans on a, b"),
        (record(**FOUND, outcome="repeated", repeat_of=3), "  #12  201  novu      welcome → ada  repeat of #3"),
        (record(**FOUND, outcome="scripted", rule="prefer", status=429), "  #12  429  novu      welcome → ada  asked for by prefer"),
        (record(**FOUND, outcome="refused", reason="invalid", status=422, findings=json.dumps([FINDING]).encode()), "  #12  422  novu      welcome → ada  /to is required"),
        (record(**FOUND, outcome="refused", reason="invalid", status=422, findings=json.dumps([FINDING] * 2).encode()), "  #12  422  novu      welcome → ada  2 problems: /to is required"),
        (record(api="novu", outcome="refused", reason="wrong-method", status=405), "  #12  405  novu      POST /p  wrong-method"),
        (record(outcome="refused", reason="no-route", status=404), "  #12  404  -         POST /p  no API has this path"),
        (record(**FOUND, state="aborted"), "  #12  ---  novu      welcome → ada  the client went away"),
        (record(**{**FOUND, "name": "\x1b[2Jboo\n", "recipient": "\u202eada"}), "  #12  201  novu      \\x1b[2Jboo\\x0a → \\x202eada"),
    ],
)  # fmt: skip
def test_a_call_as_text(call: Record, line: str) -> None:
    assert text_line(call, plain) == line


def test_a_call_as_json() -> None:
    told = json.loads(json_line(record(**FOUND, deviations=("a",), findings=json.dumps([FINDING]).encode())))
    assert told["event"] == "call"
    assert (told["number"], told["status"], told["deviations"], told["findings"]) == (
        12,
        201,
        ["a"],
        [FINDING],
    )


def test_long_text_is_cut() -> None:
    assert shown("x" * 300) == "x" * 119 + "…"


@pytest.mark.parametrize(("colours", "has_escape"), [(True, True), (False, False)])
def test_colours_only_where_they_are_wanted(colours: bool, has_escape: bool) -> None:
    stream = io.StringIO()
    console = Console(stream, "text", colours=colours)
    console.ready("http://x")
    console.call(record(**FOUND, outcome="repeated", repeat_of=1))
    console.call(record(status=429, outcome="refused", reason="rate-limited"))
    console.call(record(status=500, outcome="refused", reason="bug"))
    console.close()
    first, *lines = stream.getvalue().splitlines()
    assert first == "mockserver ready on http://x"
    assert len(lines) == 3
    assert ("\x1b[" in stream.getvalue()) is has_escape


class Stuck(io.StringIO):
    """A stream whose reader takes nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go, self.reached = threading.Event(), threading.Event()

    def write(self, text: str) -> int:
        self.reached.set()
        self.let_go.wait(5)
        return super().write(text)


def test_who_does_not_read_stops_nothing_and_is_told_what_was_dropped() -> None:
    stream = Stuck()
    console = Console(stream, "text", colours=False)
    console.call(record())
    assert stream.reached.wait(5)
    for _ in range(MOST_WAITING + 501):
        console.call(record())
    console.close(timeout=0.01)
    stream.let_go.set()
    console.close(timeout=5)
    assert len(stream.getvalue().splitlines()) == MOST_WAITING + 2
    console._dropped = 0


def test_a_stream_that_fails_is_given_up() -> None:
    class Broken(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    console = Console(Broken(), "text", colours=False)
    console.call(record())
    console.close(timeout=5)
    assert not console._writer.is_alive()
    Console(None, "text", colours=False).close(timeout=5)


def test_a_stream_that_cannot_print_a_name_prints_it_escaped() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", newline="\n")
    console = Console(stream, "text", colours=False)
    console.call(record(**FOUND))
    console.close(timeout=5)
    assert raw.getvalue() == b"  #12  201  novu      welcome \\u2192 ada\n"
