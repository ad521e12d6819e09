"""The verdict on a run: what is broken and what is not, kind by kind, whatever tests have reset or deleted since."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.engine.exchange import Exchange, Request
from mockserver.engine.policy import Policy
from mockserver.engine.world import Blueprint, Settings
from mockserver.loading import load_bundled
from mockserver.reports.expectations import Expectation, read_expectations
from mockserver.reports.recording import Recording
from mockserver.reports.verdict import Asked, judge
from mockserver.reports.violations import DEFAULT, STRICT
from tests.runs import Recorded, kinds_of, recorded

Play = Callable[[Recorded], Any]
GOOD = {"name": "w", "to": ["ada"]}
BAD = {"name": 5, "to": ["ada"]}
BULK = "/v1/events/trigger/bulk"
EVENT = {"distinct_id": "ada", "event": "w", "$idempotency_key": "k1"}


def script(run: Recorded, **members: Any) -> bytes:
    return run.control("POST", "/mappings", {"request": {"urlPath": "/v1/events/trigger"}, **members})


def throttled(run: Recorded) -> None:
    """Answer a call with a 429 that asks for a minute, and send it again at once."""
    response = {"status": 429, "headers": {"Retry-After": "60"}}
    script(run, response=response, scenarioName="s", requiredScenarioState="Started", newScenarioState="over")
    run.novu({**GOOD, "transactionId": "t"})
    run.novu({**GOOD, "transactionId": "t"})


def conflicting(run: Recorded) -> None:
    run.novu(GOOD, Idempotency_Key="a")
    run.novu({**GOOD, "name": "other"}, Idempotency_Key="a")


def changed_key(run: Recorded) -> None:
    script(
        run,
        response={"status": 503},
        scenarioName="s",
        requiredScenarioState="Started",
        newScenarioState="over",
    )
    run.novu(GOOD, Idempotency_Key="a")
    run.novu(GOOD, Idempotency_Key="b")


@pytest.mark.parametrize(
    ("play", "kinds"),
    [
        # what is sent, and every kind of violation that it is
        (lambda run: run.novu(GOOD), []),
        (lambda run: run.novu(BAD), ["invalid", "unpublished"]),
        (lambda run: run.novu(b"{"), ["invalid", "unpublished"]),
        (lambda run: run.novu(GOOD, Content_Encoding="gzip"), ["invalid", "unpublished"]),
        (lambda run: run.novu(GOOD, Idempotency_Key="k" * 300), ["invalid", "unpublished"]),
        (lambda run: run.novu(BAD | {"to": [5]}), ["invalid", "invalid", "unpublished"]),
        (lambda run: run.send("/v1/nowhere"), ["unmatched"]),
        (lambda run: run.send("/v1/events/trigger", None, "PUT"), ["unmatched"]),
        (lambda run: run.send("/v1/events/trigger", None, "OPTIONS"), []),
        (lambda run: run.novu(GOOD, Authorization=""), ["unauthenticated", "unpublished"]),
        (lambda run: run.novu(GOOD, Authorization="Bearer x"), ["unauthenticated", "unpublished"]),
        (lambda run: run.novu(GOOD | {"to": "ada"}), ["deviation"]),
        (lambda run: run.send(BULK, {"events": [GOOD]}), ["deviation", "unpublished"]),
        (lambda run: run.send(BULK, {"events": [GOOD, BAD]}), ["invalid", "deviation", "unpublished"]),
        (conflicting, ["key-reused", "unpublished"]),
        # a key of an item, in one bulk call, in two, and in a single call; the same body again is no reuse
        (lambda run: run.send(BULK, {"events": [GOOD | {"transactionId": "t"}, GOOD | {"to": ["bob"], "transactionId": "t"}]}), ["deviation", "key-reused", "unpublished"]),
        (lambda run: [run.send(BULK, {"events": [GOOD | {"name": name, "transactionId": "t"}]}) for name in "ab"], ["deviation", "unpublished", "deviation", "key-reused", "unpublished"]),
        (lambda run: (run.send(BULK, {"events": [GOOD | {"transactionId": "t"}]}), run.novu(GOOD | {"name": "b", "transactionId": "t"})), ["deviation", "unpublished", "key-reused"]),
        (lambda run: [run.send(BULK, {"events": [GOOD | {"transactionId": "t"}] * 2}) for _ in range(2)], ["deviation", "unpublished"] * 2),
        (lambda run: run.send(BULK, {"events": [GOOD | {"transactionId": "t"}, {"to": 5, "transactionId": "t"}]}), ["invalid", "invalid", "deviation", "unpublished"]),
        (throttled, ["retry"]),
        (changed_key, ["retry"]),
        (lambda run: [run.novu(BAD) for _ in range(2)], ["invalid", "unpublished", "invalid", "retry", "unpublished"]),
        # what somebody has asked for is never a violation
        (lambda run: run.novu(GOOD, Prefer="code=422"), []),
        (lambda run: (script(run, response={"status": 404}), run.novu(BAD)), []),
        (lambda run: (script(run, response={"status": 404}), run.novu(GOOD, Authorization="")), []),
        # in another namespace, and after what forgets it
        (lambda run: run.novu(BAD, at="checkout"), ["invalid", "unpublished"]),
        (lambda run: (run.novu(BAD), run.control("POST", "/reset")), ["invalid", "unpublished"]),
        (lambda run: (run.novu(BAD), run.control("DELETE", "/requests")), ["invalid", "unpublished"]),
        (lambda run: (run.novu(BAD, at="a"), run.control("DELETE", "/namespaces/a")), ["invalid", "unpublished"]),
        (lambda run: (run.novu(GOOD, Idempotency_Key="a"), run.control("POST", "/reset"), run.novu(GOOD | {"name": "x"}, Idempotency_Key="a")), []),
    ],
)  # fmt: skip
def test_what_a_run_breaks(play: Play, kinds: list[str]) -> None:
    with recorded() as run:
        play(run)
        verdict = run.verdict()
    assert kinds_of(verdict) == kinds
    assert verdict.is_broken == bool(kinds)
    assert not verdict.unsafe


def test_only_what_is_asked_for_fails_a_run() -> None:
    with recorded() as run:
        run.novu(BAD)
        run.novu(GOOD | {"to": "ada"})
        run.send("/v1/nowhere")
        told = {
            kinds: kinds_of(run.verdict(*kinds)) for kinds in [DEFAULT, STRICT, ("deviation",), ("retry",)]
        }
        nothing = judge(run.recording, run.stage.blueprint, Asked(()))
    assert list(told.values()) == [
        ["invalid", "unmatched"],
        ["invalid", "deviation", "unmatched"],
        ["deviation"],
        [],
    ]
    assert not nothing.is_broken


@pytest.mark.parametrize(
    ("pattern", "kinds"),
    [
        ({}, []),
        ({"status": 422}, ["unmatched"]),
        ({"api": "novu"}, ["unmatched"]),
        ({"reason": "no-route"}, ["invalid"]),
        ({"bodyPatterns": [{"matchesJsonPath": "$[?(@.name == 6)]"}]}, ["invalid", "unmatched"]),
        ({"headers": {"Authorization": {"contains": "k-of"}}}, []),
        ({"outcome": "refused", "urlPath": "/v1/nowhere"}, ["invalid"]),
    ],
)
def test_calls_that_are_meant_to_be_wrong_are_ignored(pattern: Any, kinds: list[str]) -> None:
    with recorded() as run:
        run.novu(BAD)
        run.send("/v1/nowhere")
        assert kinds_of(run.verdict(*DEFAULT, ignore=[pattern])) == kinds
        assert len(run.verdict(ignore=[pattern]).calls) == 2


def test_items_of_bulk_calls_are_told_with_their_place() -> None:
    with recorded() as run:
        run.send(BULK, {"events": [GOOD, BAD, GOOD | {"to": [5]}]})
        told = [(each.pointer, each.operation) for each in run.verdict(*DEFAULT).violations]
    operation = "EventsController_triggerBulk"
    assert told == [("/events/1/name", operation), ("/events/2/to/0", operation)]


def test_invalid_calls_that_are_admitted_are_invalid_all_the_same() -> None:
    with recorded(Settings(admit_invalid=True)) as run:
        status, _, _ = run.novu(BAD)
        assert (status, kinds_of(run.verdict(*DEFAULT))) == (201, ["invalid"])


def test_a_credential_that_is_forbidden_is_not_accepted() -> None:
    with recorded(Settings(policies={"novu": Policy(keys={"k-of-a-test": "forbidden"})})) as run:
        run.novu()
        assert kinds_of(run.verdict("unauthenticated", "invalid")) == ["unauthenticated"]


def test_violations_are_told_in_the_order_of_calls_those_of_the_run_at_the_end() -> None:
    with recorded() as run:
        script(
            run, id="00000000-0000-4000-8000-00000000000a", name="never", response={"status": 404}, priority=1
        )
        run.control(
            "PUT",
            "/mappings/00000000-0000-4000-8000-00000000000a",
            {"request": {"urlPath": "/x"}, "response": {"status": 404}, "name": "never"},
        )
        run.send("/v1/nowhere")
        run.novu(BAD)
        rules = [armed.rule for world in run.stage.worlds.values() for armed in world.rules]
        verdict = run.verdict(*DEFAULT, "unused-rule", expect="3", rules=rules)
    assert kinds_of(verdict) == ["unmatched", "invalid", "unused-rule", "expected-calls"]
    assert [each.sentence for each in verdict.violations[2:]] == [
        "the rule never answered no call", "expected 3 calls, got 1",
    ]  # fmt: skip


def test_a_rule_that_answered_a_call_is_used_also_after_a_reset() -> None:
    with recorded() as run:
        script(run, response={"status": 404})
        run.novu()
        rules = [armed.rule for world in run.stage.worlds.values() for armed in world.rules]
        run.control("POST", "/reset")
        assert not run.verdict("unused-rule", rules=rules).violations


# -- what was expected ------------------------------------------------------------------------------------------------

APIS = ("novu", "suprsend")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3", [Expectation(3)]),
        ("0", [Expectation(0)]),
        (">=1", [Expectation(1, None, True)]),
        ("novu=2", [Expectation(2, "novu")]),
        ("novu=>=2", [Expectation(2, "novu", True)]),
        ("novu=2, suprsend=1", [Expectation(2, "novu"), Expectation(1, "suprsend")]),
        (" 3 ", [Expectation(3)]),
    ],
)
def test_expectations(text: str, expected: list[Expectation]) -> None:
    assert list(read_expectations(text, APIS)) == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "'' is not a number of calls; write 3, novu=2 or 'novu>=1', in quotes"),
        ("3,", "'' is not a number of calls; write 3, novu=2 or 'novu>=1', in quotes"),
        ("many", "'many' is not a number of calls; write 3, novu=2 or 'novu>=1', in quotes"),
        ("-1", "'-1' is not a number of calls; write 3, novu=2 or 'novu>=1', in quotes"),
        ("novu", "'novu' is not a number of calls; write 3, novu=2 or 'novu>=1', in quotes"),
        ("<=1", "'<=1' is not a number of calls; write 3, novu=2 or 'novu>=1', in quotes"),
        ("1e3", "'1e3' is not a number of calls; write 3, novu=2 or 'novu>=1', in quotes"),
        ("9" * 10, f"'{'9' * 10}' is not a number of calls; write 3, novu=2 or 'novu>=1', in quotes"),
        ("novo=2", "no API named 'novo' is served; did you mean novu?"),
        ("zzz=2", "no API named 'zzz' is served; there are novu, suprsend"),
    ],
)
def test_what_is_no_expectation(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=r".") as raised:
        read_expectations(text, APIS)
    assert str(raised.value) == told


@pytest.mark.parametrize(
    ("expect", "told"),
    [
        ("3", []),
        (">=3", []),
        (">=4", ["expected at least 4 calls, got 3"]),
        ("novu=2,suprsend=1", []),
        ("novu=1", ["expected 1 call to novu, got 2"]),
        ("novu=3,suprsend=0,>=1", ["expected 3 calls to novu, got 2", "expected 0 calls to suprsend, got 1"]),
        ("alloy=>=1", ["expected at least 1 call to alloy, got 0"]),
        ("alloy>=1", ["expected at least 1 call to alloy, got 0"]),
    ],
)
def test_what_was_expected(expect: str, told: list[str]) -> None:
    with recorded() as run:
        run.novu()
        run.control("POST", "/reset")
        run.novu(BAD, at="other")  # counts, whatever became of it
        run.send("/event/", EVENT)
        run.send("/v1/nowhere")  # does not: no API took it
        verdict = run.verdict("unused-rule", expect=expect, ignore=[{}])
    assert [each.sentence for each in verdict.violations] == told


# -- when it cannot be said -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("judged", "expect", "told"),
    [
        (DEFAULT, "", ["2 calls dropped, to make room; --keep keeps more"]),
        ((), "3", ["2 calls dropped, to make room; --keep keeps more"]),
        ((), "", []),
    ],
)
def test_dropped_calls_make_a_verdict_unsafe(judged: tuple[str, ...], expect: str, told: list[str]) -> None:
    with recorded(most_calls=1) as run:
        for _ in range(3):
            run.novu()
        run.verdict()
        expectations = read_expectations(expect, ["novu"]) if expect else ()
        verdict = judge(run.recording, run.stage.blueprint, Asked(judged, (), expectations))
    assert list(verdict.unsafe) == told


def exchange(number: int, **members: Any) -> Exchange:
    known: dict[str, Any] = {
        "received": 1.0,
        "request": Request("POST", "/v1/x"),
        "outcome": "admitted",
        "arrived": number,
    }
    return Exchange(**{"number": number, "id": f"p-{number:012x}", **known, **members})


def test_a_failure_of_the_mock_makes_a_verdict_unsafe_in_one_sentence() -> None:
    recording = Recording(100, 1 << 20)
    for number in range(1, 31):
        recording.append(exchange(number, outcome="refused", reason="bug"))
    (told,) = judge(recording, Blueprint(load_bundled()), Asked()).unsafe
    assert told == "the mock server itself failed on 30 calls, first on POST /v1/x; please report it"


# -- the recording ----------------------------------------------------------------------------------------------------


@given(st.lists(st.sampled_from(["call", "reset", "clear", "other", "forget"]), max_size=12))
def test_as_many_calls_are_recorded_as_were_sent(shared: Recorded, steps: list[str]) -> None:
    shared.recording._calls.clear()
    shared.sent = 0
    for step in steps:
        match step:
            case "call":
                shared.novu()
            case "other":
                shared.novu(at="other")
            case "reset":
                shared.control("POST", "/reset")
            case "clear":
                shared.control("DELETE", "/requests")
            case "forget":
                shared.stage.worlds.get("other") and shared.control("DELETE", "/namespaces/other")
    verdict = shared.verdict()
    assert len(verdict.calls) == steps.count("call") + steps.count("other")
    assert [each.arrived for each in verdict.calls] == sorted(each.arrived for each in verdict.calls)
    for journal in shared.recording.journals():
        numbers = [each.number for each in journal]
        assert numbers == sorted(set(numbers))


@pytest.fixture(scope="module")
def shared() -> Any:
    with recorded() as run:
        yield run


def test_journals_whose_ids_come_from_a_seed_are_told_apart_by_their_numbers() -> None:
    recording = Recording(100, 1 << 20)
    arrivals = [(1, 1.0), (3, 3.0), (2, 2.0), (1, 4.0), (2, 5.0), (1, 6.0)]  # as they were completed
    for number, arrived in arrivals:
        recording.append(replace(exchange(number), arrived=arrived))
    assert [[each.number for each in journal] for journal in recording.journals()] == [[1, 2, 3], [1, 2], [1]]


def test_the_recording_keeps_within_its_bounds() -> None:
    recording = Recording(2, 1 << 20)
    for number in range(1, 6):
        recording.append(exchange(number))
    assert ([each.number for each in recording.calls()], recording.dropped) == ([4, 5], 3)
    recording = Recording(100, 10_000)
    for number in range(1, 4):
        recording.append(exchange(number, request=Request("POST", "/", body=b"x" * 20_000)))
    assert ([each.number for each in recording.calls()], recording.dropped) == ([3], 2)


def test_what_was_not_judged_is_told() -> None:
    with recorded() as run:
        run.novu(BAD)
        run.novu(GOOD | {"transactionId": "t"}, Prefer="code=429")
        run.control("POST", "/clock/advance", {"by": "10s"})
        run.novu(GOOD | {"transactionId": "t"})
        verdict = run.verdict("invalid", "retry", ignore=[{"status": 422}])
    assert verdict.violations == ()
    assert verdict.notes[0] == "1 call not judged, as --ignore asks"
    assert verdict.notes[1].startswith("retries not judged: the mock's clock was moved between calls")
    assert verdict.reasons() == {"invalid": 1}
