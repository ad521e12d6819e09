"""Texts and numbers, as Hypothesis strategies."""

import math
import re
import string
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final

from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument

from mockserver.engine.exchange import JSON

Strategy = st.SearchStrategy[JSON]
Texts = st.SearchStrategy[str]

PLAIN: Final = string.ascii_letters + string.digits
PRINTABLE: Final = PLAIN + string.punctuation + " "
UNICODE: Final = (
    "äöüßéñçÅøłİıſ"  # Latin, with letters whose case is a trap
    "Ωжя中文字日本한글"
    "שלוםمرحبا"  # from right to left
    "e\u0301n\u0303\u200d\u200b\u00a0\u2028\u2029\ufeff\ufffd"  # combining, of no width, line ends to some
    "😀👩\u200d👧🇨🇭🀄\U0010ffff"  # beyond the basic plane: two units in UTF-16
    "\x00\x1f\x7f\x85\t\n\r"
    "\"\\/<>&'%+"
)
"""Characters on which encoders differ. All that is drawn comes from here or is ASCII: to look into the whole of
Unicode, Hypothesis first takes a second to make a table."""

LONGEST_TEXT: Final = 24
EXACT: Final = 2**53 - 1
"""The largest integer that every reader of JSON reads exactly."""


@lru_cache(maxsize=512)
def texts(least: int = 0, most: int | None = None) -> Texts:
    """Return texts of so many characters: names, printable ones, and those that are trouble."""
    bound = least + LONGEST_TEXT if most is None else min(most, least + LONGEST_TEXT)
    return st.one_of(
        *(
            st.text(alphabet, min_size=least, max_size=bound)
            for alphabet in (PLAIN + "-_", PRINTABLE, UNICODE + PLAIN)
        )
    )


def blanks(least: int) -> Texts:
    """Return texts of nothing but white space."""
    return st.text(" \t\n\u00a0", min_size=max(1, least), max_size=max(3, least))


@lru_cache(maxsize=512)  # to make a strategy of an expression takes a millisecond
def of_pattern(pattern: str) -> Texts:
    """Return texts that a regular expression finds something in; any, where it is none to Python."""
    for alphabet in (PRINTABLE, None):
        strategy = st.from_regex(pattern, alphabet=alphabet)
        try:
            strategy.validate()
        except (InvalidArgument, re.error):
            continue
        return strategy
    return texts()


@lru_cache(maxsize=512)
def stretched(of: Texts, least: int, most: int | None = None) -> Texts:
    """Return texts made longer where they are too short: at one of their ends, with one of their own characters."""

    def longer(text: str, at_end: bool) -> str:
        filling = next((each for each in text if each.isalnum()), "x") * max(0, least - len(text))
        return text + filling if at_end else filling + text

    fitting = of if most is None else of.filter(lambda text: len(text) <= most)
    return st.builds(longer, fitting, st.booleans()) if least else fitting


def near(text: str) -> Texts:
    """Return texts that are almost another: a character more, one less, another case."""
    added = st.builds(
        lambda at, each: text[:at] + each + text[at:], st.integers(0, len(text)), st.sampled_from(" x-é")
    )
    fewer = st.integers(0, max(0, len(text) - 1)).map(lambda at: text[:at] + text[at + 1 :])
    return st.one_of(added, fewer, st.just(text.swapcase()), st.just(""))


def _matching(pattern: str) -> Texts:
    return st.from_regex(pattern, fullmatch=True, alphabet=PRINTABLE)


_HOST: Final = "[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?([.][a-z]{2,8}){1,2}"
_PATH: Final = "(/[A-Za-z0-9._~-]{0,8}){0,3}([?][a-z]{1,5}=[A-Za-z0-9%+&=-]{0,8})?(#[a-z]{0,5})?"
_FIRST, _LAST = datetime(1970, 1, 1), datetime(2099, 12, 31)
_ZONES: Final = st.sampled_from(
    [UTC, timezone(timedelta(hours=5, minutes=30)), timezone(-timedelta(hours=8))]
)

FORMATS: Final[Mapping[str, Texts]] = {
    "uri": _matching(f"https?://{_HOST}(:[1-9][0-9]{{1,3}})?{_PATH}")
    | _matching("(urn:[a-z]{2,6}:|mailto:)[a-z0-9]{1,9}"),
    "date-time": st.datetimes(_FIRST, _LAST, timezones=_ZONES).map(
        lambda at: at.isoformat().replace("+00:00", "Z")
    ),
    "date": st.dates(_FIRST.date(), _LAST.date()).map(lambda day: day.isoformat()),
    "email": _matching(f"[a-z0-9]([a-z0-9._+-]{{0,12}}[a-z0-9])?@{_HOST}"),
    "uuid": st.uuids().map(str),
    "hostname": _matching(_HOST),
}
"""Texts of the formats that are asserted."""


def numbers(rules: Mapping[str, JSON], whole: bool) -> Strategy:
    """Return numbers within the bounds of a schema; whole ones only, or others as well."""
    low, high = _bounds(rules)
    if "multipleOf" in rules:
        return _multiples(rules["multipleOf"], low, high, whole)
    least, most = math.ceil(max(low, -EXACT)), math.floor(min(high, EXACT))
    integers: Strategy = st.integers(least, most) if least <= most else st.nothing()
    if whole:
        return integers
    floats = st.floats(
        None if low == -math.inf else low,
        None if high == math.inf else high,
        allow_nan=False,
        allow_infinity=False,
    )
    return integers | floats


def _bounds(rules: Mapping[str, JSON]) -> tuple[float, float]:
    """Return the least and the greatest number that may be taken; of exclusive bounds the judge takes care."""
    low = max(rules.get("minimum", -math.inf), rules.get("exclusiveMinimum", -math.inf))
    high = min(rules.get("maximum", math.inf), rules.get("exclusiveMaximum", math.inf))
    return low, high


def _multiples(step: float, low: float, high: float, whole: bool) -> Strategy:
    most = EXACT // max(1, math.ceil(step))
    least = math.ceil(max(low / step, -most))
    greatest = math.floor(min(high / step, most))
    if least > greatest:
        return st.nothing()
    multiples: Strategy = st.integers(least, greatest).map(lambda count: count * step)
    return multiples.filter(lambda value: float(value).is_integer()).map(int) if whole else multiples


def beyond(keyword: str, bound: float) -> Strategy:
    """Return numbers on the wrong side of a bound, the nearest among them."""
    is_upper, is_exclusive = "aximum" in keyword, "exclusive" in keyword
    sign = 1 if is_upper else -1
    steps = st.sampled_from([0, 1, 10, 1000] if is_exclusive else [1, 10, 1000])
    return steps.map(lambda step: bound + sign * step)


NULL: Final[Strategy] = st.none()
BOOLEANS: Final[Strategy] = st.booleans()
INTEGERS: Final[Strategy] = st.integers(-EXACT, EXACT) | st.integers(-9, 99)
FLOATS: Final[Strategy] = st.floats(allow_nan=False, allow_infinity=False).filter(
    lambda value: not value.is_integer()
)
TEXTS: Final[Strategy] = texts()
LEAVES: Final[Strategy] = st.one_of(NULL, BOOLEANS, INTEGERS, FLOATS, TEXTS)
NAMES: Final[Texts] = st.text(PLAIN + "_-$. ", min_size=1, max_size=12) | st.text(
    UNICODE, min_size=1, max_size=4
)
"""Names of members that no schema declares."""
ANYTHING: Final[Strategy] = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
OBJECTS: Final[Strategy] = st.dictionaries(NAMES, ANYTHING, max_size=3)
LISTS: Final[Strategy] = st.lists(ANYTHING, max_size=3)

BY_TYPE: Final[Mapping[str, Callable[[], Strategy]]] = {
    "null": lambda: NULL, "boolean": lambda: BOOLEANS, "integer": lambda: INTEGERS, "number": lambda: INTEGERS | FLOATS,
    "string": lambda: TEXTS, "array": lambda: LISTS, "object": lambda: OBJECTS,
}  # fmt: skip
"""Any values of each type, whatever else a schema says."""
