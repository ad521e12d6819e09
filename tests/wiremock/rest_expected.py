"""What every step of ``rest_client.cjs`` gives back."""

from typing import Any

from tests.wiremock.expected import (
    COUNTED,
    DISTANCE,
    GONE,
    Expected,
    Part,
    at_least,
    between,
    event,
    many,
    opens_with,
    refusal,
    seen,
    written,
)

READ = (
    "absoluteUrl", "clientIp", "cookies", "headers", "browserProxyRequest", "loggedDate", "loggedDateString",
    "protocol", "scheme", "host", "port",
)  # fmt: skip


def _stub(known: str, path: str, **more: Any) -> Part:
    return Part({"id": known, "uuid": known, "request": {"method": "GET", "url": path}, **more})


def _answer(status: int, body: Any, **headers: str) -> Part:
    told = Part({key.replace("_", "-"): value for key, value in headers.items()})
    return Part(status=status, body=body, headers=told)


def _call(name: str, request: Part, status: int, *, matched: bool = True, **more: Any) -> Part:
    return Part(
        id=name, request=Part(seen(READ), **request), responseDefinition=Part(status=status),
        response=Part(status=status), wasMatched=matched, subEvents=[], timing=Part(addedDelay=0), **more,
    )  # fmt: skip


def _counts(count: int) -> tuple[str, Any]:
    return "requests.getCount", {"count": count, **COUNTED}


def _scenario(state: str) -> Part:
    return Part(
        scenarios=[
            {
                "id": "order",
                "name": "order",
                "state": state,
                "possibleStates": ["Started", "paid"],
                "mappings": many(2),
            }
        ]
    )


ONE = _stub(
    "#1",
    "/shop/one",
    name="one",
    priority=2,
    metadata=Part({"team": "a"}),
    response={"status": 200, "body": "/shop/one"},
)
CHANGED = Part(
    ONE, response={"status": 429, "jsonBody": {"message": "slow down"}, "headers": {"Retry-After": "1"}}
)
TWO = _stub("#2", "/shop/two", metadata=Part({"team": "b"}))
NONE = {"mappings": [], "meta": {"total": 0}}

# The first id to be seen is the stub's, in the answer to /shop/seen.
NOWHERE = _call(
    "#2",
    Part(method="GET", url="/nowhere?x=1", queryParams={"x": {"key": "x", "values": ["1"]}}),
    404,
    matched=False,
)
SEEN = _call("#3", Part(method="GET", url="/shop/seen"), 200, stubMapping=_stub("#1", "/shop/seen"))
U3, U2, U1 = (
    _call(name, Part(event(user), mock=Part(operation="event-api", outcome="admitted")), 202)
    for user, name in (("u3", "#4"), ("u2", "#5"), ("u1", "#6"))
)
ORDER = {"errors": [Part(code=11, title="Scenario order does not support state lost")]}
NOBODY = {"errors": [Part(code=404, title="Scenario nobody does not exist")]}
NOT_OFFERED = Part(errors=many(1))

EXPECTED: dict[str, Expected] = {
    "mappings": [
        ("mappings.createMapping", ONE),
        ("GET /shop/one", _answer(200, "/shop/one", matched_stub_id="#1", matched_stub_name="one")),
        ("mappings.getMapping", ONE),
        ("mappings.updateMapping", CHANGED),
        (
            "GET /shop/one",
            _answer(429, written({"message": "slow down"}), retry_after="1", matched_stub_id="#1"),
        ),
        ("mappings.getAllMappings", {"mappings": [CHANGED, TWO], "meta": {"total": 2}}),
        ("mappings.findByMetaData", {"mappings": [TWO], "meta": {"total": 1}}),
        ("mappings.findByMetaData", {"mappings": [CHANGED, TWO], "meta": {"total": 2}}),
        ("mappings.saveAllMappings", {}),
        ("mappings.removeByMetaData", {}),
        ("GET /shop/one", GONE),
        ("mappings.deleteMapping", {}),
        ("GET /shop/two", GONE),
        ("mappings.getAllMappings", NONE),
        ("mappings.getMapping", ""),
        ("mappings.deleteAllMappings", {}),
        ("mappings.getAllMappings", NONE),
        ("mappings.resetAllMappings", None),
        ("mappings.getAllMappings", NONE),
        ("POST /event/", Part(status=202)),
    ],
    "files": [
        ("mappings.createMappingFromFile", _stub("#1", "/shop/file-one")),
        ("GET /shop/file-one", _answer(200, "/shop/file-one", matched_stub_id="#1")),
        ("mappings.createMappingsFromDir", ["/shop/file-one", "/shop/file-two"]),
        ("GET /shop/file-two", _answer(204, "")),
        ("mappings.getAllMappings", {"total": 3}),
    ],
    "requests": [
        *[("POST /event/", Part(status=202))] * 3,
        ("GET /shop/seen", _answer(200, "/shop/seen", matched_stub_id="#1")),
        ("GET /nowhere", GONE),
        (
            "requests.getAllRequests",
            {"requests": [NOWHERE, SEEN, U3, U2, U1], "meta": {"total": 5}, **COUNTED},
        ),
        ("requests.getRequest", U3),
        _counts(1),
        _counts(5),
        _counts(1),
        ("requests.getCount", refusal("/bodyPatterns/0")),
        ("requests.findRequests", {"requests": [event("u2")], **COUNTED}),
        ("requests.getUnmatchedRequests", {"requests": [Part(method="GET", url="/nowhere?x=1")], **COUNTED}),
        ("requests.removeRequestsByMetadata", {"serveEvents": [SEEN]}),
        ("requests.removeRequests", {"serveEvents": [U2]}),
        _counts(3),
        ("requests.deleteRequest", {}),
        ("requests.getRequest", ""),
        _counts(2),
        ("requests.resetAllRequests", {}),
        _counts(0),
        ("requests.deleteAllRequests", {}),
        ("requests.getAllRequests", {"requests": [], "meta": {"total": 0}, **COUNTED}),
        ("requests.getRequest", ""),
        ("mappings.getAllMappings", {"total": 1}),
    ],
    "nearMisses": [
        ("GET /event/", Part(status=405)),
        (
            "requests.getUnmatchedNearMisses",
            {
                "nearMisses": opens_with(
                    Part(
                        request=Part(method="GET", url="/event/"),
                        stubMapping=Part(request=Part(method="POST", urlPath="/event/")),
                        matchResult=Part(distance=DISTANCE, diffDescriptions=[]),
                    )
                )
            },
        ),
        (
            "requests.getNearMissesByRequest",
            {
                "nearMisses": opens_with(
                    Part(
                        request=Part(method="GET", url="/shop/near"),
                        stubMapping=Part(name="near"),
                        matchResult=Part(distance=DISTANCE, diffDescriptions=[]),
                    )
                )
            },
        ),
        (
            "requests.getNearMissesByRequestPattern",
            {
                "nearMisses": opens_with(
                    *[
                        Part(
                            request=Part(method="POST", url="/event/"),
                            requestPattern=Part(method="POST", url="/event/"),
                            matchResult=Part(
                                distance=DISTANCE,
                                diffDescriptions=[],
                                subEvents=[
                                    Part(
                                        type="DIFFERENCE",
                                        data=Part(pointer="/body/distinct_id", expected="u3"),
                                    )
                                ],
                            ),
                        )
                    ]
                    * 2
                )
            },
        ),
    ],
    "scenarios": [
        ("scenarios.getAllScenarios", _scenario("Started")),
        ("POST /shop/order", _answer(200, "open")),
        ("scenarios.getAllScenarios", _scenario("paid")),
        ("scenarios.resetScenario", {}),
        ("POST /shop/order", _answer(200, "open")),
        ("scenarios.resetAllScenarios", {}),
        ("scenarios.setScenarioState", {}),
        ("POST /shop/order", _answer(200, "closed")),
        ("scenarios.setScenarioState", ORDER),
        ("scenarios.setScenarioState", NOBODY),
        ("scenarios.resetScenario", NOBODY),
    ],
    "settings": [
        ("global.updateGlobalSettings", Part(fixedDelay=120)),
        ("POST /event/", Part(status=202, took=at_least(100), addedDelay=120)),
        (
            "global.updateGlobalSettings",
            Part(delayDistribution={"type": "uniform", "lower": 120, "upper": 140}),
        ),
        ("POST /event/", Part(status=202, took=at_least(100), addedDelay=between(120, 260))),
        ("global.resetAll", {}),
        ("POST /event/", Part(status=202, addedDelay=0)),
        ("mappings.getAllMappings", NONE),
    ],
    "recordings": [
        ("recordings.getRecordingStatus", {"status": "NeverStarted"}),
        ("recordings.startRecording", NOT_OFFERED),
        ("recordings.takeSnapshotRecording", NOT_OFFERED),
        ("recordings.stopRecording", NOT_OFFERED),
        ("recordings.getRecordingStatus", {"status": "NeverStarted"}),
    ],
    "shutdown": [("global.shutdown", {}), ("POST /event/", Part(status=202))],
}
