"""What a web page of another origin sees of the mock: every API, every kind of refusal, and nothing of ``/__admin``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mockserver import MockServer
from mockserver.server import app as app_module
from mockserver.server.running import has_ipv6
from tests.browser.chromium import OTHER_HOST, Chromium, Seen, Tab, find_browser
from tests.serving import until

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

Origin = Callable[[str], str]

HOSTS = ["127.0.0.1", "localhost", OTHER_HOST]
"""Another port of the same host, another name of this machine, and a host that is not loopback by its name."""

APIS = [
    # name in the module, API, status, part of the body
    ("novu", "novu", 201, '"acknowledged":true'),
    ("suprsend", "suprsend", 202, '{"message":"OK"}'),
    ("suprsendV2", "suprsend", 202, '"status":"success"'),
    ("alloy", "alloy", 200, '{"message":"Event successfully triggered"}'),
    ("alloyDated", "alloy", 200, '{"message":"Event successfully triggered"}'),
    ("opensend", "opensend", 202, '"object":"event_delivery"'),
    ("opensendBelow", "opensend", 202, '"object":"event_delivery"'),
]
NAMES = [name for name, *_ in APIS]
FIRST = ["novu", "suprsend", "alloy", "opensend"]
"""One name for each API."""
BLOCKED = r"^Access to fetch at .* has been blocked by CORS policy: "
NOT_LOADED = r"^Failed to load resource: net::"


@pytest.fixture
def page(tab: Tab, origin: Origin) -> Tab:
    """Return a page of this machine's other name: of another site, as a page of a development server often is."""
    return tab.open(origin("localhost"))


@pytest.mark.parametrize("host", HOSTS)
def test_every_api_can_be_called(tab: Tab, origin: Origin, mock: MockServer, host: str) -> None:
    tab.open(origin(host))
    seen = {name: tab.call(name, mock.url) for name in NAMES}
    assert {name: each.status for name, each in seen.items()} == {name: status for name, _, status, _ in APIS}
    assert [(name, seen[name].json) for name, *_, part in APIS if part not in seen[name].text] == []
    assert [(call.api, call.outcome, call.id) for call in mock.calls] == [
        (api, "admitted", seen[name]["X-Mock-Call-Id"]) for name, api, *_ in APIS
    ]
    site = "same-site" if host == "127.0.0.1" else "cross-site"
    assert {(call.headers["Origin"], call.headers["Sec-Fetch-Site"]) for call in mock.calls} == {
        (origin(host), site)
    }


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", *(["[::1]"] if has_ipv6() else [])])
def test_every_address_of_the_mock_can_be_called(page: Tab, mock: MockServer, host: str) -> None:
    assert page.call("novu", mock.url.replace("127.0.0.1", host)).status == 201


def test_a_429_says_when_to_come_again(page: Tab, mock: MockServer) -> None:
    for api in {api for _, api, *_ in APIS}:
        mock.api(api).respond(status=429, retry_after=2, times=1)
    refused = {name: page.call(name, mock.url) for name in FIRST}
    sent = {name: page.call(name, mock.url) for name in NAMES}
    assert {name: (each.status, each["Retry-After"]) for name, each in refused.items()} == dict.fromkeys(
        FIRST, (429, "2")
    )
    assert [name for name, each in refused.items() if "limit exceeded" not in each.text.lower()] == []
    assert {name: (each.status, each["Retry-After"]) for name, each in sent.items()} == {
        name: (status, None) for name, _, status, _ in APIS
    }


def with_a_rule(mock: MockServer) -> None:
    headers = {"X-Mine": "yes", "Cache-Control": "no-cache"}
    mock.respond(status=200, body={}, headers=headers, times=None, mapping={"name": "mine"})


def with_a_closed_rule(mock: MockServer) -> None:
    headers = {"X-Mine": "yes", "Access-Control-Expose-Headers": "X-Other"}
    mock.respond(status=200, body={}, headers=headers, times=None)


def with_a_limit(mock: MockServer) -> None:
    mock.limits["novu"] = "5/1h"


def with_nothing(_: MockServer) -> None:
    pass


@pytest.mark.parametrize(
    ("arrange", "more", "readable"),
    [
        (with_nothing, {"headers": {"Idempotency-Key": "k"}}, {"Idempotency-Key": "k", "Idempotency-Replay": "true"}),
        (with_nothing, {"headers": {"Prefer": "code=503"}}, {"Preference-Applied": "code=503"}),
        (with_nothing, {"body": '{"name": "welcome", "to": "ada"}'}, {"sl-violations": ...}),
        (with_nothing, {"method": "PUT"}, {"Allow": "OPTIONS, POST"}),
        (with_a_limit, {}, {"RateLimit-Limit": "5", "RateLimit-Remaining": "3", "RateLimit-Reset": ..., "RateLimit-Policy": ...}),
        (with_a_rule, {}, {"X-Mine": "yes", "Cache-Control": "no-cache", "Matched-Stub-Id": ..., "Matched-Stub-Name": "mine"}),
        (with_a_closed_rule, {}, {"X-Mine": None, "Matched-Stub-Id": None}),
    ],
    ids=["idempotency", "preference", "violations", "method", "limit", "rule", "rule that exposes others"],
)  # fmt: skip
def test_headers_that_a_page_can_read(
    page: Tab, mock: MockServer, arrange: Any, more: dict[str, Any], readable: dict[str, Any]
) -> None:
    arrange(mock)
    page.call("novu", mock.url, **more)
    seen = page.call("novu", mock.url, **more)
    assert {
        name: ... if value is ... and seen[name] else seen[name] for name, value in readable.items()
    } == readable


NO_KEY = {"headers": {"Authorization": None}}
UNAVAILABLE = {"headers": {"Prefer": "code=503"}}
LARGE = {"body": json.dumps({"distinct_id": "ada", "event": "e", "properties": {"blob": "x" * 819_200}})}
ERRORS: list[tuple[int, str, dict[str, Any], str]] = [
    (400, "novu", {"body": "{"}, "the body is not valid JSON"),
    (400, "suprsend", {"body": "{}"}, "distinct_id is required; event is required"),
    (400, "suprsendV2", {"body": "{}"}, "distinct_id is required; event is required"),
    (400, "alloy", {"body": '{"event": "e", "data": {}}'}, "userId is required"),
    (400, "alloyDated", {"body": '{"event": "e", "data": {}}'}, "userId is required"),
    (422, "novu", {"body": '{"name": 5, "to": ["ada"]}'}, "name must be a string"),
    (422, "opensend", {"body": '{"event": "e", "email": 5}'}, "expected string, received number"),
    (422, "opensendBelow", {"body": '{"event": "e", "email": 5}'}, "expected string, received number"),
    (401, "novu", NO_KEY, "Missing authorization header"),
    (401, "suprsend", NO_KEY, "the Authorization header is missing"),
    (401, "suprsendV2", NO_KEY, "the Authorization header is missing"),
    (401, "alloy", NO_KEY, "the Authorization header is missing"),
    (401, "opensend", NO_KEY, "Missing or invalid API key"),
    (404, "nowhere", {}, "POST /nowhere matches no operation"),
    (405, "novu", {"method": "DELETE"}, "the path takes OPTIONS, POST, not DELETE"),
    (405, "suprsend", {"method": "PUT"}, "the path takes OPTIONS, POST, not PUT"),
    (405, "alloy", {"method": "PATCH"}, "the path takes OPTIONS, POST, not PATCH"),
    (409, "novu", {"headers": {"Prefer": "code=409"}}, "is currently being processed"),
    (413, "suprsend", LARGE, "the event is too large"),
    (413, "suprsendV2", LARGE, "the event is too large"),
    (503, "novu", UNAVAILABLE, "Service Unavailable"),
    (503, "suprsend", UNAVAILABLE, "service unavailable"),
    (503, "alloy", UNAVAILABLE, "service unavailable"),
    (503, "opensend", UNAVAILABLE, "Rate limiting is temporarily unavailable"),
]  # fmt: skip


@pytest.mark.parametrize("status", sorted({status for status, *_ in ERRORS}))
def test_errors_can_be_read(page: Tab, mock: MockServer, status: int) -> None:
    rows = [row for row in ERRORS if row[0] == status]
    seen = [(name, page.call(name, mock.url, **more), told) for _, name, more, told in rows]
    assert [(name, each.status) for name, each, _ in seen] == [(name, status) for _, name, *_ in rows]
    assert [(name, told, each.json) for name, each, told in seen if told not in each.text] == []


def test_a_405_without_a_body_can_be_read(page: Tab, mock: MockServer) -> None:
    seen = page.call("opensend", mock.url, method="DELETE")
    assert (seen.status, seen["Allow"], seen.text) == (405, "OPTIONS, POST", "")


def test_a_bug_of_the_mock_can_be_read(
    page: Tab, mock: MockServer, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(app_module, "answer", broken)
    seen = page.call("novu", mock.url)
    assert (seen.status, seen.json["type"]) == (500, "urn:mockserver:bug")
    assert "ZeroDivisionError: oops" in capfd.readouterr().err


TWICE = """([base]) => Promise.all([1, 2].map(() => apis.novu(base, {headers: {"Idempotency-Key": "k"}})))"""


def test_of_two_calls_at_once_with_one_key_one_is_a_conflict(page: Tab, mock: MockServer) -> None:
    mock.delay("1s", times=1)
    seen = sorted((page.saw(each) for each in page.evaluate(TWICE, mock.url)), key=lambda each: each.status)
    assert [each.status for each in seen] == [201, 409]
    assert seen[1]["Retry-After"] == "1"
    assert "is currently being processed" in seen[1].json["message"]
    assert [call.reason for call in mock.calls] == [None, "in-flight"]


BEGIN = """([base]) => {
  const aborter = new AbortController();
  globalThis.begun = { aborter, answer: apis.novu(base, { signal: aborter.signal }) };
}"""
ABORT = "() => { begun.aborter.abort(); return begun.answer; }"


def test_a_call_that_the_page_gives_up_is_aborted(page: Tab, mock: MockServer) -> None:
    mock.delay("60s")
    page.evaluate(BEGIN, mock.url)
    mock.wait_for(count=1)
    assert mock.calls[0].state == "waiting"
    assert page.saw(page.evaluate(ABORT)) == Seen(failed="AbortError")
    until(lambda: mock.calls[0].state == "aborted")


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("CONNECTION_RESET_BY_PEER", "net::ERR_CONNECTION_RESET"),
        ("EMPTY_RESPONSE", "net::ERR_EMPTY_RESPONSE"),
        ("MALFORMED_RESPONSE_CHUNK", "net::ERR_INVALID_CHUNKED_ENCODING"),
        ("RANDOM_DATA_THEN_CLOSE", "net::ERR_INVALID_HTTP_RESPONSE"),
    ],
)
def test_a_fault_of_the_network_is_a_type_error(page: Tab, mock: MockServer, fault: Any, told: str) -> None:
    mock.fault(fault, times=None)
    assert page.call("novu", mock.url) == Seen(failed="TypeError")
    page.hear(told)
    assert {call.fault for call in mock.calls} == {fault}


def test_a_broken_connection_is_mended_by_the_browser_itself(page: Tab, mock: MockServer) -> None:
    """The preflight has used it before, so that it may have been closed for being idle."""
    mock.fault("CONNECTION_RESET_BY_PEER", times=1)
    assert page.call("novu", mock.url).status == 201
    assert [(call.fault, call.status) for call in mock.calls] == [
        ("CONNECTION_RESET_BY_PEER", 0),
        (None, 201),
    ]


@pytest.mark.parametrize("host", HOSTS)
def test_options_of_fetch(tab: Tab, origin: Origin, mock: MockServer, host: str) -> None:
    tab.open(origin(host))
    options: list[dict[str, Any]] = [{"credentials": "include"}, {"keepalive": True}, {"cache": "no-store"}]
    assert [tab.call("novu", mock.url, **more).status for more in options] == [201] * 3


def test_cookies_of_the_same_site_come_along(tab: Tab, origin: Origin, mock: MockServer) -> None:
    tab.open(origin("127.0.0.1")).evaluate("() => { document.cookie = 'session=1' }")
    assert tab.call("novu", mock.url, credentials="include").status == 201
    mock.assert_called_once(headers={"Cookie": "session=1"})


def test_every_header_of_a_call_passes_its_preflight(page: Tab, mock: MockServer) -> None:
    sent = {
        "Authorization": "ApiKey k", "Idempotency-Key": "key", "Prefer": "wait=0", "x-api-version": "2025-09", "x-ss-signature": "s",
        "X-Mock-Namespace": "preflights", "X-Requested-With": "fetch",
    }  # fmt: skip
    world = mock.namespace("preflights")
    world.reset()
    assert page.call("novu", mock.url, headers=sent).status == 201
    call = world.assert_called_once()
    assert {name: call.headers[name] for name in sent} == sent
    assert mock.calls == []


FRAMED = """([base]) => new Promise((resolve) => {
  addEventListener("message", (message) => resolve(message.data), { once: true });
  const frame = document.createElement("iframe");
  frame.sandbox = "allow-scripts";
  frame.srcdoc = `<script type="module">
    const answer = await fetch("${base}/v1/events/trigger", {
      method: "POST",
      headers: { Authorization: "ApiKey any", "Content-Type": "application/json" },
      body: JSON.stringify({ name: "welcome", to: ["ada"] }),
    });
    parent.postMessage({ status: answer.status, text: await answer.text() }, "*");
  </script>`;
  document.body.append(frame);
})"""


def test_a_page_without_an_origin_can_call(page: Tab, mock: MockServer) -> None:
    assert page.saw(page.evaluate(FRAMED, mock.url)).status == 201
    mock.assert_called_once(headers={"Origin": "null"})


def test_a_page_from_a_file_can_call(tab: Tab, mock: MockServer, tmp_path: Path) -> None:
    """Its modules would not be loaded, so that all of it stands in the page."""
    module = (Path(__file__).parent / "site" / "apis.js").read_text(encoding="utf-8")
    script = module.replace("export const ", "apis.")
    (tmp_path / "page.html").write_text(
        f'<meta charset="utf-8"><script>const apis = {{}}; {script}</script>', encoding="utf-8"
    )
    assert tab.open((tmp_path / "page.html").as_uri()).call("novu", mock.url).status == 201
    mock.assert_called_once(headers={"Origin": "null"})


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("is_prefix", [True, False], ids=["prefix", "header"])
def test_namespaces(tab: Tab, origin: Origin, mock: MockServer, host: str, is_prefix: bool) -> None:
    """A page of another site cannot make one, and reads why; one that is there it may use."""
    base = f"{mock.url}/~page" if is_prefix else mock.url
    more = {} if is_prefix else {"headers": {"X-Mock-Namespace": "page"}}
    first = tab.open(origin(host)).call("novu", base, **more)
    if host != "127.0.0.1":
        assert first.status == 400
        assert "a page of another site cannot make the namespace 'page'" in first.json["detail"]
        mock.namespace("page").reset()
        first = tab.call("novu", base, **more)
    assert first.status == 201
    mock.namespace("page").assert_called_once()
    assert mock.calls == []


def test_a_page_of_localhost_makes_namespaces_at_localhost(page: Tab, mock: MockServer) -> None:
    assert page.call("novu", f"{mock.url.replace('127.0.0.1', 'localhost')}/~page").status == 201
    assert mock.namespaces() == ["page"]


def test_without_cors_a_page_gets_no_answer(page: Tab) -> None:
    with MockServer(cors="off") as mock:
        assert {name: page.call(name, mock.url) for name in NAMES} == dict.fromkeys(
            NAMES, Seen(failed="TypeError")
        )
        assert [(call.method, call.status) for call in mock.calls] == [("OPTIONS", 405)] * len(NAMES)
    for _ in NAMES:
        page.hear(BLOCKED)
        page.hear(NOT_LOADED)


READ = """async ([url, options]) => {
  try {
    const answer = await fetch(url, options);
    return answer.type === "opaque" ? "opaque" : answer.status;
  } catch (error) {
    return error.name;
  }
}"""
RULE = json.dumps({"request": {}, "response": {"status": 500}})
AS_JSON = {"Content-Type": "application/json"}
TRIGGER = {
    "method": "POST",
    "headers": {"Authorization": "ApiKey any", **AS_JSON},
    "body": json.dumps({"name": "welcome", "to": ["ada"]}),
}
ADMIN: list[tuple[str, dict[str, Any]]] = [
    ("requests", {}),
    ("requests", {"credentials": "include"}),
    ("requests", {"mode": "no-cors"}),
    ("health", {}),
    ("requests", {"method": "DELETE"}),
    ("reset", {"method": "POST"}),
    ("reset", {"method": "POST", "mode": "no-cors"}),
    ("mappings", {"method": "POST", "body": RULE, "headers": AS_JSON}),
    ("mappings", {"method": "POST", "body": RULE}),
    ("mappings", {"method": "POST", "body": RULE, "mode": "no-cors"}),
]


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("below", ["", "/~there"])
def test_the_control_plane_is_closed(
    tab: Tab, origin: Origin, mock: MockServer, host: str, below: str
) -> None:
    world = mock.namespace("there") if below else mock
    world.reset()
    tab.open(origin(host))
    tab.call("novu", f"{mock.url}{below}")
    seen = [tab.evaluate(READ, f"{mock.url}{below}/__admin/{path}", options) for path, options in ADMIN]
    assert seen == ["TypeError"] * len(ADMIN)
    for _, options in ADMIN:
        tab.hear(NOT_LOADED)
        if options.get("mode") != "no-cors":
            tab.hear(BLOCKED)
    assert tab.call("novu", f"{mock.url}{below}").status == 201
    assert len(world.calls) == 2


LISTEN = """([url]) => new Promise((resolve) => {
  const stream = new EventSource(url);
  stream.onopen = () => resolve("open");
  stream.onerror = () => { stream.close(); resolve("closed"); };
})"""
SUBMIT = """([url]) => {
  const [frame, form] = ["iframe", "form"].map((name) => document.createElement(name));
  frame.name = "answer";
  Object.assign(form, { method: "post", enctype: "text/plain", action: url, target: frame.name });
  document.body.append(frame, form);
  form.submit();
}"""


def test_events_are_closed(page: Tab, mock: MockServer) -> None:
    assert page.evaluate(LISTEN, f"{mock.url}/__admin/stream") == "closed"
    page.hear(r"^Access to resource at .* has been blocked by CORS policy: ")
    page.hear(NOT_LOADED)


def test_a_form_cannot_write(page: Tab, mock: MockServer) -> None:
    page.call("novu", mock.url)
    page.evaluate(SUBMIT, f"{mock.url}/__admin/reset")
    page.hear("status of 403")
    page.hear("^Framing .* violates the following Content Security Policy directive")
    assert len(mock.calls) == 1


@pytest.mark.parametrize(
    ("host", "permissions", "seen"),
    [
        ("localhost", ["local-network-access"], 201),
        ("localhost", [], "Permission was denied for this request"),
        (OTHER_HOST, ["local-network-access"], "The request client is not a secure context"),
    ],
    ids=["allowed", "not allowed", "not secure"],
)
def test_a_page_of_a_public_site_needs_leave(
    browser: Chromium, origin: Origin, mock: MockServer, host: str, permissions: list[str], seen: int | str
) -> None:
    """Chromium asks its user before a page of the internet may call this machine; such a page has to be secure."""
    with browser.tab(permissions=permissions) as tab:
        answer = tab.open(f"{origin(host)}/empty.html?public").evaluate(
            READ, f"{mock.url}/v1/events/trigger", TRIGGER
        )
        if isinstance(seen, int):
            assert answer == seen
        else:
            assert answer == "TypeError"
            assert seen in tab.hear(BLOCKED)
            tab.hear(NOT_LOADED)
            mock.assert_not_called()


@pytest.mark.parametrize(
    ("promised", "outcome", "told"),
    [
        ("no/such", pytest.fail.Exception, "MOCKSERVER_BROWSER names no/such, and there is no such program"),
        ("", pytest.skip.Exception, "there is no browser here: none of chromium, chromium-browser, google-chrome is on the PATH"),
    ],
)  # fmt: skip
def test_without_a_browser(
    monkeypatch: pytest.MonkeyPatch, promised: str, outcome: type[BaseException], told: str
) -> None:
    """What is promised and not there is a failure; else the tests are skipped."""
    monkeypatch.setenv("MOCKSERVER_BROWSER", promised)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(outcome) as raised:
        find_browser()
    assert str(raised.value) == told
