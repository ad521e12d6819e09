"""Where two JSON values differ: the table, what is tolerated, placeholders, depth, and three laws."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.engine.comparison import EXACT, Tolerance, compare, leaves, paired, unknown_placeholder
from mockserver.engine.values import ABSENT

EXTRA, ANY_ORDER = Tolerance(members=True, items=True), Tolerance(any_order=True)
LOOSE = Tolerance(members=True, items=True, any_order=True)
LARGE = 2**53 + 1
IGNORE, TEXT, NUMBER, BOOLEAN, WORD = (
    f"${{json-unit.{each}"
    for each in ("ignore}", "any-string}", "any-number}", "any-boolean}", "regex}[a-z]+")
)


@pytest.mark.parametrize(
    ("expected", "actual", "tolerance", "pointers"),
    [
        # equal
        (5,                     5.0,                    EXACT,     []),
        (0,                     -0.0,                   EXACT,     []),
        (1e2,                   100,                    EXACT,     []),
        (10**400,               10**400,                EXACT,     []),
        (LARGE,                 LARGE,                  EXACT,     []),
        (None,                  None,                   EXACT,     []),
        ("\ud800",              "\ud800",               EXACT,     []),
        ({},                    {},                     EXACT,     []),
        ([],                    [],                     EXACT,     []),
        ({"a": 1, "b": 2},      {"b": 2, "a": 1},       EXACT,     []),
        ([{"a": [1]}],          [{"a": [1.0]}],         EXACT,     []),
        # different
        (5,                     True,                   EXACT,     [""]),
        (1,                     True,                   EXACT,     [""]),
        (0,                     False,                  EXACT,     [""]),
        (True,                  1.0,                    EXACT,     [""]),
        (5,                     "5",                    EXACT,     [""]),
        (5,                     5.000001,               EXACT,     [""]),
        (LARGE,                 float(2**53),           EXACT,     [""]),
        (10**400,               10**400 + 1,            EXACT,     [""]),
        (None,                  False,                  EXACT,     [""]),
        (None,                  0,                      EXACT,     [""]),
        ("",                    None,                   EXACT,     [""]),
        ("\ud800",              "\ud801",               EXACT,     [""]),
        ("é",                   "e\u0301",              EXACT,     [""]),
        ([],                    {},                     EXACT,     [""]),
        ({"a": 1},              {"a": 2},               EXACT,     ["/a"]),
        ({"a": 1},              {},                     EXACT,     ["/a"]),
        ({"a": None},           {},                     EXACT,     ["/a"]),
        ({},                    {"a": None},            EXACT,     ["/a"]),
        ({"b": 1, "a": 2},      {"c": 3},               EXACT,     ["/b", "/a", "/c"]),
        ({"a/b": {"~": 1}},     {"a/b": {"~": 2}},      EXACT,     ["/a~1b/~0"]),
        ([1, 2],                [2, 1],                 EXACT,     ["/0", "/1"]),
        ([1],                   [1, 2, 3],              EXACT,     ["/1", "/2"]),
        ([1, 2, 3],             [1],                    EXACT,     ["/1", "/2"]),
        ([{"a": 1}],            [[1]],                  EXACT,     ["/0"]),
        ({"a": {"b": 1}, "c": 2}, {"a": {"b": 3, "x": 0}, "c": 4}, EXACT, ["/a/b", "/a/x", "/c"]),
        # more than expected
        ({"a": 1},              {"a": 1, "b": 2},       EXTRA,     []),
        ({},                    {"a": 1},               EXTRA,     []),
        ({"a": {}},             {"a": {"b": 2}},        EXTRA,     []),
        (["x"],                 ["x", "y"],             EXTRA,     []),
        ([],                    ["y"],                  EXTRA,     []),
        (["y"],                 ["x", "y"],             EXTRA,     ["/0"]),
        (["x", "y"],            ["x"],                  EXTRA,     ["/1"]),
        ({"a": 1, "b": 2},      {"a": 1},               EXTRA,     ["/b"]),
        ([{"a": 1}],            [{"a": 1, "b": 2}, 3],  EXTRA,     []),
        # in any order
        ([1, 2, 3],             [3, 1, 2],              ANY_ORDER, []),
        ([1, 1, 2],             [1, 2, 2],              ANY_ORDER, ["/1", "/2"]),
        ([1, 2],                [2],                    ANY_ORDER, ["/0"]),
        ([2],                   [1, 2],                 ANY_ORDER, ["/0"]),
        ([1.0, 2],              [2.0, 1],               ANY_ORDER, []),
        ([[1, 2], [3]],         [[3], [2, 1]],          ANY_ORDER, []),
        ({"a": [1, 2]},         {"a": [2, 1]},          ANY_ORDER, []),
        ([{"a": 1}],            [{"a": 1, "b": 2}],     ANY_ORDER, ["/0", "/0"]),
        (["x"],                 ["y", "x"],             LOOSE,     []),
        (["x", "x"],            ["y", "x"],             LOOSE,     ["/1"]),
        ([{"a": 1}],            [0, {"b": 2, "a": 1}],  LOOSE,     []),
        # those that fit several wait for those that fit one only
        ([IGNORE, 1],           [1, 2],                 ANY_ORDER, []),
        ([NUMBER, IGNORE, "a"], ["a", 1, 2],            ANY_ORDER, []),
        ([NUMBER, NUMBER],      ["a", 1],               ANY_ORDER, ["/1", "/0"]),
        ([{"a": 1}, {}],        [{"a": 1}, {"a": 1}],   LOOSE,     []),
        ([{}, {"a": 1}],        [{"a": 1}, {"b": 1}],   LOOSE,     []),
        # placeholders
        (IGNORE,                None,                   EXACT,     []),
        (IGNORE,                {"a": [1]},             EXACT,     []),
        (IGNORE,                [1],                    EXACT,     []),
        ({"a": IGNORE},         {},                     EXACT,     ["/a"]),
        (TEXT,                  "",                     EXACT,     []),
        (TEXT,                  5,                      EXACT,     [""]),
        (NUMBER,                5.5,                    EXACT,     []),
        (NUMBER,                True,                   EXACT,     [""]),
        (NUMBER,                "5",                    EXACT,     [""]),
        (BOOLEAN,               False,                  EXACT,     []),
        (BOOLEAN,               0,                      EXACT,     [""]),
        (WORD,                  "abc",                  EXACT,     []),
        (WORD,                  "abc1",                 EXACT,     [""]),
        (WORD,                  "1abc",                 EXACT,     [""]),
        (WORD,                  "",                     EXACT,     [""]),
        (WORD,                  5,                      EXACT,     [""]),
        ("x" + IGNORE,          "y",                    EXACT,     [""]),
        ({IGNORE: 1},           {"a": 1},               EXACT,     ["/" + IGNORE, "/a"]),
        ("${json-unit.regex}.", "\n",                   EXACT,     []),
    ],
)  # fmt: skip
def test_where_values_differ(expected: Any, actual: Any, tolerance: Tolerance, pointers: list[str]) -> None:
    assert [each.pointer for each in compare(expected, actual, tolerance)] == pointers


def test_a_difference_says_what_was_there() -> None:
    found = compare({"a": 1, "b": [True]}, {"b": [False], "c": None}, at="/body")
    assert [(each.pointer, each.expected, each.actual) for each in found] == [
        ("/body/a", 1, ABSENT),
        ("/body/b/0", True, False),
        ("/body/c", ABSENT, None),
    ]


def nested(levels: int, leaf: Any) -> Any:
    return json.loads("[" * levels + json.dumps(leaf) + "]" * levels)


@pytest.mark.parametrize("levels", [1, 150, 330, 499])
@pytest.mark.parametrize("tolerance", [EXACT, EXTRA, ANY_ORDER, LOOSE])
@pytest.mark.parametrize(
    ("expected", "actual", "equal"),
    [(1, 1, True), (1, 1.0, True), (IGNORE, "x", True), (1, 2, False), (1, True, False)],
)
def test_depth_changes_nothing(
    levels: int, tolerance: Tolerance, expected: Any, actual: Any, equal: bool
) -> None:
    assert (not compare(nested(levels, expected), nested(levels, actual), tolerance)) is equal


@pytest.mark.parametrize(
    ("tolerance", "equal"), [(EXTRA, True), (LOOSE, True), (EXACT, False), (ANY_ORDER, False)]
)
def test_depth_does_not_change_what_is_tolerated(tolerance: Tolerance, equal: bool) -> None:
    longer = nested(498, 1)
    innermost = longer
    while isinstance(innermost[0], list):
        innermost = innermost[0]
    innermost[:] = [[1.0, 2]]
    assert (not compare(nested(499, 1), longer, tolerance)) is equal


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (5, 1), ("x", 1), (None, 1), ({}, 1), ([], 1), ([1, 2], 2), ({"a": {"b": 1, "c": []}, "d": [[2]]}, 3),
        (nested(499, 1), 1),
    ],
)  # fmt: skip
def test_how_many_values_there_are_to_compare(value: Any, count: int) -> None:
    assert leaves(value) == count


@pytest.mark.parametrize(
    ("value", "unknown"),
    [
        ("plain", None),
        ("${json-unit", None),
        ({"a": [IGNORE, TEXT, NUMBER, BOOLEAN, WORD]}, None),
        ({"${json-unit.key}": 1}, None),
        ("${json-unit.any}", "${json-unit.any}"),
        ({"a": ["${json-unit.ignore} "]}, "${json-unit.ignore} "),
        (["${json-unit.regex}[a-"], "${json-unit.regex}[a-"),
        (["${json-unit.regex}a{99999999999}"], "${json-unit.regex}a{99999999999}"),
        ("${json-unit.regex}" + "(" * 5000, "${json-unit.regex}" + "(" * 5000),
        ("${json-unit.regex}" + "(" * 3000 + ")" * 3000, "${json-unit.regex}" + "(" * 3000 + ")" * 3000),
    ],
)
def test_placeholders_that_are_none(value: Any, unknown: str | None) -> None:
    assert unknown_placeholder(value) == unknown


@pytest.mark.parametrize(
    ("ones", "count", "pairs", "taken", "placed"),
    [
        ([0, 1], 2, {(0, 0), (0, 1), (1, 0)}, {}, {0, 1}),
        ([0, 1, 2], 3, {(0, 0), (0, 1), (1, 0), (1, 2), (2, 1)}, {}, {0, 1, 2}),
        ([0, 1], 1, {(0, 0), (1, 0)}, {}, {0}),
        ([1], 2, {(0, 0), (0, 1), (1, 0)}, {0: 0}, {0, 1}),
        ([], 0, set(), {}, set()),
    ],
)
def test_as_many_as_possible_are_paired(
    ones: Sequence[int], count: int, pairs: set[tuple[int, int]], taken: dict[int, int], placed: set[int]
) -> None:
    found = paired(ones, count, lambda one, other: (one, other) in pairs, taken)
    assert set(found.values()) == placed
    assert all((one, other) in pairs for other, one in found.items())


# Laws

TEXTS = st.text(max_size=4).filter(lambda text: not text.startswith("${json-unit."))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def normal(value: Any) -> Any:
    """Write a value so that equal ones are equal texts: numbers as whole ones where they are, members in order."""
    if isinstance(value, dict):
        return {name: normal(each) for name, each in value.items()}
    if isinstance(value, list):
        return [normal(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def written(value: Any) -> str:
    return json.dumps(normal(value), sort_keys=True)


@given(VALUES, VALUES)
def test_no_difference_means_equal_as_json(one: Any, other: Any) -> None:
    assert compare(one, one) == []
    assert (compare(one, other) == []) is (written(one) == written(other))
    assert len(compare(one, other)) == len(compare(other, one))


@st.composite
def shuffled(draw: st.DrawFn) -> tuple[Any, Any]:
    def shuffle(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: shuffle(each) for name, each in value.items()}
        return [shuffle(each) for each in draw(st.permutations(value))] if isinstance(value, list) else value

    value = draw(VALUES)
    return value, shuffle(value)


@given(shuffled(), VALUES)
def test_any_order_is_symmetric_and_blind_to_shuffles(pair: tuple[Any, Any], third: Any) -> None:
    one, other = pair
    assert compare(one, other, ANY_ORDER) == compare(other, one, ANY_ORDER) == []
    assert (not compare(one, third, ANY_ORDER)) is (not compare(third, other, ANY_ORDER))


@given(VALUES, VALUES)
def test_what_is_tolerated_is_never_a_difference_more(one: Any, other: Any) -> None:
    if not compare(one, other):
        assert not compare(one, other, EXTRA)
    if not compare(one, other, EXTRA) or not compare(one, other, ANY_ORDER):
        assert not compare(one, other, LOOSE)


def test_a_long_chain_of_items_is_paired_in_any_order() -> None:
    count = 1_101
    wanted = [f"${{json-unit.regex}}n{number}|n{number + 1}" for number in range(count)]
    assert compare(wanted, [f"n{number}" for number in range(count, 0, -1)], ANY_ORDER) == []
