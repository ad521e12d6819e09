"""Matchers of texts, of times and of numbers."""

import base64
import calendar
import operator
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from mockserver.engine.exchange import JSON
from mockserver.engine.matching import Fault, Matcher, Read, Value, WholeError, flag_of, text_of
from mockserver.engine.values import cut, json_type


def _on_text(source: JSON, accepts: Callable[[str], bool], *, absent: bool = False) -> Matcher:
    def on(value: Value) -> bool:
        return absent if value.text is None else accepts(value.text)

    return Matcher(source, on)


def _equal_to(operand: JSON, source: JSON, at: str, faults: list[Fault]) -> Matcher:
    wanted = text_of(operand, "equalTo")
    if not flag_of(source, "caseInsensitive", at, faults):
        return _on_text(source, wanted.__eq__)
    return _on_text(source, lambda text: text.casefold() == wanted.casefold())


def _binary_equal_to(operand: JSON, source: JSON, _: str, __: list[Fault]) -> Matcher:
    text = text_of(operand, "binaryEqualTo")
    try:
        wanted = base64.b64decode(text, validate=True)
    except ValueError:  # also of a text that is not ASCII
        raise ValueError("binaryEqualTo operand must be base64") from None

    def on(value: Value) -> bool:
        if value.text is None:
            return False
        data = value.text.encode("utf-8", "surrogatepass") if value.data is None else value.data
        return data == wanted

    return Matcher(source, on)


def _contains(operand: JSON, source: JSON, _: str, __: list[Fault]) -> Matcher:
    part = text_of(operand, "contains")
    return _on_text(source, lambda text: part in text)


def _does_not_contain(operand: JSON, source: JSON, _: str, __: list[Fault]) -> Matcher:
    part = text_of(operand, "doesNotContain")
    return _on_text(source, lambda text: part not in text, absent=True)


def expression_of(text: JSON, name: str) -> re.Pattern[str]:
    """Compile a regular expression, which is to match a whole value. Raises ValueError."""
    try:
        return re.compile(text_of(text, name), re.DOTALL)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{name}: {cut(str(text))!r} is not a regular expression: {error}") from None


def _matches(operand: JSON, source: JSON, _: str, __: list[Fault]) -> Matcher:
    wanted = expression_of(operand, "matches")
    return _on_text(source, lambda text: wanted.fullmatch(text) is not None)


def _does_not_match(operand: JSON, source: JSON, _: str, __: list[Fault]) -> Matcher:
    wanted = expression_of(operand, "doesNotMatch")
    return _on_text(source, lambda text: wanted.fullmatch(text) is None, absent=True)


def _absent(operand: JSON, source: JSON, _: str, __: list[Fault]) -> Matcher:
    if operand is not True:
        raise ValueError("absent must be true; for what must be there use matches: .*")
    return Matcher(source, lambda value: value.is_absent)


def _anything(_: JSON, source: JSON, __: str, ___: list[Fault]) -> Matcher:
    return Matcher(source, lambda _: True)


# Times and numbers


def _time(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()


_NOW: Final = re.compile(
    r"now(?: *([+-]) *([0-9]{1,6}) +(second|minute|hour|day|month|year)s?)?", re.IGNORECASE
)


def _moment(operand: JSON, name: str) -> Callable[[float], float]:
    """Return what gives the seconds since the epoch that an operand names, at a time. Raises ValueError."""
    text = text_of(operand, name)
    match = _NOW.fullmatch(text.strip())
    if match is None:
        if (fixed := _time(text)) is None:
            raise ValueError(f"{name}: {cut(text)!r} is not a time; write ISO 8601, now, or now +3 days")
        return lambda _: fixed
    sign, count, unit = match.groups()
    amount = int(f"{sign or ''}{count or 0}")
    return partial(_moved, amount=amount, unit=(unit or "second").lower())


def _moved(now: float, amount: int, unit: str) -> float:
    moment = datetime.fromtimestamp(now, UTC)
    try:
        if unit in {"month", "year"}:
            return _months_later(moment, amount * (12 if unit == "year" else 1)).timestamp()
        return (moment + timedelta(**{f"{unit}s": amount})).timestamp()
    except (OverflowError, ValueError):  # out of the calendar
        return float("inf") if amount > 0 else float("-inf")


def _months_later(moment: datetime, months: int) -> datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)


def _compared(
    operand: JSON, source: JSON, _: str, __: list[Fault], *, name: str, holds: Callable[[float, float], bool]
) -> Matcher:
    wanted = _moment(operand, name)

    def on(value: Value) -> bool:
        found = None if value.text is None else _time(value.text)
        return found is not None and holds(found, wanted(value.now))

    return Matcher(source, on)


def _number(
    operand: JSON, source: JSON, _: str, __: list[Fault], *, name: str, holds: Callable[[float, float], bool]
) -> Matcher:
    if isinstance(operand, bool) or not isinstance(operand, int | float):
        raise WholeError(f"{name} operand must be a number")

    def on(value: Value) -> bool:
        return json_type(value.json) == "number" and holds(value.json, operand)

    return Matcher(source, on)


OF_TEXTS: Final[Mapping[str, Read]] = {
    "equalTo": _equal_to,
    "binaryEqualTo": _binary_equal_to,
    "contains": _contains,
    "doesNotContain": _does_not_contain,
    "matches": _matches,
    "doesNotMatch": _does_not_match,
    "absent": _absent,
    "anything": _anything,
    "before": partial(_compared, name="before", holds=operator.lt),
    "after": partial(_compared, name="after", holds=operator.gt),
    "equalToDateTime": partial(_compared, name="equalToDateTime", holds=operator.eq),
    "equalToNumber": partial(_number, name="equalToNumber", holds=operator.eq),
    "greaterThanNumber": partial(_number, name="greaterThanNumber", holds=operator.gt),
    "greaterThanEqualNumber": partial(_number, name="greaterThanEqualNumber", holds=operator.ge),
    "lessThanNumber": partial(_number, name="lessThanNumber", holds=operator.lt),
    "lessThanEqualNumber": partial(_number, name="lessThanEqualNumber", holds=operator.le),
}
"""The match operations of one text each, by name."""
