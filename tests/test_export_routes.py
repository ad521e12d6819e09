"""What leaves over HTTP: exports, the retry audit, calls that the mock sends to itself, and the end of a server."""

import base64
import hashlib
import hmac
import http.client
import json
import shlex
from typing import Any

import pytest

from mockserver.engine.policy import Policy
from mockserver.engine.world import Settings
from mockserver.loading import bundled_names, samples_of
from tests.serving import TRIGGER, Running, running, serving
from tests.wires import Gate, arm

SENTINEL = "sk-sentinel-0123456789"


def get(server: Running, path: str) -> Any:
    status, _, body = server.request("GET", f"/__admin{path}")
    assert status == 200, body
    return json.loads(body)


# Exports

FORMATS = [
    ("har", "application/json", "calls.har"),
    ("jsonl", "application/x-ndjson", "calls.jsonl"),
    ("curl", "text/plain; charset=utf-8", "calls.sh"),
    ("pytest", "text/x-python; charset=utf-8", "test_calls.py"),
]


def paths_in(name: str, text: str) -> list[str]:
    """Return the paths of the calls in an export, in its order."""
    if name == "har":
        return [entry["request"]["url"].partition(":")[2].partition("/")[2].partition("/")[2] for entry in json.loads(text)["log"]["entries"]]  # fmt: skip
    if name == "jsonl":
        return [json.loads(line)["request"]["url"] for line in text.splitlines()]
    found = [(text.find(path), path) for path in ("/v1/events/trigger", "/event/", "/nowhere")]
    return [path for at, path in sorted(found) if at >= 0]


@pytest.mark.parametrize(("name", "media_type", "file"), FORMATS)
def test_each_format_has_the_calls_oldest_first(
    server: Running, name: str, media_type: str, file: str
) -> None:
    server.trigger()
    server.request("POST", "/event/", {}, {"Authorization": "Bearer other"})
    server.request("GET", "/nowhere")
    status, headers, body = server.request("GET", f"/__admin/export?format={name}")
    assert (status, headers["content-type"]) == (200, media_type)
    assert headers["content-disposition"] == f'attachment; filename="{file}"'
    assert headers["cache-control"] == "no-store"
    assert "x-mock-dropped" not in headers
    text = body.decode()
    last = {"har": "nowhere"}.get(name, "/nowhere")
    assert paths_in(name, text)[-1].endswith(last)
    assert len(paths_in(name, text)) == 3
    if name == "pytest":
        compile(text, file, "exec")
    if name == "curl":
        assert shlex.split(text, comments=True).count("curl") == 3


@pytest.mark.parametrize("name", [name for name, _, _ in FORMATS])
def test_an_export_of_nothing_is_a_document_all_the_same(server: Running, name: str) -> None:
    status, _, body = server.request("GET", f"/__admin/export?format={name}")
    assert status == 200
    if name == "har":
        assert json.loads(body)["log"]["entries"] == []
    if name == "pytest":
        compile(body, "test_calls.py", "exec")


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 3),
        ("&q=", 3),
        ("&q=api:novu", 1),
        ("&q=status:4xx", 2),
        ("&q=status:4xx+-api:suprsend", 1),
        ("&q=nothing-has-this", 0),
    ],
)
def test_an_export_can_be_narrowed(server: Running, query: str, count: int) -> None:
    server.trigger()
    server.request("POST", "/event/", {})
    server.request("GET", "/nowhere")
    _, _, body = server.request("GET", f"/__admin/export?format=jsonl{query}")
    assert len(body.splitlines()) == count


@pytest.mark.parametrize(
    ("query", "pointer", "told"),
    [
        ("", "format", "'' is not a format; there are har, jsonl, curl, text, pytest"),
        ("format=xml", "format", "'xml' is not a format; there are har, jsonl, curl, text, pytest"),
        ("format=HAR", "format", "'HAR' is not a format; there are har, jsonl, curl, text, pytest"),
        ("format=har&q=stauts:1", "q", "stauts"),
        ("format=har&q=status:x", "q", "status"),
    ],
)
def test_what_cannot_be_exported_is_told(server: Running, query: str, pointer: str, told: str) -> None:
    status, _, body = server.request("GET", f"/__admin/export?{query}")
    (error,) = json.loads(body)["errors"]
    assert (status, error["source"]) == (400, {"pointer": pointer})
    assert told in error["title"]


@pytest.mark.parametrize("name", [name for name, _, _ in FORMATS])
def test_no_secret_is_exported(server: Running, name: str) -> None:
    sent = {"Authorization": f"ApiKey {SENTINEL}", "Cookie": f"s={SENTINEL}"}
    server.trigger({"name": f"n {SENTINEL}", "to": [SENTINEL]}, sent)
    server.request("GET", f"/nowhere/{SENTINEL}?x={SENTINEL}", headers={"X-Api-Key": SENTINEL})
    status, _, body = server.request("GET", f"/__admin/export?format={name}")
    assert status == 200
    assert b"sentinel" not in body
    assert len(body) > 300


@pytest.mark.parametrize("name", [name for name, _, _ in FORMATS])
def test_what_is_no_text_can_be_exported(server: Running, name: str) -> None:
    server.trigger({"name": "a\ud800", "to": ["\udfff\x00"]})
    server.trigger(b"\xff\x00\xfe")
    server.request("GET", "/%ff/%00?%ff", headers={"X-Odd": "\xff\x80"})
    arm(server, {"fault": "EMPTY_RESPONSE"})
    with pytest.raises(http.client.RemoteDisconnected):
        server.request("GET", "/armed")
    assert server.request("GET", f"/__admin/export?format={name}")[0] == 200


def test_an_export_says_what_the_journal_has_dropped() -> None:
    with running(Settings(most_calls=2)) as server:
        for _ in range(5):
            server.trigger()
        for name, _, _ in FORMATS:
            status, headers, _ = server.request("GET", f"/__admin/export?format={name}")
            assert (status, headers["x-mock-dropped"]) == (200, "3")
        status, headers, body = server.request("GET", "/__admin/retries")
        assert (status, headers["x-mock-dropped"], json.loads(body)["dropped"]) == (200, "3", 3)


def test_an_export_of_a_namespace_has_its_calls(server: Running) -> None:
    server.request("GET", "/~one/1")
    server.request("GET", "/2")
    for prefix, paths in (("/~one", ["/1"]), ("", ["/2"]), ("/~unused", [])):
        body = server.request("GET", f"{prefix}/__admin/export?format=jsonl")[2].decode()
        assert paths_in("jsonl", body) == paths
    assert sorted(server.stage.worlds) == ["", "one"]


def test_a_call_that_is_held_back_is_exported_without_an_answer() -> None:
    gate = Gate()
    with running(sleep=gate) as server:
        arm(server, {"status": 200, "fixedDelayMilliseconds": 60_000})
        with server.raw() as connection:
            connection.sendall(b"GET /armed HTTP/1.1\r\nHost: x\r\n\r\n")
            gate.reached(1)
            for name, _, _ in FORMATS:
                status, _, body = server.request("GET", f"/__admin/export?format={name}")
                assert (status, b"/armed" in body) == (200, True)


# Retries


def test_the_retries_of_a_client_are_shown(server: Running) -> None:
    arm(server, {"status": 503, "body": "later"}, request={"api": "novu"}, times=1)
    sent = {"Idempotency-Key": "k"}
    assert [server.trigger(headers=sent)[0] for _ in range(2)] == [503, 201]
    server.request("GET", "/~one/v1/events/trigger")
    found = get(server, "/retries")
    assert found["dropped"] == 0
    (call,) = [call for call in found["calls"] if len(call["attempts"]) > 1]
    assert [attempt["status"] for attempt in call["attempts"]] == [503, 201]
    assert [attempt["number"] for attempt in call["attempts"]] == [1, 2]


# Calls of the mock to itself


def sent_by(server: Running, asks: Any, prefix: str = "") -> dict[str, Any]:
    status, _, body = server.request("POST", f"{prefix}/__admin/send", asks)
    assert status == 200, body
    answer: dict[str, Any] = json.loads(body)
    return answer


SAMPLES = [(api, sample["name"]) for api in bundled_names() for sample in samples_of(api)]


@pytest.mark.parametrize("keyed", [False, True])
def test_every_sample_has_its_success(server: Running, keyed: bool) -> None:
    policies = {api: Policy(keys={"mine-1234": "allowed"}) for api in bundled_names()} if keyed else {}
    assert {api for api, _ in SAMPLES} == set(bundled_names())
    with running(Settings(policies=policies)) as other:
        for number, (api, name) in enumerate(SAMPLES, 1):
            answer = sent_by(other, {"api": api, "sample": name})
            assert (answer["number"], 200 <= answer["status"] < 300) == (number, True), (api, name, answer)
            call = get(other, f"/requests/{answer['id']}")
            mock = call["request"]["mock"]
            assert (mock["source"], mock["api"], mock["number"]) == ("page", api, number)
            assert mock["outcome"] in {"admitted", "repeated"}


def test_without_a_name_the_first_sample_is_sent(server: Running) -> None:
    for api in bundled_names():
        assert sent_by(server, {"api": api})["status"] < 300
    assert {call["request"]["mock"]["source"] for call in server.calls()} == {"page"}


def test_a_recorded_call_is_sent_once_more(server: Running) -> None:
    server.trigger(headers={"Idempotency-Key": "k", "Expect": "100-continue", "X-Own": "1"})
    (first,) = server.calls()
    answer = sent_by(server, {"repeat": first["id"].upper()})
    assert (answer["number"], answer["status"]) == (2, 201)
    call = get(server, f"/requests/{answer['id']}")
    mock = call["request"]["mock"]
    assert (mock["outcome"], mock["repeatOf"], mock["source"]) == ("repeated", 1, "page")
    for name in ("url", "method", "body", "host", "port"):
        assert call["request"][name] == first["request"][name]
    own = ("X-Own", "Authorization", "Content-Type", "Idempotency-Key", "Content-Length")
    assert {name: call["request"]["headers"][name] for name in own} == {
        name: first["request"]["headers"][name] for name in own
    }
    assert "Expect" in first["request"]["headers"]
    assert "Expect" not in call["request"]["headers"]  # nobody waits for leave
    assert first["request"]["mock"]["source"] is None


def test_calls_are_sent_in_the_namespace_that_is_asked(server: Running) -> None:
    answer = sent_by(server, {"api": "novu"}, "/~one")
    assert (answer["number"], answer["status"]) == (1, 201)
    again = sent_by(server, {"repeat": answer["id"]}, "/~one")
    assert again["number"] == 2
    assert server.calls() == []
    status, _, _ = server.request("POST", "/__admin/send", {"repeat": answer["id"]})
    assert status == 404


@pytest.mark.parametrize("form", ["har", "jsonl", "curl", "pytest", "text"])
def test_a_key_that_was_named_is_secret_in_the_wrong_place_too(form: str) -> None:
    policies = {
        "novu": Policy({SENTINEL: "allowed", "word": "forbidden"}),
        "suprsend": Policy({"key": "allowed"}, secrets={"key": f"{SENTINEL}/2"}),
    }
    with running(Settings(policies)) as server:
        body = json.dumps({"name": SENTINEL, "to": ["ada"], "payload": {"a": f"{SENTINEL}/2", "b": "a word"}})
        server.request(
            "POST", f"/v1/events/trigger?apiKey={SENTINEL}", body.encode(), {"X-Novu-Key": SENTINEL}
        )
        server.request("POST", f"/nowhere/{SENTINEL}", b"", {"X-Key": f"{SENTINEL}%2F2"})
        status, _, exported = server.request("GET", f"/__admin/export?format={form}")
        assert status == 200
        assert SENTINEL.encode() not in exported
        assert form in {"text", "pytest"} or b"a word" in exported  # too short to be looked for


def test_a_signed_call_is_sent_once_more_where_it_was_sent() -> None:
    """The prefix of a namespace is signed, and so belongs to what is sent again; the header for one is not."""
    policy = Policy({"key": "allowed"}, secrets={"key": "secret"})
    body, date = b'{"distinct_id": "ada", "event": "e"}', "Fri, 20 Nov 2026 12:00:00 GMT"
    with running(Settings({"suprsend": policy})) as server:
        for prefix, path, header in (
            ("/~one", "/~one/event/", {}),
            ("/~two", "/event/", {"X-Mock-Namespace": "two"}),
            ("", "/event/", {}),
        ):
            text = f"POST\n{hashlib.md5(body).hexdigest()}\napplication/json\n{date}\n{path}"  # noqa: S324
            signature = base64.b64encode(hmac.digest(b"secret", text.encode(), "sha256")).decode()
            signed = {"Authorization": f"key:{signature}", "Date": date, "Content-Type": "application/json"}
            status, headers, _ = server.request("POST", path, body, {**signed, **header})
            assert status == 202
            assert sent_by(server, {"repeat": headers["x-mock-call-id"]}, prefix)["status"] == 202


def test_rules_answer_calls_of_the_mock_as_well(server: Running) -> None:
    arm(server, {"status": 429, "headers": {"Retry-After": "1"}}, request={"api": "novu"}, times=1)
    assert [sent_by(server, {"api": "novu"})["status"] for _ in range(2)] == [429, 201]
    dribble = {"numberOfChunks": 2, "totalDuration": 2}
    arm(server, {"status": 200, "body": "ab", "chunkedDribbleDelay": dribble}, request={"api": "novu"})
    answer = sent_by(server, {"api": "novu"})
    assert get(server, f"/requests/{answer['id']}")["request"]["mock"]["state"] == "answered"
    assert answer["status"] == 200


@pytest.mark.parametrize(
    ("asks", "status", "told"),
    [
        ({}, 422, "name the API"),
        ({"api": 5}, 422, "name the API"),
        ({"api": "nobody"}, 404, "no API named 'nobody'"),
        ({"api": "novu", "sample": "none"}, 404, "novu has no sample 'none'"),
        ({"repeat": "zz"}, 400, "not a valid UUID"),
        ({"repeat": 5}, 400, "not a valid UUID"),
        ({"repeat": "00000000-0000-4000-8000-000000000001"}, 404, ""),
        ({"apis": "novu"}, 422, "apis is not known here"),
        ([], 422, "must be an object"),
    ],
)
def test_what_cannot_be_sent_is_told(server: Running, asks: Any, status: int, told: str) -> None:
    got, _, body = server.request("POST", "/__admin/send", asks)
    assert (got, told in body.decode()) == (status, True)
    assert server.calls() == []


# The end


def test_a_server_in_a_test_stays_when_it_is_asked_to_stop(server: Running) -> None:
    assert server.request("POST", "/__admin/shutdown")[::2] == (200, b"{}")
    assert server.trigger()[0] == 201


def test_the_command_stops_when_it_is_asked_to() -> None:
    with serving("--log", "off") as (process, ready):
        connection = http.client.HTTPConnection(ready.rpartition("//")[2], timeout=10)
        connection.request("POST", "/v1/events/trigger", json.dumps(TRIGGER), {"Authorization": "ApiKey k", "Content-Type": "application/json"})  # fmt: skip
        assert connection.getresponse().read()
        connection.request("POST", "/__admin/shutdown")
        response = connection.getresponse()
        assert (response.status, response.read()) == (200, b"{}")
        connection.close()
        _, told = process.communicate(timeout=10)
        assert (process.returncode, told) == (0, "")
