"""What every step of ``JavaClient.java`` gives back."""

from typing import Any

from tests.wiremock.expected import (
    DISTANCE,
    GONE,
    INTEGER,
    Expected,
    Part,
    at_least,
    between,
    each,
    event,
    opens_with,
    refusal,
    text,
    written,
)


def _stub(known: str, path: str, **more: Any) -> Part:
    return Part({"id": known, "uuid": known, "request": {"method": "GET", "url": path}, **more})


def _answer(status: int, body: Any, **headers: Any) -> Part:
    return Part(status=status, body=body, **{key.replace("_", "-"): value for key, value in headers.items()})


def _refused(*pointers: str) -> dict[str, Any]:
    return {"error": "InvalidInputException", "told": refusal(*pointers)}


def _call(request: Part, status: int, name: str, *, matched: bool = True, **more: Any) -> Part:
    return Part(
        id=name, request=request, defined=status, status=status, matched=matched, addedDelay=0, **more
    )


def _scenario(state: str, mappings: int) -> list[Any]:
    return [
        {
            "id": "order",
            "name": "order",
            "state": state,
            "possibleStates": ["Started", "paid"],
            "mappings": mappings,
        }
    ]


def _miss(request: Part, **more: Any) -> Part:
    return Part(request=request, distance=DISTANCE, diff=text(" expected:<", "> but was:<"), **more)


ONE = _stub(
    "#1",
    "/shop/one",
    name="one",
    priority=2,
    metadata=Part({"team": "a"}),
    response={"status": 200, "body": "one", "headers": {"X-Kind": ["a", "b"]}},
)
CHANGED = Part(
    ONE,
    response={
        "status": 429,
        "body": '{"n": 2}',
        "headers": {"Content-Type": "application/json", "Retry-After": "1"},
    },
)
TWO = _stub("#2", "/shop/two", metadata=Part({"team": "b"}))
LOGGED = Part(
    authorization="Bearer k",
    clientIp="127.0.0.1",
    protocol="HTTP/1.1",
    host="127.0.0.1",
    cookies=[],
    queryParams=[],
    loggedDate=INTEGER,
)
NOWHERE = Part(method="GET", url="/nowhere?x=1", body="", cookies=["c"], queryParams=["x"])
LOST = _call(NOWHERE, 404, "#1", matched=False)
SEEN = _call(Part(method="GET", url="/shop/seen"), 200, "#2", body="seen", stub="seen")
U3, U2, U1 = (
    _call(Part(LOGGED, **event(user)), 202, name) for user, name in (("u3", "#3"), ("u2", "#4"), ("u1", "#5"))
)
WRONG_METHOD = Part(method="GET", url="/event/")
EVENT_API = Part(request=Part(method="POST", urlPath="/event/"))
UNKNOWN = {
    "error": "ClientError",
    "told": {"errors": [Part(code=404, title="Scenario nobody does not exist")]},
}
NOT_OFFERED = Part(told=Part(errors=each(Part())))
BROKEN = Part(error="IOException")

EXPECTED: dict[str, Expected] = {
    "stubs": [
        ("register", ONE),
        ("GET /shop/one", _answer(200, "one", X_Kind="a", values=2, Matched_Stub_Id="#1", Matched_Stub_Name="one")),
        ("getStubMapping", ONE),
        ("getStubMapping", Part(error="InvalidInputException")),  # what the client makes of every empty 404
        ("editStubMapping", None),
        ("GET /shop/one", _answer(429, '{"n": 2}', Content_Type="application/json", Retry_After="1", Matched_Stub_Id="#1")),
        ("allStubMappings", [CHANGED, TWO]),
        ("allStubMappings", 2),
        ("findAllStubsByMetadata", [TWO]),
        ("saveMappings", None),
        ("removeStubMapping", None),
        ("GET /shop/two", GONE),
        ("removeStubsByMetadataPattern", None),
        ("GET /shop/one", GONE),
        ("removeStubMapping", None),
        ("removeStubMapping", None),
        ("allStubMappings", 0),
        ("importStubMappings", None),
        ("GET /shop/five", Part(status=204)),
        ("importStubMappings", None),
        ("allStubMappings", 1),
        ("loadMappingsFrom", None),
        ("GET /shop/file", Part(status=204)),
        ("removeMappings", None),
        ("allStubMappings", 0),
        ("GET /shop/six", Part(status=200)),
        ("resetToDefaultMappings", None),
        ("allStubMappings", 0),
        ("resetMappings", None),
        ("getServeEvents", 0),
        ("POST /event/", Part(status=202)),
    ],
    "answers": [
        ("body", _answer(200, "ä", Content_Type="text/plain; charset=utf-8")),
        ("bytes", _answer(200, "bytes")),
        ("json", _answer(201, written({"n": 1}), Content_Type="application/json")),
        ("redirect", Part(status=302)),
        # Timers may go off a little early: the bounds are below what was asked for.
        ("fixed", Part(status=200, took=at_least(100))),
        ("uniform", Part(status=200, took=at_least(45))),
        ("lognormal", Part(status=200, took=at_least(45))),
        ("dribble", Part(status=200, body="in four pieces", took=at_least(75))),
        ("CONNECTION_RESET_BY_PEER", BROKEN),
        ("EMPTY_RESPONSE", BROKEN),
        ("MALFORMED_RESPONSE_CHUNK", BROKEN),
        ("RANDOM_DATA_THEN_CLOSE", BROKEN),
    ],
    "patterns": [
        *[
            (name, [210, 404])
            for name in (
                "equalTo", "equalToIgnoreCase", "binaryEqualTo", "containing", "notContaining", "matching",
                "notMatching", "not", "and", "or", "StringValuePattern.and", "equalToJson", "equalToJson lenient",
                "placeholders", "matchingJsonPath", "matchingJsonPath of the root", "matchingJsonPath and a matcher",
                "matchingJsonPath absent", "matchingJsonPath equalToJson", "matchingJsonSchema",
                "matchingJsonSchema V7", "before", "after", "equalToDateTime", "beforeNow", "afterNow",
                "urlEqualTo", "urlMatching", "urlPathMatching", "urlPathTemplate", "withQueryParam",
                "withQueryParams", "havingExactly", "including", "noValues",
                "withScheme, withHost, withPort, withClientIp",
            )
        ],
        ("another scheme", [404, 404]),
        ("another host", [404, 404]),
        ("another port", [404, 404]),
        ("another client", [404, 404]),
        ("withHeader", [210, 404]),
        ("withHeader including", [210, 404]),
        ("withCookie", [210, 404]),
        ("withBasicAuth", [210, 404]),
        ("withFormParam", [210, 404]),
        *[(method, [210, 404]) for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE"]],
    ],
    "refused": [
        ("equalToXml", _refused("/request/bodyPatterns/0")),
        ("matchingXPath", _refused("/request/bodyPatterns/0")),
        ("aMultipart", _refused("/request/multipartPatterns")),
        ("andMatching", _refused("/request/customMatcher")),
        ("proxiedFrom", _refused("/response/proxyBaseUrl")),
        ("withBodyFile", _refused("/response/bodyFileName")),
        ("withTransformers", _refused("/response/transformers")),
        ("withTransformerParameter", _refused("/response/transformerParameters")),
        ("withPostServeAction", _refused("/postServeActions")),
        ("withServeEventListener", _refused("/serveEventListeners")),
        ("allStubMappings", []),
    ],
    "journal": [
        *[("POST /event/", Part(status=202))] * 3,
        ("verifyThat", None),
        ("verifyThat", None),
        ("verifyThat", None),
        ("verifyThat", None),
        (
            "verifyThat",
            {
                "error": "VerificationException",
                "told": text("Most similar request was", "$.distinct_id [equalTo] u4> but was:<\nPOST\n/event/"),
            },
        ),
        ("verifyThat", {"error": "VerificationException", "told": text("Expected exactly 2 requests", "received 3")}),
        ("verifyThat", None),
        ("find", [Part(LOGGED, **event("u2"))]),
        ("find", 5),
        ("getServeEvents", [LOST, SEEN, U3, U2, U1]),
        ("getServeEvents", [LOST]),
        ("getServeEvents", [SEEN]),
        ("findAllUnmatchedRequests", [NOWHERE]),
        ("removeEventsByMetadata", [SEEN]),
        ("removeEvents", [U2]),
        ("removeEvent", None),
        ("find", 2),
        ("resetRequests", None),
        ("getServeEvents", 0),
    ],
    "nearMisses": [
        ("findNearMissesForAllUnmatchedRequests", each(Part(request=Part(method="GET", url="/shop/near")))),
        ("findTopNearMissesFor", opens_with(_miss(Part(url="/shop/near"), stub=Part(name="near")))),
        ("findAllNearMissesFor", opens_with(_miss(event("u1"), pattern=Part(method="POST", url="/event/")))),
    ],
    "scenarios": [
        ("getScenarios", _scenario("Started", 2)),
        ("POST /shop/order", _answer(200, "open")),
        ("getScenarios", _scenario("paid", 2)),
        ("resetScenarioState", None),
        ("POST /shop/order", _answer(200, "open")),
        ("resetScenarios", None),
        ("setSingleScenarioState", None),
        ("POST /shop/order", _answer(200, "closed")),
        (
            "setSingleScenarioState",
            {"error": "ClientError", "told": {"errors": [Part(code=11, title="Scenario order does not support state lost")]}},
        ),
        ("setSingleScenarioState", UNKNOWN),
        ("resetScenarioState", UNKNOWN),
    ],
    "settings": [
        ("setGlobalFixedDelayVariable", None),
        ("getGlobalSettings", Part(fixedDelay=120)),
        ("POST /event/", Part(status=202, took=at_least(100), addedDelay=120)),
        ("setGlobalRandomDelayVariable", None),
        ("POST /event/", Part(status=202, took=at_least(100), addedDelay=between(120, 250))),
        ("updateGlobalSettings", None),
        ("getGlobalSettings", Part(fixedDelay=7)),
        ("resetMappings", None),
        ("POST /event/", Part(status=202, addedDelay=0)),
    ],
    "recordings": [
        ("getStubRecordingStatus", "NeverStarted"),
        ("startStubRecording", NOT_OFFERED),
        ("startStubRecording", NOT_OFFERED),
        ("takeSnapshotRecording", NOT_OFFERED),
        ("stopStubRecording", NOT_OFFERED),
        ("shutdown", None),
        ("getStubRecordingStatus", "NeverStarted"),
    ],
    "statics": [
        ("static stubFor", _stub("#1", "/shop/one")),
        ("static givenThat", _stub("#2", "/shop/two")),
        ("static editStub", None),
        ("GET /shop/one", _answer(200, "edited", Matched_Stub_Id="#1")),
        ("static getSingleStubMapping", _stub("#1", "/shop/one", response=Part(body="edited"))),
        ("static listAllStubMappings", 2),
        ("static findStubsByMetadata", 1),
        ("static removeStubsByMetadata", None),
        ("static removeStub", None),
        ("static importStubs", None),
        ("static saveAllMappings", None),
        ("static listAllStubMappings", 1),
        ("static removeAllMappings", None),
        ("static resetToDefault", None),
        ("static listAllStubMappings", 0),
        ("static verify", None),
        ("static verify", None),
        ("static findAll", [event("u2")]),
        ("static getAllServeEvents", 3),
        ("static findUnmatchedRequests", [WRONG_METHOD]),
        ("static findNearMissesForAllUnmatched", opens_with(_miss(WRONG_METHOD, stub=EVENT_API))),
        ("static findNearMissesFor", opens_with(*[_miss(Part(method="POST", url="/event/"))] * 2)),
        ("static removeServeEvents", 1),
        ("static removeEventsByStubMetadata", 0),
        ("static removeServeEvent", None),
        ("static getAllServeEvents", 1),
        ("static resetAllRequests", None),
        ("static getAllServeEvents", 0),
        ("static setScenarioState", None),
        ("static getAllScenarios", _scenario("paid", 1)),
        ("static resetScenario", None),
        ("static getAllScenarios", _scenario("Started", 1)),
        ("static resetAllScenarios", None),
        ("static setGlobalFixedDelay", None),
        ("static getSettings", Part(fixedDelay=1)),
        ("static setGlobalRandomDelay", None),
        ("static updateSettings", None),
        ("static getSettings", Part(fixedDelay=2)),
        ("static getRecordingStatus", "NeverStarted"),
        ("static startRecording", NOT_OFFERED),
        ("static snapshotRecord", NOT_OFFERED),
        ("static stopRecording", NOT_OFFERED),
        ("static reset", None),
        ("static listAllStubMappings", 0),
        ("static shutdownServer", None),
        ("POST /event/", Part(status=202)),
    ],
}  # fmt: skip
