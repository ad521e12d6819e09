"""Scripted rules: which one acts, how often, in which state, and what it leaves to the API."""

from typing import Any

import pytest

from mockserver.engine import rules as rules_module
from mockserver.engine.decide import Decided, answer
from mockserver.engine.delays import Fixed
from mockserver.engine.exchange import Exchange, Request
from mockserver.engine.mappings import read_mapping
from mockserver.engine.patterns import Known, Pattern
from mockserver.engine.rules import STARTED, Rule, Rules, Script, TooManyRulesError
from mockserver.engine.world import Settings, World
from tests.engine.specs import api, call, request, world
from tests.engine.test_decide import KEYED

GOOD: dict[str, Any] = {"name": "x"}
BAD: dict[str, Any] = {}
OK = {"response": {"status": 299, "body": "ruled"}}
HELD = {"response": {"fixedDelayMilliseconds": 250}}


def arm(here: World, *mappings: dict[str, Any]) -> list[Rule]:
    """Put rules into a world, oldest first; each is called by its name, else by a letter."""
    armed = []
    for number, mapping in enumerate(mappings):
        id_ = f"00000000-0000-4000-8000-{len(here.rules):012d}"
        given = {"name": "abcdefgh"[number], **mapping}
        armed.append(here.rules.put(read_mapping(given, here.blueprint.known, lambda id_=id_: id_)).rule)  # type: ignore[misc]
    return armed


def ruled(*mappings: dict[str, Any], changes: dict[str, Any] | None = None) -> World:
    here = world(api(changes))
    arm(here, *mappings)
    return here


def who(exchange: Exchange) -> str:
    """Return the name of the rule that answered, else what became of the call."""
    return (exchange.rule or "") if exchange.outcome == "scripted" else (exchange.reason or exchange.outcome)


@pytest.mark.parametrize(
    ("mappings", "bodies", "answered"),
    [
        # the newest of those that match
        ([OK],                                                   [GOOD] * 3,         ["a", "a", "a"]),
        ([OK, OK],                                               [GOOD] * 2,         ["b", "b"]),
        ([OK, {**OK, "request": {"method": "PUT"}}],             [GOOD],             ["a"]),
        ([{**OK, "request": {"method": "PUT"}}],                 [GOOD, BAD],        ["admitted", "invalid"]),
        # priority: the lowest, and 5 where none is named
        ([{**OK, "priority": 1}, OK],                            [GOOD],             ["a"]),
        ([OK, {**OK, "priority": 6}],                            [GOOD],             ["a"]),
        ([{**OK, "priority": 5}, OK],                            [GOOD],             ["b"]),
        ([OK, {**OK, "priority": 5}],                            [GOOD],             ["b"]),
        ([{**OK, "priority": 2}, {**OK, "priority": 10}],        [GOOD],             ["a"]),
        ([{**OK, "priority": 1}, {**OK, "priority": 1}, OK],     [GOOD],             ["b"]),
        # times
        ([{**OK, "times": 1}],                                   [GOOD] * 2,         ["a", "admitted"]),
        ([OK, {**OK, "times": 2}],                               [GOOD] * 4,         ["b", "b", "a", "a"]),
        ([{**OK, "times": 1}, {**OK, "times": 1}],               [GOOD] * 3,         ["b", "a", "admitted"]),
        ([{**OK, "times": 1, "request": {"bodyPatterns": [{"contains": "y"}]}}], [GOOD, {"name": "y"}, {"name": "y"}], ["admitted", "a", "admitted"]),
        # after nothing (every call), after the checks (those that passed them)
        ([OK],                                                   [BAD, GOOD],        ["a", "a"]),
        ([{**OK, "after": "nothing"}],                           [BAD, GOOD],        ["a", "a"]),
        ([{**OK, "after": "checks"}],                            [BAD, GOOD],        ["invalid", "a"]),
        ([{**OK, "after": "checks", "times": 1}],                [BAD, GOOD, GOOD],  ["invalid", "a", "admitted"]),
        ([OK, {**OK, "after": "checks", "priority": 1}],         [BAD, GOOD],        ["a", "a"]),
        ([{**OK, "after": "checks"}, {**OK, "times": 1}],        [GOOD, GOOD, BAD],  ["b", "a", "invalid"]),
        # one without an answer lets the call go on
        ([HELD],                                                 [GOOD, BAD],        ["admitted", "invalid"]),
        ([{"response": {}}],                                     [GOOD, BAD],        ["admitted", "invalid"]),
        ([{}],                                                   [GOOD, BAD],        ["admitted", "invalid"]),
        ([OK, HELD],                                             [GOOD, BAD],        ["a", "a"]),
        ([HELD, OK],                                             [GOOD, BAD],        ["b", "b"]),
        # an example acts only where the operation has it, and wins without a status
        ([{"example": "error"}],                                 [GOOD],             ["a"]),
        ([{"example": "error", "after": "checks"}],              [BAD, GOOD],        ["invalid", "a"]),
        # scenarios
        ([{**OK, "scenarioName": "s", "requiredScenarioState": "Started"}], [GOOD] * 2, ["a", "a"]),
        ([{**OK, "scenarioName": "s", "requiredScenarioState": "two"}],     [GOOD],     ["admitted"]),
        ([{**OK, "scenarioName": "s", "requiredScenarioState": "Started", "newScenarioState": "two"}], [GOOD] * 2, ["a", "admitted"]),
        ([{**OK, "scenarioName": "s", "requiredScenarioState": "Started", "newScenarioState": "two"},
          {**OK, "scenarioName": "s", "requiredScenarioState": "two", "newScenarioState": "Started"}], [GOOD] * 4, ["a", "b", "a", "b"]),
        ([{**OK, "scenarioName": "s", "requiredScenarioState": "two"}, {**OK, "scenarioName": "s", "newScenarioState": "two", "times": 1}], [GOOD] * 3, ["b", "a", "a"]),
        ([{**OK, "scenarioName": "s", "requiredScenarioState": "two"}, {**OK, "scenarioName": "t", "newScenarioState": "two", "times": 1}], [GOOD] * 2, ["b", "admitted"]),
        ([{**OK, "scenarioName": "s", "requiredScenarioState": "two"}, {**HELD, "scenarioName": "s", "newScenarioState": "two"}], [GOOD] * 2, ["admitted", "a"]),
        ([{**OK, "scenarioName": "s", "requiredScenarioState": "Started", "newScenarioState": "two", "after": "checks"}], [BAD, GOOD, GOOD], ["invalid", "a", "admitted"]),
    ],
)  # fmt: skip
def test_which_rule_answers(mappings: list[Any], bodies: list[Any], answered: list[str]) -> None:
    here = ruled(*mappings)
    assert [who(call(here, request(body))[1]) for body in bodies] == answered


@pytest.mark.parametrize(
    ("status", "reason"), [(429, "rate-limited"), (413, "too-large"), (400, "malformed"), (500, "malformed")]
)
def test_of_answers_with_one_example_that_with_the_status_is_sent(status: int, reason: str) -> None:
    decided = answer(ruled({"example": "error", "response": {"status": status}}), request())
    assert decided.response is not None
    assert (decided.response.status, decided.response.body) == (status, f'{{"error":"{reason}"}}'.encode())


def test_an_example_is_asked_for_only_of_operations_that_have_it() -> None:
    here = world()
    arm(here, {"example": "made"})
    assert who(call(here, request())[1]) == "a"
    assert who(call(here, request(path="/nowhere"))[1]) == "no-route"
    assert [each.served for each in here.rules] == [1]


# Delays


@pytest.mark.parametrize(
    ("mappings", "body", "delay", "stub", "served"),
    [
        ([HELD],                                       GOOD, 0.25, "a",  {"a": 1}),
        ([HELD],                                       BAD,  0.25, "a",  {"a": 1}),
        ([{**HELD, "after": "checks"}],                GOOD, 0.25, "a",  {"a": 1}),
        ([{**HELD, "after": "checks"}],                BAD,  0.0,  None, {"a": 0}),
        ([HELD, HELD],                                 GOOD, 0.25, "b",  {"a": 0, "b": 1}),
        ([HELD, OK],                                   GOOD, 0.25, "b",  {"a": 1, "b": 1}),
        ([OK, HELD],                                   GOOD, 0.25, "a",  {"a": 1, "b": 1}),
        ([{**OK, "after": "checks"}, HELD],            GOOD, 0.25, "a",  {"a": 1, "b": 1}),
        ([HELD, {**HELD, "after": "checks"}],          GOOD, 0.5,  "b",  {"a": 1, "b": 1}),
        ([HELD, {**HELD, "after": "checks"}],          BAD,  0.25, "a",  {"a": 1, "b": 0}),
        ([{"response": {"status": 299, **HELD["response"]}}], GOOD, 0.25, "a", {"a": 1}),
        ([{"response": {"fixedDelayMilliseconds": 250, "delayDistribution": {"type": "fixed", "milliseconds": 50}}}], GOOD, 0.3, "a", {"a": 1}),
        ([{**HELD, "request": {"method": "PUT"}}],     GOOD, 0.0,  None, {"a": 0}),
    ],
)  # fmt: skip
def test_how_long_a_call_is_held_back(
    mappings: list[Any], body: Any, delay: float, stub: str | None, served: dict[str, int]
) -> None:
    here = ruled(*mappings)
    decided = answer(here, request(body))
    assert decided.delay == pytest.approx(delay)
    exchange = here.journal.read(decided.row)
    assert exchange.state == ("waiting" if delay else "answered")
    named = here.rules.rule_of(exchange.stub or "")
    assert (named.name if named else None) == stub
    assert {each.rule.name: each.served for each in here.rules} == served


def test_delays_of_all_answers_come_on_top() -> None:
    here = ruled(HELD)
    here.delays = (Fixed(1000), Fixed(500))
    assert answer(here, request()).delay == pytest.approx(1.75)
    assert answer(here, request(path="/nowhere")).delay == pytest.approx(1.75)


def test_a_body_is_sent_bit_by_bit_by_either_rule() -> None:
    dribble = {"chunkedDribbleDelay": {"numberOfChunks": 3, "totalDuration": 300}}
    here = ruled(OK, {"response": dribble})
    chosen = answer(here, request()).chosen
    assert chosen.dribble is not None
    assert (chosen.dribble.pieces, chosen.dribble.seconds) == (3, 0.3)
    here = ruled({**OK, "after": "checks"}, {"response": dribble})
    assert answer(here, request()).chosen.dribble is not None
    here = ruled({"response": {"status": 200, **dribble}})
    assert answer(here, request()).chosen.dribble is not None
    assert answer(ruled(OK), request()).chosen.dribble is None


# Keys


def keyed(key: str = "k", body: Any = None) -> Request:
    return request(body or GOOD, headers={"key": key})


@pytest.mark.parametrize("after", ["nothing", "checks"])
@pytest.mark.parametrize("status", [200, 201, 429, 503])
def test_a_rule_uses_no_key_up(after: str, status: int) -> None:
    here = ruled({"response": {"status": status}, "times": 1, "after": after}, changes=KEYED)
    assert who(call(here, keyed())[1]) == "a"
    assert who(call(here, keyed())[1]) == "admitted"
    assert who(call(here, keyed())[1]) == "repeated"


def test_a_held_back_call_holds_its_key() -> None:
    here = ruled({**HELD, "times": 1}, changes=KEYED)
    first = answer(here, keyed())
    assert first.delay == 0.25
    assert who(call(here, keyed())[1]) == "in-flight"
    assert who(call(here, keyed("other"))[1]) == "admitted"


def test_a_repeat_is_not_a_call_that_passed_the_checks() -> None:
    here = world(api(KEYED))
    call(here, keyed())
    arm(here, {**OK, "after": "checks"})
    assert who(call(here, keyed())[1]) == "repeated"
    assert who(call(here, keyed("other"))[1]) == "a"


def test_nobody_is_there_to_be_answered() -> None:
    for mapping in (OK, {**OK, "after": "checks"}):
        here = ruled(mapping)
        sent = request()
        sent.incomplete = "disconnected"
        decided = answer(here, sent)
        assert decided.response is None
        assert here.journal.read(decided.row).state == "aborted"


# The list of rules


def rule(id_: str, scenario: str | None = None, times: int | None = None, priority: int = 5) -> Rule:
    return Rule(id_, Pattern({}, ()), Script(status=200), scenario=scenario, times=times, priority=priority)


def order(rules: Rules) -> list[str]:
    return [each.rule.id for each in rules]


def test_a_replaced_rule_keeps_its_place_and_counts_anew() -> None:
    here = ruled(OK, OK)
    (first, second) = [each.rule for each in here.rules]
    call(here, request())
    assert here.rules.get(first.id) is not None
    here.rules.put(rule(first.id, times=3))
    here.rules.put(rule(second.id))
    assert order(here.rules) == [first.id, second.id]
    assert [(each.served, each.remaining) for each in here.rules] == [(0, 3), (0, None)]
    assert len(here.rules) == 2


def test_rules_that_are_gone_are_still_known_by_id() -> None:
    rules = Rules([rule("a"), rule("b")])
    rules.remove(["a", "x"])
    assert order(rules) == ["b"]
    assert (rules.get("a"), rules.rule_of("a")) == (None, rule("a"))
    assert rules.rule_of("x") is None
    rules.put(rule("a", times=1))
    assert rules.rule_of("a") == rule("a", times=1)
    rules.clear()
    assert (order(rules), rules.acting, len(rules)) == ([], [], 0)


def test_rules_that_have_stepped_aside_are_listed_and_cost_nothing() -> None:
    here = ruled({**OK, "times": 1})
    assert here.rules
    call(here, request())
    assert not here.rules.acting
    assert [each.remaining for each in here.rules] == [0]


def test_there_are_only_so_many_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules_module, "MOST_RULES", 2)
    monkeypatch.setattr(rules_module, "_MOST_GONE", 2)
    rules = Rules([rule("a"), rule("b")])
    with pytest.raises(TooManyRulesError, match="there are 2 rules already; delete those that are done with"):
        rules.put(rule("c"))
    rules.put(rule("b", times=1))
    for name in "abcd":
        rules.remove([name])
        rules.put(rule(name))
        rules.remove([name])
    assert [rules.rule_of(name) is not None for name in "abcd"] == [False, False, True, True]


@pytest.mark.parametrize(
    ("before", "now", "later", "left"),
    [
        ("ab", "ab", "c", "cba"),
        ("ab", "b", "c", "bc"),
        ("ab", "bx", "c", "xbc"),
        ("ab", "", "c", "c"),
        ("", "a", "c", "ac"),
    ],
)
def test_another_configuration_leaves_what_came_later(before: str, now: str, later: str, left: str) -> None:
    old, new = [rule(each) for each in before], [rule(each) for each in now]
    rules = Rules(old)
    for each in later:
        rules.put(rule(each))
    rules.configure(old, new)
    assert order(rules) == list(left)


def test_a_configuration_read_again_arms_nothing_anew() -> None:
    mapping = {"request": {"method": "POST", "bodyPatterns": [{"contains": "x"}]}, "times": 1, **OK}
    first, second = (read_mapping(mapping, world().blueprint.known, lambda: "id") for _ in range(2))
    here = world(settings=Settings(rules=(first,)))
    assert who(call(here, request())[1]) == "id"
    here.rules.configure([first], [second])
    assert who(call(here, request())[1]) == "admitted"


# Scenarios


def test_states_are_those_that_rules_name() -> None:
    here = ruled(
        {"scenarioName": "s", "requiredScenarioState": "two", "newScenarioState": "three"},
        {"scenarioName": "s", "requiredScenarioState": STARTED, "newScenarioState": "two"},
        {"scenarioName": "t"},
        {},
    )
    assert here.rules.scenarios() == {"t": [STARTED], "s": [STARTED, "two", "three"]}
    assert here.rules.state_of("s") == here.rules.state_of("unknown") == STARTED
    here.rules.enter("s", "three")
    assert here.rules.state_of("s") == "three"
    here.rules.restart()
    assert here.rules.state_of("s") == STARTED


@pytest.mark.parametrize("how", ["remove", "clear", "replace"])
def test_the_state_of_a_scenario_goes_with_its_last_rule(how: str) -> None:
    rules = Rules([rule("a", "s"), rule("b", "t")])
    rules.enter("s", "two")
    rules.enter("t", "two")
    match how:
        case "remove":
            rules.remove(["a"])
        case "clear":
            rules.clear()
        case _:
            rules.put(rule("a"))
    rules.put(rule("c", "s"))
    assert rules.state_of("s") == STARTED
    assert rules.state_of("t") == (STARTED if how == "clear" else "two")


def test_a_scenario_keeps_its_state_while_one_rule_has_it() -> None:
    rules = Rules([rule("a", "s"), rule("b", "s")])
    rules.enter("s", "two")
    rules.remove(["a"])
    assert rules.state_of("s") == "two"


def test_decided_names_the_rule() -> None:
    decided: Decided = answer(ruled(OK), request())
    assert decided.response is not None
    headers = dict(decided.response.headers)
    assert (headers["Matched-Stub-Id"], headers["Matched-Stub-Name"]) == (
        "00000000-0000-4000-8000-000000000000",
        "a",
    )


SOME_ID = "00000000-0000-4000-8000-000000000001"


def test_a_rule_that_was_edited_under_its_id_replaces_the_one_of_before() -> None:
    before, now = (
        read_mapping({"id": SOME_ID, "response": {"status": status}}, Known(), str) for status in (200, 503)
    )
    rules = Rules([before])
    rules.configure([before], [before])
    assert rules.get(SOME_ID).rule is before  # type: ignore[union-attr]
    rules.configure([before], [now])
    assert [armed.rule.script.status for armed in rules] == [503]
