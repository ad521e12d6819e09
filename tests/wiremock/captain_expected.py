"""What every step of ``captain.cjs`` gives back."""

from typing import Any

from tests.wiremock.expected import (
    DONE,
    GONE,
    Expected,
    Part,
    at_least,
    event,
    many,
    refusal,
    seen,
    written,
)

READ = (
    "absoluteUrl",
    "clientIp",
    "cookies",
    "headers",
    "browserProxyRequest",
    "loggedDate",
    "loggedDateString",
)
JSON_TYPE = {"Content-Type": "application/json; charset=utf-8"}  # what the client asks for by itself


def _stub(name: str, status: int, **more: Any) -> Part:
    return Part({"id": name, "uuid": name, "response": Part(status=status, headers=Part(JSON_TYPE)), **more})


def _answer(status: int, body: Any, **headers: str) -> Part:
    told = Part({key.replace("_", "-"): value for key, value in headers.items()})
    return Part(status=status, body=body, headers=told)


def _call(name: str, request: Part, status: int, *, matched: bool = True) -> Part:
    return Part(
        id=name,
        request=Part(seen(READ), **request),
        responseDefinition=Part(status=status),
        wasMatched=matched,
    )


def _emptied(got: Any, requests: Any) -> dict[str, Any]:
    return {"got": got, "mappings": 0, "requests": requests}


def _scenario(state: str) -> list[Any]:
    return [
        {
            "id": "order",
            "name": "order",
            "state": state,
            "possibleStates": ["Started", "paid"],
            "mappings": many(2),
        }
    ]


ONE = _stub(
    "#1", 200, request={"method": "GET", "url": "/shop/one"}, priority=2, metadata=Part({"team": "a"})
)
OVER_ONE = _stub("#2", 410, request={"method": "GET", "url": "/shop/one"}, priority=1)
NOWHERE = _call("#1", Part(method="GET", url="/nowhere?x=1"), 404, matched=False)
SEEN = _call("#2", Part(method="GET", url="/shop/seen"), 200)
U2, U1 = _call("#4", event("u2"), 202), _call("#5", event("u1"), 202)
BROKEN = Part(error="TypeError")

EXPECTED: dict[str, Expected] = {
    "mappings": [
        ("WireMock.register", ONE),
        (
            "GET /shop/one",
            _answer(
                200,
                written({"n": 1}),
                x_kind="one",
                content_type=JSON_TYPE["Content-Type"],
                matched_stub_id="#1",
            ),
        ),
        ("WireMock.register", OVER_ONE),
        ("GET /shop/one", _answer(410, "", matched_stub_id="#2")),
        ("WireMock.getMapping", ONE),
        ("WireMock.getAllMappings", [OVER_ONE, ONE]),
        ("WireMock.findMappingByMetadata", [ONE]),
        ("WireMock.findMappingByMetadata", []),
        ("WireMock.removeMappingByMetadata", {}),
        ("WireMock.getAllMappings", OVER_ONE),
        ("WireMock.deleteMapping", DONE),
        ("GET /shop/one", GONE),
        ("WireMock.deleteMapping", {"status": 404, "body": ""}),
        ("WireMock.clearAll", _emptied([DONE, DONE], 0)),
        ("WireMock.clearAllExceptDefault", _emptied([DONE, DONE], 0)),
        ("WireMock.clearAllMappings", _emptied(DONE, 1)),
        ("WireMock.resetMappings", Part(got=DONE, mappings=0)),
        ("POST /event/", Part(status=202)),
    ],
    "patterns": [
        ("url", [210, 404]),
        ("urlPath", [210, 404]),
        ("urlPathPattern", [210, 404]),
        ("urlPattern", [210, 404]),
        ("method", [210, 404]),
        ("equalToJson", [210, 404]),
        ("ignoreArrayOrder", [210, 404]),
        ("ignoreExtraElements", [210, 404]),
        ("equalTo", [210, 404]),
        ("contains", [210, 404]),
        ("matches", [210, 404]),
        ("doesNotMatch", [210, 404]),
        ("binaryEqualTo", [210, 404]),
        ("matchesJsonPath", [210, 404]),
        ("headers", [210, 404]),
        ("headers by a matcher", [210, 404]),
        ("cookies", [210, 404]),
        ("queryParameters", [210, 404]),
        ("formParameters", [210, 404]),
    ],
    "answers": [
        ("jsonBody", _answer(200, written({"a": "ä"}), content_type=JSON_TYPE["Content-Type"])),
        ("body", _answer(200, "plain", content_type="text/plain")),
        ("base64Body", _answer(200, "hello")),
        # Timers may go off a little early: the bounds are below what was asked for.
        ("FIXED", Part(status=200, took=at_least(100))),
        ("UNIFORM", Part(status=200, took=at_least(45))),
        ("LOG_NORMAL", Part(status=200, took=at_least(45))),
        ("CHUNKED_DRIBBLE", Part(status=200, body=written({"pieces": 4}), took=at_least(75))),
        ("CONNECTION_RESET_BY_PEER", BROKEN),
        ("EMPTY_RESPONSE", BROKEN),
        ("MALFORMED_RESPONSE_CHUNK", BROKEN),
        ("RANDOM_DATA_THEN_CLOSE", BROKEN),
    ],
    "refused": [
        ("equalToXml", refusal("/request/bodyPatterns/0")),
        ("equalTo with a number", refusal("/request/headers/X-A")),
        ("transformers", refusal("/response/transformers")),
        ("webhook", refusal("/postServeActions")),
        ("WireMock.getAllMappings", []),
    ],
    "requests": [
        *[("POST /event/", Part(status=202))] * 2,
        ("WireMock.getAllRequests", [NOWHERE, SEEN, U2, U1]),
        ("WireMock.getRequestsForAPI", [U2, U1]),
        ("WireMock.getRequestsForAPI", []),
        ("WireMock.getUnmatchedRequests", [Part(method="GET", url="/nowhere?x=1")]),
        ("WireMock.clearAllRequests", DONE),
        ("WireMock.getAllRequests", []),
        ("GET /shop/seen", _answer(200, "")),
    ],
    "scenarios": [
        ("WireMock.getAllScenarios", _scenario("Started")),
        ("POST /shop/orders", _answer(201, "")),
        ("POST /shop/orders", _answer(409, "")),
        ("WireMock.getAllScenarios", _scenario("paid")),
        ("WireMock.resetAllScenarios", DONE),
        ("WireMock.getAllScenarios", _scenario("Started")),
    ],
    "api": [
        (
            "WireMockAPI.register",
            _stub(
                "#1",
                201,
                request={
                    "method": "POST",
                    "url": "/shop/orders",
                    "bodyPatterns": [
                        {"equalToJson": {"item": "a"}, "ignoreArrayOrder": False, "ignoreExtraElements": True}
                    ],
                },
            ),
        ),
        (
            "WireMockAPI.registerDefaultResponse",
            _stub("#2", 400, request={"method": "POST", "url": "/shop/orders"}, priority=9),
        ),
        ("POST /shop/orders", _answer(201, written({"id": 7}), matched_stub_id="#1")),
        ("POST /shop/orders", _answer(400, "", matched_stub_id="#2")),
        (
            "WireMockAPI.getRequestsForAPI",
            [
                Part(request=Part(url="/shop/orders", body=written({"item": item, "more": 1})))
                for item in "ba"
            ],
        ),
    ],
}
