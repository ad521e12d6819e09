"""Stub mappings: what is read, what is refused and where, and that what is written is understood again."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.engine.mappings import MEMBERS, read_mapping, write_mapping
from mockserver.engine.patterns import Known, PatternError
from mockserver.engine.rules import FAULTS, Armed, Rule
from mockserver.engine.scripts import RESPONSE

ID = "00000000-0000-4000-8000-00000000000a"
SERVED = Known(
    {"things": ["make", "drop"], "others": ["send"]},
    {("things", "make"): ["made", "error"], ("things", "drop"): ["gone"], ("others", "send"): ["sent"]},
)
DELAY = "/response/delayDistribution"
MILLISECONDS = "must be milliseconds from 0 to 3600000, not "
KINDS = "must be an object whose type is one of fixed, uniform, lognormal, not "
DRIBBLE = "/response/chunkedDribbleDelay"


def read(source: Any, at: str = "") -> Rule:
    return read_mapping(source, SERVED, lambda: ID, at)


def faults_of(source: Any, at: str = "") -> list[tuple[str, str]]:
    with pytest.raises(PatternError) as caught:
        read(source, at)
    return list(caught.value.faults)


def answering(**response: Any) -> dict[str, Any]:
    return {"response": response}


@pytest.mark.parametrize(
    ("source", "pointer", "told"),
    [
        ([], "", "a stub mapping is an object, not []"),
        ("x", "", 'a stub mapping is an object, not "x"'),
        # members
        ({"foo": 1}, "/foo", "foo is no member of a stub mapping"),
        ({"requst": {}}, "/requst", "requst is no member of a stub mapping; did you mean request?"),
        ({"postServeActions": [{}]}, "/postServeActions", "postServeActions is not offered here"),
        ({"serveEventListeners": [{}]}, "/serveEventListeners", "serveEventListeners is not offered here"),
        ({"request": []}, "/request", "a request pattern is an object, not []"),
        ({"request": {"foo": 1}}, "/request/foo", "foo is no member of a request pattern"),
        ({"request": {"headers": {"A": {"equalTo": 5}}}}, "/request/headers/A", "equalTo operand must be a non-null string"),
        ({"request": {"url": "/", "urlPath": "/"}}, "/request/urlPath", "stands beside url; a pattern has one of url, urlPattern, urlPath, urlPathPattern, urlPathTemplate"),
        ({"request": {"outcome": "admitted"}}, "/request", "outcome, reason and status are known only when a call is decided; a rule looks before that"),
        ({"request": {"reason": ["invalid"]}}, "/request", "outcome, reason and status are known only when a call is decided; a rule looks before that"),
        ({"request": {"api": "thing"}}, "/request/api", '"thing" is no api; did you mean things?'),
        ({"id": "zz"}, "/id", '"zz" is not a valid UUID'),
        ({"id": ""}, "/id", '"" is not a valid UUID'),
        ({"id": 5}, "/id", "5 is not a valid UUID"),
        ({"uuid": ["x"]}, "/uuid", '["x"] is not a valid UUID'),
        ({"priority": 0}, "/priority", "must be a whole number from 1, not 0"),
        ({"priority": 1.5}, "/priority", "must be a whole number from 1, not 1.5"),
        ({"priority": True}, "/priority", "must be a whole number from 1, not true"),
        ({"priority": "1"}, "/priority", 'must be a whole number from 1, not "1"'),
        ({"name": 5}, "/name", "must be a text, not 5"),
        ({"scenarioName": ["s"]}, "/scenarioName", 'must be a text, not ["s"]'),
        ({"requiredScenarioState": "two"}, "/requiredScenarioState", "needs scenarioName beside it"),
        ({"newScenarioState": "two"}, "/newScenarioState", "needs scenarioName beside it"),
        ({"scenarioName": "", "newScenarioState": "two"}, "/newScenarioState", "needs scenarioName beside it"),
        ({"metadata": []}, "/metadata", "must be an object, not []"),
        # ours
        ({"times": 0}, "/times", "must be a whole number from 1, not 0"),
        ({"times": "2"}, "/times", 'must be a whole number from 1, not "2"'),
        ({"after": "check"}, "/after", 'must be nothing or checks, not "check"'),
        ({"after": []}, "/after", "must be nothing or checks, not []"),
        ({"after": {}}, "/after", "must be nothing or checks, not {}"),
        ({"example": "mode"}, "/example", '"mode" is no example of what this rule answers; did you mean made?'),
        ({"example": "x"}, "/example", '"x" is no example of what this rule answers; there are error, gone, made, sent'),
        ({"example": []}, "/example", "[] is no example of what this rule answers; there are error, gone, made, sent"),
        ({"example": "sent", "request": {"api": "things"}}, "/example", '"sent" is no example of what this rule answers; there are error, gone, made'),
        ({"example": "sent", "request": {"api": ["things"], "operation": ["make"]}}, "/example", '"sent" is no example of what this rule answers; there are error, made'),
        ({"metadata": {"mock": {"times": 0}}}, "/metadata/mock/times", "must be a whole number from 1, not 0"),
        ({"metadata": {"mock": {"after": 5}}}, "/metadata/mock/after", "must be nothing or checks, not 5"),
        ({"metadata": {"mock": {"example": "x"}}}, "/metadata/mock/example", '"x" is no example of what this rule answers; there are error, gone, made, sent'),
        ({"metadata": {"mock": {"time": 1}}}, "/metadata/mock/time", "time is no member of metadata.mock; did you mean times?"),
        ({"metadata": {"mock": []}}, "/metadata", "mock is the mock's own: an object of times, after, example, request"),
        ({"metadata": {"mock": {"request": False}}}, "/metadata", "mock is the mock's own: an object of times, after, example, request"),
        ({"metadata": {"mock": 5}}, "/metadata", "mock is the mock's own: an object of times, after, example, request"),
        ({"metadata": {"mock": {"request": [1]}}}, "/metadata", "mock is the mock's own: an object of times, after, example, request"),
        # the response
        ({"response": "x"}, "/response", 'a response is an object, not "x"'),
        (answering(foo=1), "/response/foo", "foo is no member of a response"),
        (answering(jsonbody=1), "/response/jsonbody", "jsonbody is no member of a response; did you mean jsonBody?"),
        (answering(proxyBaseUrl="http://x.example"), "/response/proxyBaseUrl", "proxyBaseUrl is not offered here"),
        (answering(bodyFileName="x.json"), "/response/bodyFileName", "bodyFileName is not offered here"),
        (answering(transformers=["response-template"]), "/response/transformers", "transformers is not offered here"),
        (answering(transformerParameters={"a": 1}), "/response/transformerParameters", "transformerParameters is not offered here"),
        (answering(additionalProxyRequestHeaders={"a": "b"}), "/response/additionalProxyRequestHeaders", "additionalProxyRequestHeaders is not offered here"),
        (answering(status=99), "/response/status", "must be a number from 100 to 599, not 99"),
        (answering(status=600), "/response/status", "must be a number from 100 to 599, not 600"),
        (answering(status="200"), "/response/status", 'must be a number from 100 to 599, not "200"'),
        (answering(status=True), "/response/status", "must be a number from 100 to 599, not true"),
        (answering(status=200.5), "/response/status", "must be a number from 100 to 599, not 200.5"),
        (answering(status=200, statusMessage="a\r\nX: b"), "/response/statusMessage", "must be printable ASCII in one line"),
        (answering(status=200, statusMessage="é"), "/response/statusMessage", "must be printable ASCII in one line"),
        (answering(status=200, statusMessage=5), "/response/statusMessage", "must be a text, not 5"),
        (answering(status=200, headers=[]), "/response/headers", "must map names to values, not be []"),
        (answering(status=200, headers={"a b": "c"}), "/response/headers/a b", "is not the name of a header"),
        (answering(status=200, headers={"": "c"}), "/response/headers/", "is not the name of a header"),
        (answering(status=200, headers={"a/b": "c"}), "/response/headers/a~1b", "is not the name of a header"),
        (answering(status=200, headers={"A": "b\nc"}), "/response/headers/A", "must be one line of Latin-1"),
        (answering(status=200, headers={"A": ["b", "\u20ac"]}), "/response/headers/A", "must be one line of Latin-1"),
        (answering(status=200, headers={"A": None}), "/response/headers/A", "must be a text, not null"),
        (answering(status=200, headers={"A": True}), "/response/headers/A", "must be a text, not true"),
        (answering(status=200, headers={"A": 1.5}), "/response/headers/A", "must be a text, not 1.5"),
        (answering(status=200, headers={"Content-Length": "5"}), "/response/headers/Content-Length", "is set by the server"),
        (answering(status=200, headers={"transfer-encoding": "chunked"}), "/response/headers/transfer-encoding", "is set by the server"),
        (answering(headers={"A": "b"}), "/response", "has headers or a phrase, but no answer that they belong to; add a status"),
        (answering(statusMessage="Fine"), "/response", "has headers or a phrase, but no answer that they belong to; add a status"),
        (answering(body=5), "/response/body", "must be a text, not 5"),
        (answering(body={"a": 1}), "/response/body", 'must be a text, not {"a":1}'),
        (answering(base64Body="not base64!"), "/response/base64Body", "must be base64"),
        (answering(base64Body="é"), "/response/base64Body", "must be base64"),
        (answering(base64Body=5), "/response/base64Body", "must be a text, not 5"),
        (answering(body="a", jsonBody=1), "/response/body", "a response has one body, not body and jsonBody"),
        (answering(jsonBody=1, base64Body=""), "/response/jsonBody", "a response has one body, not jsonBody and base64Body"),
        ({"example": "made", **answering(body="a")}, "/response/body", "a response has one body, not body and example"),
        (answering(fault="EMPTY"), "/response/fault", f'must be one of {", ".join(FAULTS)}, not "EMPTY"'),
        (answering(fault=[]), "/response/fault", f"must be one of {', '.join(FAULTS)}, not []"),
        # delays
        (answering(fixedDelayMilliseconds=-1), "/response/fixedDelayMilliseconds", MILLISECONDS + "-1"),
        (answering(fixedDelayMilliseconds="5"), "/response/fixedDelayMilliseconds", MILLISECONDS + '"5"'),
        (answering(fixedDelayMilliseconds=True), "/response/fixedDelayMilliseconds", MILLISECONDS + "true"),
        (answering(fixedDelayMilliseconds=3600001), "/response/fixedDelayMilliseconds", MILLISECONDS + "3600001"),
        (answering(delayDistribution=5), DELAY, KINDS + "5"),
        (answering(delayDistribution={"type": "gauss"}), DELAY, KINDS + '{"type":"gauss"}'),
        (answering(delayDistribution={"type": []}), DELAY, KINDS + '{"type":[]}'),
        (answering(delayDistribution={}), DELAY, KINDS + "{}"),
        (answering(delayDistribution={"type": "fixed"}), f"{DELAY}/milliseconds", MILLISECONDS + "null"),
        (answering(delayDistribution={"type": "fixed", "milliseconds": 5, "upper": 5}), f"{DELAY}/upper", "fixed has no upper"),
        (answering(delayDistribution={"type": "uniform", "lower": 5}), f"{DELAY}/upper", MILLISECONDS + "null"),
        (answering(delayDistribution={"type": "uniform", "lower": 5, "upper": 4}), f"{DELAY}/lower", "must not be above upper"),
        (answering(delayDistribution={"type": "lognormal", "median": 80, "sigma": -1}), f"{DELAY}/sigma", "must be a number from 0 to 50, not -1"),
        (answering(delayDistribution={"type": "lognormal", "median": 80, "sigma": 51}), f"{DELAY}/sigma", "must be a number from 0 to 50, not 51"),
        (answering(delayDistribution={"type": "lognormal", "median": None, "sigma": 1}), f"{DELAY}/median", MILLISECONDS + "null"),
        (answering(chunkedDribbleDelay={"numberOfChunks": 2}), DRIBBLE, "must be an object of numberOfChunks and totalDuration"),
        (answering(chunkedDribbleDelay=[]), DRIBBLE, "must be an object of numberOfChunks and totalDuration"),
        (answering(chunkedDribbleDelay={"numberOfChunks": 0, "totalDuration": 5}), f"{DRIBBLE}/numberOfChunks", "must be a whole number from 1, not 0"),
        (answering(chunkedDribbleDelay={"numberOfChunks": None, "totalDuration": 5}), f"{DRIBBLE}/numberOfChunks", "must be a whole number from 1, not null"),
        (answering(chunkedDribbleDelay={"numberOfChunks": 1, "totalDuration": -5}), f"{DRIBBLE}/totalDuration", MILLISECONDS + "-5"),
    ],
)  # fmt: skip
def test_what_is_refused(source: Any, pointer: str, told: str) -> None:
    assert faults_of(source) == [(pointer, told)]
    assert faults_of(source, "/mappings/3") == [("/mappings/3" + pointer, told)]


def test_all_faults_are_told_at_once() -> None:
    source = {
        "id": "x", "foo": 1, "priority": 0, "times": 0, "after": "x", "example": "x", "name": 1, "newScenarioState": "y",
        "request": {"foo": 1, "method": 5, "bodyPatterns": [1]},
        "response": {"status": 1, "body": "a", "base64Body": "b", "headers": {"a b": "c"}, "fault": "x", "fixedDelayMilliseconds": -1, "foo": 2},
    }  # fmt: skip
    assert {pointer for pointer, _ in faults_of(source)} == {
        "/id", "/foo", "/priority", "/times", "/after", "/example", "/name", "/newScenarioState",
        "/request/foo", "/request/method", "/request/bodyPatterns/0",
        "/response/status", "/response/body", "/response/headers/a b", "/response/fault", "/response/fixedDelayMilliseconds", "/response/foo",
    }  # fmt: skip


def test_what_is_empty_is_not_refused() -> None:
    empty: dict[str, Any] = {name: [] for name, holds in MEMBERS.items() if not holds}
    bare = dict.fromkeys(MEMBERS)
    response: dict[str, Any] = {name: {} for name, holds in RESPONSE.items() if not holds}
    assert read(
        {**bare, **empty, "response": {**{name: None for name in RESPONSE if name != "jsonBody"}, **response}}
    )
    assert read({"persistent": True, "insertionIndex": 5, "metadata": {"mock": None}})
    assert (
        read({"metadata": {"mock": {"request": None, "times": None, "served": 5, "remaining": 0}}}).times
        is None
    )


def test_ids_are_kept_in_lower_case_or_made() -> None:
    given = ID.replace("a", "b").upper()
    assert read({"id": given}).id == read({"uuid": given}).id == given.lower()
    assert read({"id": given, "uuid": "ignored, since both are there"}).id == given.lower()
    assert read({}).id == read({"id": None}).id == ID


def test_what_is_written_is_closed() -> None:
    source = {
        "name": "n", "priority": 1, "times": 2, "after": "checks", "persistent": True, "metadata": {"team": "a"},
        "request": {"method": "POST", "api": "things", "operation": ["make"], "url": None}, "response": {"status": 429, "body": None},
        "scenarioName": "s", "requiredScenarioState": "Started", "newScenarioState": "two",
    }  # fmt: skip
    assert write_mapping(Armed(read(source), 1, served=1)) == {
        "id": ID, "uuid": ID, "name": "n", "priority": 1, "request": {"method": "POST"}, "response": {"status": 429},
        "scenarioName": "s", "requiredScenarioState": "Started", "newScenarioState": "two",
        "metadata": {
            "team": "a",
            "mock": {"times": 2, "after": "checks", "served": 1, "remaining": 1, "request": {"api": "things", "operation": ["make"]}},
        },
    }  # fmt: skip
    assert write_mapping(Armed(read({}), 1)) == {
        "id": ID, "uuid": ID, "request": {}, "response": {}, "metadata": {"mock": {"served": 0, "after": "nothing"}},
    }  # fmt: skip


# What is written means the same

TEXTS = st.text(st.characters(codec="latin-1", categories=["L", "N"]), min_size=1, max_size=5)
MATCHERS = st.sampled_from([{"equalTo": "a"}, {"contains": "b", }, {"absent": True}, {"not": {"matches": "x.*"}}, {"equalToJson": {"a": 1}, "ignoreArrayOrder": True}])  # fmt: skip
JSON_VALUES = st.recursive(st.none() | st.booleans() | st.integers() | TEXTS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2), max_leaves=4)  # fmt: skip
DELAYS = st.one_of(
    st.fixed_dictionaries({"type": st.just("fixed"), "milliseconds": st.integers(0, 9)}),
    st.fixed_dictionaries(
        {"type": st.just("uniform"), "lower": st.integers(0, 5), "upper": st.integers(5, 9)}
    ),
    st.fixed_dictionaries(
        {"type": st.just("lognormal"), "median": st.integers(0, 9), "sigma": st.floats(0, 2)}
    ),
)
REQUESTS = st.fixed_dictionaries(
    {},
    optional={
        "method": st.sampled_from(["GET", "ANY", None]),
        "urlPath": st.just("/a"),
        "headers": st.dictionaries(TEXTS, MATCHERS, max_size=2),
        "bodyPatterns": st.lists(MATCHERS, max_size=2),
        "api": st.sampled_from(["things", ["things", "others"], None]),
        "operation": st.sampled_from(["make", ["make"], None]),
    },
)
BODIES = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"body": TEXTS | st.just("")}),
    st.fixed_dictionaries({"jsonBody": JSON_VALUES}),
    st.fixed_dictionaries({"base64Body": st.just("/wA=")}),
)
ANSWERS = st.fixed_dictionaries(
    {"status": st.integers(100, 599)},
    optional={
        "statusMessage": st.just("Fine"),
        "headers": st.dictionaries(st.sampled_from(["A", "Content-Type"]), TEXTS | st.lists(TEXTS, max_size=2) | st.integers(0, 9)),
        "fault": st.sampled_from(FAULTS),
        "fixedDelayMilliseconds": st.integers(0, 9),
        "delayDistribution": DELAYS,
        "chunkedDribbleDelay": st.just({"numberOfChunks": 2, "totalDuration": 5}),
    },
)  # fmt: skip
RESPONSES = st.one_of(st.none(), st.just({}), st.builds(lambda one, other: {**one, **other}, ANSWERS, BODIES))
MAPPINGS = st.fixed_dictionaries(
    {},
    optional={
        "name": TEXTS,
        "request": REQUESTS,
        "response": RESPONSES,
        "priority": st.integers(1, 9),
        "times": st.integers(1, 3) | st.none(),
        "after": st.sampled_from(["nothing", "checks", None]),
        "metadata": st.dictionaries(TEXTS, JSON_VALUES, max_size=2),
        "scenarioName": st.just("s"),
    },
)


@given(MAPPINGS, st.integers(0, 3))
def test_what_is_written_is_understood_again(source: dict[str, Any], served: int) -> None:
    rule = read(source)
    written = json.loads(json.dumps(write_mapping(Armed(rule, 1, served))))
    again = read(written)
    for name in set(Rule.__dataclass_fields__) - {"own"}:
        assert getattr(again, name) == getattr(rule, name)
    assert write_mapping(Armed(again, 2, served)) == written
    assert set(written) <= {
        "id",
        "uuid",
        "name",
        "request",
        "response",
        "priority",
        "metadata",
        "scenarioName",
    }
    assert not set(written["request"]) & {"api", "operation"}


@pytest.mark.parametrize("example", ["made", None])
@pytest.mark.parametrize("state", ["two", None])
def test_examples_and_states_are_understood_again(example: str | None, state: str | None) -> None:
    rule = read(
        {"example": example, "scenarioName": "s", "newScenarioState": state, "requiredScenarioState": state}
    )
    again = read(write_mapping(Armed(rule, 1)))
    assert (again.script, again.scenario, again.sets, again.required) == (rule.script, "s", state, state)
    assert again.script.example == example


def test_what_stands_at_the_top_wins() -> None:
    written = write_mapping(Armed(read({"times": 2, "after": "checks"}), 1))
    changed = read({**written, "times": 5, "after": "nothing"})
    assert (changed.times, changed.after) == (5, "nothing")
