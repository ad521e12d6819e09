"""Request patterns on the engine: the table of counts, what is refused, and how near a call came."""

from typing import Any

import pytest

from mockserver.control.nearness import nearest_calls
from mockserver.engine.comparison import Difference
from mockserver.engine.exchange import Request
from mockserver.engine.headers import packed
from mockserver.engine.mappings import read_mapping
from mockserver.engine.patterns import (
    MEMBERS,
    URLS,
    VERDICT,
    Known,
    Pattern,
    PatternError,
    read_pattern,
)
from mockserver.engine.sightings import Sighting, arriving, sighting_of
from mockserver.engine.values import ABSENT
from mockserver.engine.world import World
from tests.engine.specs import NOON
from tests.pattern_table import ALL, CALLS, IDS, TABLE, played, request_of

KNOWN = Known({"novu": ["trigger"], "suprsend": ["event-api", "v2-event"]})
PLAYED = played()


def pattern_of(source: Any, world: World = PLAYED) -> Pattern:
    return read_pattern(source, world.blueprint.known)


def sighting(number: int) -> Sighting:
    """Return one of the calls of the table as patterns see it."""
    row = PLAYED.journal.row(number)
    assert row is not None
    return sighting_of(row, NOON, PLAYED.journal.describe)


@pytest.mark.parametrize(("pattern", "matched"), TABLE, ids=IDS)
def test_which_calls_match(pattern: dict[str, Any], matched: set[int]) -> None:
    read = pattern_of(pattern)
    assert {
        row[0]
        for row in PLAYED.journal.rows()
        if read.matches(sighting_of(row, NOON, PLAYED.journal.describe))
    } == matched


@pytest.mark.parametrize(("pattern", "matched"), TABLE, ids=IDS)
def test_a_call_differs_exactly_when_it_does_not_match(pattern: dict[str, Any], matched: set[int]) -> None:
    read = pattern_of(pattern)
    for number in ALL:
        differences = read.differences(sighting(number))
        assert (not differences) is (number in matched)
        assert (read.distance(differences) == 0) is (number in matched)
        assert read.distance(differences) <= 1


@pytest.mark.parametrize(("pattern", "matched"), TABLE, ids=IDS)
def test_a_rule_acts_on_the_calls_that_its_pattern_matches(
    pattern: dict[str, Any], matched: set[int]
) -> None:
    world = World(PLAYED.blueprint, PLAYED.clock, PLAYED.ids)
    mapping = {"request": pattern, "response": {"status": 299, "body": "x"}}
    if VERDICT & set(pattern):
        with pytest.raises(PatternError, match="/request: outcome, reason and status are known only when"):
            read_mapping(mapping, world.blueprint.known, lambda: "id")
        return
    world.rules.put(read_mapping(mapping, world.blueprint.known, lambda: "id"))
    played(world)
    assert {each.number for each in world.journal.newest_first() if each.outcome == "scripted"} == matched


def test_every_member_has_rows_that_match_and_rows_that_do_not() -> None:
    used = {(name, bool(matched)) for pattern, matched in TABLE for name, value in pattern.items() if value}
    never = {
        ("multipartPatterns", True),
        ("customMatcher", True),
        ("pathParameters", False),
        ("basicAuthCredentials", False),
    }
    wanted = {(name, True) for name in MEMBERS} - never
    assert used >= wanted
    partly = {
        name for pattern, matched in TABLE for name, value in pattern.items() if value and matched != ALL
    }
    assert partly >= set(MEMBERS) - {"multipartPatterns", "customMatcher"}


def faults_of(source: Any, at: str = "") -> list[tuple[str, str]]:
    with pytest.raises(PatternError) as caught:
        read_pattern(source, KNOWN, at)
    return list(caught.value.faults)


@pytest.mark.parametrize(
    ("source", "pointer", "told"),
    [
        ([], "", "a request pattern is an object, not []"),
        ("x", "", 'a request pattern is an object, not "x"'),
        (None, "", "a request pattern is an object, not null"),
        # unknown members
        ({"foo": 1}, "/foo", "foo is no member of a request pattern"),
        ({"urlpath": "/"}, "/urlpath", "urlpath is no member of a request pattern; did you mean urlPath?"),
        ({"header": {}}, "/header", "header is no member of a request pattern; did you mean headers?"),
        ({"queryParams": {}}, "/queryParams", "queryParams is no member of a request pattern; did you mean queryParameters?"),
        ({"bodyPattern": []}, "/bodyPattern", "bodyPattern is no member of a request pattern; did you mean bodyPatterns?"),
        ({"multipartPatterns": [{}]}, "/multipartPatterns", "multipartPatterns is not offered here"),
        ({"customMatcher": {"name": "x"}}, "/customMatcher", "customMatcher is not offered here"),
        # operands
        ({"method": 5}, "/method", "must be a text, not 5"),
        ({"method": ["GET"]}, "/method", 'must be a text, not ["GET"]'),
        ({"url": 5}, "/url", "must be a text, not 5"),
        ({"urlPattern": 5}, "/urlPattern", "must be a text, not 5"),
        ({"urlPattern": "["}, "/urlPattern", "urlPattern: '[' is not a regular expression: unterminated character set at position 0"),
        ({"urlPathPattern": "("}, "/urlPathPattern", "urlPathPattern: '(' is not a regular expression: missing ), unterminated subpattern at position 0"),
        ({"urlPathTemplate": {}}, "/urlPathTemplate", "must be a text, not {}"),
        ({"pathParameters": {"id": {"equalTo": "x"}}}, "/pathParameters", "needs urlPathTemplate beside it"),
        ({"urlPathTemplate": "/{a}", "pathParameters": {"a": {"equalTo": 5}}}, "/pathParameters/a", "equalTo operand must be a non-null string"),
        ({"urlPathTemplate": "/{a}", "pathParameters": ["a"]}, "/pathParameters", 'must map names to matchers, not be ["a"]'),
        ({"urlPathTemplate": "/{a}/{b}", "pathParameters": {"c": {"equalTo": "x"}}}, "/pathParameters/c", "the template has a, b"),
        ({"urlPathTemplate": "/a", "pathParameters": {"c": {"equalTo": "x"}}}, "/pathParameters/c", "the template has no variables"),
        ({"headers": []}, "/headers", "must map names to matchers, not be []"),
        ({"headers": {"X-A": "b"}}, "/headers/X-A", '"b" is not a match operation; write an object, as in {equalTo: …}'),
        ({"headers": {"a/b": {"equalTo": 5}}}, "/headers/a~1b", "equalTo operand must be a non-null string"),
        ({"queryParameters": {"q": {"contains": 5}}}, "/queryParameters/q", "contains operand must be a non-null string"),
        ({"cookies": {"c": {"foo": 1}}}, "/cookies/c", '{"foo":1} is not a valid match operation'),
        ({"formParameters": {"f": {"absent": False}}}, "/formParameters/f/absent", "absent must be true; for what must be there use matches: .*"),
        ({"bodyPatterns": {"equalTo": "x"}}, "/bodyPatterns", "must be a list of matchers"),
        ({"bodyPatterns": [{"equalTo": "x"}, {"equalTo": 5}]}, "/bodyPatterns/1", "equalTo operand must be a non-null string"),
        ({"basicAuthCredentials": {"username": "u"}}, "/basicAuthCredentials", "must be an object of username and password"),
        ({"basicAuthCredentials": {"username": "u", "password": 5}}, "/basicAuthCredentials", "must be a text, not 5"),
        ({"basicAuthCredentials": "u:p"}, "/basicAuthCredentials", "must be an object of username and password"),
        ({"host": "x"}, "/host", '"x" is not a match operation; write an object, as in {equalTo: …}'),
        ({"clientIp": {"equalTo": 5}}, "/clientIp", "equalTo operand must be a non-null string"),
        ({"port": "80"}, "/port", 'must be a number, not "80"'),
        ({"port": True}, "/port", "must be a number, not true"),
        ({"scheme": 5}, "/scheme", "must be a text, not 5"),
        # ours
        ({"api": "novo"}, "/api", '"novo" is no api; did you mean novu?'),
        ({"api": "x"}, "/api", '"x" is no api; there are novu, suprsend'),
        ({"api": ["novu", "sprsend"]}, "/api", '"sprsend" is no api; did you mean suprsend?'),
        ({"api": {}}, "/api", "{} is no api; there are novu, suprsend"),
        ({"api": [5]}, "/api", "5 is no api; there are novu, suprsend"),
        ({"operation": "event"}, "/operation", '"event" is no operation; did you mean v2-event?'),
        ({"outcome": "matched"}, "/outcome", '"matched" is no outcome; there are admitted, repeated, refused, scripted'),
        ({"outcome": "REFUSED"}, "/outcome", '"REFUSED" is no outcome; there are admitted, repeated, refused, scripted'),
        ({"reason": "ratelimited"}, "/reason", '"ratelimited" is no reason; did you mean rate-limited?'),
        ({"reason": ["invalid", None]}, "/reason", "null is no reason; there are malformed, invalid, unauthenticated, forbidden, rate-limited, in-flight, key-reused, key-too-long, not-in-catalogue, payload-invalid, wrong-media-type, too-large, unavailable, wrong-method, no-route, preference, bug"),
    ],
)  # fmt: skip
def test_what_is_refused(source: Any, pointer: str, told: str) -> None:
    assert faults_of(source) == [(pointer, told)]


@pytest.mark.parametrize("first", URLS)
@pytest.mark.parametrize("second", URLS)
def test_a_pattern_has_one_url(first: str, second: str) -> None:
    if first == second:
        read_pattern({first: "/a", "url": None} if first != "url" else {"url": "/a"}, KNOWN)
        return
    (fault,) = faults_of({first: "/a", second: "/a"}, "/request")
    kept, refused = sorted((first, second), key=URLS.index)
    assert fault == (f"/request/{refused}", f"stands beside {kept}; a pattern has one of {', '.join(URLS)}")


def test_all_faults_are_told_at_once() -> None:
    source = {
        "url": "/",
        "urlPath": "/",
        "foo": 1,
        "headers": {"A": {"equalTo": 1}, "B": 2},
        "bodyPatterns": [3, {"matches": "["}],
    }
    assert {pointer for pointer, _ in faults_of(source)} == {
        "/urlPath", "/foo", "/headers/A", "/headers/B", "/bodyPatterns/0", "/bodyPatterns/1/matches",
    }  # fmt: skip


# How near


@pytest.mark.parametrize(
    ("pattern", "number", "differences", "distance"),
    [
        ({"method": "put"}, 1, [("/method", "PUT", "POST")], 1.0),
        ({"url": "/x"}, 4, [("/url", "/x", "/event/?x=1&x=2&y=a%20b")], 1.0),
        ({"urlPath": "/x"}, 4, [("/url", "/x", "/event/")], 1.0),
        ({"urlPattern": "/x.*"}, 8, [("/url", "/x.*", "/event/")], 1.0),
        ({"urlPathTemplate": "/x/{id}"}, 8, [("/url", "/x/{id}", "/event/")], 1.0),
        ({"urlPathTemplate": "/v1/users/{id}/keys", "pathParameters": {"id": {"equalTo": "x"}}}, 12, [("/pathParameters/id", "x", "bob")], 0.5),
        ({"headers": {"X-Tag": {"equalTo": "c"}}}, 4, [("/headers/X-Tag", "c", ["a", "b"])], 1.0),
        ({"headers": {"Nope": {"equalTo": "c"}}}, 4, [("/headers/Nope", "c", ABSENT)], 1.0),
        ({"queryParameters": {"q": {"contains": "c"}}}, 4, [("/queryParameters/q", {"contains": "c"}, ABSENT)], 1.0),
        ({"cookies": {"c": {"equalTo": "2"}}}, 4, [("/cookies/c", "2", "1")], 1.0),
        ({"formParameters": {"a": {"equalTo": "3"}}}, 7, [("/formParameters/a", "3", ["1", "2"])], 1.0),
        ({"bodyPatterns": [{"contains": "x"}]}, 9, [("/body", {"contains": "x"}, "{")], 1.0),
        ({"bodyPatterns": [{"contains": "x"}]}, 8, [("/body", {"contains": "x"}, ABSENT)], 1.0),
        ({"bodyPatterns": [{"equalToJson": {"event": "sold", "distinct_id": "ada"}}]}, 4, [("/body/event", "sold", "bought")], 0.5),
        ({"bodyPatterns": [{"equalToJson": {"event": "sold", "distinct_id": "bob", "z": [1]}}]}, 4, [("/body/event", "sold", "bought"), ("/body/distinct_id", "bob", "ada"), ("/body/z", [1], ABSENT)], 1.0),
        ({"method": "POST", "bodyPatterns": [{"equalToJson": {"event": "bought", "distinct_id": "x", "z": 1}}]}, 4, [("/body/distinct_id", "x", "ada"), ("/body/z", 1, ABSENT)], 0.5),
        ({"bodyPatterns": [{"equalToJson": {}}]}, 4, [("/body/distinct_id", ABSENT, "ada"), ("/body/event", ABSENT, "bought")], 1.0),
        ({"basicAuthCredentials": {"username": "u", "password": "x"}}, 10, [("/headers/Authorization", "Basic dTp4", "Basic dTpw")], 1.0),
        ({"host": {"equalTo": "x"}}, 7, [("/host", "x", "mock.example")], 1.0),
        ({"port": 1}, 7, [("/port", 1, 8080)], 1.0),
        ({"scheme": "https"}, 7, [("/scheme", "https", "http")], 1.0),
        ({"clientIp": {"equalTo": "x"}}, 7, [("/clientIp", "x", "127.0.0.1")], 1.0),
        ({"api": "novu"}, 4, [("/mock/api", "novu", "suprsend")], 1.0),
        ({"api": ["novu", "alloy"]}, 7, [("/mock/api", ["novu", "alloy"], ABSENT)], 1.0),
        ({"operation": "v2-event"}, 4, [("/mock/operation", "v2-event", "event-api")], 1.0),
        ({"outcome": "refused"}, 4, [("/mock/outcome", "refused", "admitted")], 1.0),
        ({"reason": "invalid"}, 4, [("/mock/reason", "invalid", ABSENT)], 1.0),
        # the cheap ones first
        ({"bodyPatterns": [{"contains": "x"}], "headers": {"A": {"equalTo": "b"}}, "queryParameters": {"q": {"equalTo": "c"}}, "url": "/", "method": "GET"}, 6,
         [("/method", "GET", "POST"), ("/url", "/", "/event/"), ("/queryParameters/q", "c", ABSENT), ("/headers/A", "b", ABSENT), ("/body", {"contains": "x"}, '{"distinct_id": "ada", "event": "bought"}')], 1.0),
    ],
)  # fmt: skip
def test_where_a_call_differs(
    pattern: Any, number: int, differences: list[tuple[str, Any, Any]], distance: float
) -> None:
    read = pattern_of(pattern)
    found = read.differences(sighting(number))
    assert found == [Difference(*each) for each in differences]
    assert read.distance(found) == pytest.approx(distance)


@pytest.mark.parametrize(
    ("pattern", "nearest"),
    [
        ({"method": "POST", "urlPath": "/event/", "api": "suprsend", "outcome": "repeated"}, [4, 6, 2]),
        ({"method": "DELETE", "urlPath": "/v1/users/ada/keys"}, [12, 1, 2]),
        ({"bodyPatterns": [{"equalToJson": {"distinct_id": "ada", "event": "sold", "x": 1}}]}, [4, 5, 6]),
        (
            {
                "bodyPatterns": [
                    {"equalToJson": {"payload": {"n": 5, "tags": ["a", "b", "c", "d"]}, "to": "x"}}
                ]
            },
            [1, 2, 3],
        ),
        (
            {
                "method": "PUT",
                "bodyPatterns": [{"equalToJson": {"name": "welcome", "to": {"a": 1, "b": 2, "c": 3}}}],
            },
            [3, 1, 2],
        ),
        ({}, [1, 2, 3]),
    ],
)
def test_the_nearest_calls_come_first(pattern: Any, nearest: list[int]) -> None:
    found = nearest_calls(pattern_of(pattern), [sighting(number) for number in sorted(ALL)])
    assert [position + 1 for position, _ in found] == nearest
    distances = [pattern_of(pattern).distance(differences) for _, differences in found]
    assert distances == sorted(distances)


@pytest.mark.parametrize(
    ("host", "name", "port"),
    [
        ("a.example", "a.example", 80),
        ("a.example:81", "a.example", 81),
        ("[::1]:4747", "[::1]", 4747),
        ("[::1]", "[::1]", 80),
        ("a:x", "a:x", 80),
        (":81", ":81", 80),
        ("a:" + "9" * 5000, "a:" + "9" * 5000, 80),
        ("", "", 80),
    ],
)
def test_host_and_port(host: str, name: str, port: int) -> None:
    seen = arriving(Request("GET", "/", raw_headers=packed([(b"host", host.encode())])), None, None, NOON)
    assert pattern_of({"host": {"equalTo": name}, "port": port}).matches(seen)
    assert not pattern_of({"port": port + 1}).matches(seen)


def test_before_it_is_decided_a_call_has_no_verdict() -> None:
    seen = arriving(request_of(CALLS[0]), "novu", "EventsController_trigger", NOON)
    assert pattern_of({"api": "novu", "operation": "EventsController_trigger"}).matches(seen)
    assert not pattern_of({"outcome": ["admitted", "refused", "repeated", "scripted"]}).matches(seen)
    assert pattern_of({"outcome": "admitted"}).knows_verdict
    assert pattern_of({"reason": "invalid"}).knows_verdict
    assert not pattern_of({"api": "novu", "outcome": None}).knows_verdict


def test_patterns_are_equal_when_they_were_sent_alike() -> None:
    assert pattern_of({"method": "GET"}) == pattern_of({"method": "GET"})
    assert pattern_of({"method": "GET"}) != pattern_of({"method": "PUT"})
