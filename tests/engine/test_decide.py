"""What becomes of keys when something other than an answer happens, and what a call leaves behind."""

import random
from typing import Any

import pytest

from mockserver.engine import rendering
from mockserver.engine.clock import Clock
from mockserver.engine.decide import answer, fail, settle
from mockserver.engine.world import Blueprint, World
from tests.engine.specs import NOON, WORDS, api, call, request, world

CHECKS = ["parsing", "key", "rate-limit", "validation", "catalogue"]
RULE = {
    "name": "key", "key": "{$request.header.Key}", "ttl": "1h", "inFlightTtl": "1m", "compares": "body",
    "remembers": ["success", "error"], "headers": {"always": {"Key": "{$mock.key}"}, "repeat": {"Replay": "yes"}},
}  # fmt: skip
KEYED = {
    "/x-mock/checks": CHECKS,
    f"{WORDS}/dedup": [RULE],
    "/x-mock/answers/in-flight": {"status": 409, "example": "error"},
    "/x-mock/answers/key-reused": {"status": 422, "example": "error"},
}
SENT: dict[str, Any] = {"headers": {"key": "k"}}


def test_a_bug_leaves_no_key_held_and_takes_one_number(monkeypatch: pytest.MonkeyPatch) -> None:
    here = world(api(KEYED))
    with monkeypatch.context() as patched:
        patched.setattr(rendering, "scripted_answer", lambda *_: 1 / 0)
        sent = request(headers={"key": "k", "prefer": "code=201"})
        routed = here.blueprint.router.route(sent.method, sent.path)
        with pytest.raises(ZeroDivisionError) as caught:
            answer(here, sent, routed)
        fail(here, sent, caught.value, routed)
    (failed,) = here.journal.newest_first()
    assert (failed.number, failed.reason, failed.api, failed.operation) == (1, "bug", "things", "make")
    _, exchange = call(here, request(**SENT))
    assert (exchange.number, exchange.outcome) == (2, "admitted")


@pytest.mark.parametrize("prefer", ["code=418", "code=abc", "code=429", "example=nope", "wait=soon"])
def test_what_is_asked_for_uses_no_key_up(prefer: str) -> None:
    here = world(api(KEYED))
    _, first = call(here, request(headers={"key": "k", "prefer": prefer}))
    assert first.outcome in {"refused", "scripted"}
    decided, second = call(here, request(**SENT))
    assert second.outcome == "admitted"
    assert decided.response is not None
    assert "Replay" not in dict(decided.response.headers)


def test_a_forced_answer_to_a_repeat_is_no_replay() -> None:
    here = world(api(KEYED))
    call(here, request(**SENT))
    decided, exchange = call(here, request(headers={"key": "k", "prefer": "code=429"}))
    assert exchange.outcome == "scripted"
    assert decided.response is not None
    assert dict(decided.response.headers)["Key"] == "k"
    assert "Replay" not in dict(decided.response.headers)
    decided, exchange = call(here, request(**SENT))
    assert exchange.outcome == "repeated"
    assert decided.response is not None
    assert dict(decided.response.headers)["Replay"] == "yes"


def test_an_aborted_call_keeps_its_answer_for_its_key() -> None:
    here = world(api(KEYED))
    decided = answer(here, request(headers={"key": "k", "prefer": "wait=5"}))
    _, busy = call(here, request(**SENT))
    assert busy.reason == "in-flight"
    settle(here, decided, 0.1, aborted=True)
    _, exchange = call(here, request(**SENT))
    assert (exchange.outcome, exchange.repeat_of) == ("repeated", 1)
    assert [each.state for each in here.journal.newest_first()] == ["answered", "answered", "aborted"]


def test_a_rule_beyond_the_schema_is_for_what_meets_the_schema() -> None:
    from mockserver.engine.world import Settings

    rule = {
        "name": "named",
        "unless": {"properties": {"name": {"minLength": 3}}},
        "at": "/name",
        "message": "too short",
    }
    changes = {"/x-mock/checks": ["parsing", "validation", "named"], f"{WORDS}/refusals": [rule]}
    here = world(api(changes), settings=Settings(admit_invalid=True))
    _, exchange = call(here, request(["x"]))
    assert [finding["keyword"] for finding in exchange.findings] == ["type"]
    _, exchange = call(here, request({"name": "x"}))
    assert [(finding["keyword"], finding["pointer"]) for finding in exchange.findings] == [("named", "/name")]


def test_long_keys_take_little_room() -> None:
    here = world(api({**KEYED, f"{WORDS}/dedup": [{**RULE, "key": "{$request.body#/name}"}]}))
    long = "x" * 1_000_000
    call(here, request({"name": long}))
    assert all(len(part) < 400 for key in here.keys._kept for part in key)
    _, exchange = call(here, request({"name": long}))
    assert exchange.outcome == "repeated"
    _, exchange = call(here, request({"name": long + "y"}))
    assert exchange.outcome == "admitted"


def test_who_holds_a_key_lets_go_of_it_and_nobody_else() -> None:
    here = world(api({**KEYED, f"{WORDS}/dedup": [{**RULE, "remembers": ["success"]}]}))
    first = answer(here, request(headers={"key": "k", "prefer": "wait=5"}))
    here.clock.advance(61.0)  # the first's hold has run out
    second = answer(here, request(headers={"key": "k", "prefer": "wait=5"}))
    assert first.case is not None
    here.keys.drop(first.case.keys_taken[0][1], first.case.number)
    _, third = call(here, request(**SENT))
    assert third.reason == "in-flight"
    settle(here, second, 0.0)
    _, fourth = call(here, request(**SENT))
    assert (fourth.outcome, fourth.repeat_of) == ("repeated", 2)


SCHEMES = {
    "a": {"type": "apiKey", "in": "header", "name": "X-A"},
    "b": {"type": "apiKey", "in": "header", "name": "X-B", "x-mock": {"pattern": "key (.*)"}},
}


def test_each_caller_has_a_bucket_whichever_credential_it_sends() -> None:
    from mockserver.engine.world import Settings, UserLimit

    changes = {
        "/components/securitySchemes": SCHEMES,
        "/paths/~1things/post/security": [{"a": []}, {"b": []}],
        "/x-mock/checks": ["parsing", "authentication", "rate-limit", "validation", "catalogue"],
        "/x-mock/answers/unauthenticated": {"status": 401, "example": "error"},
    }
    here = world(api(changes), settings=Settings(limits={"things": UserLimit(1, 60.0)}))
    senders = [
        {"x-b": "key one"},
        {"x-b": "key two"},
        {"x-a": "three"},
        {"x-b": "key one"},
        {},
        {"x-b": "key "},
    ]
    found = [call(here, request(headers=headers))[1].reason for headers in senders]
    assert found == [None, None, None, "rate-limited", "unauthenticated", "unauthenticated"]


def test_a_replay_names_the_deviations_it_leans_on() -> None:
    loose = {
        "id": "any-name",
        "at": "/components/schemas/Thing/properties/name",
        "observed": {},
        "evidence": "seen somewhere",
    }
    here = world(api({**KEYED, "/x-mock/deviations": [loose]}))
    for _ in range(2):
        _, exchange = call(here, request({"name": 5}, {"key": "k"}))
        assert exchange.deviations == ("any-name",)
    assert exchange.outcome == "repeated"


def test_a_value_of_a_body_cannot_break_out_of_a_header() -> None:
    from mockserver.server.delivery import start

    here = world(api({f"{WORDS}/success/headers": {"X-Name": "{$request.body#/name}"}}))
    decided, _ = call(here, request({"name": "a\r\nX-Evil: 1\0\u20ac\u00e9"}))
    assert decided.response is not None
    wire = start(decided.response, NOON)["headers"]
    assert (b"X-Name", b"a  X-Evil: 1 \\u20ac\xe9") in wire


def test_a_template_can_ask_whether_a_key_is_known() -> None:
    asks = {f"{WORDS}/success/headers": {"X-Known": "{$mock.known(key, $request.body#/asked)}"}}
    rule = {**RULE, "key": "{$request.body#/n}", "trim": True, "compares": "nothing"}
    here = world(api({**KEYED, **asks, f"{WORDS}/dedup": [rule]}))
    told = []
    for body in (
        {"n": 1, "asked": 1},
        {"asked": 1},
        {"asked": "1"},
        {"n": " two ", "asked": "two"},
        {"asked": " two"},
    ):
        decided, _ = call(here, request({"name": "x", **body}))
        assert decided.response is not None
        told.append(dict(decided.response.headers)["X-Known"])
    assert told == ["false", "true", "false", "false", "true"]


@pytest.mark.parametrize(("frozen", "served"), [(True, 0.5), (False, 9.0)])
def test_with_a_frozen_clock_an_answer_takes_as_long_as_was_asked_for(frozen: bool, served: float) -> None:
    slow = api({f"{WORDS}/latency": "500ms"})
    over = World(
        Blueprint([slow]), Clock(lambda: NOON, start=NOON if frozen else None), random.Random(7).getrandbits
    )
    settle(over, answer(over, request()), 9.0)
    (exchange,) = over.journal.recent(1)
    assert exchange.served == served
