"""The handle beside an event loop, in unittest, for a type checker, and in tests that it has written itself."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, assert_type

import pytest

import mockserver as package
from mockserver import MockServer
from mockserver.client import ApiView, Call, ControlError, Limit, Rule
from mockserver.engine.faults import SpecError
from tests.handles import send

pytest_plugins = ["pytester"]

TOP = Path(__file__).parent.parent

# Beside an event loop


def test_who_waits_does_not_stop_the_event_loop(mock: MockServer) -> None:
    async def main() -> tuple[list[int], int]:
        turns = 0

        async def turn() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        async def code_under_test() -> None:
            for _ in range(2):
                await asyncio.to_thread(send, mock)

        turning, sending = asyncio.create_task(turn()), asyncio.create_task(code_under_test())
        calls = await mock.api("novu").wait_for_async(2, timeout=10, body={"name": "welcome"})
        turning.cancel()
        await sending
        return [call.number for call in calls], turns

    numbers, turns = asyncio.run(main())
    assert numbers == [1, 2]
    assert turns > 10


def test_many_wait_at_once_and_leave_the_loop_its_threads(mock: MockServer) -> None:
    async def main() -> list[int]:
        names = [f"n-{number}" for number in range(40)]  # more than an event loop has threads
        waits = [asyncio.create_task(mock.wait_for_async(timeout=20, body={"name": name})) for name in names]
        for name in names:
            await asyncio.to_thread(send, mock, {"name": name, "to": ["ada"]})
        return [call.number for calls in await asyncio.gather(*waits) for call in calls]

    assert asyncio.run(main()) == list(range(1, 41))


def test_a_wait_that_fails_says_why(mock: MockServer) -> None:
    send(mock)
    with pytest.raises(AssertionError) as caught:
        asyncio.run(mock.wait_for_async(2, "20ms", body={"name": "welcome"}))
    assert str(caught.value).splitlines() == [
        'expected 2 calls with body.name == "welcome" within 0.02 s, got 1 of 1 recorded call',
        "  <Call #1 POST /v1/events/trigger 201 welcome → ada>",
    ]
    with pytest.raises(TypeError, match="boddy is nothing"):
        asyncio.run(mock.wait_for_async(boddy=1))  # type: ignore[call-arg]


def test_a_wait_that_nobody_waits_for_any_more_holds_up_nothing(mock: MockServer) -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(mock.wait_for_async(timeout=30), 0.05)

    begin = time.perf_counter()
    asyncio.run(main())
    assert time.perf_counter() - begin < 10
    send(mock)  # the wait ends, and finds nobody to tell


# Without pytest, and for a type checker

UNITTEST = """
import unittest
from mockserver import MockServer
from tests.handles import send


class Sending(unittest.TestCase):
    mock: MockServer

    @classmethod
    def setUpClass(cls) -> None:
        cls.mock = cls.enterClassContext(MockServer(apis=["novu"]))

    def setUp(self) -> None:
        self.mock.reset()

    def test_one(self) -> None:
        send(self.mock)
        call = self.mock.api("novu").assert_called_once(body={"name": "welcome"})
        self.assertEqual(call.status, 201)

    def test_another(self) -> None:
        self.assertEqual(self.mock.calls, [])
        self.mock.assert_called_once()


class Waiting(unittest.IsolatedAsyncioTestCase):
    def setUp(self) -> None:
        self.mock = self.enterContext(MockServer())

    async def test_wait(self) -> None:
        send(self.mock)
        await self.mock.wait_for_async()
"""


def python(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(TOP)}
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, encoding="utf-8", check=False
    )


def test_unittest_has_the_same(tmp_path: Path) -> None:
    (tmp_path / "test_sending.py").write_text(UNITTEST, encoding="utf-8")
    done = python("-W", "error", "-m", "unittest", "test_sending", cwd=tmp_path)
    assert done.stderr.splitlines()[-1] == "FAILED (failures=1)", done.stderr
    assert "Ran 3 tests" in done.stderr
    assert "AssertionError: expected 1 call, got 0 of 0 recorded calls\n" in done.stderr


def test_a_type_checker_knows_what_it_is_given(started: MockServer) -> None:
    """``make types`` checks it: each type that is asserted, and that each comment below is needed."""
    started.reset()
    send(started)
    assert_type(started, MockServer)
    assert_type(started.namespace("a"), MockServer)
    assert_type(MockServer.connect(started.url, token=None), MockServer)
    novu = assert_type(started.api("novu"), ApiView)
    call = assert_type(novu.assert_called_once(body={"name": "welcome"}), Call)
    assert_type(started.wait_for(api="novu", count=1, timeout=timedelta(seconds=1)), list[Call])
    assert_type(asyncio.run(started.wait_for_async(1, "5s", method="POST")), list[Call])
    assert_type(started.calls, list[Call])
    assert_type(call.received, datetime)
    assert_type(call.headers["Host"], str)
    assert_type(started.clock.advance("25h"), datetime)
    assert_type(started.limits["novu"], Limit)
    assert_type(started.respond(429, retry_after=1, times=2, when={"path": "/x"}), Rule)
    assert_type(started.dropped, int)
    assert_type(package.__version__, str)
    wrong: list[Callable[[], object]] = [
        lambda: started.assert_called(bdy={}),  # type: ignore[call-arg]
        lambda: started.assert_called(outcome="refusd"),  # type: ignore[arg-type]
        lambda: started.fault("EMPTY"),  # type: ignore[arg-type]
        lambda: started.respond(429, after="later"),  # type: ignore[arg-type]
        lambda: started.respond(429, when={"pth": "/x"}),  # type: ignore[arg-type]
        lambda: started.export("zip"),  # type: ignore[arg-type]
        lambda: MockServer(prot=1),  # type: ignore[call-arg]
        lambda: MockServer(profile="x"),  # type: ignore[arg-type]
    ]
    for each in wrong:
        with pytest.raises((TypeError, ControlError, SpecError)):
            each()


# Tests that it has written itself

ADA: dict[str, Any] = {
    "name": "welcome",
    "to": ["ada"],
    "payload": {"text": 'it\'s "é"', "n": None, "deep": [[{}]]},
}
CALLS: list[dict[str, Any]] = [
    {"body": ADA},
    {"body": {"name": "bye", "to": ["bob"]}, "path": "/v1/events/trigger?a=1&a=2&b=x%20y"},
    {"body": b"\x00\xff", "path": "/nowhere"},
    {"body": "text", "path": "/event/", "headers": {"Authorization": "s3cret-key"}},
    {"body": {"event": "e", "key": "s3cret-key"}, "path": "/run/event"},
    {"body": b"", "path": "/v1/events/trigger/t-1", "method": "DELETE"},
]  # fmt: skip

CONFTEST = """
import pytest
from tests.handles import send

CALLS = {calls!r}

@pytest.fixture(autouse=True)
def code_under_test(mockserver):
    for call in CALLS[{first}:]:
        send(mockserver, **call)
"""


@pytest.mark.parametrize(
    ("first", "outcomes"), [(0, {"passed": 6}), (1, {"passed": 5, "failed": 1}), (6, {"failed": 6})]
)
def test_exported_tests_pass_when_the_same_is_sent(
    started: MockServer, pytester: pytest.Pytester, first: int, outcomes: dict[str, int]
) -> None:
    started.reset()
    for call in CALLS:
        send(started, **call)
    text = started.export("pytest")
    assert "s3cret" not in text
    pytester.makepyfile(test_calls=text)
    pytester.makeconftest(CONFTEST.format(calls=CALLS, first=first))
    pytester.runpytest_inprocess("-pno:randomly", "-pno:schemathesis").assert_outcomes(**outcomes)
