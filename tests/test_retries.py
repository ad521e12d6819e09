"""The retry audit: histories of calls, and what it says of them."""

import json
import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.engine.clock import Clock
from mockserver.engine.contract import Api
from mockserver.engine.decide import Decided, answer, settle
from mockserver.engine.exchange import Exchange, Reason, Request, Response
from mockserver.engine.faults import SpecError
from mockserver.engine.values import encode
from mockserver.engine.world import Blueprint, Settings, UserLimit, World
from mockserver.loading import load_bundled
from mockserver.reports.attempts import attempts_in
from mockserver.reports.grouping import grouped
from mockserver.reports.retries import LogicalCall, audit
from tests.engine.specs import NOON, WORDS, api

SDK = {"package": "renewer", "registry": "PyPI", "code": "{url}", "userAgent": "^renewer/", "renews": ["key"]}


def keyed(sdk: Iterable[dict[str, Any]] = (SDK,)) -> Api:
    """Return an API with a key in a header and one in the body, whose contract names a member that holds a UUID."""
    answers = {
        reason: {"status": status, "example": "error"}
        for reason, status in {"in-flight": 409, "key-reused": 422, "unauthenticated": 401}.items()
    }
    key = {
        "name": "key",
        "key": "{$request.header.X-Key}",
        "ttl": "1h",
        "inFlightTtl": "1m",
        "compares": "body",
    }
    reference = {"name": "reference", "key": "{$request.body#/reference}", "trim": True, "ttl": "1h"}
    return api(
        {
            **{f"/x-mock/answers/{reason}": answer for reason, answer in answers.items()},
            "/x-mock/checks": [
                "parsing",
                "authentication",
                "rate-limit",
                "key",
                "validation",
                "catalogue",
                "reference",
            ],
            "/x-mock/sdk": list(sdk),
            "/components/securitySchemes": {
                "sec": {"type": "apiKey", "in": "header", "name": "authorization"}
            },
            "/components/schemas/Thing/properties/contact": {"type": "string"},
            "/paths/~1things/post/security": [{"sec": []}],
            "/paths/~1things/post/parameters": [
                {"name": "x-version", "in": "header", "schema": {"type": "string"}},
                {"name": "x-key", "in": "header", "schema": {"type": "string"}},
            ],
            f"{WORDS}/dedup": [key, reference],
        }
    )


KEYED = Blueprint([keyed()])
KEYLESS = Blueprint([api()])


def call(
    at: float,
    status: int = 201,
    key: str | None = "k",
    body: Any = None,
    asked: str | None = None,
    headers: dict[str, str] | None = None,
    raw: bytes | None = None,
    **members: Any,
) -> Exchange:
    """Return an attempt that came after so many seconds; ``asked`` is the answer's ``Retry-After``."""
    sent = {"content-type": "application/json", "authorization": "me", **(headers or {})}
    if key is not None:
        sent["x-key"] = key
    content = raw if raw is not None else encode({"name": "x"} if body is None else body)
    told = () if asked is None else (("Retry-After", asked),)
    members = {
        "received": NOON + at,
        "arrived": 1000.0 + at,
        "outcome": "admitted" if status < 400 else "scripted",
        **members,
    }
    return Exchange(
        number=0, id="", request=Request("POST", "/things", headers=sent, body=content), api="things",
        operation="make", status=status, response=Response(status, told, b"") if status else None, **members,
    )  # fmt: skip


def numbered(calls: Iterable[Exchange], first: int = 1) -> list[Exchange]:
    return [replace(each, number=number, id=f"id-{number}") for number, each in enumerate(calls, first)]


def said(calls: Iterable[LogicalCall]) -> list[str]:
    """Return what the audit says in one line for each logical call."""
    return [
        "; ".join([
            f"{'+'.join(str(each.number) for each in call.attempts)} by {call.grouped_by} {call.ended}",
            *(f"{each.level} {each.rule} {list(each.calls)}: {each.sentence}" for each in call.broken),
            *([] if call.judged else [f"not judged: {call.not_judged}"]),
        ])
        for call in calls
    ]  # fmt: skip


LIMITED: dict[str, Any] = {"reason": "rate-limited", "outcome": "refused"}
INVALID: dict[str, Any] = {"reason": "invalid", "outcome": "refused"}
CONFLICT: dict[str, Any] = {"reason": "in-flight", "outcome": "refused", "rule": "key"}
REUSED: dict[str, Any] = {"reason": "key-reused", "outcome": "refused", "rule": "key"}
GONE: dict[str, Any] = {"status": 0, "state": "aborted"}
OTHER = {"name": "other"}
UNTOLD = ": the service cannot tell that it is the same call"
ONE, TWO = "0b9a6d2e-7b1c-4d57-9b6e-0c5f3f1f7a01", "0b9a6d2e-7b1c-4d57-9b6e-0c5f3f1f7a02"

HISTORIES: list[tuple[str, Sequence[Exchange], list[str]]] = [
    ("nothing", [], []),
    ("a success", [call(0)], []),
    ("a refusal", [call(0, 400, **INVALID)], []),
    ("a success twice", [call(0), call(1, outcome="repeated")], []),
    (
        "honoured",
        [call(0, 429, asked="2", **LIMITED), call(2)],
        ["1+2 by key succeeded"],
    ),
    (
        "honoured but for what clocks differ by",
        [call(0, 429, asked="2", **LIMITED), call(1.96)],
        ["1+2 by key succeeded"],
    ),
    (
        "too early",
        [call(0, 429, asked="2", **LIMITED), call(0.2, 429, asked="2", **LIMITED), call(0.6)],
        ["1+2+3 by key succeeded; fail retry-after-honoured [2, 3]: retried 0.2 s after a 429 that asked for 2 s"],
    ),
    (
        "a wait counts from the end of an answer that was held back",
        [call(0, 503, asked="2", served=1.5), call(2.5)],
        ["1+2 by key succeeded; fail retry-after-honoured [2]: retried 1 s after a 503 that asked for 2 s"],
    ),
    (
        "a date is one of the mock's clock, and counts from the end of the answer",
        [call(0, 503, asked="Fri, 20 Nov 2026 12:40:12 GMT", served=2.0, received=1795178400.0), call(11.5)],
        ["1+2 by key succeeded; fail retry-after-honoured [2]: retried 9.5 s after a 503 that asked for 10 s"],
    ),
    (
        "a date that is honoured, and one that has passed",
        [
            call(0, 503, asked="Fri, 20 Nov 2026 12:40:12 GMT", received=1795178400.0),
            call(12, 503, asked="Fri, 20 Nov 2026 12:40:12 GMT", received=1795178500.0),
            call(12),
        ],
        ["1+2+3 by key succeeded"],
    ),
    (
        "key changed",
        [call(0, 503), call(1, key="l")],
        [f'1+2 by body succeeded; fail key-unchanged [2]: sent "l" as key after "k"{UNTOLD}'],
    ),
    (
        "key changed on each of three",
        [call(0, 503), call(1, 503, key="l"), call(2.5, key="m")],
        [f'1+2+3 by body succeeded; fail key-unchanged [2, 3]: sent "l" as key after "k"{UNTOLD}'],
    ),
    (
        "key changed by an SDK that is known to do so",
        [call(0, 503, headers={"user-agent": "renewer/1"}), call(1, key="l", headers={"user-agent": "renewer/1"})],
        [
            '1+2 by body succeeded; note key-unchanged [2]: sent "l" as key after "k", as renewer does unless it is '
            "given one"
        ],
    ),
    (
        "key changed by a client that is not that SDK",
        [call(0, 503, headers={"user-agent": "a"}), call(1, key="l", headers={"user-agent": "a"})],
        [f'1+2 by body succeeded; fail key-unchanged [2]: sent "l" as key after "k"{UNTOLD}'],
    ),
    (
        "key missing, then there",
        [call(0, 503, key=None), call(1)],
        [f'1+2 by body succeeded; fail key-unchanged [2]: sent "k" as key after nothing{UNTOLD}'],
    ),
    (
        "key there, then missing",
        [call(0, 503), call(1, key=None)],
        [f'1+2 by body succeeded; fail key-unchanged [2]: sent nothing as key after "k"{UNTOLD}'],
    ),
    (
        "key changed, but another key is the same",
        [call(0, 503, body={"reference": "r"}), call(1, key="l", body={"reference": "r"})],
        ['1+2 by reference succeeded; note key-unchanged [2]: sent "l" as key after "k"; reference stayed the same'],
    ),
    (
        "a key in the body changed",
        [call(0, 503, key=None, body={"reference": "r"}), call(1, key=None, body={"reference": 7})],
        [f'1+2 by body succeeded; fail key-unchanged [2]: sent 7 as reference after "r"{UNTOLD}'],
    ),
    (
        "a key in the body with white space that does not count",
        [call(0, 503, key=None, body={"reference": "r"}), call(1, key=None, body={"reference": " r "})],
        ["1+2 by reference succeeded"],
    ),
    (
        "no key at all",
        [call(0, 503, key=None), call(1, key=None)],
        ["1+2 by body succeeded; note key-present [2]: retried a POST without key or reference: it may be done twice"],
    ),
    ("given up at once", [call(0, 429, asked="2", **LIMITED)], ["1 by key given-up"]),
    ("given up at once, without a key", [call(0, 429, key=None, **LIMITED)], ["1 by body given-up"]),
    ("given up later", [call(0, 503), call(1, 503), call(3, 503)], ["1+2+3 by key given-up"]),
    (
        "retried a final error",
        [call(0, 422, **INVALID), call(1, 422, **INVALID)],
        [
            "1+2 by key refused; fail no-retry-of-final [2]: retried after a 422 with the same body, which can only "
            "be refused again"
        ],
    ),
    (
        "retried a final error that was scripted, without a key",
        [call(0, 403, key=None), call(1, key=None)],
        [
            "1+2 by body succeeded; note key-present [2]: retried a POST without key or reference: it may be done "
            "twice; fail no-retry-of-final [2]: retried after a 403 with the same body, which can only be refused again"
        ],
    ),
    ("a new key after a final error is a new call", [call(0, 422, **INVALID), call(1, 422, key="l", **INVALID)], []),
    ("no key any more after a final error is a new call", [call(0, 422, **INVALID), call(1, 422, key=None, **INVALID)], []),
    ("a corrected body is a new call", [call(0, 422, key=None, **INVALID), call(1, key=None, body=OTHER)], []),
    (
        "a corrected body may keep its key, which a refusal does not use up",
        [call(0, 422, **INVALID), call(1, body=OTHER)],
        [],
    ),
    (
        "a corrected header is a new call",
        [call(0, 400, key=None, **INVALID), call(1, key=None, headers={"x-version": "1"})],
        [],
    ),
    (
        "a corrected content type is a new call",
        [call(0, 415, key=None, headers={"content-type": "a/b"}, reason="wrong-media-type"), call(1, key=None)],
        [],
    ),
    ("a corrected credential is a new call", [call(0, 401, reason="unauthenticated"), call(1, headers={"authorization": "you"})], []),
    (
        "a status that says nothing of retries",
        [call(0, 410), call(1, 410)],
        ["1+2 by key refused"],
    ),
    ("the mock's own refusal of a preference", [call(0, 404, key=None, reason="preference"), call(1, key=None)], []),
    (
        "too many attempts",
        [call(2**n / 100, 503) for n in range(12)],
        [
            "1+2+3+4+5+6+7+8+9+10+11+12 by key given-up; note bounded [11, 12]: made 12 attempts; more than 10 help "
            "nobody"
        ],
    ),
    ("as many attempts as are allowed", [call(2**n / 10, 503) for n in range(10)], ["1+2+3+4+5+6+7+8+9+10 by key given-up"]),
    (
        "no growth",
        [call(n, 503) for n in range(4)],
        ["1+2+3+4 by key given-up; note bounded [2, 3, 4]: waited 1 s, 1 s, 1 s between attempts; the waits should grow"],
    ),
    (
        "no more growth than timers make",
        [call(at, 503) for at in (0, 1, 2.2, 3.2)],
        ["1+2+3+4 by key given-up; note bounded [2, 3, 4]: waited 1 s, 1.2 s, 1 s between attempts; the waits should grow"],
    ),
    ("two equal waits are too few to tell", [call(n, 503) for n in range(3)], ["1+2+3 by key given-up"]),
    ("growth up to a ceiling", [call(at, 503) for at in (0, 1, 3, 7, 11, 15)], ["1+2+3+4+5+6 by key given-up"]),
    ("no growth where it was asked for", [call(n, 429, asked="1", **LIMITED) for n in range(5)], ["1+2+3+4+5 by key given-up"]),
    (
        "one key for two bodies",
        [call(0), call(1, 422, body=OTHER, **REUSED)],
        ['2 by key refused; fail key-per-call [2]: sent another body with the key "k" of call #1'],
    ),
    (
        "one key for two bodies, after no answer came",
        [call(0, **GONE), call(1, body=OTHER)],
        ["1 by key given-up", '2 by key succeeded; fail key-per-call [2]: sent another body with the key "k" of call #1'],
    ),
    (
        "one key for two bodies of a rule that compares nothing",
        [call(0, key=None, body={"reference": 1}), call(1, key=None, body={"reference": 1, **OTHER}, outcome="repeated")],
        ["2 by reference succeeded; fail key-per-call [2]: sent another body with the reference 1 of call #1"],
    ),
    (
        "one key for two bodies, the first of them no longer in the journal",
        [call(0, 422, body=OTHER, **REUSED)],
        ['1 by key refused; fail key-per-call [1]: sent another body with the key "k" of an earlier call'],
    ),
    ("a key for another body after a refusal that did nothing", [call(0, 429, **LIMITED), call(1, body=OTHER)], ["1 by key given-up"]),
    ("a key for another body after its time", [call(0), call(1, body=OTHER, received=NOON + 3600)], []),
    ("a key that another credential uses", [call(0), call(1, body=OTHER, headers={"authorization": "you"})], []),
    ("the numbers 1 and 1.0 and the text 1 as keys", [call(0, key=None, body={"reference": each, "n": each}) for each in (1, 1.5, "1")], []),
    (
        "clock moved",
        [call(0, 429, asked="2", **LIMITED), call(0.1, clock_moves=1)],
        ["1+2 by key succeeded; not judged: the mock's clock was moved between calls #1 and #2"],
    ),
    (
        "clock moved before",
        [call(0, 429, asked="2", clock_moves=1, **LIMITED), call(0.1, clock_moves=1)],
        ["1+2 by key succeeded; fail retry-after-honoured [2]: retried 0.1 s after a 429 that asked for 2 s"],
    ),
    (
        "in-flight conflict",
        [call(0, served=1.0), call(0.5, 409, asked="1", **CONFLICT), call(1.5, outcome="repeated")],
        ["1+2+3 by key succeeded"],
    ),
    (
        "in-flight conflict, retried too early and given up",
        [call(0, state="waiting"), call(0.5, 409, asked="1", **CONFLICT), call(0.6, 409, asked="1", **CONFLICT)],
        ["1+2+3 by key waiting; fail retry-after-honoured [3]: retried 0.1 s after a 409 that asked for 1 s"],
    ),
    (
        "a scripted 409 where it means a key in flight",
        [call(0, 409), call(1, key="l")],
        [f'1+2 by body succeeded; fail key-unchanged [2]: sent "l" as key after "k"{UNTOLD}'],
    ),
    ("fault, then success", [call(0, 0, fault="CONNECTION_RESET_BY_PEER"), call(1)], ["1+2 by key succeeded"]),
    ("fault of an answer with a status", [call(0, 201, fault="MALFORMED_RESPONSE_CHUNK")], ["1 by key given-up"]),
    ("aborted, then success", [call(0, served=1.0, **GONE), call(1.2)], ["1+2 by key succeeded"]),
    (
        "aborted, as a clock that stands still has it, then another key",
        [call(0, served=30.0, **GONE), call(1.2, key="l")],
        [f'1+2 by body succeeded; fail key-unchanged [2]: sent "l" as key after "k"{UNTOLD}'],
    ),
    (
        "broken off in the middle of the body, then whole",
        [call(0, raw=b'{"na', reason="malformed", **GONE), call(1), call(2, 503, key="l"), call(3, raw=b"", key="l", reason="malformed", **GONE)],
        ["1+2 by key succeeded", "3+4 by key given-up"],
    ),
    ("two at once without a key are two calls", [call(0, 503, key=None, served=1.0), call(0.5, key=None)], ["1 by body given-up"]),
    (
        "two clients with their own keys interleaved",
        [call(0, 429, **LIMITED), call(0.1, 429, key="l", **LIMITED), call(1), call(1.1, key="l")],
        ["1+3 by key succeeded", "2+4 by key succeeded"],
    ),
    (
        "two clients without keys interleaved: whose retry is due comes first",
        [
            call(0, 429, key=None, asked="9", served=1.0, **LIMITED),
            call(0.5, 429, key=None, asked="1", **LIMITED),
            call(1.5, key=None),
            call(10, key=None),
        ],
        [
            "1+4 by body succeeded; note key-present [4]: retried a POST without key or reference: it may be done twice",
            "2+3 by body succeeded; note key-present [3]: retried a POST without key or reference: it may be done twice",
        ],
    ),
    (
        "another client with the same body while the key of the first comes back",
        [call(0, 503), call(0.5, key="l"), call(1)],
        ["1+3 by key succeeded"],
    ),
    (
        "two programs without keys",
        [call(0, 503, key=None, headers={"user-agent": "a"}), call(1, key=None, headers={"user-agent": "b"})],
        ["1 by body given-up"],
    ),
    (
        "another credential",
        [call(0, 503), call(1, headers={"authorization": "you"})],
        ["1 by key given-up"],
    ),
    (
        "the same body much later",
        [call(0, 503, key=None), call(61, key=None)],
        ["1 by body given-up"],
    ),
    (
        "the same body after the long wait that was asked for",
        [call(0, 429, key=None, asked="100", **LIMITED), call(100, key=None)],
        ["1+2 by body succeeded; note key-present [2]: retried a POST without key or reference: it may be done twice"],
    ),
    ("the same key much later", [call(0, 503), call(3600, outcome="repeated")], ["1+2 by key succeeded"]),
    (
        "members that SDKs renew",
        [
            call(0, 503, body={"name": "x", "$id": ONE, "$time": 1795176000123, "$at": "2026-11-20T12:40:00Z"}),
            call(1, key="l", body={"name": "x", "$at": "2026-11-20T12:40:01.5+01:00", "$time": 1795176001.5, "$id": TWO}),
        ],
        [f'1+2 by body succeeded; fail key-unchanged [2]: sent "l" as key after "k"{UNTOLD}'],
    ),
    (
        "members that SDKs renew, in a list",
        [call(0, 503, body=[{"$id": ONE}, 1]), call(1, key="l", body=[{"$id": TWO}, 1])],
        [f'1+2 by body succeeded; fail key-unchanged [2]: sent "l" as key after "k"{UNTOLD}'],
    ),
    (
        "a UUID that the contract names is what the call is about",
        [call(0, 503, key=None, body={"contact": ONE}), call(1, key=None, body={"contact": TWO})],
        ["1 by body given-up"],
    ),
    (
        "a UUID further down is what the call is about",
        [call(0, 503, key=None, body={"a": {"id": ONE}}), call(1, key=None, body={"a": {"id": TWO}})],
        ["1 by body given-up"],
    ),
    ("bodies that are no JSON", [call(0, 400, raw=b"\xff{", reason="malformed"), call(1, 400, raw=b"\xff[", reason="malformed")], []),
    (
        "bodies that are too large to be read",
        [call(0, 413, key=None, raw=b"", headers={"content-length": str(size)}, reason="too-large") for size in (7, 8)],
        [],
    ),
    ("absurd waits", [call(n**2, 503, asked=asked) for n, asked in enumerate(["soon", "1.5", "-1", "", "²", "Fri, 31 Jun 2026 99:99:99 GMT"])], ["1+2+3+4+5+6 by key given-up"]),
    (
        "a wait beyond all measure",
        [call(0, 503, asked="9" * 5000), call(1)],
        ["1+2 by key succeeded; fail retry-after-honoured [2]: retried 1 s after a 503 that asked for 316224000 s"],
    ),
    (
        "calls by a path that has been moved since",
        [replace(each, request=replace(each.request, path="/old")) for each in (call(0, 503), call(1))],
        ["1+2 by key succeeded"],
    ),
    (
        "calls that no operation took, or that nobody's client sent",
        [
            call(0, 503, key=None),
            replace(call(1, 404, key=None), api=None, operation=None, reason="no-route"),
            replace(call(1, 405, key=None), request=Request("PUT", "/things"), reason="wrong-method"),
            replace(call(1, 204, key=None), request=Request("OPTIONS", "/things")),
            replace(call(1, 503, key="x"), source="control"),
            replace(call(1, 503, key="x"), operation="gone"),
        ],
        ["1 by body given-up"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("history", "told"), [pytest.param(*rest, id=title) for title, *rest in HISTORIES])
def test_what_the_audit_says_of_a_history(history: Sequence[Exchange], told: list[str]) -> None:
    assert said(audit(numbered(history), KEYED)) == told


def test_an_api_without_keys_is_not_told_to_send_one() -> None:
    history = [call(0, 503, key=None), call(1, key=None)]
    assert said(audit(numbered(history), KEYLESS)) == ["1+2 by body succeeded"]


@pytest.mark.parametrize(
    ("before", "judged"),
    [
        (0.0, False),
        (59.0, False),
        (61.0, True),
    ],  # seconds from the oldest call that is left to the first attempt
)
def test_calls_dropped(before: float, judged: bool) -> None:
    history = [call(0, body=OTHER, key="other"), call(before, 429, asked="2", **LIMITED), call(before + 1)]
    (found,) = audit(numbered(history, first=5), KEYED, dropped=4)
    assert found.judged is judged
    assert found.not_judged == (
        "" if judged else "attempts before call #6 may be among the 4 calls that the journal dropped"
    )
    assert [each.rule for each in found.broken] == (["retry-after-honoured"] if judged else [])
    assert found.attempts[0].honoured is False


def test_a_wait_across_a_moved_clock_is_neither_honoured_nor_not() -> None:
    history = [call(0, 429, asked="2", **LIMITED), call(3, 429, asked="2", clock_moves=1, **LIMITED)]
    (found,) = audit(numbered(history), KEYED)
    assert [(each.gap, each.asked, each.honoured) for each in found.attempts] == [
        (None, 2.0, None),
        (3.0, 2.0, None),
    ]
    assert (found.judged, found.broken) == (False, ())


def test_what_the_control_plane_returns() -> None:
    history = [
        call(0, 429, asked="2", body={"reference": [1]}, **LIMITED),
        call(0.25, 503, key=None, body={"reference": [1]}, served=0.5),
        call(1, key=None, body={"reference": [1]}, fault="EMPTY_RESPONSE", status=0),
        call(1.5, 422, body={"reference": [1]}, **INVALID),
        call(2.0, body={"reference": [1]}),
    ]
    (found,) = audit(numbered(history), KEYED)
    assert json.loads(encode(found.as_json())) == {
        "api": "things",
        "operation": "make",
        "groupedBy": "reference",
        "keys": {"key": ["k", None, "k"], "reference": ["[1]"]},
        "keyUnchanged": False,
        "attempts": [
            {"number": 1, "id": "id-1", "status": 429, "outcome": "refused", "reason": "rate-limited", "state": "answered",
             "fault": None, "gap": None, "retryAfter": 2.0, "honoured": False},
            {"number": 2, "id": "id-2", "status": 503, "outcome": "scripted", "reason": None, "state": "answered",
             "fault": None, "gap": 250, "retryAfter": None, "honoured": None},
            {"number": 3, "id": "id-3", "status": 0, "outcome": "admitted", "reason": None, "state": "answered",
             "fault": "EMPTY_RESPONSE", "gap": 250, "retryAfter": None, "honoured": None},
            {"number": 4, "id": "id-4", "status": 422, "outcome": "refused", "reason": "invalid", "state": "answered",
             "fault": None, "gap": 500, "retryAfter": None, "honoured": None},
            {"number": 5, "id": "id-5", "status": 201, "outcome": "admitted", "reason": None, "state": "answered",
             "fault": None, "gap": 500, "retryAfter": None, "honoured": None},
        ],
        "retriedFinal": True,
        "ended": "succeeded",
        "judged": True,
        "notJudged": None,
        "broken": [
            {"rule": "retry-after-honoured", "level": "fail", "calls": [2],
             "sentence": "retried 0.25 s after a 429 that asked for 2 s"},
            {"rule": "key-unchanged", "level": "note", "calls": [2, 4],
             "sentence": 'sent nothing as key after "k"; reference stayed the same'},
            {"rule": "no-retry-of-final", "level": "fail", "calls": [5],
             "sentence": "retried after a 422 with the same body, which can only be refused again"},
        ],
    }  # fmt: skip


# Histories that the engine itself has made


class Step(NamedTuple):
    """A call of a client: when it comes, what it sends, and how long its answer takes, if it is waited for."""

    at: float
    body: dict[str, Any]
    headers: dict[str, str]
    held: float = 0.0
    aborted: bool = False


def played(steps: Iterable[Step], path: str, settings: Settings | None = None) -> list[str]:
    """Send calls to the bundled APIs in their real time; return what the audit says."""
    now = NOON
    world = World(Blueprint(load_bundled(), settings), Clock(lambda: now), random.Random(7).getrandbits)
    pending: list[tuple[float, Decided, Step]] = []
    arrived = []
    for step in steps:
        now = NOON + step.at
        for each in [each for each in pending if each[0] <= now]:
            pending.remove(each)
            settle(world, each[1], each[2].held, aborted=each[2].aborted)
        headers = {"content-type": "application/json", **step.headers}
        if step.held:
            headers["prefer"] = f"wait={step.held}"
        decided = answer(world, Request("POST", path, "", headers, body=encode(step.body)))
        # the journal keeps headers as they were sent, which here is nowhere: the audit is given those of the step
        arrived.append((now, headers))
        pending.append((now + step.held, decided, step))
    for _, decided, step in pending:
        settle(world, decided, step.held, aborted=step.aborted)
    calls = [
        replace(each, arrived=at, request=replace(each.request, headers=headers))
        for each, (at, headers) in zip(reversed(list(world.journal.newest_first())), arrived, strict=True)
    ]
    return said(audit(calls, world.blueprint))


def trigger(at: float, key: str, agent: str = "a", name: str = "w", **members: Any) -> Step:
    headers = {"authorization": "ApiKey k", "idempotency-key": key, "user-agent": agent}
    return Step(at, {"name": name, "to": ["ada"]}, headers, **members)


RENEWING = "speakeasy-sdk/python 3.19.0 2.926.8 3.18.1 novu-py"
ONE_IN_TEN = Settings(limits={"novu": UserLimit(1, 10.0), "opensend": UserLimit(1, 10.0)})


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        (
            [trigger(0, "a", name="v"), trigger(1, "b"), trigger(11, "b")],
            ["2+3 by idempotency-key succeeded"],
        ),
        (
            [trigger(0, "a", name="v"), trigger(1, "b"), trigger(5, "b"), trigger(11, "b")],
            [
                "2+3+4 by idempotency-key succeeded; fail retry-after-honoured [3]: retried 4 s after a 429 that "
                "asked for 9 s"
            ],
        ),
        (
            [trigger(0, "a", name="v"), trigger(1, "b"), trigger(11, "c")],
            [f'2+3 by body succeeded; fail key-unchanged [3]: sent "c" as idempotency-key after "b"{UNTOLD}'],
        ),
        (
            [trigger(0, "a", name="v"), trigger(1, "b", RENEWING), trigger(11, "c", RENEWING)],
            [
                '2+3 by body succeeded; note key-unchanged [3]: sent "c" as idempotency-key after "b", as novu-py '
                "does unless it is given one"
            ],
        ),
    ],
)
def test_rate_limits_of_the_engine(steps: list[Step], told: list[str]) -> None:
    assert played(steps, "/v1/events/trigger", ONE_IN_TEN) == told


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        (
            [trigger(0, "a", held=2.0), trigger(0.5, "a"), trigger(2.5, "a")],
            ["1+2+3 by idempotency-key succeeded"],
        ),
        (
            [trigger(0, "a", held=2.0), trigger(0.5, "a"), trigger(0.7, "a"), trigger(2.5, "a")],
            [
                "1+2+3+4 by idempotency-key succeeded; fail retry-after-honoured [3]: retried 0.2 s after a 409 that "
                "asked for 1 s"
            ],
        ),
        (
            [trigger(0, "a", held=2.0, aborted=True), trigger(2.5, "a")],
            ["1+2 by idempotency-key succeeded"],
        ),
        (
            [trigger(0, "a"), trigger(1, "a", name="v")],
            [
                '2 by idempotency-key refused; fail key-per-call [2]: sent another body with the idempotency-key "a" '
                "of call #1"
            ],
        ),
        ([trigger(0, "a"), trigger(1, "a"), trigger(2, "b")], []),
    ],
)
def test_keys_of_the_engine(steps: list[Step], told: list[str]) -> None:
    assert played(steps, "/v1/events/trigger") == told


def test_contacts_that_have_uuids_are_kept_apart() -> None:
    steps = [
        Step(at, {"event": "e", "contact_id": who}, {"authorization": "Bearer k"})
        for at, who in [(0, ONE), (1, TWO), (11, TWO), (12, ONE)]
    ]
    assert played(steps, "/events/send", ONE_IN_TEN) == ["2+3 by body succeeded", "4 by body given-up"]


# What may never happen


TEXTS = st.text(st.characters(max_codepoint=255), max_size=4)
VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=3)
    | st.lists(st.integers(), max_size=2)
)
CALLS = st.builds(
    call,
    at=st.sampled_from([0.0, 0.1, 1.0, 5.0, 100.0]),
    status=st.sampled_from([0, 201, 400, 401, 408, 409, 422, 429, 500, 503]),
    key=st.none() | st.sampled_from(["a", "b"]) | TEXTS,
    asked=st.none() | st.sampled_from(["0", "2", "9" * 400, "Fri, 20 Nov 2026 12:40:12 GMT", "Fri, 99 Feb 0000 99:99:99 GMT"]) | TEXTS,
    headers=st.dictionaries(st.sampled_from(["authorization", "user-agent", "content-length", "x-version"]), TEXTS, max_size=2),
    raw=st.sampled_from([b"", b"\xff", b"[", b'"\\ud800"', b"[" * 2000, b"9" * 5000, b'{"reference": "a"}'])
    | st.dictionaries(st.sampled_from(["name", "reference", "$id", "\ud800"]), VALUES, max_size=3).map(lambda body: json.dumps(body).encode()),
    served=st.sampled_from([0.0, 0.5, 3.0]),
    clock_moves=st.sampled_from([0, 0, 0, 1]),
    state=st.sampled_from(["answered", "answered", "waiting", "aborted"]),
    fault=st.none() | st.none() | st.just("EMPTY_RESPONSE"),
    reason=st.none() | st.sampled_from([str(reason) for reason in Reason]),
    rule=st.none() | st.just("key"),
)  # fmt: skip


@given(st.lists(CALLS, max_size=12), st.sampled_from([0, 3]), st.sampled_from([KEYED, KEYLESS]))
def test_whatever_was_sent_each_call_is_in_one_group_and_the_audit_can_be_written(
    calls: list[Exchange], dropped: int, blueprint: Blueprint
) -> None:
    history = numbered(sorted(calls, key=lambda each: each.arrived))
    groups = grouped(attempts_in(history, blueprint))
    attempts = [sent.exchange.number for group in groups for sent in group]
    assert sorted(attempts) == [each.number for each in history]
    found = audit(history, blueprint, dropped)
    for each in found:
        json.loads(encode(each.as_json()))
    shown = {attempt.number for each in found for attempt in each.attempts}
    assert {number for group in groups if len(group) > 1 for number in _numbers(group)} <= shown


def _numbers(attempts: Iterable[Any]) -> list[int]:
    return [sent.exchange.number for sent in attempts]


@pytest.mark.parametrize(
    ("key", "asked"),
    [
        (lambda _: None, None),
        (lambda n: f"k{n}", None),
        (lambda n: f"k{n % 25_000}", "1"),
        (lambda n: "k", "1"),
    ],
)
def test_a_full_journal_takes_no_longer_than_a_few_times_as_long_as_its_calls(
    key: Any, asked: str | None
) -> None:
    def seconds(count: int) -> float:
        return min(once(count) for _ in range(3))

    def once(count: int) -> float:
        sent = Request("POST", "/things", headers={"content-type": "application/json"}, body=b'{"name": "x"}')
        history = [
            replace(
                each,
                request=replace(
                    sent, headers={**sent.headers, **({"x-key": value} if (value := key(n)) else {})}
                ),
            )
            for n, each in enumerate(numbered([call(0, 429, asked=asked)] * count))
        ]
        began = time.process_time()
        audit(history, KEYED)
        return time.process_time() - began

    seconds(100)
    assert seconds(8000) < 40 * seconds(800)  # ten times the calls: a square would be a hundred times


@pytest.mark.parametrize(
    ("sdk", "told"),
    [
        (
            {**SDK, "renews": ["kei"]},
            "things: /x-mock/sdk/0/renews: no dedup rule is named 'kei'; did you mean key?",
        ),
        (
            {**SDK, "userAgent": "("},
            "things: /x-mock/sdk/0/userAgent: missing ), unterminated subpattern at position 0",
        ),
    ],
)
def test_what_is_said_of_an_sdk_can_hold(sdk: dict[str, Any], told: str) -> None:
    with pytest.raises(SpecError) as caught:
        keyed([sdk])
    assert told in str(caught.value)
