"""Matchers of texts, times, numbers and of several values: what meets each of them, and what does not."""

import base64
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mockserver.engine.comparison import Difference
from mockserver.engine.matchers import OPERATIONS, OPTIONS, read_matcher
from mockserver.engine.matching import Fault, Matcher, Value
from mockserver.engine.values import ABSENT
from tests.engine.specs import NOON

NOTHING: list[str] = []
ROOT = Path(__file__).parents[2]


def matcher(source: Any) -> Matcher:
    faults: list[Fault] = []
    found = read_matcher(source, "", faults)
    assert faults == []
    assert found is not None
    return found


def body(data: bytes) -> Value:
    """Return a body as matchers look at it."""
    return Value(data.decode("utf-8", "replace"), data, NOON)


def texts(*values: str) -> list[Value]:
    return [Value(each, None, NOON) for each in values]


def meets(source: Any, *values: str | bytes) -> bool:
    """Tell whether values of a name (texts), or a body (bytes), meet a matcher."""
    given = [body(each) if isinstance(each, bytes) else Value(each, None, NOON) for each in values]
    return matcher(source).meets(given)


@pytest.mark.parametrize(
    ("source", "values", "met"),
    [
        # equalTo
        ({"equalTo": "a"},                            ["a"],            True),
        ({"equalTo": "a"},                            ["ab"],           False),
        ({"equalTo": "a"},                            ["A"],            False),
        ({"equalTo": ""},                             [""],             True),
        ({"equalTo": ""},                             NOTHING,          False),
        ({"equalTo": "a"},                            ["b", "a"],       True),
        ({"equalTo": "a, b"},                         ["a", "b"],       False),
        ({"equalTo": "A", "caseInsensitive": True},   ["a"],            True),
        ({"equalTo": "É", "caseInsensitive": True},   ["é"],            True),
        ({"equalTo": "A", "caseInsensitive": False},  ["a"],            False),
        ({"equalTo": "A", "caseInsensitive": True},   ["ab"],           False),
        ({"equalTo": "\ud800"},                       ["\ud800"],       True),
        ({"equalTo": "x"},                            [b"x"],           True),
        ({"equalTo": "x"},                            [b"x\n"],         False),
        ({"equalTo": ""},                             [b""],            True),
        # binaryEqualTo
        ({"binaryEqualTo": base64.b64encode(b"\xff\x00").decode()}, [b"\xff\x00"], True),
        ({"binaryEqualTo": base64.b64encode(b"\xff\x00").decode()}, [b"\xfe\x00"], False),
        ({"binaryEqualTo": base64.b64encode("é".encode()).decode()}, ["é"],      True),
        ({"binaryEqualTo": ""},                       [b""],            True),
        ({"binaryEqualTo": ""},                       NOTHING,          False),
        ({"binaryEqualTo": "7aCA"},                   ["\ud800"],       True),
        # contains, doesNotContain
        ({"contains": "b"},                           ["abc"],          True),
        ({"contains": "B"},                           ["abc"],          False),
        ({"contains": ""},                            ["abc"],          True),
        ({"contains": "b"},                           NOTHING,          False),
        ({"contains": "b"},                           ["a", "b"],       True),
        ({"contains": "é"},                           [b"\xc3\xa9\xff"], True),
        ({"doesNotContain": "b"},                     ["abc"],          False),
        ({"doesNotContain": "b"},                     ["ac"],           True),
        ({"doesNotContain": "b"},                     NOTHING,          True),
        ({"doesNotContain": "b"},                     [b""],            True),
        ({"doesNotContain": "b"},                     ["b", "a"],       True),
        ({"doesNotContain": "b"},                     ["b", "bb"],      False),
        # matches, doesNotMatch: the whole value
        ({"matches": "[a-c]+"},                       ["abc"],          True),
        ({"matches": "[a-c]+"},                       ["abcd"],         False),
        ({"matches": "[a-c]+"},                       ["xabc"],         False),
        ({"matches": "a|ab"},                         ["ab"],           True),
        ({"matches": "a.b"},                          ["a\nb"],         True),
        ({"matches": "a"},                            ["a\n"],          False),
        ({"matches": "(?i)A"},                        ["a"],            True),
        ({"matches": ".*"},                           NOTHING,          False),
        ({"matches": ".*"},                           [b""],            True),
        ({"matches": ".*x.*"},                        ["a", "bxb"],     True),
        ({"doesNotMatch": "[a-c]+"},                  ["abc"],          False),
        ({"doesNotMatch": "[a-c]+"},                  ["abcd"],         True),
        ({"doesNotMatch": ".*"},                      NOTHING,          True),
        ({"doesNotMatch": "a.b"},                     ["a\nb"],         False),
        # absent, anything
        ({"absent": True},                            NOTHING,          True),
        ({"absent": True},                            [b""],            True),
        ({"absent": True},                            [b" "],           False),
        ({"absent": True},                            [""],             False),
        ({"absent": True},                            ["x"],            False),
        ({"anything": "anything"},                    ["x"],            True),
        ({"anything": "anything"},                    NOTHING,          True),
        ({"anything": "(always)"},                    [b"\xff"],        True),
        # and, or, not
        ({"and": [{"contains": "a"}, {"contains": "b"}]}, ["ab"],       True),
        ({"and": [{"contains": "a"}, {"contains": "b"}]}, ["a"],        False),
        ({"and": [{"contains": "a"}, {"contains": "b"}]}, ["a", "b"],   False),
        ({"and": [{"contains": "a"}, {"contains": "b"}]}, NOTHING,      False),
        ({"and": [{"doesNotContain": "a"}, {"absent": True}]}, NOTHING, True),
        ({"or": [{"equalTo": "a"}, {"equalTo": "b"}]},    ["b"],        True),
        ({"or": [{"equalTo": "a"}, {"equalTo": "b"}]},    ["c"],        False),
        ({"or": [{"equalTo": "a"}, {"absent": True}]},    NOTHING,      True),
        ({"or": [{"equalTo": "a"}, {"equalTo": "b"}]},    NOTHING,      False),
        ({"not": {"equalTo": "a"}},                       ["b"],        True),
        ({"not": {"equalTo": "a"}},                       ["a"],        False),
        ({"not": {"equalTo": "a"}},                       ["a", "b"],   True),
        ({"not": {"equalTo": "a"}},                       NOTHING,      True),
        ({"not": {"absent": True}},                       NOTHING,      False),
        ({"not": {"not": {"contains": "a"}}},             ["a"],        True),
        # several values of one name
        ({"hasExactly": [{"equalTo": "a"}, {"contains": "b"}]}, ["xb", "a"],      True),
        ({"hasExactly": [{"equalTo": "a"}, {"contains": "b"}]}, ["a", "b", "c"],  False),
        ({"hasExactly": [{"equalTo": "a"}, {"contains": "b"}]}, ["a"],            False),
        ({"hasExactly": [{"contains": "a"}, {"equalTo": "a"}]}, ["a", "ab"],      True),
        ({"hasExactly": [{"contains": "a"}, {"equalTo": "a"}]}, ["ab", "ab"],     False),
        ({"hasExactly": [{"equalTo": "a"}, {"equalTo": "a"}]},  ["a", "b"],       False),
        ({"hasExactly": [{"equalTo": "a"}]},                    NOTHING,          False),
        ({"hasExactly": [{"equalTo": "a"}]},                    [b"a"],           True),
        ({"includes": [{"equalTo": "a"}]},                      ["b", "a"],       True),
        ({"includes": [{"equalTo": "a"}, {"equalTo": "b"}]},    ["c", "b", "a"],  True),
        ({"includes": [{"equalTo": "a"}, {"equalTo": "a"}]},    ["a", "b"],       False),
        ({"includes": [{"equalTo": "a"}]},                      NOTHING,          False),
        ({"and": [{"includes": [{"equalTo": "a"}, {"equalTo": "b"}]}]}, ["a", "b"], True),
        ({"and": [{"includes": [{"equalTo": "a"}]}, {"hasExactly": [{"equalTo": "a"}]}]}, ["a", "b"], False),
        ({"or": [{"hasExactly": [{"equalTo": "a"}]}, {"equalTo": "c"}]}, ["b", "c"], True),
        ({"not": {"includes": [{"equalTo": "a"}, {"equalTo": "b"}]}}, ["b", "a"], False),
        ({"not": {"includes": [{"equalTo": "a"}]}},             ["b"],            True),
        ({"not": {"includes": [{"equalTo": "a"}]}},             NOTHING,          True),
    ],
)  # fmt: skip
def test_what_meets_a_matcher_of_texts(source: Any, values: list[str | bytes], met: bool) -> None:
    assert meets(source, *values) is met


@pytest.mark.parametrize(
    ("source", "value", "met"),
    [
        # the mock's clock shows 2026-11-20T12:00:00Z
        ({"before": "2026-01-01T00:00:00Z"},                "2025-12-31T23:59:59Z",      True),
        ({"before": "2026-01-01T00:00:00Z"},                "2026-01-01T00:00:00Z",      False),
        ({"before": "2026-01-01T00:00:00Z"},                "2026-01-01T00:30:00+01:00", True),
        ({"before": "2026-01-01"},                          "2025-12-31",                True),
        ({"before": "now"},                                 "2026-11-20T11:59:59Z",      True),
        ({"before": "now"},                                 "2026-11-20T12:00:01Z",      False),
        ({"before": "now +3 days"},                         "2026-11-23T11:59:59",       True),
        ({"before": "now +3 days"},                         "2026-11-23T12:00:00",       False),
        ({"before": "now"},                                 "yesterday",                 False),
        ({"before": "now"},                                 None,                        False),
        ({"before": "now +999999 years"},                   "9999-12-31T00:00:00Z",      True),
        ({"before": "now -999999 years"},                   "0001-01-01T00:00:00Z",      False),
        ({"before": "now +999999 days"},                    "2026-11-20T12:00:01Z",      True),
        ({"after": "2026-01-01T00:00:00Z"},                 "2026-01-01T00:00:01Z",      True),
        ({"after": "2026-01-01T00:00:00Z"},                 "2026-01-01T00:00:00Z",      False),
        ({"after": "now -90 minutes"},                      "2026-11-20T10:30:01Z",      True),
        ({"after": "now -90 minutes"},                      "2026-11-20T10:30:00Z",      False),
        ({"after": "NOW - 1 hour"},                         "2026-11-20T11:00:01Z",      True),
        ({"after": "now -1 month"},                         "2026-10-20T12:00:01Z",      True),
        ({"after": "now -1 month"},                         "2026-10-20T12:00:00Z",      False),
        ({"after": "now -11 months"},                       "2025-12-20T12:00:00Z",      False),
        ({"after": "now -11 months"},                       "2025-12-20T12:00:01Z",      True),
        ({"equalToDateTime": "now +1 month"},               "2026-12-20T12:00:00Z",      True),
        ({"equalToDateTime": "now +3 months"},              "2027-02-20T12:00:00Z",      True),
        ({"equalToDateTime": "now -1 years"},               "2025-11-20T12:00:00Z",      True),
        ({"equalToDateTime": "now +1 second"},              "2026-11-20T12:00:01Z",      True),
        ({"equalToDateTime": "2026-11-20T12:00:00Z"},       "2026-11-20T13:00:00+01:00", True),
        ({"equalToDateTime": "2026-11-20T12:00:00Z"},       "2026-11-20 12:00:00.000",   True),
        ({"equalToDateTime": "2026-11-20T12:00:00Z"},       "2026-11-20T12:00:00.001Z",  False),
        ({"equalToDateTime": "now"},                        " 2026-11-20T12:00:00Z ",    True),
        # numbers
        ({"equalToNumber": 5},                              "5",                         True),
        ({"equalToNumber": 5},                              "5.0",                       True),
        ({"equalToNumber": 5},                              "5e0",                       True),
        ({"equalToNumber": 5},                              "6",                         False),
        ({"equalToNumber": 5},                              '"5"',                       False),
        ({"equalToNumber": 5},                              "five",                      False),
        ({"equalToNumber": 1},                              "true",                      False),
        ({"equalToNumber": 5},                              "",                          False),
        ({"equalToNumber": 5},                              None,                        False),
        ({"equalToNumber": 5},                              "[5]",                       False),
        ({"equalToNumber": 10**400},                        str(10**400),                True),
        ({"equalToNumber": 5},                              "9" * 5000,                  False),
        ({"equalToNumber": 5},                              "[" * 5000,                  False),
        ({"greaterThanNumber": 5},                          "5.01",                      True),
        ({"greaterThanNumber": 5},                          "5",                         False),
        ({"greaterThanNumber": 1.5},                        str(10**400),                True),
        ({"greaterThanNumber": 5},                          "NaN",                       False),
        ({"greaterThanNumber": 5},                          "Infinity",                  False),
        ({"greaterThanEqualNumber": 5},                     "5",                         True),
        ({"greaterThanEqualNumber": 5},                     "4.99",                      False),
        ({"lessThanNumber": 5},                             "-1",                        True),
        ({"lessThanNumber": 5},                             "5",                         False),
        ({"lessThanNumber": 5},                             "-Infinity",                 False),
        ({"lessThanEqualNumber": 5},                        "5",                         True),
        ({"lessThanEqualNumber": 5},                        "5.01",                      False),
    ],
)  # fmt: skip
def test_what_meets_a_matcher_of_times_and_numbers(source: Any, value: str | None, met: bool) -> None:
    assert meets(source, *([] if value is None else [value])) is met


def test_the_last_day_of_a_month_is_not_passed() -> None:
    january = 1769860800.0  # 2026-01-31T12:00:00Z
    found = matcher({"equalToDateTime": "now +1 month"})
    assert found.accepts(Value("2026-02-28T12:00:00Z", None, january))
    assert not found.accepts(Value("2026-03-03T12:00:00Z", None, january))


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
def test_a_time_without_a_zone_is_in_utc_wherever_the_machine_stands(zone: str) -> None:
    told = (
        "from tests.engine.test_matchers import meets\n"
        "assert meets({'equalToDateTime': '2026-11-20T12:00:00Z'}, '2026-11-20T12:00:00')\n"
        "assert meets({'equalToDateTime': '2026-11-20T12:00:00'}, '2026-11-20T12:00:00Z')\n"
    )
    subprocess.run([sys.executable, "-c", told], env={**os.environ, "TZ": zone}, cwd=ROOT, check=True)


def test_now_is_read_at_each_call() -> None:
    found, value = matcher({"before": "now"}), "2026-11-20T12:30:00Z"
    assert not found.accepts(Value(value, None, NOON))
    assert found.accepts(Value(value, None, NOON + 3600))


@pytest.mark.parametrize(
    ("source", "values", "expected", "actual"),
    [
        ({"equalTo": "a"}, texts("b"), "a", "b"),
        ({"equalTo": "a"}, texts("b", "c"), "a", ["b", "c"]),
        ({"equalTo": "a"}, [], "a", ABSENT),
        ({"equalTo": "a"}, [body(b"")], "a", ABSENT),
        ({"equalTo": "a", "caseInsensitive": True}, texts("b"), {"equalTo": "a", "caseInsensitive": True}, "b"),
        ({"contains": "a"}, texts("b"), {"contains": "a"}, "b"),
        ({"absent": True}, texts("b"), {"absent": True}, "b"),
    ],
)  # fmt: skip
def test_what_a_text_matcher_says_of_a_difference(
    source: Any, values: list[Value], expected: Any, actual: Any
) -> None:
    assert matcher(source).explain(values, "/headers/X") == [Difference("/headers/X", expected, actual)]


@pytest.mark.parametrize("source", [{"equalTo": "b"}, {"includes": [{"equalTo": "b"}]}])
def test_what_is_met_has_no_differences(source: Any) -> None:
    assert matcher(source).explain(texts("a", "b"), "/headers/X") == []


def test_every_operation_has_rows() -> None:
    import tests.engine.test_json_matchers as of_json

    named = set()
    for table in (
        test_what_meets_a_matcher_of_texts,
        test_what_meets_a_matcher_of_times_and_numbers,
        *of_json.TABLES,
    ):
        for row in table.pytestmark[0].args[1]:
            named |= {(name, bool(row[-1])) for name in row[0] if name in OPERATIONS}
    assert named >= {(name, verdict) for name in OPERATIONS for verdict in (True, False)} - {
        ("anything", False)
    }
    assert set(OPTIONS) <= set(OPERATIONS)
