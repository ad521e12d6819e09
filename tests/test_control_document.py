"""The document of the control plane: valid, complete, closed where clients are strict, and what the server does."""

import copy
import http.client
import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from mockserver.control import calls, mappings, plane
from mockserver.control.exporting import FORMATS
from mockserver.control.plane import MOST_BYTES, ROUTES
from mockserver.control.replies import Asked
from mockserver.control.steering import UNKNOWN
from mockserver.control.waiting import LONGEST
from mockserver.engine import delays, journal, scripts
from mockserver.engine import mappings as rule_mappings
from mockserver.engine.deviations import PROFILES
from mockserver.engine.exchange import NAMES, Reason
from mockserver.engine.keywords import unknown_keywords
from mockserver.engine.mappings import OWN_REQUEST
from mockserver.engine.matchers import OPERATIONS, OPTIONS, read_matcher
from mockserver.engine.matching import Fault
from mockserver.engine.patterns import MEMBERS, OURS, Known, PatternError, read_pattern
from mockserver.engine.rules import FAULTS
from mockserver.engine.world import Settings
from mockserver.yamltext import parse_yaml
from tests.answers import (
    COMPONENTS,
    DOCUMENT,
    PREFIX,
    check_answer,
    faults_of,
    operation_of,
    operations,
    resolved,
)
from tests.serving import Running, running
from tests.test_schemathesis import SCHEMATHESIS

SCHEMAS: Any = DOCUMENT["components"]["schemas"]
EMPTY = {"$ref": f"{COMPONENTS}/schemas/Empty"}
NOBODY = "00000000-0000-4000-8000-000000000001"
RULE = "00000000-0000-4000-8000-00000000000a"


def members(*names: str) -> set[str]:
    """Return the members of schemas that may hold something."""
    return {name for each in names for name, of in SCHEMAS[each]["properties"].items() if of != EMPTY}


def must_be_empty(name: str) -> set[str]:
    return {member for member, of in SCHEMAS[name]["properties"].items() if of == EMPTY}


def alternatives(schema: Any) -> list[Any]:
    return [each for each in schema["enum"] if each is not None]


# What it is


def test_it_is_valid_openapi() -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


def test_routes_and_methods_are_those_of_the_server() -> None:
    documented = [(each.method.upper(), each.path.removeprefix(PREFIX)) for each in operations()]
    assert sorted(documented) == sorted((method, path) for method, path, _ in ROUTES)
    ids = [each.source["operationId"] for each in operations()]
    assert len(ids) == len(set(ids))


def test_variables_of_paths_are_described() -> None:
    for path, item in DOCUMENT["paths"].items():
        described = [resolved(each)["name"] for each in item.get("parameters", [])]
        assert described == re.findall(r"\{([a-z]+)\}", path), path


def parts(value: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every object of a document with its pointer."""
    if isinstance(value, dict):
        yield at, value
        for name, each in value.items():
            yield from parts(each, f"{at}/{name}")
    elif isinstance(value, list):
        for position, each in enumerate(value):
            yield from parts(each, f"{at}/{position}")


def test_descriptions_are_one_sentence_each() -> None:
    told = [(at, part.get("description")) for at, part in parts(DOCUMENT) if not at.startswith("/info")]
    sentences = [(at, text) for at, text in told if isinstance(text, str)]
    assert len(sentences) > 200
    one = re.compile(r"[A-Z0-9/](?!.*[.] )[^\n]*[A-Za-z0-9)][.]")
    assert [each for each in sentences if not one.fullmatch(each[1])] == []
    assert [name for name, schema in SCHEMAS.items() if "description" not in schema] == []


def test_every_keyword_of_a_schema_is_known() -> None:
    """In YAML, a comma in a sentence without quotes makes the rest of it a keyword."""
    assert [told for name, schema in SCHEMAS.items() for told in unknown_keywords(schema, [name])] == []


def test_every_component_is_used() -> None:
    text = json.dumps(DOCUMENT)
    unused = [
        f"{kind}/{name}"
        for kind, each in DOCUMENT["components"].items()
        for name in each
        if kind != "securitySchemes" and f'"{COMPONENTS}/{kind}/{name}' not in text
    ]
    assert unused == ["responses/NoRoute", "responses/NoMethod"]


OPEN = {
    # what clients of WireMock take as it comes
    "/LoggedRequest", "/StubMapping/properties/metadata", "/Difference/properties/data",
    # what is sent: members that are passed over, and what the client keeps for itself
    "/SentRequest", "/NewStubMapping/properties/metadata",
    # closed by those that are made of them
    "/PatternMembers", "/Operations",
    # documents of another kind
    "/Document",
}  # fmt: skip


def test_every_object_is_closed_but_where_clients_take_what_they_do_not_know() -> None:
    closed = ("additionalProperties", "unevaluatedProperties")
    found = {
        at
        for at, part in parts(SCHEMAS)
        if isinstance(part.get("properties"), dict) and not any(part.get(name) is False for name in closed)
    }
    assert found == OPEN


def test_it_is_served_as_it_stands_in_its_file() -> None:
    with running() as server:
        as_yaml, as_json = (server.request("GET", f"{PREFIX}/openapi.{kind}")[2] for kind in ("yaml", "json"))
    assert parse_yaml(as_yaml.decode()) == json.loads(as_json) == DOCUMENT


# Its words are those of the engine


def refused_members() -> set[str]:
    """Return the members of a pattern that may hold nothing."""
    found = set()
    for name in MEMBERS:
        try:
            read_pattern({name: ["x"]}, Known())
        except PatternError as error:
            found |= {name for _, told in error.faults if "is not offered here" in told}
    return found


def test_every_member_of_a_pattern_is_described() -> None:
    ours = set(OURS)
    assert must_be_empty("PatternMembers") == refused_members() == {"multipartPatterns", "customMatcher"}
    assert members("PatternMembers") == set(MEMBERS) - refused_members() - ours
    assert members("RequestPattern") == ours
    assert members("Awaited") == ours | {"count", "timeoutMilliseconds"}
    request = SCHEMAS["NewStubMapping"]["properties"]["request"]["properties"]
    assert {name for name, each in request.items() if each != {"type": "null"}} == set(OWN_REQUEST)


def test_every_operation_of_a_matcher_is_described() -> None:
    schema = SCHEMAS["Operations"]
    options = {option: operation for operation, names in OPTIONS.items() for option in names}
    assert sorted(each["required"] for each in schema["oneOf"]) == sorted([name] for name in OPERATIONS)
    assert members("Operations") == {*OPERATIONS, *options}
    assert schema["dependentRequired"] == {option: [operation] for option, operation in options.items()}


def test_every_member_of_a_rule_is_described() -> None:
    for name, table in (("NewStubMapping", rule_mappings.MEMBERS), ("ResponseDefinition", scripts.RESPONSE)):
        assert members(name) == {member for member, is_offered in table.items() if is_offered}
        assert must_be_empty(name) == {member for member, is_offered in table.items() if not is_offered}
    assert members("RuleState") == {*rule_mappings.OWN, "served", "remaining", "request"}
    assert members("StubMapping") < set(rule_mappings.MEMBERS) - set(rule_mappings.OWN)


@pytest.mark.parametrize(
    ("documented", "known"),
    [
        (SCHEMAS["Fault"], FAULTS),
        (SCHEMAS["Reason"], [str(reason) for reason in Reason]),
        (SCHEMAS["Outcome"], NAMES.values()),
        (SCHEMAS["CallState"], [journal.ANSWERED, journal.WAITING, journal.ABORTED]),
        (SCHEMAS["Catalogue"]["properties"]["unknown"], UNKNOWN),
        (SCHEMAS["CatalogueChange"]["properties"]["unknown"], UNKNOWN),
        (DOCUMENT["components"]["parameters"]["Profile"]["schema"], PROFILES),
        (operation_of("GET", "/__admin/export").source["parameters"][0]["schema"], FORMATS),  # type: ignore[union-attr]
    ],
)  # fmt: skip
def test_every_word_of_a_list_is_described(documented: Any, known: Any) -> None:
    assert alternatives(documented) == list(known)


def told_of(matcher: Any) -> str:
    faults: list[Fault] = []
    read_matcher(matcher, "", faults)
    return faults[0][1]


def test_lists_that_are_told_in_sentences_are_described() -> None:
    faults: list[Fault] = []
    delays.read_distribution({"type": "zz"}, "", faults)
    kinds = SCHEMAS["DelayDistribution"]["discriminator"]["mapping"]
    assert f"one of {', '.join(kinds)}, not" in faults[0][1]
    versions = SCHEMAS["Operations"]["properties"]["schemaVersion"]["enum"]
    assert f"one of {', '.join(versions)}, not" in told_of({"matchesJsonSchema": {}, "schemaVersion": "zz"})


def test_bounds_are_those_of_the_server() -> None:
    assert SCHEMAS["Awaited"]["properties"]["timeoutMilliseconds"]["maximum"] == LONGEST
    assert SCHEMAS["Milliseconds"]["maximum"] == delays.LONGEST * 1000
    assert f"{MOST_BYTES // 1024**2} MiB" in DOCUMENT["components"]["responses"]["TooLarge"]["description"]


# Every route, with what it takes and what it does not


class Asking(NamedTuple):
    """One request to a route; in target and body ``CALL`` stands for the id of a recorded call."""

    method: str
    route: str
    status: int
    body: Any = None
    query: str = ""
    variables: Mapping[str, str] = {}

    @property
    def target(self) -> str:
        """The path with its variables filled in, and the query."""
        known = {
            "id": RULE if "mappings" in self.route else "CALL",
            "api": "novu",
            "name": "known",
            **self.variables,
        }
        return PREFIX + re.sub(r"\{([a-z]+)\}", lambda match: known[match[1]], self.route) + self.query


GOOD = [
    Asking("GET", "/requests", 200, query="?limit=5&since=2020-01-01&unmatched=true&matchingStub=x"),
    Asking("DELETE", "/requests", 200),
    Asking("POST", "/requests/reset", 200),
    Asking("POST", "/requests/count", 200, {}),
    Asking("POST", "/requests/find", 200, {"method": "ANY", "outcome": ["refused"], "reason": "no-route"}),
    Asking("POST", "/requests/remove", 200, {"url": "/nowhere", "headers": {"Host": {"contains": "127"}}}),
    Asking("POST", "/requests/remove-by-metadata", 200, {"matchesJsonPath": {"expression": "$.team", "absent": True}}),
    Asking("POST", "/requests/wait", 200, {"count": 1, "timeoutMilliseconds": 0}),
    Asking("POST", "/requests/wait", 408, {"count": 9, "timeoutMilliseconds": 0}),
    Asking("GET", "/requests/unmatched", 200),
    Asking("GET", "/requests/unmatched/near-misses", 200),
    Asking("POST", "/requests/near-misses/request", 200, {"url": "/event"}),
    Asking("POST", "/requests/near-misses/request-pattern", 200, {"urlPath": "/event", "api": "novu"}),
    Asking("POST", "/near-misses/request", 200, {"url": "/event"}),
    Asking("POST", "/near-misses/request-pattern", 200, {"bodyPatterns": [{"equalToJson": {"a": 1}}]}),
    Asking("GET", "/requests/{id}", 200),
    Asking("DELETE", "/requests/{id}", 200),
    Asking("GET", "/mappings", 200, query="?limit=5&offset=0"),
    Asking("POST", "/mappings", 201, {"request": {"api": "novu"}, "times": 2, "after": "checks", "response": {"status": 429, "headers": {"Retry-After": [1]}}}),
    Asking("DELETE", "/mappings", 200),
    Asking("POST", "/mappings/reset", 200),
    Asking("POST", "/mappings/save", 200),
    Asking("POST", "/mappings/import", 200, {"mappings": [{"response": {"fault": "EMPTY_RESPONSE"}}], "importOptions": {"duplicatePolicy": "IGNORE", "deleteAllNotInImport": True}}),
    Asking("POST", "/mappings/remove", 200, {"id": RULE}),
    Asking("POST", "/mappings/find-by-metadata", 200, {"matchesJsonPath": "$.team"}),
    Asking("POST", "/mappings/remove-by-metadata", 200, {"matchesJsonPath": "$.team"}),
    Asking("GET", "/mappings/unmatched", 200),
    Asking("GET", "/mappings/{id}", 200),
    Asking("PUT", "/mappings/{id}", 200, {"response": {"delayDistribution": {"type": "uniform", "lower": 1, "upper": 2}}}),
    Asking("DELETE", "/mappings/{id}", 200),
    Asking("GET", "/scenarios", 200),
    Asking("POST", "/scenarios/reset", 200),
    Asking("PUT", "/scenarios/{name}/state", 200, {"state": "two"}),
    Asking("PUT", "/scenarios/{name}/state", 200),
    Asking("GET", "/settings", 200),
    Asking("POST", "/settings", 200, {"fixedDelay": 3, "proxyPassThrough": True}),
    Asking("PUT", "/settings", 200, {"delayDistribution": {"type": "lognormal", "median": 8, "sigma": 0.4}}),
    Asking("POST", "/reset", 200),
    Asking("GET", "/clock", 200),
    Asking("PUT", "/clock", 200, {"now": "2026-01-01T00:00:00Z", "frozen": True}),
    Asking("POST", "/clock/advance", 200, {"by": "25h"}),
    Asking("DELETE", "/clock", 200),
    Asking("GET", "/limits/{api}", 200),
    Asking("PUT", "/limits/{api}", 200, {"limit": 5, "window": "1s", "burst": 7}),
    Asking("DELETE", "/limits/{api}", 200),
    Asking("GET", "/catalogue/{api}", 200),
    Asking("PUT", "/catalogue/{api}", 200, {"unknown": "refuse", "names": {"welcome": {"payload": {"type": "object"}}}}),
    Asking("DELETE", "/catalogue/{api}", 200),
    Asking("GET", "/catalogue/{api}/{name}", 200),
    Asking("PUT", "/catalogue/{api}/{name}", 200, {"status": "trigger_not_active"}),
    Asking("PUT", "/catalogue/{api}/{name}", 200),
    Asking("DELETE", "/catalogue/{api}/{name}", 200),
    Asking("GET", "/namespaces", 200),
    Asking("DELETE", "/namespaces/{name}", 200),
    Asking("GET", "/apis", 200),
    Asking("GET", "/apis/{api}/openapi.yaml", 200, query="?profile=published"),
    Asking("GET", "/apis/{api}/openapi.json", 200, query="?profile=published"),
    Asking("POST", "/send", 200, {"api": "novu"}),
    Asking("POST", "/send", 200, {"repeat": "CALL"}),
    Asking("GET", "/retries", 200),
    *(Asking("GET", "/export", 200, query=f"?q=POST&format={name}") for name in FORMATS),
    Asking("GET", "/health", 200),
    Asking("GET", "/version", 200),
    Asking("GET", "/openapi.yaml", 200),
    Asking("GET", "/openapi.json", 200),
    Asking("GET", "/files", 200),
    Asking("GET", "/recordings/status", 200),
    Asking("POST", "/shutdown", 200),
]  # fmt: skip
REFUSED_ALWAYS = [("POST", f"/recordings/{name}") for name in ("start", "stop", "snapshot")]
UNREADABLE: Mapping[str, Any] = {
    "/mappings/import": {"mappings": [5], "importOptions": {"duplicatePolicy": [], "deleteAllNotInImport": 1, "zz": 1}},
    "/send": {"api": "novu", "sample": []}, "/near-misses/request": {"bodyAsBase64": "é"},
    "/scenarios/{name}/state": {"state": []}, "/requests/wait": {"count": 0, "timeoutMilliseconds": 10**9},
    "/requests/near-misses/request": {"headers": 5}, "/catalogue/{api}/{name}": {"status": "zz"},
}  # fmt: skip
"""What a route cannot read; others cannot read a member that they do not know."""


def unreadable_bodies(route: str) -> list[Any]:
    return [[], b"{", UNREADABLE.get(route, {"zz": 1})]


BAD = [
    *(
        Asking(method, route, 422, body)
        for method, route in dict.fromkeys((each.method, each.route) for each in GOOD if each.body is not None)
        for body in unreadable_bodies(route)
    ),
    Asking("POST", "/requests/count", 422, b" "),
    Asking("POST", "/requests/near-misses/request", 422, {"url": 5}),
    *(Asking(method, route, 422) for method, route in REFUSED_ALWAYS),
    *(
        Asking(method, route, status, {} if method == "PUT" else None, "", {"id": id_})
        for method, route, _ in ROUTES
        if route.endswith("/{id}")
        for id_, status in (("zz", 400), (NOBODY, 404))
    ),
    *(
        Asking(method, route, 404, {} if method == "PUT" else None, "", {"api": "nova", "name": "nobody"})
        for method, route, _ in ROUTES
        if re.search(r"\{(api|name)\}", route)
    ),
    Asking("GET", "/catalogue/{api}/{name}", 404, variables={"name": "nobody"}),
    Asking("GET", "/requests", 400, query="?limit=x&since=y"),
    Asking("GET", "/mappings", 400, query="?limit=x&offset=y"),
    Asking("GET", "/export", 400, query="?format=zz"),
    Asking("GET", "/export", 400, query="?format=har&q=zz:1"),
    Asking("GET", "/apis/{api}/openapi.yaml", 400, query="?profile=zz"),
    Asking("GET", "/apis/{api}/openapi.json", 400, query="?profile=zz"),
    Asking("POST", "/send", 400, {"repeat": "zz"}),
    Asking("POST", "/send", 404, {"repeat": NOBODY}),
    Asking("POST", "/send", 404, {"api": "nova"}),
    Asking("POST", "/send", 404, {"api": "novu", "sample": "zz"}),
    Asking("PUT", "/scenarios/{name}/state", 422, {"state": "zz"}),
]  # fmt: skip


def prepare(server: Running) -> str:
    """Begin afresh: a rule in a scenario, a name in the catalogue, a namespace, and a call; return that one's id."""
    rule = {
        "id": RULE,
        "scenarioName": "known",
        "newScenarioState": "two",
        "metadata": {"team": "a"},
        "response": {"status": 200},
    }
    for method, path, body in (
        ("POST", "/__admin/reset", None),
        ("POST", "/__admin/mappings", {**rule, "request": {"urlPath": "/scripted"}}),
        ("PUT", "/__admin/catalogue/novu/known", {}),
        ("POST", "/~known/__admin/reset", None),
        ("POST", "/scripted", None),
    ):
        assert server.request(method, path, body)[0] < 300
    return server.request("POST", "/nowhere", {"a": 2})[1]["x-mock-call-id"]


def ask(server: Running, asking: Asking) -> tuple[int, dict[str, str], bytes]:
    call = prepare(server)
    body = {"repeat": call} if asking.body == {"repeat": "CALL"} else asking.body
    return server.request(asking.method, asking.target.replace("CALL", call), body)


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running(Settings(most_calls=1)) as server:
        yield server


@pytest.mark.parametrize(
    "asking", [*GOOD, *BAD], ids=lambda each: f"{each.method} {each.target} {each.status}"
)
def test_every_route_answers_as_it_is_documented(server: Running, asking: Asking) -> None:
    status, _, body = ask(server, asking)
    assert status == asking.status, body


def test_every_route_is_asked_for_a_success() -> None:
    asked = {(each.method, each.route) for each in GOOD if each.status < 300}
    streamed = {("GET", "/stream")}
    assert asked | streamed | set(REFUSED_ALWAYS) == {(method, path) for method, path, _ in ROUTES}


Seen = set[tuple[str, str, int, str]]


def seen_of(asking: Asking, status: int, headers: Mapping[str, str]) -> tuple[str, str, int, str]:
    return asking.method, asking.route, status, headers.get("content-type", "").partition(";")[0]


BARRED: list[tuple[dict[str, str], bytes | None]] = [
    ({"Host": "evil.example"}, None),
    ({"Origin": "http://evil.example"}, None),
    ({"Sec-Fetch-Mode": "cors"}, b"x"),
    ({"Sec-Fetch-Mode": "cors", "Content-Type": "application/json"}, b"x" * 99),
]
"""What no route lets through, or none that writes; no more than nine bytes are read."""


def barred(server: Running, monkeypatch: pytest.MonkeyPatch) -> Seen:
    """Ask every route for what is barred."""
    monkeypatch.setattr(plane, "MOST_BYTES", 9)
    seen = set()
    for method, route, _ in ROUTES:
        asking = Asking(method, route, 0)
        for headers, body in BARRED:
            status, received, _ = server.request(method, asking.target.replace("CALL", NOBODY), body, headers)
            seen.add(seen_of(asking, status, received))
    return seen


def test_every_documented_status_and_media_type_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways: what is answered and not documented fails in `Running.request`."""
    seen: Seen = {("GET", "/stream", 200, "text/event-stream")}
    with running() as server:
        for asking in [*GOOD, *BAD]:
            seen.add(seen_of(asking, *ask(server, asking)[:2]))
        seen |= barred(server, monkeypatch)
    with running(token="secret") as server:
        for method, route, _ in ROUTES:
            asking = Asking(method, route, 401)
            status, headers, _ = server.request(method, asking.target.replace("CALL", NOBODY))
            assert status == (200 if route == "/health" else 401)
            seen.add(seen_of(asking, status, headers))
    documented = {
        (each.method.upper(), each.path.removeprefix(PREFIX), int(status), kind)
        for each in operations()
        for status, response in each.source["responses"].items()
        for kind in resolved(response).get("content", {"": None})
    }
    assert documented - seen == set()


def test_query_keys_are_those_that_are_read(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    read, query = set(), Asked.query

    def noted(asked: Asked, name: str) -> str | None:
        operation = operation_of(asked.request.method, asked.request.url.path)
        read.add((operation and operation.path, name))
        return query(asked, name)

    monkeypatch.setattr(Asked, "query", noted)
    for asking in GOOD:
        ask(server, asking)
    documented = {
        (operation.path, each["name"])
        for operation in operations()
        for each in map(resolved, operation.source.get("parameters", []))
        if each["in"] == "query"
    }
    assert read == documented


@pytest.mark.parametrize("asking", GOOD, ids=lambda each: f"{each.method} {each.target} {each.status}")
def test_what_was_dropped_is_told_where_it_is_documented(server: Running, asking: Asking) -> None:
    """Where it is told and not documented, `Running.request` fails."""
    operation = operation_of(asking.method, asking.target)
    assert operation is not None
    response = resolved(operation.source["responses"][str(asking.status)])
    assert ("x-mock-dropped" in ask(server, asking)[1]) is ("X-Mock-Dropped" in response.get("headers", {}))


@pytest.mark.parametrize(
    "path", ["/~checkout-42/__admin/requests", "/~a/__admin/health", "/~a/__admin/mappings"]
)
def test_every_path_also_exists_below_a_namespace(server: Running, path: str) -> None:
    found = operation_of("GET", path)
    assert found is not None
    assert found.path == PREFIX + path.partition(PREFIX)[2]
    assert server.request("GET", path)[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("PATCH", "/requests", 405),
        ("OPTIONS", "/clock", 405),
        ("HEAD", "/clock", 200),
    ],
)
def test_what_is_no_operation_is_documented_too(server: Running, method: str, path: str, status: int) -> None:
    assert (operation_of(method, f"{PREFIX}{path}") is None) is (status != 200)
    assert server.request(method, f"{PREFIX}{path}")[0] == status


def events(server: Running) -> Iterator[tuple[str, Any]]:
    """Yield the events of the stream."""
    connection = http.client.HTTPConnection(server.address, timeout=10)
    connection.request("GET", f"{PREFIX}/stream")
    response = connection.getresponse()
    name = ""
    try:
        for line in response:
            key, _, value = line.decode().rstrip("\n").partition(": ")
            if key == "event":
                name = value
            elif key == "data":
                yield name, json.loads(value)
    finally:
        connection.close()


def test_events_of_the_stream_are_as_they_are_documented() -> None:
    faults = faults_of(f"{COMPONENTS}/schemas/StreamEvents")
    seen = set()
    with running() as server:
        for name, data in events(server):
            assert faults({name: data}) == []
            seen.add(name)
            if name == "hello":
                prepare(server)
                server.trigger(b"{")
                server.request("PUT", "/__admin/clock", {"frozen": True})
            if seen == {"hello", "calls", "mappings", "clock", "namespaces", "cleared"}:
                break
    assert seen == {"hello", "calls", "mappings", "clock", "namespaces", "cleared"}


# Requests


@pytest.mark.parametrize(
    ("schema", "body", "is_valid"),
    [
        ("RequestPattern", {}, True),
        ("RequestPattern", {"url": None, "customMatcher": None, "multipartPatterns": []}, True),
        ("RequestPattern", {"customMatcher": {"name": "x"}}, False),
        ("RequestPattern", {"outcome": ["admitted", "scripted"], "reason": "invalid"}, True),
        ("RequestPattern", {"outcome": "lost"}, False),
        ("RequestPattern", {"reason": ["invalid", "lost"]}, False),
        ("RequestPattern", {"zz": 1}, False),
        ("RequestPattern", {"count": 1}, False),
        ("RequestPattern", {"basicAuthCredentials": {"username": "a"}}, False),
        ("Matcher", {"equalTo": "a", "caseInsensitive": True}, True),
        ("Matcher", {"equalTo": 5}, False),
        ("Matcher", {"equalTo": "a", "ignoreArrayOrder": True}, False),
        ("Matcher", {"equalTo": "a", "contains": "a"}, False),
        ("Matcher", {"caseInsensitive": True}, False),
        ("Matcher", {"absent": False}, False),
        ("Matcher", {}, False),
        ("Matcher", {"zz": 1}, False),
        ("Matcher", {"matchesJsonPath": {"expression": "$.a", "or": [{"equalTo": "x"}, {"not": {"matches": "y"}}]}}, True),
        ("Matcher", {"matchesJsonPath": {"expression": "$.a"}}, False),
        ("Matcher", {"matchesJsonPath": {"equalTo": "x"}}, False),
        ("Matcher", {"matchesJsonPath": {"expression": "$.a", "equalTo": "x", "zz": 1}}, False),
        ("Matcher", {"and": []}, False),
        ("Matcher", {"hasExactly": [{"equalTo": "a"}, {"zz": 1}]}, False),
        ("NewStubMapping", {"request": {"reason": "invalid"}}, False),
        ("NewStubMapping", {"request": {"api": "novu", "url": "/x"}, "postServeActions": [], "persistent": True}, True),
        ("NewStubMapping", {"serveEventListeners": [{"name": "x"}]}, False),
        ("NewStubMapping", {"metadata": {"team": "a", "mock": {"times": 1}}}, True),
        ("NewStubMapping", {"metadata": {"mock": {"zz": 1}}}, False),
        ("NewStubMapping", {"response": {"status": 99}}, False),
        ("NewStubMapping", {"response": {"transformers": ["x"]}}, False),
        ("NewStubMapping", {"response": {"delayDistribution": {"type": "fixed", "median": 1}}}, False),
        ("NewStubMapping", {"response": {"chunkedDribbleDelay": {"numberOfChunks": 5, "totalDuration": 9}}}, True),
    ],
)  # fmt: skip
def test_what_the_schemas_take_is_what_the_server_takes(
    server: Running, schema: str, body: Any, is_valid: bool
) -> None:
    path = {
        "RequestPattern": "/requests/count",
        "Matcher": "/mappings/find-by-metadata",
        "NewStubMapping": "/mappings",
    }
    assert (faults_of(f"{COMPONENTS}/schemas/{schema}")(body) == []) is is_valid
    assert (server.request("POST", f"{PREFIX}{path[schema]}", body)[0] < 300) is is_valid


def known_to(server: Running) -> Any:
    """Return the document with the names and ids that a server knows, so that most of what is made of it is found."""
    known = {
        "CallId": prepare(server),
        "RuleId": RULE,
        "Api": "novu",
        "Name": "known",
        "Scenario": "known",
        "Namespace": "known",
    }
    document = copy.deepcopy(DOCUMENT)
    for name, value in known.items():
        document["components"]["parameters"][name]["schema"] = {"type": "string", "enum": [value, "zz"]}
    return document


async def at_once(_: float) -> None:
    """Wait out no delay that a generated rule asks for."""


def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    """With few examples: rules and patterns are large. What holds a connection, waits or ends the server is left out."""
    left_out = [
        word
        for path in ("stream", "shutdown", "requests/wait")
        for word in ("--exclude-path", f"{PREFIX}/{path}")
    ]
    with running(sleep=at_once) as server:
        (tmp_path / "openapi.json").write_text(json.dumps(known_to(server)), encoding="utf-8")
        done = subprocess.run(
            [
                SCHEMATHESIS, "run", "openapi.json", "--url", server.url, *left_out, "--checks",
                "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
                "--phases", "fuzzing", "--max-examples", "3", "--suppress-health-check", "all", "--continue-on-failure",
                "--seed", "1", "--generation-database", "none", "--no-color",
            ],
            check=False, capture_output=True, encoding="utf-8", timeout=120, cwd=tmp_path,
            env={**os.environ, "NO_PROXY": "127.0.0.1"},
        )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
    assert int(re.findall(r"([0-9]+) generated", done.stdout)[0]) > 100


# The check can fail

LISTED: Mapping[str, Any] = {"requests": [], "meta": {"total": 0}, "requestJournalDisabled": False}
PLAIN = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("target", "status", "headers", "body", "told"),
    [
        ("/requests", 200, PLAIN, {**LISTED, "meta": {"total": 0, "more": 1}}, "/meta: .*'more' was unexpected"),
        ("/requests", 200, PLAIN, {**LISTED, "dropped": 1}, "'dropped' was unexpected"),
        ("/requests", 200, PLAIN, {"requests": [], "meta": {"total": 0}}, '"requestJournalDisabled" is a required'),
        ("/requests", 200, PLAIN, {**LISTED, "meta": {"total": "0"}}, '/meta/total: "0" is not of type'),
        ("/~a/__admin/requests", 200, PLAIN, {**LISTED, "more": 1}, "'more' was unexpected"),
        ("/requests", 200, {"content-type": "text/html"}, LISTED, "'text/html' is not documented"),
        ("/requests", 500, PLAIN, LISTED, "answered 500, which is not documented"),
        ("/requests", 200, {**PLAIN, "x-mock-more": "1"}, LISTED, "the header x-mock-more is not documented"),
        ("/clock", 200, {**PLAIN, "x-mock-dropped": "1"}, {"now": "2026-01-01T00:00:00Z", "offset": "0ms", "frozen": True}, "x-mock-dropped is not"),
        ("/clock", 200, PLAIN, {"now": "today", "offset": "0ms", "frozen": True}, '/now: "today" is not a "date-time"'),
        ("/version", 401, {"content-type": "application/problem+json"}, {}, "the header www-authenticate is missing"),
        ("/nowhere", 200, PLAIN, {}, "answered 200, which is not documented"),
        (f"/requests/{NOBODY}", 404, PLAIN, {}, "has a body"),
    ],
)  # fmt: skip
def test_an_answer_that_has_changed_is_noticed(
    target: str, status: int, headers: dict[str, str], body: Any, told: str
) -> None:
    path = target if PREFIX in target else f"{PREFIX}{target}"
    with pytest.raises(AssertionError, match=told):
        check_answer("GET", path, status, headers, json.dumps(body).encode())


def test_a_server_that_has_changed_is_noticed(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "_ENABLED", {"requestJournalDisabled": False, "more": 1})
    with pytest.raises(AssertionError, match="'more' was unexpected"):
        server.request("POST", "/__admin/requests/count", {})


def test_a_body_that_is_taken_and_not_documented_is_noticed(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mappings, "_POLICIES", ("OVERWRITE", "IGNORE", "ASK"))
    with pytest.raises(AssertionError, match="was accepted: /importOptions/duplicatePolicy"):
        server.request("POST", "/__admin/mappings/import", {"importOptions": {"duplicatePolicy": "ASK"}})
