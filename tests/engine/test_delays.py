"""Delays: within their bounds, as often as they should be, and the same for the same seed."""

import random
import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.engine.decide import answer
from mockserver.engine.delays import LONGEST, Delay, Fixed, Lognormal, Uniform, draw, read_distribution
from mockserver.engine.matching import Fault
from mockserver.engine.patterns import Pattern
from mockserver.engine.rules import Chosen, Rule, Script
from mockserver.engine.values import Ids
from tests.engine.specs import request, world
from tests.engine.test_rules import arm

ANY = Pattern({}, ())
DELAYS: list[Delay] = [Fixed(5), Uniform(50, 90), Lognormal(80, 0.4)]


def drawn(delay: Delay, count: int = 2000, seed: int = 7) -> list[float]:
    ids = random.Random(seed).getrandbits
    return [draw(delay, ids) * 1000 for _ in range(count)]


@pytest.mark.parametrize(
    ("source", "delay"),
    [
        ({"type": "fixed", "milliseconds": 5}, Fixed(5)),
        ({"type": "fixed", "milliseconds": 0}, Fixed(0)),
        ({"type": "uniform", "lower": 50, "upper": 90}, Uniform(50, 90)),
        ({"type": "uniform", "lower": 5, "upper": 5}, Uniform(5, 5)),
        ({"type": "lognormal", "median": 80.5, "sigma": 0.4}, Lognormal(80.5, 0.4)),
        ({"type": "lognormal", "median": 80, "sigma": 50}, Lognormal(80, 50)),
    ],
)
def test_what_is_read(source: Any, delay: Delay) -> None:
    faults: list[Fault] = []
    assert read_distribution(source, "", faults) == delay
    assert faults == []


@pytest.mark.parametrize(
    ("delay", "least", "most", "median", "spread"),
    [
        (Fixed(5),            5,  5,               5,  0),
        (Fixed(0),            0,  0,               0,  0),
        (Uniform(50, 90),     50, 90,              70, 11.5),
        (Uniform(5, 5),       5,  5,               5,  0),
        (Lognormal(80, 0.4),  0,  80 * 2.72**2,    80, 36),
        (Lognormal(80, 0),    80, 80,              80, 0),
        (Lognormal(0, 5),     0,  0,               0,  0),
    ],
)  # fmt: skip
def test_times_are_spread_as_was_asked(
    delay: Delay, least: float, most: float, median: float, spread: float
) -> None:
    times = drawn(delay)
    assert least - 1e-9 <= min(times) <= max(times) <= most + 1e-9
    assert statistics.median(times) == pytest.approx(median, abs=3)
    assert statistics.pstdev(times) == pytest.approx(spread, abs=4)


def test_half_of_the_lognormal_times_are_below_the_median_and_a_sixth_above_one_sigma() -> None:
    times = drawn(Lognormal(100, 1), 10_000)
    assert sum(each < 100 for each in times) == pytest.approx(5000, abs=200)
    assert sum(each > 271.8 for each in times) == pytest.approx(1587, abs=150)
    assert sum(each < 36.8 for each in times) == pytest.approx(1587, abs=150)


@given(
    st.floats(0, LONGEST * 1000),
    st.floats(0, LONGEST * 1000),
    st.floats(0, 50),
    st.integers(0, 2**53 - 1),
    st.integers(0, 2**53 - 1),
)
def test_no_time_is_out_of_bounds(one: float, other: float, sigma: float, first: int, second: int) -> None:
    def ids_of() -> Ids:
        numbers = iter([first, second])
        return lambda _: next(numbers)

    lower, upper = sorted((one, other))
    assert (
        lower / 1000
        <= draw(Uniform(lower, upper), ids_of()) * (1 + 1e-12)
        <= upper / 1000 * (1 + 1e-9) + 1e-12
    )
    assert 0 <= draw(Lognormal(one, sigma), ids_of()) <= LONGEST
    assert draw(Fixed(one), ids_of()) == one / 1000


@pytest.mark.parametrize("delay", DELAYS[1:])
def test_the_same_seed_draws_the_same_times(delay: Delay) -> None:
    assert drawn(delay, 20) == drawn(delay, 20)
    assert drawn(delay, 20) != drawn(delay, 20, seed=8)
    assert len(set(drawn(delay, 20))) == 20


def test_delays_of_one_call_are_added_up() -> None:
    one = Rule("a", ANY, Script(status=200, delays=(Fixed(5), Fixed(10))))
    other = Rule("b", ANY, Script(delays=(Fixed(100),)))
    ids = random.Random(7).getrandbits
    assert Chosen(one, other).delay(ids) == pytest.approx(0.115)
    assert Chosen(None, other).delay(ids) == pytest.approx(0.1)
    assert Chosen().delay(ids) == 0


def test_two_runs_of_one_seed_wait_alike() -> None:
    def waits() -> list[float]:
        here = world()
        arm(here, {"response": {"delayDistribution": {"type": "uniform", "lower": 0, "upper": 1000}}})
        return [answer(here, request()).delay for _ in range(5)]

    assert waits() == waits()
    assert len(set(waits())) == 5
