"""What failed assertions say, to the letter: it is what a user reads when a test of theirs has failed."""

from collections.abc import Callable
from typing import Any

import pytest

from mockserver.client import ApiView, MockServer
from tests.handles import TRIGGER, send

Ask = Callable[[MockServer], object]
Sent = list[dict[str, Any]]
ADA: dict[str, Any] = {"body": {"name": "welcom", "to": ["ada"]}}
REFUSED: dict[str, Any] = {"body": {"name": "welcome", "to": [{"email": "x"}]}}
LOST: dict[str, Any] = {"path": "/v1/event/trigger"}
LONG = "x" * 50_000

TEXTS: list[tuple[str, Sent, Ask, list[str]]] = [
    (
        "nothing was recorded",
        [],
        lambda mock: mock.assert_called_once(body={"name": "welcome"}),
        ['expected 1 call with body.name == "welcome", got 0 of 0 recorded calls'],
    ),
    (
        "nothing is asked for",
        [],
        lambda mock: mock.api("novu").assert_called(),
        ["expected at least 1 call to novu, got 0 of 0 recorded calls"],
    ),
    (
        "one came near",
        [ADA],
        lambda mock: mock.api("novu").assert_called_once(body={"name": "welcome", "to": ["ada"]}),
        [
            'expected 1 call to novu with body.name == "welcome" and body.to == ["ada"], got 0 of 1 recorded call',
            f"nearest: POST {TRIGGER} (call #1), 1 difference",
            '  /body/name: expected "welcome", got "welcom"',
        ],
    ),
    (
        "the nearest was refused",
        [REFUSED],
        lambda mock: mock.assert_called(api="novu", outcome="admitted"),
        [
            'expected at least 1 call to novu with outcome == "admitted", got 0 of 1 recorded call',
            f"nearest: POST {TRIGGER} (call #1), 1 difference",
            '  /mock/outcome: expected "admitted", got "refused"',
            "  answered 422: /to/0: matches none of SubscriberPayloadDto (missing subscriberId), TopicPayloadDto (missing topicKey, type)",
        ],
    ),
    (
        "a credential was refused",
        [{"headers": {"Authorization": "Basic"}}],
        lambda mock: mock.assert_called(outcome="admitted"),
        [
            'expected at least 1 call with outcome == "admitted", got 0 of 1 recorded call',
            f"nearest: POST {TRIGGER} (call #1), 1 difference",
            '  /mock/outcome: expected "admitted", got "refused"',
            "  answered 401: header authorization: must be ApiKey <key>",
        ],
    ),
    (
        "a call went nowhere",
        [LOST],
        lambda mock: mock.api("novu").assert_called_once(path=TRIGGER, method="POST"),
        [
            f'expected 1 call to novu with path == "{TRIGGER}" and method == "POST", got 0 of 1 recorded call',
            "nearest: POST /v1/event/trigger (call #1), 2 differences",
            '  /mock/api: expected "novu", got nothing',
            f'  /url: expected "{TRIGGER}", got "/v1/event/trigger"',
            f"  answered 404: path: matches no operation. Did you mean POST {TRIGGER} (novu)?",
        ],
    ),
    (
        "there were more than three",
        [ADA, ADA, ADA, ADA],
        lambda mock: mock.assert_called(body={"name": "bye"}),
        [
            'expected at least 1 call with body.name == "bye", got 0 of 4 recorded calls',
            *(
                line
                for number in (4, 3, 2)
                for line in (
                    f"nearest: POST {TRIGGER} (call #{number}), 1 difference",
                    '  /body/name: expected "bye", got "welcom"',
                )
            ),
        ],
    ),
    (
        "too many",
        [ADA, REFUSED, {**ADA, "path": f"{TRIGGER}?a=1"}],
        lambda mock: mock.assert_called_once(path=TRIGGER),
        [
            f'expected 1 call with path == "{TRIGGER}", got 3 of 3 recorded calls',
            f"  <Call #1 POST {TRIGGER} 201 welcom → ada>",
            f"  <Call #2 POST {TRIGGER} 422 invalid welcome>",
            f"  <Call #3 POST {TRIGGER} 201 welcom → ada>",
        ],
    ),
    (
        "far too many",
        [ADA] * 12,
        lambda mock: mock.api("novu").assert_not_called(),
        [
            "expected 0 calls to novu, got 12 of 12 recorded calls",
            *(f"  <Call #{number} POST {TRIGGER} 201 welcom → ada>" for number in range(1, 11)),
            "  and 2 more",
        ],
    ),
    (
        "too few",
        [ADA, REFUSED],
        lambda mock: mock.assert_called_times(2, body={"name": "welcom"}),
        [
            'expected 2 calls with body.name == "welcom", got 1 of 2 recorded calls',
            f"  <Call #1 POST {TRIGGER} 201 welcom → ada>",
            f"nearest: POST {TRIGGER} (call #2), 1 difference",
            '  /body/name: expected "welcom", got "welcome"',
            "  answered 422: /to/0: matches none of SubscriberPayloadDto (missing subscriberId), TopicPayloadDto (missing topicKey, type)",
        ],
    ),
    (
        "the time was up",
        [ADA, REFUSED],
        lambda mock: mock.api("novu").wait_for(2, "10ms", body={"to": ["ada"]}),
        [
            'expected 2 calls to novu with body.to == ["ada"] within 0.01 s, got 1 of 2 recorded calls',
            f"  <Call #1 POST {TRIGGER} 201 welcom → ada>",
            f"nearest: POST {TRIGGER} (call #2), 1 difference",
            '  /body/to/0: expected "ada", got {"email": "x"}',
            "  answered 422: /to/0: matches none of SubscriberPayloadDto (missing subscriberId), TopicPayloadDto (missing topicKey, type)",
        ],
    ),
    (
        "secrets",
        [{"path": f"{TRIGGER}?key=s3cret-key", "headers": {"X-Copy": "s3cret-key", "Cookie": "sid=s3cret-cookie"}}],
        lambda mock: mock.assert_called(
            headers={"authorization": "ApiKey s3cret-other", "X-Copy": "no", "cookie": "a=s3cret-b"},
            matching={"headers": {"X-Api-Key": {"equalTo": "s3cret"}}, "basicAuthCredentials": {"username": "a", "password": "s3cret"}},
        ),
        [
            "expected at least 1 call with headers.authorization == [redacted] and"
            ' headers.X-Copy == "no" and headers.cookie == [redacted] and'
            ' matching == {"headers": {"X-Api-Key": {"equalTo": "[redacted]"}}, "basicAuthCredentials": {…, got 0 of 1 recorded call',
            f"nearest: POST {TRIGGER}?key=[redacted] (call #1), 5 differences",
            '  /headers/authorization: expected "[redacted]", got "[redacted]"',
            '  /headers/X-Copy: expected "no", got "[redacted]"',
            '  /headers/cookie: expected "[redacted]", got "[redacted]"',
            '  /headers/X-Api-Key: expected "[redacted]", got nothing',
            '  /headers/Authorization: expected "[redacted]", got "[redacted]"',
        ],
    ),
    (
        "a body that is no JSON",
        [{"body": b"<xml/>"}],
        lambda mock: mock.assert_called(body={"name": "welcome"}),
        [
            'expected at least 1 call with body.name == "welcome", got 0 of 1 recorded call',
            f"nearest: POST {TRIGGER} (call #1), 1 difference",
            '  /body: expected {"name": "welcome"}, got "<xml/>"',
            "  answered 400: the body: is not valid JSON: expecting value at line 1, column 1",
        ],
    ),
    (
        "a text",
        [{"body": "Hello"}],
        lambda mock: mock.assert_called(body="Hallo"),
        [
            'expected at least 1 call with body == "Hallo", got 0 of 1 recorded call',
            f"nearest: POST {TRIGGER} (call #1), 1 difference",
            '  /body: expected "Hallo", got "Hello"',
            "  answered 422: the body: must be an object, not a string",
        ],
    ),
    (
        "bytes",
        [{"path": "/x", "body": b"\x00\xff"}],
        lambda mock: mock.assert_called(body=b"\x00\xfe"),
        [
            r"expected at least 1 call with body == b'\x00\xfe', got 0 of 1 recorded call",
            "nearest: POST /x (call #1), 1 difference",
            r"  /body: expected b'\x00\xfe', got " r'"\u0000�"',
            "  answered 404: path: matches no operation. GET / lists what is served; the control plane is below /__admin.",
        ],
    ),
    (
        "long values",
        [{"body": {"name": LONG, "to": ["ada"]}}],
        lambda mock: mock.assert_called(body={"name": LONG + "y"}),
        [
            f'expected at least 1 call with body.name == "{"x" * 78}…, got 0 of 1 recorded call',
            f"nearest: POST {TRIGGER} (call #1), 1 difference",
            f'  /body/name: expected "…{"x" * 40}y", got "…{"x" * 40}"',
        ],
    ),
    (
        "many differences",
        [{"body": {"name": "n", "to": ["ada"], "payload": {}}}],
        lambda mock: mock.assert_called(body={"payload": {f"k{number:02}": number for number in range(12)}}),
        [
            'expected at least 1 call with body.payload == {"k00": 0, "k01": 1, "k02": 2, "k03": 3,'
            ' "k04": 4, "k05": 5, "k06": 6, "k07": 7…, got 0 of 1 recorded call',
            f"nearest: POST {TRIGGER} (call #1), 12 differences",
            *(f"  /body/payload/k{number:02}: expected {number}, got nothing" for number in range(10)),
            "  and 2 more",
        ],
    ),
    (
        "what is None is not asked for, but as a body",
        [ADA],
        lambda mock: mock.assert_called(api=None, path=None, headers=None, body=None),
        [
            "expected at least 1 call with body == null, got 0 of 1 recorded call",
            f"nearest: POST {TRIGGER} (call #1), 1 difference",
            '  /body: expected null, got {"name": "welcom", "to": ["ada"]}',
        ],
    ),
]  # fmt: skip


def told(mock: MockServer, sent: Sent, ask: Ask) -> list[str]:
    for each in sent:
        send(mock, **each)
    with pytest.raises(AssertionError) as caught:
        ask(mock)
    return str(caught.value).split("\n")


@pytest.mark.parametrize(("sent", "ask", "lines"), [pytest.param(*row[1:], id=row[0]) for row in TEXTS])
def test_what_a_failed_assertion_says(mock: MockServer, sent: Sent, ask: Ask, lines: list[str]) -> None:
    found = told(mock, sent, ask)
    assert found == lines
    assert "s3cret" not in "\n".join(found)


def test_a_namespace_tells_of_its_own_calls_only(mock: MockServer) -> None:
    world = mock.namespace("checkout-42")
    send(mock)
    assert told(world, [ADA], lambda held: held.assert_called(body={"name": "welcome"})) == [
        'expected at least 1 call with body.name == "welcome", got 0 of 1 recorded call',
        f"nearest: POST {TRIGGER} (call #1), 1 difference",
        '  /body/name: expected "welcome", got "welcom"',
    ]


def test_an_assertion_that_holds_returns_calls(mock: MockServer) -> None:
    for _ in range(3):
        send(mock)
    views: list[MockServer | ApiView] = [mock, mock.api("novu"), mock.namespace("empty")]
    assert [len(view.find()) for view in views] == [3, 3, 0]
    for view in views[:2]:
        assert [call.number for call in view.assert_called()] == [1, 2, 3]
        assert [call.number for call in view.assert_called_times(3, method="POST")] == [1, 2, 3]
        assert [call.number for call in view.wait_for(2)] == [1, 2, 3]
        view.assert_not_called(method="PUT")
    assert views[2].assert_called_times(0) == []
