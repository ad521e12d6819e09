"""The mock's own errors, and the header that tells what was wrong."""

import json

import pytest

from mockserver.engine.exchange import KINDS, Finding, Reason
from mockserver.engine.problems import (
    LONGEST_HEADER,
    problem,
    refusal_problem,
    violations,
)
from mockserver.engine.wording import default_sentence
from tests.engine.specs import api, call, request, world


def finding(pointer: str, message: str = "is required", place: str = "body") -> Finding:
    return Finding(place, pointer, pointer[1:], "required", message)


def test_every_reason_has_a_problem_document() -> None:
    assert set(KINDS) == set(Reason)
    for reason, (status, title) in KINDS.items():
        response = problem(reason, "a sentence")
        document = json.loads(response.body)
        assert (response.status, document["status"]) == (status, status)
        assert (document["type"], document["title"]) == (f"urn:mockserver:{reason}", title)
        assert dict(response.headers)["content-type"] == "application/problem+json"


def test_findings_are_listed_without_their_first_step() -> None:
    document = json.loads(refusal_problem(Reason.INVALID, [finding("/to/0")], "/__admin/requests/1").body)
    assert document["detail"] == "to.0 is required"
    assert document["validation"] == [
        {
            "location": ["body", "to", "0"],
            "severity": "Error",
            "code": "required",
            "message": "to.0 is required",
        }
    ]


def test_violations_are_a_json_array_in_ascii() -> None:
    text = violations([finding("/é\n")], [("loose", "seen.")])
    assert text.isascii()
    assert text.isprintable()
    assert json.loads(text) == [
        {
            "location": ["request", "body", "é\n"],
            "severity": "Error",
            "code": "required",
            "message": "é\n is required",
        },
        {
            "location": ["request", "body"],
            "severity": "Warning",
            "code": "deviation",
            "message": "loose: seen.",
        },
    ]


def test_a_long_list_is_cut_between_its_entries() -> None:
    text = violations([finding(f"/{number}", "x" * 50) for number in range(500)], [])
    assert len(text) <= LONGEST_HEADER
    *shown, more = json.loads(text)
    assert more == {
        "location": [],
        "severity": "Information",
        "code": "more",
        "message": f"{500 - len(shown)} more",
    }
    assert 30 < len(shown) < 100


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/thing", "Did you mean POST /things (things)?"),
        ("/things/", "This path is served without a slash at its end: POST /things (things)."),
        ("/zzzzzzzz", "GET / lists what is served; the control plane is below /__admin."),
    ],
)
def test_an_unknown_path_is_told_what_was_probably_meant(path: str, told: str) -> None:
    decided, exchange = call(world(), request(path=path))
    assert decided.response is not None
    assert json.loads(decided.response.body)["detail"] == f"POST {path} matches no operation. {told}"
    assert [(each["in"], each["keyword"], each["fix"]) for each in exchange.findings] == [
        ("path", "route", told)
    ]


@pytest.mark.parametrize(
    ("pointer", "place", "sentence"),
    [
        ("/to/0/id", "body", "to.0.id is required"),
        ("/a~1b/c~0", "body", "a/b.c~ is required"),
        ("", "body", "the body is required"),
        ("", "query", "the query is required"),
        ("/x-a", "header", "x-a is required"),
    ],
)
def test_our_own_sentence_has_its_place_in_front(pointer: str, place: str, sentence: str) -> None:
    assert default_sentence(finding(pointer, place=place)) == sentence


def test_an_api_without_an_answer_gets_the_problem_document() -> None:
    decided, exchange = call(
        world(api({"/x-mock/mediaType": "ignored"})), request(headers={"content-encoding": "gzip"})
    )
    assert exchange.outcome == "admitted"
    changes = {"/x-mock/mediaType": "empty", "/x-mock/answers/wrong-media-type": None}
    decided, exchange = call(world(api(changes)), request(headers={"content-encoding": "gzip"}))
    assert exchange.reason == "wrong-media-type"
    assert decided.response is not None
    assert decided.response.status == 415
    assert json.loads(decided.response.body)["type"] == "urn:mockserver:wrong-media-type"


def test_a_deprecated_operation_says_so() -> None:
    decided, _ = call(world(api({"/paths/~1things/post/deprecated": True})), request())
    assert decided.response is not None
    assert dict(decided.response.headers)["deprecation"] == "true"
