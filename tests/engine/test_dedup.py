"""Keys: the verdict table, what a fingerprint tells apart, and how many are kept."""

from typing import Any

import pytest

from mockserver.engine.dedup import Busy, Free, Keys, Mismatched, Seen, Verdict, fingerprint_of, key_value
from mockserver.engine.exchange import Response

KEY = ("api", "rule", "scope", "value")
ANSWER = Response(201, (("content-type", "application/json"),), b"{}")
ONE, TWO = fingerprint_of({"a": 1}), fingerprint_of({"a": 2})


@pytest.mark.parametrize(
    ("history", "fingerprint", "now", "verdict"),
    [
        # what happened before     body   when    what it means
        ([],                       ONE,   0.0,    Free()),
        (["hold"],                 ONE,   1.0,    Busy()),
        (["hold"],                 TWO,   1.0,    Busy()),
        (["hold"],                 ONE,   5.0,    Free()),
        (["hold", "drop"],         ONE,   1.0,    Free()),
        (["hold", "keep"],         ONE,   1.0,    Seen(ANSWER, 3)),
        (["hold", "keep"],         TWO,   1.0,    Mismatched(3)),
        (["keep"],                 ONE,   9.9,    Seen(ANSWER, 3)),
        (["hold", "keep"],         ONE,   10.0,   Free()),
        (["hold", "keep"],         TWO,   10.0,   Free()),
        (["keep", "hold"],         ONE,   1.0,    Busy()),
    ],
)  # fmt: skip
def test_what_a_repeated_key_means(
    history: list[str], fingerprint: str, now: float, verdict: Verdict
) -> None:
    keys = Keys()
    for event in history:
        match event:
            case "hold":
                keys.hold(KEY, 3, until=5.0)
            case "keep":
                keys.keep(KEY, ONE, ANSWER, 3, until=10.0)
            case _:
                keys.drop(KEY, 3)
    assert keys.judge(KEY, fingerprint, now) == verdict


def test_keys_expire_and_are_forgotten() -> None:
    keys = Keys()
    keys.keep(KEY, ONE, ANSWER, 1, until=10.0)
    keys.keep(("other",), ONE, ANSWER, 2, until=20.0)
    keys.expire(15.0)
    assert len(keys) == 1
    assert keys.forgotten == 0
    keys.expire(25.0)
    assert len(keys) == 0


def test_a_key_that_was_kept_again_outlives_its_first_time() -> None:
    keys = Keys()
    keys.keep(KEY, ONE, ANSWER, 1, until=10.0)
    keys.keep(KEY, TWO, ANSWER, 2, until=30.0)
    keys.expire(15.0)
    assert keys.judge(KEY, TWO, 15.0) == Seen(ANSWER, 2)


def test_the_oldest_keys_make_room_and_are_counted() -> None:
    keys = Keys(most=2)
    for number in range(5):
        keys.keep((str(number),), ONE, ANSWER, number, until=10.0)
    assert len(keys) == 2
    assert keys.forgotten == 3
    assert keys.judge(("0",), ONE, 0.0) == Free()
    assert keys.judge(("4",), ONE, 0.0) == Seen(ANSWER, 4)


def test_answers_are_bounded_by_their_bytes_as_well() -> None:
    keys = Keys(most_bytes=10_000)
    large = Response(201, (), b"x" * 4_000)
    for number in range(5):
        keys.keep((str(number),), ONE, large, number, until=10.0)
    assert (len(keys), keys.forgotten) == (2, 3)
    keys.keep(("4",), ONE, ANSWER, 9, until=10.0)
    assert len(keys) == 2


@pytest.mark.parametrize(
    ("ours", "theirs", "alike"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "b": 2}, True),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, False),
        ({"a": 1}, {"a": 1.0}, False),
        ({"a": 1}, {"a": True}, False),
        ({"a": "1"}, {"a": 1}, False),
        ({"a": "é"}, {"a": "\u00e9"}, True),
        ({"a": "\ud800"}, {"a": "\ud801"}, False),
    ],
)
def test_fingerprints(ours: Any, theirs: Any, alike: bool) -> None:
    assert (fingerprint_of(ours) == fingerprint_of(theirs)) is alike


def test_keys_of_different_types_differ() -> None:
    assert len({key_value(value) for value in (1, "1", True, "true", 1.0, [1])}) == 6


def test_a_key_that_has_run_out_is_forgotten_whatever_was_kept_before_it() -> None:
    keys = Keys()
    keys.keep(("ahead",), ONE, ANSWER, 1, until=100.0)
    keys.keep(KEY, ONE, ANSWER, 2, until=20.0)  # the clock was set back
    keys.expire(30.0)
    assert keys.judge(KEY, ONE, 10.0) == Free()
    assert keys.judge(("ahead",), ONE, 10.0) == Seen(ANSWER, 1)
