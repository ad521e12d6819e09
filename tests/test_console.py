"""The lines that are printed for calls."""

import asyncio
import io
import json
from typing import Any

import pytest

from mockserver.engine.journal import Record
from mockserver.server.console import Console, json_line, shown, text_line

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
    told = json.loads(
        json_line(record(**FOUND, deviations=("a",), findings=json.dumps([FINDING]).encode()), plain)
    )
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

    async def call() -> None:
        console = Console(stream, "text", colours=colours)
        console.ready("http://x", "text")
        console.call(record(**FOUND, outcome="repeated", repeat_of=1))
        console.call(record(status=429, outcome="refused", reason="rate-limited"))
        console.call(record(status=500, outcome="refused", reason="bug"))
        console.flush()

    asyncio.run(call())
    first, *lines = stream.getvalue().splitlines()
    assert first == "mockserver ready on http://x"
    assert len(lines) == 3
    assert ("\x1b[" in stream.getvalue()) is has_escape
