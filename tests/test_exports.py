"""Exports: archives have what HAR asks for, commands repeat a call as it was sent, tests pass, and no secret is told."""

import ast
import base64
import json
import os
import re
import socket
import subprocess
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.engine.exchange import Exchange, Request, Response
from mockserver.engine.headers import packed, unpacked
from mockserver.engine.parsing import MalformedError, parse_json
from mockserver.loading import load_bundled, load_spec
from mockserver.reports.exports import curl, har, jsonl, pytest_text
from mockserver.reports.sensitive import Sensitive, secret_names
from mockserver.wire import logged_request
from tests.serving import Running, running
from tests.test_parcel import FOLDER

SECRET = "s3cret-42/KEY+abc="
SENSITIVE = Sensitive(secret_names([*load_bundled(), load_spec(FOLDER / "parcel.yaml", "parcel")]))
JSON = ("content-type", "application/json")
Lines = list[tuple[str, str]]


def call(  # what a test does not name does not matter to it
    body: bytes = b"{}", *lines: tuple[str, str], method: str = "POST", path: str = "/v1/events/trigger",
    query: str = "", **members: Any,
) -> Exchange:  # fmt: skip
    raw = packed(
        [(name.encode(), value.encode("latin-1")) for name, value in (("host", "mock:4747"), *lines)]
    )
    request = Request(method, path, query, unpacked(raw), raw, body, "127.0.0.1")
    answer = Response(201, (("content-type", "application/json"),), b'{"id": 1}')
    known: dict[str, Any] = {
        "api": "novu",
        "operation": "trigger",
        "status": 201,
        "response": answer,
        "outcome": "admitted",
    }
    return Exchange(7, "00000000-0000-4000-8000-000000000007", 1795176000.5, request, **(known | members))


# -- commands ---------------------------------------------------------------------------------------------------------


def sent_raw(server: Running, method: str, target: str, lines: Lines, body: bytes) -> None:
    """Send a request byte by byte as it is: a client would add or refuse some of it."""
    host = [("Host", server.address), ("Content-Length", str(len(body)))]
    head = "".join(f"{name}: {value}\r\n" for name, value in [*host, *lines, ("Connection", "close")])
    with server.raw() as connection:
        connection.sendall(f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass


def facts(exchange: Exchange) -> tuple[Any, ...]:
    request = exchange.request
    left_out = {"host", "content-length", "connection", "accept-encoding", "user-agent"}
    headers = {name: value for name, value in request.headers.items() if name not in left_out}
    return request.method, request.path, request.query, request.body, headers


def run_in_shell(script: str, **variables: str) -> None:
    data = script.encode("utf-8")
    subprocess.run(["sh", "-n"], input=data, check=True)
    env = {"PATH": os.environ["PATH"], "NO_PROXY": "*", "LC_ALL": "C", **variables}
    subprocess.run(
        ["sh", "-e"], input=data, check=True, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )


def repeats_exactly(requests: Iterable[tuple[str, str, Lines, bytes]], **variables: str) -> str:
    """Send requests, run what is exported of them, and return it; what arrives has to be what was sent."""
    with running() as server:
        for method, target, lines, body in requests:
            sent_raw(server, method, target, lines, body)
        before = list(server.stage.world.journal.newest_first())[::-1]
        script = curl(before, SENSITIVE)
        run_in_shell(script, **variables)
        after = list(server.stage.world.journal.newest_first())[::-1][len(before) :]
    assert [facts(each) for each in after] == [facts(each) for each in before]
    return script


BODIES = [
    b"", b"{}", b"it's $HOME `id` $(id) \\ \"quoted\" 100% %s !!", b"@/etc/passwd", b"'", b"-n", b"\\055", b"\\", b"\n", b"\n\n{}\n\n", b"\t",
    "Zoë 日本 🎉".encode(), b"\x00", b"\x00\x01\xff\xfe'%\\1", b"\xe9", b"\r\n", b"\x1b[31m", "\u202e\ufeff\u2028".encode(), b"-\x00", b"@\x00",
    b"\x001\x0012", b'{"a": "\\ud800", "b": 12345678901234567890}', b"x" * 200_000, b"'%\\" * 100_000, b"\xff" * 2_000_000,
]  # fmt: skip
TARGETS = [
    "/", "/v1/events/trigger?a=1&b=%20+c", "/a'b;c&d", "/x?q={a,b}[1-3]", "/a/../b/./c//d/", "//v1/events/trigger", "/%C3%A9%zz", "/$HOME/`id`/!x",
    '/x?"quoted"=\\', "/-o?--x", "/~user/x", "/x?", "/?a", "/x?a=b?c=d&&=",
]  # fmt: skip
HEADERS: list[Lines] = [
    [], [("X-Empty", "")], [("X-Quoted", "it's \"$HOME\" `id` \\ %s")], [("X-Twice", "1"), ("X-Twice", "2")], [("X-Latin", "\xe9\xff")],
    [("X-Text", "日本".encode().decode("latin-1"))], [("X-Tab", "a\tb")], [("Content-Type", "text/plain")], [("User-Agent", "u/1"), ("Accept", "a/b")],
    [("X-File", "@/etc/passwd")], [("Origin", "http://localhost:3000")], [("Accept-Encoding", "gzip")], [("!#$%&'*+-.^_`|~", "x")],
]  # fmt: skip


def test_a_command_repeats_its_call_whatever_it_holds() -> None:
    for method in ("POST", "GET", "HEAD"):
        repeats_exactly(
            (method, "/v1/events/trigger", [JSON], body) for body in BODIES[: None if method == "POST" else 3]
        )
    repeats_exactly(("GET" if target == "/" else "POST", target, [], b"") for target in TARGETS[1:])
    repeats_exactly((method, "/event/", lines, b"{}") for lines in HEADERS for method in ("PUT", "DELETE"))
    repeats_exactly([("OPTIONS", "*", [], b""), ("M-SEARCH", "/event/", [], b"{}"), ("TRACE", "/x", [], b"")])


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)
bodies = (
    st.binary(max_size=60)
    | st.text(max_size=40).map(lambda text: text.encode())
    | values.map(lambda value: json.dumps(value).encode())
)
visible = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#"), max_size=15)
texts = st.text(st.characters(min_codepoint=33, max_codepoint=255, exclude_characters="\x7f"), max_size=15)
requests = st.tuples(
    st.sampled_from(["POST", "PUT", "GET"]),
    st.builds(lambda path, query: f"/x{path}?{query}", visible, visible),
    st.builds(lambda value: [("X-A", value)], texts),
    bodies,
)


@settings(max_examples=5)
@given(st.lists(requests, min_size=10, max_size=10))
def test_a_command_repeats_any_call(sent: list[tuple[str, str, Lines, bytes]]) -> None:
    repeats_exactly(sent)


@pytest.mark.parametrize(
    ("lines", "query", "variables"),
    [
        ([("Authorization", f"ApiKey {SECRET}")], "", {"NOVU_API_KEY": SECRET}),
        ([("Authorization", SECRET)], "", {"NOVU_API_KEY": SECRET}),
        ([("Authorization", f"ApiKey  {SECRET}")], "", {"NOVU_API_KEY": SECRET}),
        ([("Authorization", "Bearer k")], "", {"NOVU_API_KEY": "k"}),
        (
            [("Authorization", f"{SECRET}:signature")],
            "",
            {"NOVU_API_KEY": f"{SECRET}:signature", "NOVU_API_KEY_2": SECRET},
        ),
        (
            [("X-Api-Key", "$a 'b'"), ("Authorization", SECRET)],
            "",
            {"NOVU_API_KEY": "$a 'b'", "NOVU_API_KEY_4": SECRET},
        ),
        ([("Cookie", "sid=abcdef; x=y")], "", {"NOVU_COOKIE": "sid=abcdef; x=y"}),
        ([("Proxy-Authorization", "Basic eDp5")], "", {"NOVU_PROXY_AUTHORIZATION": "eDp5"}),
        ([], "a=1&token=s3cret&b=2", {"NOVU_API_KEY": "s3cret"}),
        ([], "token=&token=%41", {"NOVU_API_KEY": "A"}),
    ],
)
def test_variables_stand_for_secrets(lines: Lines, query: str, variables: dict[str, str]) -> None:
    body = json.dumps({"name": "it's", "key": SECRET, "sid": "abcdef"}).encode()
    target = f"/v1/events/trigger{'?' if query else ''}{query.replace('%41', 'A')}"
    with_secret = any(SECRET in value for value in variables.values())
    script = repeats_exactly([("POST", target, [JSON, *lines], body if with_secret else b"{}")], **variables)
    assert {f'"${name}"' for name in variables} <= set(re.findall(r'"\$\w+"', script))
    assert not with_secret or SECRET not in script


def test_what_a_command_looks_like() -> None:
    lines = [
        ("authorization", f"ApiKey {SECRET}"),
        JSON,
        ("user-agent", "sdk/1"),
        ("accept", "*/*"),
        ("connection", "close"),
    ]
    assert curl(
        [
            call(b'{"name": "it\'s"}', *lines),
            call(b"", ("user-agent", "a"), method="GET", path="/x", api=None),
        ],
        SENSITIVE,
    ) == (
        "curl -X POST 'http://mock:4747/v1/events/trigger' \\\n"
        "  -H 'Authorization: ApiKey '\"$NOVU_API_KEY\" \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        "  -H 'User-Agent: sdk/1' \\\n"
        "  -H 'Accept: */*' \\\n"
        "  --data-binary '{\"name\": \"it'\\''s\"}'\n"
        "curl 'http://mock:4747/x' \\\n"
        "  -H 'User-Agent: a' \\\n"
        "  -H 'Accept:'\n"
    )


@pytest.mark.parametrize(
    ("api", "variable"),
    [
        ("novu", "NOVU_API_KEY"),
        ("my-api.v2", "MY_API_V2_API_KEY"),
        ("4all", "_4ALL_API_KEY"),
        ("é", "__API_KEY"),
        (None, "API_KEY"),
    ],
)
def test_a_variable_is_named_after_its_api(api: str | None, variable: str) -> None:
    script = curl([call(b"", ("authorization", SECRET), api=api)], SENSITIVE)
    assert f"-H 'Authorization: '\"${variable}\"" in script


@pytest.mark.parametrize(
    ("lines", "url"),
    [
        ([], "http://mock:4747/~checkout-42/v1/events/trigger?a=1"),
        ([("x-mock-namespace", "checkout-42")], "http://mock:4747/v1/events/trigger?a=1"),
        (
            [("x-mock-namespace", "other")],
            "http://mock:4747/~checkout-42/v1/events/trigger?a=1",
        ),  # the prefix had won
    ],
)
def test_a_call_goes_back_to_its_namespace(lines: Lines, url: str) -> None:
    exchange = call(b"{}", *lines, query="a=1", namespace="checkout-42")
    assert f"'{url}'" in curl([exchange], SENSITIVE).replace("''", "")
    (entry,) = har([exchange], SENSITIVE, "1")["log"]["entries"]
    assert entry["request"]["url"] == url
    assert entry["_namespace"] == "checkout-42"


# -- archives and lines -----------------------------------------------------------------------------------------------

REQUIRED = {
    "": {"startedDateTime": str, "time": float, "request": dict, "response": dict, "cache": dict, "timings": dict},
    "timings": {"send": int, "wait": float, "receive": int},
    "request": {"method": str, "url": str, "httpVersion": str, "cookies": list, "headers": list, "queryString": list, "headersSize": int, "bodySize": int},
    "response": {
        "status": int, "statusText": str, "httpVersion": str, "cookies": list, "headers": list, "content": dict, "redirectURL": str, "headersSize": int,
        "bodySize": int,
    },
    "response.content": {"size": int, "mimeType": str},
}  # fmt: skip
"""The members that HAR 1.2 requires of an entry, and their types."""


def entry_of(exchange: Exchange) -> dict[str, Any]:
    (entry,) = json.loads(json.dumps(har([exchange], SENSITIVE, "1.2.3")))["log"]["entries"]
    for place, members in REQUIRED.items():
        found = entry
        for step in filter(None, place.split(".")):
            found = found[step]
        assert {name: type(found[name]) for name in members} == members
    request, response = entry["request"], entry["response"]
    for pair in [*request["headers"], *request["cookies"], *request["queryString"], *response["headers"]]:
        assert {name: type(value) for name, value in pair.items()} == {"name": str, "value": str}
    assert set(entry) - REQUIRED[""].keys() >= {
        "_api",
        "_operation",
        "_outcome",
        "_reason",
        "_findings",
        "_namespace",
    }
    assert entry["time"] == sum(value for value in entry["timings"].values() if value != -1)
    return dict(entry)


def answered(status: int, body: bytes, *headers: tuple[str, str]) -> dict[str, Any]:
    return {"status": status, "response": Response(status, headers, body)}


@pytest.mark.parametrize(
    ("exchange", "expected"),
    [
        (call(), {"response.status": 201, "response.statusText": "Created", "response.content": {"size": 9, "mimeType": "application/json", "text": '{"id": 1}'}}),
        (call(), {"startedDateTime": "2026-11-20T12:00:00.500Z", "request.url": "http://mock:4747/v1/events/trigger", "time": 0.0}),
        (call(served=0.0123456), {"time": 12.346, "timings.wait": 12.346}),
        (call(b'{"a": 1}', JSON), {"request.bodySize": 8, "request.postData": {"mimeType": "application/json", "text": '{"a": 1}'}}),
        (call(b"\xff\x00"), {"request.postData": {"mimeType": "application/octet-stream", "text": "/wA=", "_encoding": "base64"}}),
        (call(b""), {"request.bodySize": 0, "request.postData": None}),
        (call(query="a=1&a=2&b"), {"request.queryString": [{"name": name, "value": value} for name, value in ("a1", "a2", ("b", ""))]}),
        (call(b"", ("x-a", "1"), ("x-a", "2")), {"request.headers": [{"name": "Host", "value": "mock:4747"}, *({"name": "X-A", "value": value} for value in "12")]}),
        (call(b"", ("cookie", "a=b")), {"request.cookies": [{"name": "a", "value": "[redacted]"}]}),
        (call(path="/a#b"), {"request.url": "http://mock:4747/a%23b"}),
        (call(**answered(299, b"\xff")), {"response.statusText": "", "response.content": {"size": 1, "mimeType": "application/octet-stream", "text": "/w==", "encoding": "base64"}}),
        (call(**answered(302, b"", ("Location", "/x"))), {"response.redirectURL": "/x", "response.content.text": "", "response.bodySize": 0}),
        (call(), {"_api": "novu", "_operation": "trigger", "_outcome": "admitted", "_reason": None, "_findings": [], "_fault": None}),
        (call(fault="EMPTY_RESPONSE"), {"_fault": "EMPTY_RESPONSE", "response.status": 0, "response.statusText": "", "response.headers": [], "response.bodySize": -1}),
        (call(state="aborted", response=None), {"_fault": "aborted", "response.status": 0, "response.content.size": 0, "response.content.text": None}),
        (call(state="waiting", response=None), {"_fault": "waiting", "response.status": 0, "response.statusText": ""}),
    ],
)  # fmt: skip
def test_an_archive_has_what_it_must(exchange: Exchange, expected: dict[str, Any]) -> None:
    entry = entry_of(exchange)
    for place, value in expected.items():
        *steps, last = place.split(".")
        found = entry
        for step in steps:
            found = found[step]
        assert found.get(last) == value, place


def test_an_archive_says_who_made_it_and_keeps_the_order() -> None:
    log = har([call(path="/1"), call(path="/2")], SENSITIVE, "1.2.3")["log"]
    assert (log["version"], log["creator"]) == ("1.2", {"name": "mockserver", "version": "1.2.3"})
    assert [entry["request"]["url"][-2:] for entry in log["entries"]] == ["/1", "/2"]


def test_lines_are_events_in_the_order_they_came() -> None:
    lines = list(jsonl([call(b"\xff\n", path="/1"), call(b"\n", path="/2")], SENSITIVE))
    assert all(line.endswith("\n") and line.count("\n") == 1 for line in lines)
    assert [json.loads(line)["request"]["url"] for line in lines] == ["/1", "/2"]


# -- tests ------------------------------------------------------------------------------------------------------------


def includes(actual: Any, expected: Any) -> bool:
    """Tell whether a value has all members of another; without recursion, since values are up to 500 levels deep."""
    waiting = [(actual, expected)]
    while waiting:
        actual, expected = waiting.pop()
        if isinstance(expected, dict):
            if not isinstance(actual, dict) or not expected.keys() <= actual.keys():
                return False
            waiting += [(actual[name], value) for name, value in expected.items()]
        elif isinstance(expected, list):
            if not isinstance(actual, list) or len(actual) != len(expected):
                return False
            waiting += zip(actual, expected, strict=True)
        elif json.dumps(actual) != json.dumps(expected):
            return False
    return True


def meets(pattern: dict[str, str], body: bytes) -> bool:
    if "binaryEqualTo" in pattern:
        return base64.b64decode(pattern["binaryEqualTo"], validate=True) == body
    return pattern["equalTo"].encode() == body


class Mock:
    """Stands in for the handle that tests are given; only what a generated test may say is understood."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange, self.asked = exchange, dict[str, Any]()
        self._api: str | None = None

    def api(self, name: str) -> "Mock":
        assert name == self.exchange.api
        self._api = name
        return self

    def assert_called_once(
        self,
        *,
        method: str | None = None,
        path: str | None = None,
        query: Any = None,
        body: Any = None,
        matching: Any = None,
    ) -> None:
        assert self._api == self.exchange.api
        request = self.exchange.request
        parameters = {
            name: each["values"] for name, each in logged_request(self.exchange)["queryParams"].items()
        }
        assert (method, path) in {(request.method, request.path), (request.method, None)}
        assert all(value in parameters.get(name, []) for name, value in (query or {}).items())
        assert body is None or includes(parse_json(request.body), body)
        matching = matching or {}
        assert matching.keys() <= {"bodyPatterns", "queryParameters"}
        assert all(meets(pattern, request.body) for pattern in matching.get("bodyPatterns", []))
        for name, pattern in matching.get("queryParameters", {}).items():
            assert sorted(parameters.get(name, [])) == sorted(
                each["equalTo"] for each in pattern["hasExactly"]
            )
        self.asked = {"method": method, "path": path, "query": query, "body": body, "matching": matching}


def run_test(text: str, exchange: Exchange) -> dict[str, Any]:
    """Run the one test of a module against a call, and return what it asserted."""
    names: dict[str, Any] = {}
    exec(compile(text, "generated", "exec", dont_inherit=True), names)  # noqa: S102
    (test,) = [value for name, value in names.items() if name.startswith("test_")]
    mock = Mock(exchange)
    test(mock)
    return {name: value for name, value in mock.asked.items() if value}


def nested(levels: int, inner: str = "1") -> bytes:
    return ("[" * (levels - 1) + f'{{"a": {inner}}}' + "]" * (levels - 1)).encode()


@pytest.mark.parametrize(
    "body",
    [
        b'{"name": "welcome", "to": ["ada"], "n": null, "t": true, "f": false}', b"[]", b"{}", b"[1, [2, {}], -0.0, 1e300]", b'{"a": "\\ud800", "\\udfff": 1}',
        b'{"a": 123456789012345678901234567890}', b"[" + b"9" * 4000 + b"]", b"[" + b"9" * 5000 + b"]", b'{"q": "it\'s \\"quoted\\" \\\\ \\u0000 \\u2028 \\u202e"}',
        '{"日本": "🎉"}'.encode(), nested(40), nested(41), nested(199), nested(500), nested(501), b'{"a": "${json-unit.any-number}"}', b'{"${json-unit.ignore}": 1}',
        b'"text"', b"null", b"12", b"not json", b"{", b"\xef\xbb\xbf{}", "Zoë's \u202e\n\"\"\"".encode(), b"\xff\x00'", b"NaN", b"1e999", b"[1e999]",
        json.dumps({"name": "x" * 60, "to": [{"subscriberId": "u" * 60, "email": None}] * 3, "empty": [{}, []]}).encode(), b'{"a": 1, "a": 2}', b" {} ",
        b'{"a": "\'\'\'\\n\\"\\"\\""}', b'{"None": null, "f\\"{x}": "{y}"}',
    ],
)  # fmt: skip
def test_a_test_passes_against_its_call_and_not_against_another(body: bytes) -> None:
    exchange = call(body, JSON)
    asked = run_test(text := pytest_text([exchange], SENSITIVE), exchange)
    assert "Call the code under test here" in text
    try:
        is_json = isinstance(parse_json(body), dict | list) and b"${json-unit" not in body
    except MalformedError:
        is_json = False
    assert ("bodyPatterns" in asked.get("matching", {})) is not is_json
    other = replace(
        exchange,
        request=replace(exchange.request, body=b'{"other": 1}' if body.strip()[:1] == b"[" else b"[0, 0]"),
    )
    with pytest.raises(AssertionError):
        run_test(text, other)


@given(values)
def test_any_json_value_can_be_asserted(value: Any) -> None:
    exchange = call(json.dumps([value]).encode())
    text = pytest_text([exchange], SENSITIVE)
    text.encode("utf-8")
    assert json.dumps(run_test(text, exchange).get("body", [value])) == json.dumps([value])


@pytest.mark.parametrize(
    ("exchange", "asked"),
    [
        (call(b"", method="GET", path="/x", query="a=1&b=&c=x%20y", api=None), {"method": "GET", "path": "/x", "query": {"a": "1", "b": "", "c": "x y"}}),
        (call(b"", query="a=1&a=2"), {"matching": {"queryParameters": {"a": {"hasExactly": [{"equalTo": "1"}, {"equalTo": "2"}]}}}}),
        (call(b"x", query="a=1&a=2"), {"matching": {"queryParameters": {"a": {"hasExactly": [{"equalTo": "1"}, {"equalTo": "2"}]}}, "bodyPatterns": [{"equalTo": "x"}]}}),
        (call(b"", path='/a"b\'\\\xe9'), {"path": '/a"b\'\\\xe9'}),
    ],
)  # fmt: skip
def test_what_a_test_asserts(exchange: Exchange, asked: dict[str, Any]) -> None:
    default = {"method": exchange.request.method, "path": exchange.request.path}
    assert run_test(pytest_text([exchange], SENSITIVE), exchange) == default | asked


@pytest.mark.parametrize(
    ("members", "asked", "left_out"),
    [
        (
            {"body": b'{"a": 1, "b": "x %s y", "c": [{"d": "%s", "e": 2}], "f": ["%s"]}'},
            {"body": {"a": 1, "c": [{"e": 2}]}},
            "body",
        ),
        ({"body": b'{"%s": 1, "a": 2}'}, {"body": {"a": 2}}, "body"),
        ({"body": b'["%s", 1]'}, {}, "body"),
        ({"body": b"key=%s"}, {}, "body"),
        ({"body": b"\xff%s"}, {}, "body"),
        ({"body": nested(500, '["%s"]')}, {}, "body"),
        ({"body": nested(499, '{"b": "%s", "c": 1}')}, {"body": json.loads(nested(499, '{"c": 1}'))}, "body"),
        ({"body": b"", "query": "token=k&b=1&c=%s&%s=2"}, {"query": {"b": "1"}}, "query"),
        ({"body": b"", "path": "/x/%s/y"}, {"path": None}, "path"),
        ({"body": b"%s", "path": "/x/%s/y", "query": "a=%s"}, {"path": None}, "path, query, body"),
    ],
)
def test_a_secret_is_not_asserted(members: dict[str, Any], asked: dict[str, Any], left_out: str) -> None:
    secret = "s3cret-sentinel"
    filled = {name: value.replace("%s" if isinstance(value, str) else b"%s", secret if isinstance(value, str) else secret.encode()) for name, value in members.items()}  # fmt: skip
    exchange = call(filled.pop("body"), ("authorization", f"ApiKey {secret}"), **filled)
    text = pytest_text([exchange], SENSITIVE)
    assert "s3cret" not in text
    assert f"# Not asserted, since a secret stands there: {left_out}.\n" in text
    expected = {"method": "POST", "path": exchange.request.path} | asked
    assert run_test(text, exchange) == {name: value for name, value in expected.items() if value}


def test_what_a_test_looks_like() -> None:
    body = {
        "name": "welcome",
        "to": {"subscriberId": "ada"},
        "payload": {"text": "x" * 50, "tags": []},
        "transactionId": None,
    }
    assert pytest_text(
        [call(json.dumps(body).encode()), call(b"", method="GET", path="/x", api=None)], SENSITIVE
    ) == (
        '"""Recorded calls, as tests of the code that sent them."""\n'
        "\n"
        "\n"
        "def test_call_1(mockserver):\n"
        "    # Call the code under test here, with mockserver.url as its base URL.\n"
        '    mockserver.api("novu").assert_called_once(\n'
        '        method="POST",\n'
        '        path="/v1/events/trigger",\n'
        "        body={\n"
        '            "name": "welcome",\n'
        '            "to": {"subscriberId": "ada"},\n'
        '            "payload": {\n'
        '                "text": "' + "x" * 50 + '",\n'
        '                "tags": [],\n'
        "            },\n"
        '            "transactionId": None,\n'
        "        },\n"
        "    )\n"
        "\n"
        "\n"
        "def test_call_2(mockserver):\n"
        "    # Call the code under test here, with mockserver.url as its base URL.\n"
        "    mockserver.assert_called_once(\n"
        '        method="GET",\n'
        '        path="/x",\n'
        "    )\n"
    )


def test_tests_are_named_after_the_numbers_of_their_calls() -> None:
    def names(*calls: Exchange) -> list[str]:
        return [
            each.name
            for each in ast.parse(pytest_text(calls, SENSITIVE)).body
            if isinstance(each, ast.FunctionDef)
        ]

    assert names(call(), replace(call(), number=12)) == ["test_call_7", "test_call_12"]
    assert names(call(namespace="a"), call(namespace="b")) == ["test_call_1", "test_call_2"]
    assert names() == []


# -- secrets ----------------------------------------------------------------------------------------------------------

SPELLED = [
    SECRET,
    json.dumps(SECRET).replace("/", "\\/")[1:-1],
    SECRET.replace("+", "\\u002B"),
    SECRET.replace("=", "\\u003d"),
    "s3cret-42%2FKEY%2Babc%3D",
    "s3cret-42%2fKEY%2babc%3d",
]


def told(exchange: Exchange) -> str:
    """Return all formats in one, Base64 in them decoded."""
    calls = [exchange]
    text = "".join(
        [
            json.dumps(har(calls, SENSITIVE, "1")),
            *jsonl(calls, SENSITIVE),
            curl(calls, SENSITIVE),
            pytest_text(calls, SENSITIVE),
        ]
    )
    encoded = re.findall(r'"([A-Za-z0-9+/]{8,}={0,2})"', text)
    return text + "".join(base64.b64decode(each[: len(each) // 4 * 4]).decode("latin-1") for each in encoded)


@pytest.mark.parametrize(
    ("lines", "query"),
    [
        ([("authorization", f"ApiKey {SECRET}")], ""),
        ([("authorization", SECRET)], ""),
        ([("authorization", f"{SECRET}:signature")], ""),
        ([("cookie", f"sid={SECRET}; a=b")], ""),
        ([("x-api-key", SECRET), ("authorization", "Bearer other-key")], ""),
        ([], f"token={SPELLED[-2]}"),
        ([], f"Token={SPELLED[-1]}&a={SPELLED[-2]}"),
    ],
)
@pytest.mark.parametrize(
    "body",
    [
        *(f'{{"a": "{each}", "b": ["{each}"], "{each}": 1}}'.encode() for each in SPELLED), f"key={SECRET}".encode(), b"\xff\x00" + SECRET.encode() + b"\xfe",
        json.dumps(SECRET).encode(),
    ],
)  # fmt: skip
def test_a_secret_is_in_no_export(lines: Lines, query: str, body: bytes) -> None:
    repeated = [
        *lines,
        ("x-again", f"<{SECRET}>"),
        (f"x-{SECRET}", "1"),
        ("content-type", f"application/json; k={SECRET}"),
    ]
    finding = {
        "in": "body",
        "pointer": f"/{SECRET.replace('/', '~1')}",
        "message": SECRET,
        "value": {SECRET: [SECRET]},
    }
    exchange = call(
        body, *repeated, path=f"/v1/{SPELLED[-2]}/{SECRET}", query=f"{query}&x={SPELLED[-1]}&{SPELLED[-2]}=1", method=f"X-{SECRET}",
        name=SECRET, recipient=SECRET, findings=(finding,), outcome="refused", **answered(422, body, ("X-Echo", SECRET), ("Location", f"/{SECRET}")),
    )  # fmt: skip
    text = told(exchange)
    assert [each for each in SPELLED if each in text] == []
    assert "s3cret-42" not in text


def test_a_secret_that_is_not_ascii_is_in_no_export() -> None:
    for sent in (b"s3cr\xe9t-42", "s3crét-42".encode()):
        lines = [("authorization", f"Bearer {sent.decode('latin-1')}")]
        for body in (
            '{"a": "s3crét-42"}'.encode(),
            b'{"a": "s3cr\\u00e9t-42", "b": "s3cr\\u00E9t-42"}',
            b"\xffs3cr\xe9t-42",
        ):
            text = told(call(body, *lines, ("x-a", lines[0][1][7:]), query="x=s3cr%C3%A9t-42"))
            assert not re.search("s3cr", text)


def test_the_secrets_would_be_found() -> None:
    assert told(call(json.dumps({"a": SECRET}).encode(), ("x-harmless", SECRET))).count(SECRET) >= 8
