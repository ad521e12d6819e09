"""The clock that can be moved, and what starting afresh forgets."""

import pytest

from mockserver.engine.clock import Clock
from mockserver.engine.mappings import read_mapping
from mockserver.engine.patterns import Known
from mockserver.engine.rules import Rule, Rules
from mockserver.engine.values import duration_text, seconds_of
from mockserver.engine.world import Settings, UserLimit
from tests.engine.specs import call, request, world


def test_the_clock_can_be_moved_frozen_and_set_back() -> None:
    times = iter([100.0, 101.0, 102.0, 103.0, 104.0, 105.0])
    clock = Clock(lambda: next(times))
    assert clock.now() == 100.0
    clock.advance(50.0)
    assert clock.now() == 151.0
    clock.set(7.0, frozen=True)
    assert (clock.now(), clock.now()) == (7.0, 7.0)
    clock.advance(1.5)
    assert clock.now() == 8.5
    clock.set(9.0, frozen=False)
    assert clock.read() == (10.0, 103.0)
    clock.reset()
    assert clock.now() == 104.0
    assert clock.moves == 5


def test_a_fresh_world_has_forgotten_everything() -> None:
    first = world(settings=Settings(limits={"things": UserLimit(1, 60.0)}))
    first.clock.advance(5.0)
    call(first, request())
    _, throttled = call(first, request())
    assert throttled.reason == "rate-limited"
    fresh = first.afresh()
    _, exchange = call(fresh, request())
    assert (exchange.outcome, exchange.number) == ("admitted", 1)
    assert exchange.id != throttled.id
    assert exchange.received == throttled.received - 5.0
    assert len(fresh.journal) == 1


def test_the_journal_keeps_as_many_calls_as_it_is_told() -> None:
    small = world(settings=Settings(most_calls=3))
    for _ in range(5):
        call(small, request())
    assert (len(small.journal), small.journal.dropped) == (3, 2)


def test_a_scenario_ends_with_its_last_rule_whichever_way_that_goes() -> None:
    id_ = "00000000-0000-4000-8000-000000000001"

    def rule(**members: str) -> Rule:
        return read_mapping({"id": id_, "response": {"status": 200}, **members}, Known({}), str)

    rules = Rules([rule(scenarioName="s", newScenarioState="two")])
    rules.enter("s", "two")
    rules.put(rule())  # in the place of the only rule of the scenario
    rules.put(rule(scenarioName="s", newScenarioState="two"))
    assert rules.state_of("s") == "Started"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.25, "250ms"),
        (90_000.0, "25h"),
        (1_000_001.0, "1000001s"),
        (1_000_000 * 60.0 + 60.0, "1000001m"),
        (86_400.25, "86400.25s"),
    ],
)
def test_durations_are_written_so_that_they_can_be_read_again(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text
    assert seconds_of(text) == seconds
