# mypy: ignore-errors
"""Drives a server with the real ``wiremock`` of PyPI, and prints one JSON object per call: what it gave back.

Run by ``tests/test_wiremock_clients.py`` with the Python that has the client: ``python_client.py URL SCENARIO``.
A step is named after the method of the client, or after the call of the data plane that shows its effect.
"""

import inspect
import json
import sys
import time
from collections.abc import Iterator

import requests
from wiremock import client as wm
from wiremock.base import BaseAbstractEntity
from wiremock.constants import Config

Steps = Iterator[tuple[str, object]]
EVENT = {"distinct_id": "u1", "event": "x"}
RESOURCES = (wm.Mappings, wm.Requests, wm.NearMisses, wm.Scenarios, wm.GlobalSettings)
MATCH = wm.WireMockMatchers


def send(url: str, method: str = "GET", **options: object) -> dict[str, object]:
    """Call the data plane; a broken answer shows as the name of its exception."""
    before = time.monotonic()
    try:
        answer = requests.request(method, url, timeout=10, **options)
    except requests.RequestException as error:
        return {"error": type(error).__name__}
    took = round((time.monotonic() - before) * 1000)
    shown = ("Content-Type", "Retry-After", "X-Kind", "Matched-Stub-Id")
    return {
        "status": answer.status_code,
        "reason": answer.reason,
        "headers": {name: answer.headers[name] for name in shown if name in answer.headers},
        "body": answer.text,
        "took": took,
    }


def send_event(url: str, user: str = "u1", path: str = "/event/") -> dict[str, object]:
    headers = {"Authorization": "Bearer k"}
    return send(f"{url}{path}", "POST", json={**EVENT, "distinct_id": user}, headers=headers)


def tell(value: object) -> object:
    """Write what the client gave back as JSON: its entities as their data, a bare answer as status and body."""
    if isinstance(value, requests.Response):
        return {"status": value.status_code, "body": value.text}
    return value.get_json_data() if isinstance(value, BaseAbstractEntity) else value


def refusal(call, *arguments: object) -> object:
    """Return what the client raises; or, told apart, what it gave back after all."""
    try:
        return {"not refused": tell(call(*arguments))}
    except wm.ApiException as error:
        try:
            told = json.loads(str(error))
        except ValueError:
            told = str(error)
        return {"error": type(error).__name__, "status": error.status_code, "told": told}


def get(path: str, status: int = 200, **more: object) -> wm.Mapping:
    return wm.Mapping(
        request=wm.MappingRequest(method=wm.HttpMethods.GET, url=path),
        response=wm.MappingResponse(status=status, body=path),
        **more,
    )


def all_patterns() -> dict[str, object]:
    return tell(wm.Mappings.retrieve_all_mappings())


def mappings(url: str) -> Steps:
    made = wm.Mappings.create_mapping(get("/shop/one", metadata={"team": "a"}, priority=3, persistent=False))
    yield "Mappings.create_mapping", tell(made)
    yield "GET /shop/one", send(f"{url}/shop/one")
    yield "Mappings.retrieve_mapping", tell(wm.Mappings.retrieve_mapping(made.id))
    made.response.body, made.response.status = "changed", 203
    yield "Mappings.update_mapping", tell(wm.Mappings.update_mapping(made))
    yield "GET /shop/one", send(f"{url}/shop/one")
    other = wm.Mappings.create_mapping(get("/shop/two", metadata={"team": "b"}))
    yield "Mappings.retrieve_all_mappings", all_patterns()
    yield "Mappings.persist_mappings", tell(wm.Mappings.persist_mappings())
    by_team = {MATCH.MATCHES_JSON_PATH: {"expression": "$.team", MATCH.EQUAL_TO: "a"}}
    yield "Mappings.delete_mapping_by_metadata", tell(wm.Mappings.delete_mapping_by_metadata(by_team))
    yield "GET /shop/one", send(f"{url}/shop/one")
    yield "Mappings.retrieve_all_mappings", all_patterns()
    yield "Mappings.delete_mapping", tell(wm.Mappings.delete_mapping(other))
    yield "Mappings.retrieve_mapping", refusal(wm.Mappings.retrieve_mapping, other.id)
    yield "GET /shop/two", send(f"{url}/shop/two")
    wm.Mappings.create_mapping(get("/shop/three"))
    yield "Mappings.delete_all_mappings", tell(wm.Mappings.delete_all_mappings())
    yield "Mappings.retrieve_all_mappings", all_patterns()
    wm.Mappings.create_mapping(get("/shop/four"))
    yield "Mappings.reset_mappings", tell(wm.Mappings.reset_mappings())
    yield "Mappings.retrieve_all_mappings", all_patterns()
    yield "POST /event/", send_event(url)


def answers(url: str) -> Steps:
    """Every member of a response that the models know and the server sends."""
    response, delayed = wm.MappingResponse, wm.DelayDistribution
    table = {
        "body": response(
            status=200, body="ä", headers={"X-Kind": "text", "Content-Type": "text/plain; charset=utf-8"}
        ),
        "json_body": response(status=429, json_body={"message": "slow down"}, headers={"Retry-After": "1"}),
        "base64_body": response(status=200, base64_body="aGVsbG8="),
        "status_message": response(status=418, status_message="Short and stout"),
        "fixed_delay_milliseconds": response(status=200, fixed_delay_milliseconds=120),
        "uniform": response(
            status=200, delay_distribution=delayed(distribution_type="uniform", lower=60, upper=90)
        ),
        "lognormal": response(
            status=200, delay_distribution=delayed(distribution_type="lognormal", median=60, sigma=0.01)
        ),
        "EMPTY_RESPONSE": response(fault=wm.ResponseFaultType.EMPTY_RESPONSE),
        "MALFORMED_RESPONSE_CHUNK": response(fault=wm.ResponseFaultType.MALFORMED_RESPONSE_CHUNK),
        "RANDOM_DATA_THEN_CLOSE": response(fault=wm.ResponseFaultType.RANDOM_DATA_THEN_CLOSE),
    }
    for name, answer in table.items():
        request = wm.MappingRequest(method=wm.HttpMethods.ANY, url=f"/shop/{name}")
        wm.Mappings.create_mapping(wm.Mapping(request=request, response=answer))
        yield name, send(f"{url}/shop/{name}", "PUT")


def patterns(url: str) -> Steps:
    """Per pattern: a stub, the call that it is for, and a call that differs in just this."""
    path, pattern = "/shop/patterns", wm.MappingRequest
    body = {"url": path}
    table = {
        "method": (pattern(method="DELETE", url=path), {"method": "DELETE"}, {"method": "PATCH"}),
        "url": (pattern(url=f"{path}?a=1"), {"params": {"a": "1"}}, {"params": {"a": "2"}}),
        "url_pattern": (pattern(url_pattern=r"/shop/pat.*\?a=\d"), {"params": {"a": "1"}}, {"params": {"a": "b"}}),
        "url_path": (pattern(url_path=path), {"params": {"a": "1"}}, {"path": f"{path}/1"}),
        "url_path_pattern": (pattern(url_path_pattern=r"/shop/[a-z]+"), {}, {"path": f"{path}1"}),
        "basic_auth_credentials": (
            pattern(url=path, basic_auth_credentials=wm.BasicAuthCredentials(username="u", password="p")),
            {"auth": ("u", "p")},
            {"auth": ("u", "q")},
        ),
        "cookies": (
            pattern(url=path, cookies={"c": {MATCH.EQUAL_TO: "1"}}), {"cookies": {"c": "1"}}, {"cookies": {"c": "2"}},
        ),
        "query_parameters": (
            pattern(url_path=path, query_parameters={"a": {MATCH.CONTAINS: "b"}}),
            {"params": {"a": "abc"}},
            {"params": {"a": "ac"}},
        ),
        "two values of a parameter": (
            pattern(url_path=path, query_parameters={"a": {MATCH.EQUAL_TO: "2"}}),
            {"params": {"a": ["1", "2"]}},
            {"params": {"a": ["1", "3"]}},
        ),
        "caseInsensitive": (
            pattern(url=path, headers={"x-a": {MATCH.EQUAL_TO: "YES", MATCH.CASE_INSENSITIVE: True}}),
            {"headers": {"X-A": "yes"}},
            {"headers": {"X-A": "no"}},
        ),
        "absent": (pattern(url=path, headers={"X-A": {MATCH.ABSENT: True}}), {}, {"headers": {"X-A": "1"}}),
        "anything": (pattern(url=path, headers={"X-A": {MATCH.ANYTHING: "any"}}), {"headers": {"X-A": "1"}}, None),
        "doesNotMatch": (
            pattern(url=path, headers={"X-A": {MATCH.DOES_NOT_MATCH: "a+"}}), {}, {"headers": {"X-A": "aa"}},
        ),
        "matches": (pattern(**body, body_patterns=[{MATCH.MATCHES: "a.c"}]), {"data": "abc"}, {"data": "abcd"}),
        "equalTo": (pattern(**body, body_patterns=[{MATCH.EQUAL_TO: "abc"}]), {"data": "abc"}, {"data": "ABC"}),
        "contains": (pattern(**body, body_patterns=[{MATCH.CONTAINS: "b"}]), {"data": "abc"}, {"data": "ac"}),
        "two patterns": (
            pattern(**body, body_patterns=[{MATCH.CONTAINS: "a"}, {MATCH.CONTAINS: "b"}]), {"data": "ab"}, {"data": "a"},
        ),
        "equalToJson": (
            pattern(**body, body_patterns=[{MATCH.EQUAL_TO_JSON: {"a": [1, {"b": None}]}}]),
            {"data": '{"a": [1.0, {"b": null}]}'},
            {"json": {"a": [1, {"b": None}], "c": 1}},
        ),
        "equalToJson as text": (
            pattern(**body, body_patterns=[{MATCH.EQUAL_TO_JSON: '{"a": 1}'}]), {"json": {"a": 1}}, {"json": {"a": 2}},
        ),
        "ignoreArrayOrder": (
            pattern(**body, body_patterns=[{MATCH.EQUAL_TO_JSON: [1, 2], MATCH.IGNORE_ARRAY_ORDER: True}]),
            {"json": [2, 1]},
            {"json": [2, 1, 1]},
        ),
        "ignoreExtraElements": (
            pattern(**body, body_patterns=[{MATCH.EQUAL_TO_JSON: {"a": ["x"]}, MATCH.IGNORE_EXTRA_ELEMENTS: True}]),
            {"json": {"a": ["x", "y"], "b": 1}},
            {"json": {"b": 1}},
        ),
        "matchesJsonPath": (
            pattern(**body, body_patterns=[{MATCH.MATCHES_JSON_PATH: "$.items[?(@.n > 1)]"}]),
            {"json": {"items": [{"n": 1}, {"n": 2}]}},
            {"json": {"items": [{"n": 1}]}},
        ),
        "matchesJsonPath of the root": (
            pattern(**body, body_patterns=[{MATCH.MATCHES_JSON_PATH: "$[?(@.name == 'a')]"}]),
            {"json": {"name": "a"}},
            {"json": {"name": "b"}},
        ),
        "matchesJsonPath and a matcher": (
            pattern(**body, body_patterns=[{MATCH.MATCHES_JSON_PATH: {"expression": "$.n", MATCH.EQUAL_TO: "5"}}]),
            {"json": {"n": 5}},
            {"json": {"n": 6}},
        ),
    }  # fmt: skip
    for name, (request, hit, miss) in table.items():
        stub = wm.Mappings.create_mapping(
            wm.Mapping(request=request, response=wm.MappingResponse(status=210))
        )
        statuses = [_status(url, path, call) for call in (hit, miss) if call is not None]
        wm.Mappings.delete_mapping(stub)
        yield name, statuses


def _status(url: str, path: str, call: dict[str, object]) -> object:
    call = {"method": "POST", "path": path, **call}
    return send(f"{url}{call.pop('path')}", call.pop("method"), **call).get("status")


def refused(_: str) -> Steps:
    """What the models can say and the server does not do: each is refused with its place."""
    request, response = {"url": "/shop/refused"}, {"status": 200}
    table = {
        "equalToXml": {"request": {**request, "bodyPatterns": [{MATCH.EQUAL_TO_XML: "<a/>"}]}},
        "matchesXPath": {"request": {**request, "bodyPatterns": [{MATCH.MATCHES_X_PATH: "//a"}]}},
        "an operand of another type": {"request": {**request, "headers": {"X-A": {MATCH.EQUAL_TO: 5}}}},
        "metadata of a request": {"request": {**request, "metadata": {"a": "b"}}},
        "proxy_base_url": {"response": {"proxyBaseUrl": "http://127.0.0.1:1"}},
        "body_file_name": {"response": {**response, "bodyFileName": "a.json"}},
        "transformers": {"response": {**response, "transformers": ["response-template"]}},
        "transformer_parameters": {"response": {**response, "transformerParameters": {"a": 1}}},
        "additional_proxy_request_headers": {
            "response": {**response, "additionalProxyRequestHeaders": {"X-A": "b"}}
        },
        "post_serve_actions": {"postServeActions": {"webhook": {"url": "http://127.0.0.1:1"}}},
        "two bodies": {"response": {**response, "body": "a", "jsonBody": {}}},
        "an unknown fault": {"response": {"fault": "FIRE"}},
    }
    for name, parts in table.items():
        yield (
            name,
            refusal(
                wm.Mappings.create_mapping, wm.Mapping(**{"request": request, "response": response, **parts})
            ),
        )
    yield "Mappings.retrieve_all_mappings", all_patterns()


def journal(url: str) -> Steps:
    pattern = wm.NearMissMatchPatternRequest
    for user in ("u1", "u2", "u3"):
        yield "POST /event/", send_event(url, user)
    yield "GET /nowhere", send(f"{url}/nowhere?x=1", headers={"Cookie": "c=1"})
    received = wm.Requests.get_all_received_requests()
    yield "Requests.get_all_received_requests", tell(received)
    # The client changes its default for `parameters`: without one of our own, a limit stays for later calls.
    limited = wm.Requests.get_all_received_requests(limit=2, parameters={})
    yield "Requests.get_all_received_requests limit", tell(limited)
    for year in (2000, 2999):
        later = wm.Requests.get_all_received_requests(since=f"{year}-01-01T00:00:00Z", parameters={})
        yield f"Requests.get_all_received_requests since {year}", tell(later)
    yield "Requests.get_request", tell(wm.Requests.get_request(received.requests[1].id))
    yield "Requests.get_request", refusal(wm.Requests.get_request, "00000000-0000-4000-8000-000000000000")
    yield "Requests.get_request", refusal(wm.Requests.get_request, "zz")
    u2 = pattern(
        method="POST",
        url_path="/event/",
        headers={"Authorization": {MATCH.MATCHES: "Bearer .+"}},
        body_patterns=[{MATCH.MATCHES_JSON_PATH: {"expression": "$.distinct_id", MATCH.EQUAL_TO: "u2"}}],
    )
    yield "Requests.get_matching_request_count", tell(wm.Requests.get_matching_request_count(u2))
    yield "Requests.get_matching_request_count", tell(wm.Requests.get_matching_request_count(pattern()))
    anywhere = pattern(
        url_pattern="/.*", query_parameters={"x": {MATCH.EQUAL_TO: "1"}}, cookies={"c": {MATCH.EQUAL_TO: "1"}}
    )
    yield "Requests.get_matching_request_count", tell(wm.Requests.get_matching_request_count(anywhere))
    yield "Requests.get_matching_requests", tell(wm.Requests.get_matching_requests(u2))
    events = pattern(method="POST", url="/event/")
    yield "Requests.get_matching_requests", tell(wm.Requests.get_matching_requests(events))
    both = pattern(url="/event/", url_path="/event/")
    yield "Requests.get_matching_request_count", refusal(wm.Requests.get_matching_request_count, both)
    yield "Requests.get_unmatched_requests", tell(wm.Requests.get_unmatched_requests())
    yield "Requests.reset_request_journal", tell(wm.Requests.reset_request_journal())
    yield "Requests.get_all_received_requests", tell(wm.Requests.get_all_received_requests(parameters={}))


def near_misses(url: str) -> Steps:
    wm.Mappings.create_mapping(
        wm.Mapping(
            request=wm.MappingRequest(
                method="GET", url_path="/shop/near", headers={"X-A": {MATCH.EQUAL_TO: "1"}}
            ),
            response=wm.MappingResponse(status=200),
        )
    )
    send(f"{url}/shop/near", headers={"X-A": "2"})
    for user in ("u1", "u2"):
        send_event(url, user)
    yield (
        "Requests.get_unmatched_requests_near_misses",
        tell(wm.Requests.get_unmatched_requests_near_misses()),
    )
    request = wm.NearMissMatchRequest(
        url="/shop/near", absolute_url=f"{url}/shop/near", method="GET", client_ip="127.0.0.1", headers={}, cookies={},
        browser_proxy_request=False, body="", logged_date=0, logged_date_string="1970-01-01T00:00:00Z",
    )  # fmt: skip
    yield (
        "NearMisses.find_nearest_misses_by_request",
        tell(wm.NearMisses.find_nearest_misses_by_request(request)),
    )
    pattern = wm.NearMissMatchPatternRequest(
        method="POST",
        url="/event/",
        headers={"Authorization": {MATCH.EQUAL_TO: "Bearer k"}},
        body_patterns=[{MATCH.EQUAL_TO_JSON: {**EVENT, "distinct_id": "u3"}}],
    )
    yield (
        "NearMisses.find_nearest_misses_by_request_pattern",
        tell(wm.NearMisses.find_nearest_misses_by_request_pattern(pattern)),
    )


def scenarios(url: str) -> Steps:
    for required, new, body in (("Started", "paid", "open"), ("paid", None, "closed")):
        wm.Mappings.create_mapping(
            wm.Mapping(
                request=wm.MappingRequest(method="POST", url="/shop/order"),
                response=wm.MappingResponse(status=200, body=body),
                scenario_name="order",
                required_scenario_state=required,
                new_scenario_state=new,
            )
        )
    for _ in range(3):
        yield "POST /shop/order", send(f"{url}/shop/order", "POST")
    yield "Scenarios.reset_all_scenarios", tell(wm.Scenarios.reset_all_scenarios())
    yield "POST /shop/order", send(f"{url}/shop/order", "POST")


def settings(url: str) -> Steps:
    for delay in (150, 0):
        wanted = wm.GlobalSetting(fixed_delay=delay)
        yield "GlobalSettings.update_global_settings", tell(wm.GlobalSettings.update_global_settings(wanted))
        yield "POST /event/", send_event(url)


def surface(_: str) -> Steps:
    """Name every call that the client offers; what it inherits and how it names its paths are none."""
    for resource in RESOURCES:
        for name, _method in inspect.getmembers(resource, inspect.ismethod):
            if name in vars(resource) and name != "entity_class" and not name.startswith(("_", "endpoint")):
                yield f"{resource.__name__}.{name}", None


SCENARIOS = {
    each.__name__: each
    for each in (
        mappings, answers, patterns, refused, journal, near_misses, scenarios, settings, surface,
    )
}  # fmt: skip

if __name__ == "__main__":
    server_url, scenario = sys.argv[1:]
    Config.base_url = f"{server_url}/__admin"
    for call, got in SCENARIOS[scenario](server_url):
        sys.stdout.write(f"{json.dumps({'call': call, 'got': got})}\n")
