"""The clock that can be moved: what each move does to the time, and what it does to keys and limits."""

from collections.abc import Callable

import pytest

from mockserver.engine.clock import Clock
from mockserver.engine.limits import Limits
from mockserver.engine.terms import LimitTerms
from tests.engine.specs import NOON, api, call, request, world
from tests.engine.test_decide import KEYED

Move = Callable[[Clock], None]


def advance(seconds: float) -> Move:
    return lambda clock: clock.advance(seconds)


def put(at: float, frozen: bool) -> Move:
    return lambda clock: clock.set(at, frozen=frozen)


@pytest.mark.parametrize(
    ("start", "moves", "now", "later", "frozen"),
    [
        # started at  moves                                              time    10 s later  stands still
        (None, [],                                                       100.0,  110.0,  False),
        (None, [advance(50)],                                            150.0,  160.0,  False),
        (None, [advance(50), advance(5)],                                155.0,  165.0,  False),
        (None, [put(7, True)],                                           7.0,    7.0,    True),
        (None, [put(7, True), advance(3)],                               10.0,   10.0,   True),
        (None, [advance(50), put(7, True)],                              7.0,    7.0,    True),
        (None, [put(7, False)],                                          7.0,    17.0,   False),
        (None, [put(7, False), advance(3)],                              10.0,   20.0,   False),
        (None, [put(7, True), put(9, False)],                            9.0,    19.0,   False),
        (None, [advance(50), put(7, True), put(9, False), Clock.reset],  100.0,  110.0,  False),
        (None, [put(7, True), Clock.reset],                              100.0,  110.0,  False),
        (5.0,  [],                                                       5.0,    5.0,    True),
        (5.0,  [advance(3)],                                             8.0,    8.0,    True),
        (5.0,  [put(9, False)],                                          9.0,    19.0,   False),
        (5.0,  [put(9, False), Clock.reset],                             5.0,    5.0,    True),
    ],
)  # fmt: skip
def test_where_a_clock_stands(
    start: float | None, moves: list[Move], now: float, later: float, frozen: bool
) -> None:
    source = [100.0]
    clock = Clock(lambda: source[0], start)
    for move in moves:
        move(clock)
    assert (clock.now(), clock.read(), clock.is_frozen) == (now, (now, 100.0), frozen)
    assert clock.moves == len(moves)
    beside = clock.beside()
    assert (beside.now(), beside.moves) == (100.0 if start is None else start, 0)
    source[0] = 110.0
    assert (clock.now(), clock.read(), clock.real()) == (later, (later, 110.0), 110.0)


@pytest.mark.parametrize(
    ("seconds", "outcome"), [(0, "repeated"), (3599, "repeated"), (3600, "admitted"), (25 * 3600, "admitted")]
)
def test_keys_run_out_on_the_mocks_clock(seconds: float, outcome: str) -> None:
    here = world(api(KEYED))
    call(here, request(headers={"key": "k"}))
    here.clock.advance(seconds)
    assert call(here, request(headers={"key": "k"}))[1].outcome == outcome


@pytest.mark.parametrize(("seconds", "admitted"), [(0, 0), (29, 0), (30, 1), (60, 2), (3600, 2)])
def test_limits_fill_up_on_the_mocks_clock(seconds: float, admitted: int) -> None:
    here = world()
    here.terms.set_limit("things", LimitTerms(2, 60.0, 2))
    assert [call(here, request())[1].outcome for _ in range(3)] == ["admitted", "admitted", "refused"]
    here.clock.advance(seconds)
    later = [call(here, request())[1] for _ in range(3)]
    assert sum(each.outcome == "admitted" for each in later) == admitted
    assert {each.received for each in later} == {NOON + seconds}


@pytest.mark.parametrize(
    ("calls", "after", "left"), [(0, 0, 2), (1, 0, 1), (2, 0, 0), (3, 0, 0), (2, 30, 1), (2, 90, 2)]
)
def test_what_is_left_is_that_of_the_emptiest_bucket(calls: int, after: float, left: int) -> None:
    limits, limit = Limits(), LimitTerms(2, 60.0, 2).applied(None)
    assert limit is not None
    for _ in range(calls):
        limits.take(("things", "a"), limit, NOON)
    limits.take(("others", "a"), limit, NOON)
    assert limits.least("things", limit, NOON + after) == left
    limits.forget("others")
    assert limits.least("things", limit, NOON + after) == left
    limits.forget("things")
    assert limits.least("things", limit, NOON) == 2
