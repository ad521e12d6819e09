"""What every step of ``python_client.py`` gives back."""

from typing import Any

from tests.wiremock.expected import (
    DISTANCE,
    DONE,
    GONE,
    Expected,
    Part,
    at_least,
    each,
    event,
    opens_with,
    refusal,
    seen,
    written,
)

READ = ("absoluteUrl", "clientIp", "headers", "browserProxyRequest", "loggedDate", "loggedDateString")


def _stub(name: str, path: str, **more: Any) -> Part:
    return Part({"id": name, "request": {"method": "GET", "url": path}, **more})


def _answer(status: int, body: Any, **headers: str) -> Part:
    return Part(
        status=status,
        body=body,
        headers=Part({key.replace("_", "-"): value for key, value in headers.items()}),
    )


def _refused(*pointers: str) -> dict[str, Any]:
    return {"error": "InvalidInputException", "status": 422, "told": refusal(*pointers)}


def _call(request: Part, status: int, name: str) -> Part:
    return Part(id=name, request=Part(seen(READ), **request), responseDefinition=Part(status=status))


ONE = _stub(
    "#1", "/shop/one", priority=3, metadata=Part({"team": "a"}), response={"body": "/shop/one", "status": 200}
)
CHANGED = Part(ONE, response={"body": "changed", "status": 203})
TWO = _stub("#2", "/shop/two", metadata=Part({"team": "b"}), response={"body": "/shop/two", "status": 200})
NONE = {"mappings": [], "meta": {"total": 0}}

NOWHERE = _call(Part(method="GET", url="/nowhere?x=1", body="", cookies={"c": "1"}), 404, "#1")
U3, U2, U1 = (_call(event(user), 202, name) for user, name in (("u3", "#2"), ("u2", "#3"), ("u1", "#4")))
NEAR = Part(request=Part(method="GET", url="/shop/near"), matchResult=Part(distance=DISTANCE))

EXPECTED: dict[str, Expected] = {
    "mappings": [
        ("Mappings.create_mapping", ONE),
        ("GET /shop/one", _answer(200, "/shop/one", Matched_Stub_Id="#1")),
        ("Mappings.retrieve_mapping", ONE),
        ("Mappings.update_mapping", CHANGED),
        ("GET /shop/one", _answer(203, "changed", Matched_Stub_Id="#1")),
        ("Mappings.retrieve_all_mappings", {"mappings": [CHANGED, TWO], "meta": {"total": 2}}),
        ("Mappings.persist_mappings", DONE),
        ("Mappings.delete_mapping_by_metadata", DONE),
        ("GET /shop/one", GONE),
        ("Mappings.retrieve_all_mappings", {"mappings": [TWO], "meta": {"total": 1}}),
        ("Mappings.delete_mapping", DONE),
        ("Mappings.retrieve_mapping", {"error": "NotFoundException", "status": 404, "told": ""}),
        ("GET /shop/two", GONE),
        ("Mappings.delete_all_mappings", DONE),
        ("Mappings.retrieve_all_mappings", NONE),
        ("Mappings.reset_mappings", DONE),
        ("Mappings.retrieve_all_mappings", NONE),
        ("POST /event/", Part(status=202)),
    ],
    "answers": [
        ("body", _answer(200, "ä", Content_Type="text/plain; charset=utf-8", X_Kind="text")),
        ("json_body", _answer(429, written({"message": "slow down"}), Retry_After="1")),
        ("base64_body", _answer(200, "hello")),
        ("status_message", Part(status=418, reason="Short and stout")),
        # Timers may go off a little early: the bounds are below what was asked for.
        ("fixed_delay_milliseconds", Part(status=200, took=at_least(100))),
        ("uniform", Part(status=200, took=at_least(45))),
        ("lognormal", Part(status=200, took=at_least(45))),
        ("EMPTY_RESPONSE", {"error": "ConnectionError"}),
        ("MALFORMED_RESPONSE_CHUNK", {"error": "ChunkedEncodingError"}),
        ("RANDOM_DATA_THEN_CLOSE", {"error": "ConnectionError"}),
    ],
    "patterns": [
        ("method", [210, 404]),
        ("url", [210, 404]),
        ("url_pattern", [210, 404]),
        ("url_path", [210, 404]),
        ("url_path_pattern", [210, 404]),
        ("basic_auth_credentials", [210, 404]),
        ("cookies", [210, 404]),
        ("query_parameters", [210, 404]),
        ("two values of a parameter", [210, 404]),
        ("caseInsensitive", [210, 404]),
        ("absent", [210, 404]),
        ("anything", [210]),
        ("doesNotMatch", [210, 404]),
        ("matches", [210, 404]),
        ("equalTo", [210, 404]),
        ("contains", [210, 404]),
        ("two patterns", [210, 404]),
        ("equalToJson", [210, 404]),
        ("equalToJson as text", [210, 404]),
        ("ignoreArrayOrder", [210, 404]),
        ("ignoreExtraElements", [210, 404]),
        ("matchesJsonPath", [210, 404]),
        ("matchesJsonPath of the root", [210, 404]),
        ("matchesJsonPath and a matcher", [210, 404]),
    ],
    "refused": [
        ("equalToXml", _refused("/request/bodyPatterns/0")),
        ("matchesXPath", _refused("/request/bodyPatterns/0")),
        ("an operand of another type", _refused("/request/headers/X-A")),
        ("metadata of a request", _refused("/request/metadata")),
        ("proxy_base_url", _refused("/response/proxyBaseUrl")),
        ("body_file_name", _refused("/response/bodyFileName")),
        ("transformers", _refused("/response/transformers")),
        ("transformer_parameters", _refused("/response/transformerParameters")),
        ("additional_proxy_request_headers", _refused("/response/additionalProxyRequestHeaders")),
        ("post_serve_actions", _refused("/postServeActions")),
        ("two bodies", Part(error="InvalidInputException", status=422)),
        ("an unknown fault", _refused("/response/fault")),
        ("Mappings.retrieve_all_mappings", NONE),
    ],
    "journal": [
        *[("POST /event/", Part(status=202))] * 3,
        ("GET /nowhere", GONE),
        (
            "Requests.get_all_received_requests",
            {"requests": [NOWHERE, U3, U2, U1], "meta": {"total": 4}, "requestJournalDisabled": False},
        ),
        ("Requests.get_all_received_requests limit", Part(requests=[NOWHERE, U3], meta={"total": 4})),
        (
            "Requests.get_all_received_requests since 2000",
            Part(requests=[NOWHERE, U3, U2, U1], meta={"total": 4}),
        ),
        ("Requests.get_all_received_requests since 2999", Part(requests=[])),
        ("Requests.get_request", U3),
        ("Requests.get_request", {"error": "NotFoundException", "status": 404, "told": ""}),
        (
            "Requests.get_request",
            {
                "error": "ClientException",
                "status": 400,
                "told": {"errors": [Part(code=10, title="zz is not a valid UUID")]},
            },
        ),
        ("Requests.get_matching_request_count", {"count": 1}),
        ("Requests.get_matching_request_count", {"count": 4}),
        ("Requests.get_matching_request_count", {"count": 1}),
        (
            "Requests.get_matching_requests",
            {"requests": [Part(event("u2"), headers=Part(Authorization="Bearer k"))]},
        ),
        ("Requests.get_matching_requests", {"requests": [event("u1"), event("u2"), event("u3")]}),
        ("Requests.get_matching_request_count", Part(error="InvalidInputException", status=422)),
        ("Requests.get_unmatched_requests", {"requests": [Part(method="GET", url="/nowhere?x=1")]}),
        ("Requests.reset_request_journal", DONE),
        (
            "Requests.get_all_received_requests",
            {"requests": [], "meta": {"total": 0}, "requestJournalDisabled": False},
        ),
    ],
    "near_misses": [
        ("Requests.get_unmatched_requests_near_misses", {"nearMisses": each(NEAR)}),
        ("NearMisses.find_nearest_misses_by_request", {"nearMisses": opens_with(NEAR)}),
        (
            "NearMisses.find_nearest_misses_by_request_pattern",
            {
                "nearMisses": opens_with(
                    *[
                        Part(
                            request=Part(method="POST", url="/event/"),
                            requestPattern=Part(
                                method="POST",
                                url="/event/",
                                headers={"Authorization": {"equalTo": "Bearer k"}},
                            ),
                            matchResult=Part(distance=DISTANCE),
                        )
                    ]
                    * 2
                )
            },
        ),
    ],
    "scenarios": [
        ("POST /shop/order", _answer(200, "open", Matched_Stub_Id="#1")),
        ("POST /shop/order", _answer(200, "closed", Matched_Stub_Id="#2")),
        ("POST /shop/order", _answer(200, "closed", Matched_Stub_Id="#2")),
        ("Scenarios.reset_all_scenarios", DONE),
        ("POST /shop/order", _answer(200, "open", Matched_Stub_Id="#1")),
    ],
    "settings": [
        ("GlobalSettings.update_global_settings", {"fixedDelay": 150}),
        ("POST /event/", Part(status=202, took=at_least(130))),
        ("GlobalSettings.update_global_settings", {"fixedDelay": 0}),
        ("POST /event/", Part(status=202)),
    ],
}
