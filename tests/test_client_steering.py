"""The handle: what comes next, and what a test can move, with the effect that the code under test sees."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mockserver.client import ControlError, Limit, MockServer, Rule
from tests.handles import TRIGGER, WELCOME, Got, send

ANSWERS: list[tuple[dict[str, Any], int, dict[str, str], Any]] = [
    ({"status": 429, "retry_after": 2}, 429, {"retry-after": "2", "content-type": "application/json"}, None),
    ({"status": 503, "retry_after": "Fri, 20 Nov 2026 12:00:00 GMT"}, 503, {"retry-after": "Fri, 20 Nov 2026 12:00:00 GMT"}, None),
    ({"status": 429, "retry_after": 2, "headers": {"Retry-After": "3"}}, 429, {"retry-after": "3"}, None),
    ({"status": 200, "body": {"a": [1, None]}}, 200, {"content-type": "application/json"}, b'{"a":[1,null]}'),
    ({"body": {"a": 1}}, 200, {}, b'{"a":1}'),
    ({"status": 200, "body": []}, 200, {}, b"[]"),
    ({"status": 500, "body": "oops", "headers": {"Content-Type": "text/plain", "X-A": "b"}}, 500, {"content-type": "text/plain", "x-a": "b"}, b"oops"),
    ({"status": 200, "body": b"\x00\xff"}, 200, {}, b"\x00\xff"),
    ({"status": 204}, 204, {}, b""),
    ({"example": "invalid"}, 422, {}, None),
    ({"status": 422, "mapping": {"response": {"status": 499, "body": "mapped"}}}, 499, {}, b"mapped"),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "status", "headers", "body"), ANSWERS)
def test_an_answer_is_scripted(
    mock: MockServer, asked: dict[str, Any], status: int, headers: dict[str, str], body: Any
) -> None:
    rule = mock.api("novu").respond(**asked)
    got = send(mock)
    assert (got.status, {name: got.headers.get(name) for name in headers}) == (status, headers)
    if body is not None:
        assert got.body == body
    assert send(mock).status == 201
    assert (rule.served, rule.remaining) == (1, 0)
    assert [call.rule for call in mock.calls] == [rule.id, None]


WHEN: list[tuple[Callable[[MockServer], Rule], list[int]]] = [
    (lambda mock: mock.respond(503), [503, 201, 202, 201]),
    (lambda mock: mock.respond(503, times=2), [503, 503, 202, 201]),
    (lambda mock: mock.respond(503, times=None), [503, 503, 503, 503]),
    (lambda mock: mock.api("suprsend").respond(503), [201, 201, 503, 201]),
    (lambda mock: mock.respond(503, when={"body": {"name": "bye"}}), [201, 503, 202, 201]),
    (lambda mock: mock.api("novu").respond(503, when={"headers": {"X-Last": "1"}}), [201, 201, 202, 503]),
    (lambda mock: mock.respond(503, mapping={"priority": 1, "name": "mine"}), [503, 201, 202, 201]),
]


@pytest.mark.parametrize(("script", "statuses"), WHEN)
def test_which_calls_are_answered_so(
    mock: MockServer, script: Callable[[MockServer], Rule], statuses: list[int]
) -> None:
    rule = script(mock)
    sent: list[dict[str, Any]] = [
        {}, {"body": {"name": "bye", "to": ["ada"]}}, {"path": "/event/", "body": {"event": "e", "distinct_id": "a"}},
        {"headers": {"X-Last": "1"}},
    ]  # fmt: skip
    assert [send(mock, **each).status for each in sent] == statuses
    assert rule.served == statuses.count(503)


def test_a_rule_after_the_checks_leaves_refused_calls_alone(mock: MockServer) -> None:
    rule = mock.respond(503, after="checks")
    assert [send(mock, {"name": "x"}).status, send(mock).status, send(mock).status] == [422, 503, 201]
    assert rule.mapping()["response"]["status"] == 503


def test_a_rule_can_be_taken_back(mock: MockServer) -> None:
    rule, other = mock.respond(503, times=None), mock.respond(503, times=None)
    assert rule != other
    assert (repr(rule), rule.remaining, rule.served) == (f"Rule(id={rule.id!r})", None, 0)
    for each in (rule, rule, other):  # once more changes nothing
        each.remove()
    assert send(mock).status == 201
    for read in (rule.mapping, lambda: rule.served, lambda: rule.remaining):
        with pytest.raises(
            ControlError, match=f"rule {rule.id} is gone: it was removed, or everything was reset"
        ):
            read()


@pytest.mark.parametrize("by", ["60ms", 0.06, timedelta(milliseconds=60)])
def test_answers_are_held_back(mock: MockServer, by: str | float | timedelta) -> None:
    def took(call: Callable[[], Got]) -> float:
        start = time.perf_counter()
        assert call().status in {201, 503}
        return time.perf_counter() - start

    rule = mock.api("novu").delay(by, times=1)
    assert took(lambda: send(mock)) >= 0.06
    assert (rule.remaining, mock.calls[0].outcome) == (0, "admitted")
    mock.respond(503, delay=by, times=1)
    assert took(lambda: send(mock)) >= 0.06
    forever = mock.delay(by, when={"path": TRIGGER})
    assert [took(lambda: send(mock)) >= 0.06 for _ in range(2)] == [True, True]
    assert forever.remaining is None


@pytest.mark.parametrize("kind", ["EMPTY_RESPONSE", "CONNECTION_RESET_BY_PEER", "MALFORMED_RESPONSE_CHUNK", "RANDOM_DATA_THEN_CLOSE"])  # fmt: skip
def test_connections_are_broken(mock: MockServer, kind: Any) -> None:
    import http.client

    mock.api("novu").fault(kind, when={"method": "POST"})
    with pytest.raises((OSError, http.client.HTTPException)):
        send(mock)
    assert send(mock).status == 201
    assert [call.fault for call in mock.calls] == [kind, None]


BAD: list[tuple[Callable[[MockServer], object], type[Exception], str]] = [
    (lambda mock: mock.respond(), ValueError, "say what is answered: status=, body="),
    (lambda mock: mock.respond(headers={"X-A": "b"}), ValueError, "say what is answered"),
    (lambda mock: mock.respond(99), ControlError, "/response/status: must be a number from 100 to 599, not 99"),
    (lambda mock: mock.respond(429, times=0), ControlError, "/times: must be a whole number from 1, not 0"),
    (lambda mock: mock.respond(429, after="later"), ControlError, '/after: must be nothing or checks, not "later"'),  # type: ignore[arg-type]
    (lambda mock: mock.api("novu").respond(example="nope"), ControlError, '/example: "nope" is no example'),
    (lambda mock: mock.respond(429, delay=-1), ControlError, "/response/fixedDelayMilliseconds: must be milliseconds from 0"),
    (lambda mock: mock.respond(429, delay="soon"), ValueError, "'soon' is not a duration; write a number and a unit"),
    (lambda mock: mock.respond(429, mapping={"prioritty": 1}), ControlError, "/prioritty: .* did you mean priority"),
    (lambda mock: mock.respond(429, when={"api": "nova"}), ControlError, '/request/api: "nova" is no api; did you mean novu'),
    (lambda mock: mock.respond(429, when={"boddy": 1}), TypeError, "boddy is nothing that calls are looked for by; did you mean body"),  # type: ignore[arg-type]
    (lambda mock: mock.fault("EMPTY"), ControlError, "/response/fault: must be one of EMPTY_RESPONSE, "),  # type: ignore[arg-type]
    (lambda mock: mock.delay("5 parsecs"), ValueError, "'5 parsecs' is not a duration"),
    (lambda mock: mock.find(colour="x"), TypeError, "colour is nothing .*; there are api, operation, method, path, query, headers, body, name, recipient, outcome, reason, status, matching"),  # type: ignore[call-arg]
    (lambda mock: mock.assert_called(outcome="admited"), ControlError, '/outcome: "admited" is no outcome; did you mean admitted'),  # type: ignore[arg-type]
    (lambda mock: mock.assert_called(operation="nope"), ControlError, '/operation: "nope" is no operation'),
    (lambda mock: mock.assert_called(matching={"urlPaht": "/"}), ControlError, "/urlPaht: .*did you mean urlPath"),
    (lambda mock: mock.wait_for(0), ControlError, "/count: must be a whole number from 1 to"),
    (lambda mock: mock.wait_for(timeout="soon"), ValueError, "'soon' is not a duration"),
    (lambda mock: mock.api("nova"), ValueError, "nova is no API that is served; did you mean novu"),
    (lambda mock: mock.api("x"), ValueError, "x is no API that is served; there are alloy, novu, opensend, suprsend"),
    (lambda mock: mock.clock.advance("x"), ControlError, "/by: 'x' is not a duration"),
    (lambda mock: mock.clock.advance(-1), ControlError, "/by: '-1.000s' is not a duration"),
    (lambda mock: mock.clock.set("noon"), ControlError, "/now: 'noon' is not a time; write it as 2026-11-20T12:00:00Z"),
    (lambda mock: mock.limits.set("novu", "5"), ValueError, "'5' is not a limit; write calls per window, as in 5/1s"),
    (lambda mock: mock.limits.set("novu", "0/1s"), ControlError, "/limit: must be a whole number from 1, not 0"),
    (lambda mock: mock.limits.set("novu", "1/soon"), ControlError, "/window: 'soon' is not a duration"),
    (lambda mock: mock.limits.enforce("alloy"), ControlError, "no limit of this API is known"),
    (lambda mock: mock.limits["nova"], ControlError, "no API named 'nova' is served; there are"),
    (lambda mock: mock.limits["no/pe"], ControlError, "no/pe"),
    (lambda mock: mock.catalogue.add("novu", "w", payload={"type": "x"}), ControlError, "/payload"),
    (lambda mock: mock.catalogue.remove("novu", "gone"), ControlError, "'gone' is not in the catalogue of novu"),
    (lambda mock: mock.catalogue.names("nova"), ControlError, "no API named 'nova' is served"),
    (lambda mock: mock.find(body={"a": {1}}), TypeError, "not JSON serializable"),
]  # fmt: skip


@pytest.mark.parametrize(("ask", "error", "told"), BAD)
def test_what_cannot_be_is_told_with_its_place(
    mock: MockServer, ask: Callable[[MockServer], object], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told) as caught:
        ask(mock)
    assert type(caught.value) is error
    if isinstance(caught.value, ControlError):
        assert 400 <= caught.value.status < 500


# The clock, limits, catalogues


def test_the_clock_moves_what_the_mock_remembers(mock: MockServer) -> None:
    keyed = {"Idempotency-Key": "k"}

    def replayed() -> bool:
        return "idempotency-replay" in send(mock, headers=keyed).headers

    assert [replayed(), replayed()] == [False, True]
    before = mock.clock.now()
    after = mock.clock.advance("25h")
    assert timedelta(hours=25) <= after - before < timedelta(hours=25, seconds=10)
    assert not replayed()
    assert mock.calls[-1].received >= after
    assert not mock.clock.is_frozen


MOMENT = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "at",
    [MOMENT, MOMENT.replace(tzinfo=None), "2030-01-02T03:04:05Z", MOMENT.astimezone(datetime.now().astimezone().tzinfo)],
)  # fmt: skip
def test_the_clock_is_set_and_stopped(
    mock: MockServer, at: datetime | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if hasattr(time, "tzset"):  # a time without a zone is in UTC, wherever the test runs
        monkeypatch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
    clock, stopped = mock.clock, []
    assert clock.freeze(at) == clock.now() == clock.now() == MOMENT
    stopped.append(clock.is_frozen)
    assert clock.advance(timedelta(seconds=1)) == clock.now() == MOMENT + timedelta(seconds=1)
    assert clock.advance(0.5) - MOMENT == timedelta(seconds=1.5)
    send(mock)
    assert mock.calls[0].received == MOMENT + timedelta(seconds=1.5)
    assert MOMENT <= clock.set(at) < MOMENT + timedelta(seconds=10)
    stopped.append(clock.is_frozen)
    assert clock.freeze() >= MOMENT
    stopped.append(clock.is_frozen)
    assert abs(clock.release() - datetime.now(UTC)) < timedelta(seconds=10)
    assert [*stopped, clock.is_frozen] == [True, False, True, False]
    if hasattr(time, "tzset"):
        monkeypatch.undo()
        time.tzset()


def test_limits_are_set_and_taken_back(mock: MockServer) -> None:
    known = Limit(300, "5s", 330, enforced=False, remaining=None)
    assert mock.limits["novu"] == known
    mock.clock.freeze()
    mock.limits["novu"] = "2/10s"
    assert [send(mock).status for _ in range(3)] == [201, 201, 429]
    assert mock.limits["novu"] == Limit(2, "10s", 2, enforced=True, remaining=0)
    mock.clock.advance("10s")
    assert send(mock).status == 201
    assert mock.limits.set("novu", "2/1m", burst=3) == Limit(2, "1m", 3, enforced=True, remaining=3)
    mock.limits.switch_off("novu")
    assert not mock.limits["novu"].enforced
    assert [send(mock).status for _ in range(5)] == [201] * 5
    del mock.limits["novu"]
    assert mock.limits["novu"] == known
    assert mock.limits.enforce("novu") == Limit(300, "5s", 330, enforced=True, remaining=330)
    mock.limits.switch_off("alloy")  # has none that could be enforced
    assert mock.limits["alloy"] == Limit(None, None, None, enforced=False, remaining=None)


def test_the_catalogue_says_what_is_known(mock: MockServer) -> None:
    catalogue = mock.catalogue
    catalogue.add("novu", "welcome", payload={"type": "object", "required": ["plan"]})
    catalogue.add("novu", "Zoë's", status="no_workflow_active_steps_defined")
    assert catalogue.names("novu") == {
        "welcome": {"payload": {"type": "object", "required": ["plan"]}},
        "Zoë's": {"status": "no_workflow_active_steps_defined"},
    }
    assert send(mock, {"name": "other", "to": ["ada"]}).status == 201
    catalogue.refuse_unknown("novu")
    assert [send(mock, {"name": "other", "to": ["ada"]}).status, send(mock).status] == [422, 400]
    assert send(mock, {**WELCOME, "payload": {"plan": "pro"}}).status == 201
    status = json.loads(send(mock, {"name": "Zoë's", "to": ["ada"]}).body)["data"]["status"]
    assert status == "no_workflow_active_steps_defined"
    catalogue.refuse_unknown("novu", refuse=False)
    catalogue.remove("novu", "welcome")
    assert [send(mock).status, send(mock, {"name": "other", "to": ["ada"]}).status] == [201, 201]
    catalogue.clear("novu")
    assert catalogue.names("novu") == {}
