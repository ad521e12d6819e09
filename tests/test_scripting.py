"""Scripted rules over HTTP: added, listed, replaced, removed; scenarios; the delay that holds for all answers."""

import json
from typing import Any

import pytest

from mockserver.control import mappings
from mockserver.engine import rules
from tests.serving import Running

A, B, C = (f"00000000-0000-4000-8000-00000000000{each}" for each in "abc")
RULE = {"request": {"method": "POST"}, "response": {"status": 299, "body": "ruled"}}


def ask(server: Running, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    status, _, answered = server.request(method, f"/__admin{path}", body)
    return status, json.loads(answered) if answered else None


def arm(server: Running, *mappings: dict[str, Any]) -> None:
    for id_, mapping in zip((A, B, C), mappings, strict=False):
        assert ask(server, "POST", "/mappings", {"id": id_, **mapping})[0] == 201


def listed(server: Running, query: str = "") -> str:
    """Return the last letters of the ids of the rules, in the order in which they are asked."""
    return "".join(each["id"][-1] for each in ask(server, "GET", f"/mappings{query}")[1]["mappings"])


def test_a_rule_is_added_shown_replaced_and_removed(server: Running) -> None:
    status, made = ask(server, "POST", "/mappings", RULE)
    id_ = made["id"]
    assert (status, made["uuid"], ask(server, "GET", f"/mappings/{id_}")) == (201, id_, (200, made))
    assert server.trigger()[0] == 299
    assert ask(server, "GET", f"/mappings/{id_.upper()}")[1]["metadata"]["mock"]["served"] == 1
    status, changed = ask(
        server, "PUT", f"/mappings/{id_}", {**RULE, "id": A, "uuid": B, "response": {"status": 298}}
    )
    assert (status, changed["id"], changed["metadata"]["mock"]["served"]) == (200, id_, 0)
    assert server.trigger()[0] == 298
    assert ask(server, "DELETE", f"/mappings/{id_}") == (200, {})
    assert server.trigger()[0] == 201
    assert [ask(server, method, f"/mappings/{id_}", RULE) for method in ("GET", "PUT", "DELETE")] == [
        (404, None)
    ] * 3
    wrong = {"errors": [{"code": 10, "title": "zz is not a valid UUID"}]}
    assert [ask(server, method, "/mappings/zz", RULE) for method in ("GET", "PUT", "DELETE")] == [
        (400, wrong)
    ] * 3


@pytest.mark.parametrize(
    ("query", "shown"),
    [("", "bca"), ("?limit=2", "bc"), ("?limit=0", ""), ("?offset=1", "ca"), ("?offset=1&limit=1", "c"), ("?offset=9", ""), (f"?limit={'9' * 50}", "bca")],
)  # fmt: skip
def test_rules_are_listed_as_they_are_asked(server: Running, query: str, shown: str) -> None:
    arm(server, RULE, {**RULE, "priority": 1}, RULE)
    assert listed(server, query) == shown
    assert ask(server, "GET", f"/mappings{query}")[1]["meta"] == {"total": 3}


@pytest.mark.parametrize(
    ("query", "names"), [("limit=x", ["limit"]), ("offset=-1&limit=1.5", ["limit", "offset"])]
)
def test_bad_bounds_are_told(server: Running, query: str, names: list[str]) -> None:
    status, body = ask(server, "GET", f"/mappings?{query}")
    assert (status, [each["source"]["pointer"] for each in body["errors"]]) == (400, names)


@pytest.mark.parametrize(
    ("sent", "left"),
    [
        ({"id": A}, "cb"),
        ({"id": A, "request": {"url": "/other"}}, "cb"),
        ({"request": {"method": "POST", "api": "novu"}}, "ba"),
        ({"request": {"api": "novu", "method": "POST", "url": None}, "response": {"status": 500}}, "ba"),
        ({"request": {"method": "POST"}, "metadata": {"mock": {"request": {"api": "novu"}}}}, "ba"),
        ({"request": {"method": "POST"}}, "c"),
        ({"request": {"method": "post"}}, "cba"),
        ({"id": "00000000-0000-4000-8000-00000000000f", "request": {"url": "/x"}}, "cba"),
    ],
)
def test_a_rule_is_removed_by_id_or_by_its_request(server: Running, sent: dict[str, Any], left: str) -> None:
    arm(server, RULE, RULE, {**RULE, "request": {"method": "POST", "api": "novu"}})
    assert ask(server, "POST", "/mappings/remove", sent) == (200, {})
    assert listed(server) == left


@pytest.mark.parametrize(
    ("matcher", "found"),
    [
        ({"matchesJsonPath": "$.team"}, "ba"),
        ({"matchesJsonPath": "$[?(@.team == 'one')]"}, "a"),
        ({"matchesJsonPath": {"expression": "$.team", "equalTo": "two"}}, "b"),
        ({"equalToJson": {"team": "one"}}, "a"),
        ({"contains": "mock"}, ""),
        ({"absent": True}, ""),
        ({"not": {"matchesJsonPath": "$.team"}}, "c"),
    ],
)
def test_rules_are_found_and_removed_by_metadata(server: Running, matcher: Any, found: str) -> None:
    arm(server, {**RULE, "metadata": {"team": "one"}}, {**RULE, "metadata": {"team": "two"}}, RULE)
    status, body = ask(server, "POST", "/mappings/find-by-metadata", matcher)
    assert (status, "".join(each["id"][-1] for each in body["mappings"])) == (200, found)
    assert body["meta"] == {"total": len(found)}
    assert ask(server, "POST", "/mappings/remove-by-metadata", matcher) == (200, {})
    assert listed(server) == "".join(each for each in "cba" if each not in found)


@pytest.mark.parametrize(
    ("options", "rules"),
    [
        (None, "acb"),
        ({"duplicatePolicy": "OVERWRITE"}, "acb"),
        ({"duplicatePolicy": "IGNORE"}, "acb"),
        ({"deleteAllNotInImport": True}, "ac"),
    ],
)
def test_several_rules_are_imported(server: Running, options: Any, rules: str) -> None:
    arm(server, {**RULE, "priority": 9}, RULE)
    imported = [{"id": A, **RULE, "priority": 2, "name": "new"}, {"id": C, **RULE, "priority": 4}]
    status, body = ask(server, "POST", "/mappings/import", {"mappings": imported, "importOptions": options})
    assert (status, body) == (200, {})
    ignored = options == {"duplicatePolicy": "IGNORE"}
    assert listed(server) == ("cba" if ignored else rules)
    assert ask(server, "GET", f"/mappings/{A}")[1].get("name") == (None if ignored else "new")


def test_an_import_with_a_fault_changes_nothing(server: Running) -> None:
    arm(server, RULE)
    sent = {
        "mappings": [{"id": B, **RULE}, {"priority": 0}, {"foo": 1}],
        "importOptions": {"duplicatePolicy": "x"},
    }
    status, body = ask(server, "POST", "/mappings/import", sent)
    pointers = ["/importOptions/duplicatePolicy", "/mappings/1/priority", "/mappings/2/foo"]
    assert (status, [each["source"]["pointer"] for each in body["errors"]]) == (422, pointers)
    assert listed(server) == "a"


def test_the_first_of_an_import_is_asked_first(server: Running) -> None:
    ask(server, "POST", "/mappings/import", {"mappings": [{"id": A, **RULE}, {"id": B, **RULE}]})
    assert listed(server) == "ab"


def test_rules_that_served_nothing_are_unmatched(server: Running) -> None:
    arm(server, RULE, {"request": {"method": "PUT"}})
    assert len(ask(server, "GET", "/mappings/unmatched")[1]["mappings"]) == 2
    server.trigger()
    assert [each["id"] for each in ask(server, "GET", "/mappings/unmatched")[1]["mappings"]] == [B]


# Scenarios

TURN = {"scenarioName": "s", "requiredScenarioState": "Started", "newScenarioState": "two", **RULE}


def states(server: Running) -> dict[str, tuple[str, list[str]]]:
    shown = ask(server, "GET", "/scenarios")[1]["scenarios"]
    assert all(each["id"] == each["name"] and each["mappings"] for each in shown)
    return {each["name"]: (each["state"], each["possibleStates"]) for each in shown}


@pytest.mark.parametrize(
    ("body", "status", "state"),
    [
        ({"state": "two"}, 200, "two"),
        ({"state": "Started"}, 200, "Started"),
        ({"state": None}, 200, "Started"),
        ({}, 200, "Started"),
        (None, 200, "Started"),
        ({"state": "three"}, 422, "two"),
        ({"state": []}, 422, "two"),
        ({"to": "two"}, 422, "two"),
    ],
)
def test_a_scenario_is_put_into_a_state(server: Running, body: Any, status: int, state: str) -> None:
    arm(server, TURN)
    assert [server.trigger()[0] for _ in range(2)] == [299, 201]
    assert states(server) == {"s": ("two", ["Started", "two"])}
    got, answered = ask(server, "PUT", "/scenarios/s/state", body)
    assert (got, states(server)["s"][0]) == (status, state)
    if body == {"state": "three"}:
        error = {
            "code": 11,
            "source": {"pointer": "/state"},
            "title": "Scenario s does not support state three",
        }
        assert answered == {"errors": [error]}
    assert server.trigger()[0] == (299 if state == "Started" else 201)


def test_a_scenario_that_is_not_there(server: Running) -> None:
    error = {"code": 404, "title": "Scenario x does not exist"}
    assert ask(server, "PUT", "/scenarios/x/state", {"state": "two"}) == (404, {"errors": [error]})
    arm(server, TURN)
    server.trigger()
    assert ask(server, "POST", "/scenarios/reset") == (200, {})
    assert states(server) == {"s": ("Started", ["Started", "two"])}
    server.trigger()
    ask(server, "DELETE", f"/mappings/{A}")
    assert states(server) == {}
    arm(server, TURN)
    assert states(server)["s"][0] == "Started"


# Settings


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ({"fixedDelay": 3}, {"fixedDelay": 3, "proxyPassThrough": False}),
        ({"fixedDelay": None}, {"proxyPassThrough": False}),
        ({"proxyPassThrough": True}, {"proxyPassThrough": True}),
        ({"delayDistribution": {"type": "fixed", "milliseconds": 3}}, {"delayDistribution": {"type": "fixed", "milliseconds": 3}, "proxyPassThrough": False}),
        ({"extended": {}, "fixedDelay": 0}, {"fixedDelay": 0, "proxyPassThrough": False}),
        ({}, {"proxyPassThrough": False}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_settings_are_echoed_and_kept(server: Running, method: str, body: Any, shown: Any) -> None:
    ask(server, "POST", "/settings", {"fixedDelay": 1})
    assert ask(server, method, "/settings", body) == (200, body)
    assert ask(server, "GET", "/settings") == (200, {"settings": shown})
    server.trigger()
    delays = [body.get("fixedDelay") or 0, body.get("delayDistribution", {}).get("milliseconds", 0)]
    assert ask(server, "GET", "/requests")[1]["requests"][0]["timing"]["addedDelay"] == sum(delays)


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"fixedDelay": -1}, ["/fixedDelay"]),
        ({"fixedDelay": "3", "delayDistribution": {}}, ["/fixedDelay", "/delayDistribution"]),
        ({"extended": {"a": 1}}, ["/extended"]),
        ({"fixedDelays": 1}, ["/fixedDelays"]),
        ([], [""]),
    ],
)
def test_settings_that_are_none(server: Running, body: Any, pointers: list[str]) -> None:
    status, answered = ask(server, "POST", "/settings", body)
    assert (status, [each["source"]["pointer"] for each in answered["errors"]]) == (422, pointers)
    assert ask(server, "GET", "/settings") == (200, {"settings": {"proxyPassThrough": False}})


def test_an_import_is_all_or_none(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (rules, mappings):
        monkeypatch.setattr(module, "MOST_RULES", 3)
    kept = server.request("POST", "/__admin/mappings", {"name": "kept"})
    assert kept[0] == 201
    body = {
        "mappings": [{"name": str(number)} for number in range(4)],
        "importOptions": {"deleteAllNotInImport": True},
    }
    status, _, told = server.request("POST", "/__admin/mappings/import", body)
    assert (status, b"3 rules" in told) == (400, True)
    listed = json.loads(server.request("GET", "/__admin/mappings")[2])
    assert [each["name"] for each in listed["mappings"]] == ["kept"]
