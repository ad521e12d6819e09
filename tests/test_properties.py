"""Whatever is sent: a documented answer, never a 5xx; replays to the byte; nothing missing in the journal."""

import json
import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mockserver.engine.clock import Clock
from mockserver.engine.decide import answer, settle
from mockserver.engine.exchange import KINDS, Exchange, Reason, Request
from mockserver.engine.headers import packed
from mockserver.engine.values import encode
from mockserver.engine.world import Blueprint, Settings, World
from mockserver.loading import load_bundled
from mockserver.wire import serve_event

BLUEPRINT = Blueprint(load_bundled())
REPORTING = Blueprint(load_bundled(), Settings(admit_invalid=True))
PATHS = [route.path.replace("{version}", "2024-03") for api in BLUEPRINT.apis for route in api.routes]
DOCUMENTED = {
    operation.id: {operation.success.status}
    | {answer.status for answer in operation.answers.values()}
    | {rule.answer.status for rule in operation.refusals.values() if rule.answer}
    | set(operation.statuses)
    for api in BLUEPRINT.apis
    for operation in api.operations
}
KNOWN_HEADERS = {
    "authorization": st.sampled_from(
        ["ApiKey k", "Bearer k", "bearer k", "k:sig", "Basic x", "", "ApiKey", "Bearer\t"]
    ),
    "content-type": st.sampled_from(
        ["application/json", "text/plain", "", "application/json; charset=latin-1", ";;"]
    ),
    "x-api-version": st.just("2025-09"),
    "idempotency-key": st.text(st.characters(max_codepoint=255), max_size=300),
    "prefer": st.text(st.characters(max_codepoint=255), max_size=30)
    | st.sampled_from(["code=429", "wait=1", "code=999", "example=x"]),
    "content-encoding": st.sampled_from(["gzip", "identity"]),
    "origin": st.just("http://localhost"),
}
BODIES = st.one_of(
    st.binary(max_size=60),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5),
        lambda inner: st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "to", "transactionId", "payload", "event", "distinct_id", "$idempotency_key", "properties",
                             "$user_operations", "userId", "data", "email", "contact_id", "contactId", "x", "\ud800"]), inner, max_size=6,
        ),
        max_leaves=10,
    ).map(lambda value: json.dumps(value).encode()),
)  # fmt: skip
REQUESTS = st.builds(
    lambda path, method, headers, body, query: Request(
        method,
        path,
        query,
        headers,
        packed([(name.encode(), value.encode("latin-1")) for name, value in headers.items()]),
        body,
    ),
    path=st.sampled_from([*PATHS, "/", "//event/", "/nowhere", "/%2F", "/%ff"]),
    method=st.sampled_from(["POST"] * 6 + ["GET", "OPTIONS", "HEAD", "TRACE"]),
    headers=st.fixed_dictionaries({}, optional=KNOWN_HEADERS),
    body=BODIES,
    query=st.sampled_from(["", "a=1", "__code=503", "__code=x", "__example=nope", "%", "a=%ff&=&&"]),
)


def fresh(blueprint: Blueprint) -> World:
    return World(blueprint, Clock(lambda: 1795176000.0), random.Random(7).getrandbits)


def assert_sound(exchange: Exchange) -> None:
    assert exchange.response is not None
    status = exchange.response.status
    if (
        exchange.operation is None
        or exchange.reason in {"wrong-method", "preference"}
        or exchange.request.method == "OPTIONS"
    ):
        assert status in {204, 404, 405, 422}
    elif exchange.reason == "wrong-media-type":
        assert status in DOCUMENTED[exchange.operation] | {KINDS[Reason.WRONG_MEDIA_TYPE][0]}
    else:
        assert status in DOCUMENTED[exchange.operation]
    asked_for = exchange.outcome == "scripted"
    assert status < 500 or asked_for
    if exchange.response.body and "json" in dict(exchange.response.headers)["content-type"]:
        json.loads(exchange.response.body)
    for finding in exchange.findings:
        assert finding["message"]
        assert len(finding["expected"]) <= 80
        assert len(finding["received"]) <= 80
    encode(serve_event(exchange))


@given(st.lists(REQUESTS, min_size=1, max_size=8), st.sampled_from([BLUEPRINT, REPORTING]))
def test_any_requests_get_documented_answers_and_are_journaled(
    requests: list[Request], blueprint: Blueprint
) -> None:
    world = fresh(blueprint)
    for request in requests:
        settle(world, answer(world, request), 0.0)
    exchanges = list(world.journal.newest_first())
    assert [exchange.number for exchange in exchanges] == list(range(len(requests), 0, -1))
    assert [exchange.request.body for exchange in reversed(exchanges)] == [
        request.body for request in requests
    ]
    for exchange in exchanges:
        assert_sound(exchange)


VALID = st.fixed_dictionaries(
    {"name": st.text(), "to": st.lists(st.text(), min_size=1, max_size=3)},
    optional={
        "payload": st.dictionaries(st.text(), st.integers() | st.text(), max_size=3),
        "transactionId": st.text(),
        "x": st.none(),
    },
)


@given(
    VALID,
    st.text(st.characters(min_codepoint=33, max_codepoint=255), min_size=1, max_size=255),
    st.integers(0, 86_000),
)
def test_a_replay_is_the_first_answer_to_the_byte(body: dict[str, Any], key: str, later: int) -> None:
    world = fresh(BLUEPRINT)
    headers = {"authorization": "ApiKey k", "content-type": "application/json", "idempotency-key": key}
    request = Request("POST", "/v1/events/trigger", headers=headers, body=json.dumps(body).encode())
    answers = []
    for _ in range(3):
        decided = answer(world, request)
        settle(world, decided, 0.0)
        answers.append(decided.response)
        world.clock.advance(later / 2)
    assert len({(response.status, response.body) for response in answers if response}) == 1
    assert [exchange.outcome for exchange in world.journal.newest_first()] == [
        "repeated",
        "repeated",
        "admitted",
    ]


@given(st.text(max_size=40), st.text(max_size=40))
def test_keys_are_apart_unless_they_are_equal(ours: str, theirs: str) -> None:
    world = fresh(BLUEPRINT)
    headers = {"authorization": "Bearer k", "content-type": "application/json"}
    for key in (ours, theirs):
        body = {"distinct_id": "ada", "event": "e", "$idempotency_key": key}
        request = Request("POST", "/v2/event/", headers=headers, body=json.dumps(body).encode())
        settle(world, answer(world, request), 0.0)
    same = bool(ours.strip()) and ours.strip() == theirs.strip()
    assert (next(world.journal.newest_first()).outcome == "repeated") is same
