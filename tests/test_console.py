"""The lines that are printed for calls."""

import io
import json
import threading
from typing import Any

import pytest

from mockserver.engine.exchange import Exchange, Request
from mockserver.reports.lines import shown, text_line
from mockserver.server.console import MOST_WAITING, Console, json_line

FOUND: dict[str, Any] = {
    "api": "novu",
    "operation": "o",
    "name": "welcome",
    "recipient": "ada",
    "published": True,
}
FINDING = {"pointer": "/to", "message": "is required", "in": "body"}


def call(number: int = 12, **members: Any) -> Exchange:
    return Exchange(
        number, "id", 0.0, Request("POST", "/p"), **{"outcome": "admitted", "status": 201, **members}
    )


def plain(text: str, _: str) -> str:
    return text


@pytest.mark.parametrize(
    ("exchange", "line"),
    [
        (call(**FOUND), "  #12  201  novu      welcome → ada"),
        (call(**FOUND, deviations=("a", "b")), "  #12  201  novu      welcome → ada  leans on a, b"),
        (call(**FOUND, outcome="repeated", repeat_of=3), "  #12  201  novu      welcome → ada  repeat of #3"),
        (call(**FOUND, outcome="scripted", rule="prefer", status=429), "  #12  429  novu      welcome → ada  forced by prefer"),
        (call(**FOUND, outcome="refused", reason="invalid", status=422, findings=(FINDING,)), "  #12  422  novu      welcome → ada  /to is required"),
        (call(**FOUND, outcome="refused", reason="invalid", status=422, findings=(FINDING,) * 2), "  #12  422  novu      welcome → ada  2 problems: /to is required"),
        (call(api="novu", outcome="refused", reason="wrong-method", status=405), "  #12  405  novu      POST /p  wrong-method"),
        (call(outcome="refused", reason="no-route", status=404), "  #12  404  -         POST /p  no-route"),
        (call(**FOUND, outcome="scripted", rule="broken", status=0, fault="EMPTY_RESPONSE"), "  #12  ---  novu      welcome → ada  EMPTY_RESPONSE, forced by broken"),
        (call(**FOUND, state="aborted"), "  #12  ---  novu      welcome → ada  the client went away"),
        (call(**{**FOUND, "name": "\x1b[2Jboo\n", "recipient": "\u202eada"}), "  #12  201  novu      \\x1b[2Jboo\\x0a → \\x202eada"),
    ],
)  # fmt: skip
def test_a_call_as_text(exchange: Exchange, line: str) -> None:
    assert text_line(exchange, plain) == line


def test_a_call_as_json() -> None:
    told = json.loads(json_line(call(**FOUND, deviations=("a",), findings=(FINDING,))))
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
    console.call(call(**FOUND, outcome="repeated", repeat_of=1))
    console.call(call(status=429, outcome="refused", reason="rate-limited"))
    console.call(call(status=500, outcome="refused", reason="bug"))
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
    console.call(call())
    assert stream.reached.wait(5)
    for _ in range(MOST_WAITING + 501):
        console.call(call())
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
    console.call(call())
    console.close(timeout=5)
    assert not console._writer.is_alive()
    Console(None, "text", colours=False).close(timeout=5)


def test_a_stream_that_cannot_print_a_name_prints_it_escaped() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", newline="\n")
    console = Console(stream, "text", colours=False)
    console.call(call(**FOUND))
    console.close(timeout=5)
    assert raw.getvalue() == b"  #12  201  novu      welcome \\u2192 ada\n"
