"""The vendors' own SDKs, unmodified, against the running server.

Specs and conversations say what the server answers; only an SDK can say whether its decoder, its retries and
its error classes get along with that. So novu-py and suprsend-py-sdk are installed from
``tests/sdks/requirements.txt`` into an environment of their own, whose dependencies are none of the mock's,
and a script per SDK in ``tests/sdks`` makes the calls and tells what it saw.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Timer
from typing import Any

import httpx2
import pytest

from tests.answers import check_answer
from tests.installing import installed_python

SDKS = Path(__file__).parent / "sdks"
REQUIREMENTS = SDKS / "requirements.txt"
STARTS_WITHIN, CALLS_WITHIN, STOPS_WITHIN = 30, 60, 10  # seconds
OTHER_KEY = "a-key-that-no-sdk-has"

NOVU_DONE, SUPRSEND_DONE = (201, "admitted", None), (202, "admitted", None)
OVER_LIMIT = (429, "refused", "rate-limited")

Step = dict[str, Any]
Call = dict[str, Any]


@dataclass(frozen=True)
class Mock:
    """A running server, and the Python that has the SDKs."""

    url: str
    python: Path

    def run(self, script: str, scenario: str) -> list[Step]:
        """Run a scenario of a script in ``tests/sdks``; return what it saw, in order."""
        done = subprocess.run(
            [self.python, "-I", SDKS / script, self.url, scenario],
            env={**os.environ, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"},
            capture_output=True, encoding="utf-8", timeout=CALLS_WITHIN, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{done.stdout}{done.stderr}"
        return [json.loads(line) for line in done.stdout.splitlines()]

    def journal(self) -> list[Call]:
        """Return the recorded calls, oldest first."""
        with httpx2.Client(trust_env=False) as client:
            answer = client.get(f"{self.url}/__admin/requests")
        check_answer("GET", "/__admin/requests", answer.status_code, dict(answer.headers), answer.content)
        requests: list[Call] = answer.raise_for_status().json()["requests"]
        return requests[::-1]


Start = Callable[..., Mock]


@pytest.fixture(scope="session")
def sdk_python() -> Path:
    """Return the Python that has the SDKs; installed once, however many workers ask."""
    return installed_python("sdks", REQUIREMENTS)


@pytest.fixture
def start(sdk_python: Path, tmp_path: Path) -> Iterator[Start]:
    """Start servers with further options; they are stopped at the end."""
    with ExitStack() as stack:
        yield lambda *options: Mock(stack.enter_context(_serving(options, tmp_path)), sdk_python)


@contextmanager
def _serving(options: tuple[str, ...], folder: Path) -> Iterator[str]:
    """Run the command line in a folder without a configuration; yield the URL of its ready line."""
    command = [sys.executable, "-m", "mockserver", "serve", "--port", "0", "--log", "json", *options]
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    ) as server:
        try:
            yield _url_of(server)
        finally:
            server.terminate()
            complaints = _rest_of(server)
        assert not complaints


def _url_of(server: subprocess.Popen[str]) -> str:
    assert server.stdout is not None
    deadline = Timer(STARTS_WITHIN, server.kill)
    deadline.start()
    line = server.stdout.readline()
    deadline.cancel()
    assert line, f"no ready line: {_rest_of(server)}"
    ready = json.loads(line)
    assert ready["event"] == "ready"
    return str(ready["url"])


def _rest_of(server: subprocess.Popen[str]) -> str:
    """Return what an ending server wrote to stderr."""
    try:
        return server.communicate(timeout=STOPS_WITHIN)[1]
    except subprocess.TimeoutExpired:
        server.kill()
        raise


def _verdicts(calls: list[Call]) -> list[tuple[int, str, str | None]]:
    return [(each["response"]["status"], _mock(each)["outcome"], _mock(each)["reason"]) for each in calls]


def _mock(call: Call) -> dict[str, Any]:
    member: dict[str, Any] = call["request"]["mock"]
    return member


def _header(headers: dict[str, str], name: str) -> str:
    return {key.lower(): value for key, value in headers.items()}[name]


@pytest.mark.parametrize(
    ("script", "verdict"), [("novu_calls.py", NOVU_DONE), ("suprsend_calls.py", SUPRSEND_DONE)]
)
def test_an_sdk_works_in_a_namespace_also_where_it_signs_its_requests(
    start: Start, script: str, verdict: tuple[int, str, str | None]
) -> None:
    mock = start()
    world, other = (replace(mock, url=f"{mock.url}/~{name}") for name in ("checkout-42", "other"))
    [step] = world.run(script, "success")
    assert "error" not in step
    assert _verdicts(world.journal()) == [verdict]
    assert mock.journal() == other.journal() == []


# Novu


def test_novu_triggers(start: Start) -> None:
    mock = start()
    [step] = mock.run("novu_calls.py", "success")
    assert step["acknowledged"] is True
    assert step["status"] == "processed"
    assert step["transactionId"].startswith("txn_")
    calls = mock.journal()
    assert _verdicts(calls) == [NOVU_DONE]
    assert _mock(calls[0])["operation"] == "EventsController_trigger"
    assert _mock(calls[0])["deviations"] == ["single-recipient"]


@pytest.mark.parametrize(
    ("scenario", "rule"), [("same_transaction", "transaction-id"), ("same_key", "idempotency-key")]
)
def test_novu_repeats(start: Start, scenario: str, rule: str) -> None:
    mock = start()
    first, second = mock.run("novu_calls.py", scenario)
    assert first == second
    assert first["acknowledged"] is True
    calls = mock.journal()
    assert _verdicts(calls) == [NOVU_DONE, (201, "repeated", None)]
    assert (_mock(calls[1])["repeatOf"], _mock(calls[1])["rule"]) == (_mock(calls[0])["number"], rule)


def test_novu_keeps_the_transaction_id_it_is_given(start: Start) -> None:
    assert {step["transactionId"] for step in start().run("novu_calls.py", "same_transaction")} == {"order-7"}


def test_novu_waits_as_long_as_retry_after_says(start: Start) -> None:
    mock = start("--limit", "novu=1/2s")
    first, second = mock.run("novu_calls.py", "twice")
    assert first["status"] == second["status"] == "processed"
    assert first["transactionId"] != second["transactionId"]
    calls = mock.journal()
    # The SDK's own first pause is shorter than the window: with it there would be another 429.
    assert _verdicts(calls) == [NOVU_DONE, OVER_LIMIT, NOVU_DONE]
    assert _header(calls[1]["response"]["headers"], "retry-after") == "2"
    refused, retried = (call["request"] for call in calls[1:])
    assert retried["loggedDate"] - refused["loggedDate"] >= 1950
    assert _header(refused["headers"], "idempotency-key") != _header(retried["headers"], "idempotency-key")


def test_novu_raises_a_429_when_retries_are_off(start: Start) -> None:
    mock = start("--limit", "novu=1/1m")
    first, second = mock.run("novu_calls.py", "twice_without_retries")
    assert first["status"] == "processed"
    assert (second["error"], second["status"]) == ("APIError", 429)
    assert "API rate limit exceeded" in second["message"]
    assert _verdicts(mock.journal()) == [NOVU_DONE, OVER_LIMIT]


def test_novu_decodes_validation_errors(start: Start) -> None:
    mock = start()
    steps = mock.run("novu_calls.py", "invalid")
    assert steps == [{"error": "ValidationErrorDto", "status": 422, "message": "Validation Error"}] * 2
    assert _verdicts(mock.journal()) == [(422, "refused", "invalid")] * 2


def test_novu_raises_for_a_key_that_is_not_accepted(start: Start) -> None:
    mock = start("--key", f"novu={OTHER_KEY}")
    [step] = mock.run("novu_calls.py", "success")
    assert step == {"error": "ErrorDto", "status": 401, "message": "API Key not found"}
    assert _verdicts(mock.journal()) == [(401, "refused", "unauthenticated")]


def test_novu_comes_again_while_its_key_is_in_flight(start: Start) -> None:
    mock = start()
    one, other = mock.run("novu_calls.py", "both_at_once")
    assert one == other
    assert one["status"] == "processed"
    calls = mock.journal()
    assert _verdicts(calls) == [NOVU_DONE, (409, "refused", "in-flight"), (201, "repeated", None)]
    assert _mock(calls[2])["repeatOf"] == _mock(calls[0])["number"]


# SuprSend


def test_suprsend_tracks_an_event(start: Start) -> None:
    mock = start()
    [step] = mock.run("suprsend_calls.py", "success")
    assert (step["success"], step["status"], step["status_code"]) == (True, "success", 202)
    assert step["message"] == step["raw_response"]["message_id"]
    assert len(step["message"]) == 36
    calls = mock.journal()
    assert _verdicts(calls) == [SUPRSEND_DONE]
    assert _mock(calls[0])["operation"] == "v2-event"
    assert set(_mock(calls[0])["deviations"]) == {"v2-event", "any-property", "signed-authorization"}


def test_suprsend_with_an_api_key_leans_on_no_deviation_of_the_scheme(start: Start) -> None:
    mock = start("--key", "suprsend=an-api-key")
    [step] = mock.run("suprsend_calls.py", "with_api_key")
    assert (step["success"], step["status_code"]) == (True, 202)
    assert set(_mock(mock.journal()[0])["deviations"]) == {"v2-event", "any-property"}


def test_suprsend_repeats(start: Start) -> None:
    mock = start()
    first, second = mock.run("suprsend_calls.py", "same_key")
    assert first == second
    assert first["success"] is True
    calls = mock.journal()
    assert _verdicts(calls) == [SUPRSEND_DONE, (202, "repeated", None)]
    assert _mock(calls[1])["repeatOf"] == _mock(calls[0])["number"]


def test_suprsend_succeeds_again_after_retry_after(start: Start) -> None:
    mock = start("--limit", "suprsend=1/2s")
    first, refused, third = mock.run("suprsend_calls.py", "too_often")
    assert first["success"] is third["success"] is True
    assert first["message"] != third["message"]
    assert (refused["success"], refused["status_code"]) == (False, 429)
    assert refused["message"] == "rate limit exceeded"
    calls = mock.journal()
    assert _verdicts(calls) == [SUPRSEND_DONE, OVER_LIMIT, SUPRSEND_DONE]
    assert _header(calls[1]["response"]["headers"], "retry-after") == "2"


def test_suprsend_decodes_what_is_wrong_with_an_event(start: Start) -> None:
    mock = start()
    own, raw = mock.run("suprsend_calls.py", "invalid")
    assert own["error"] == "SuprsendValidationError"
    assert (raw["success"], raw["status_code"]) == (False, 400)
    assert raw["message"] == "distinct_id is required"
    assert _verdicts(mock.journal()) == [(400, "refused", "invalid")]  # the SDK kept the other to itself


def test_suprsend_fails_with_a_key_that_is_not_accepted(start: Start) -> None:
    mock = start("--key", f"suprsend={OTHER_KEY}")
    [step] = mock.run("suprsend_calls.py", "success")
    assert (step["success"], step["status_code"]) == (False, 401)
    assert step["message"] == "the API key is not valid"
    assert _verdicts(mock.journal()) == [(401, "refused", "unauthenticated")]


def test_suprsend_attaches_a_url(start: Start) -> None:
    mock = start()
    [step] = mock.run("suprsend_calls.py", "attachment")
    assert (step["success"], step["status_code"]) == (True, 202)
    [call] = mock.journal()
    [attached] = json.loads(call["request"]["body"])["properties"]["$attachments"]
    assert (attached["url"], attached["data"]) == ("https://bitcoincore.org/bitcoin.pdf", None)
    assert "null-attachment-half" in _mock(call)["deviations"]
