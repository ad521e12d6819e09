"""The grammar of the search box and of exports: from words to a predicate over calls.

Words are joined by "and"; ``-`` before one negates it, a comma within one means "or", quotes keep spaces, commas and
colons. A word with a key, such as ``status:4xx``, looks at one thing; a word without looks whether name, recipient,
API, path, dedup key or status contain it. Case is ignored, and so is a word that has nothing to look for, since it
may still be being typed. A key that is unknown, or a value that its key does not take, is told, and nothing matches.

Texts (``name who path key rule``) are looked for within, words of ours (``api outcome reason method``) are compared
whole. ``after`` and ``before`` are times of today in the zone of ``now``; a time after which nothing can have come
yet is yesterday's. A marker is not a thing that a call knows, so there is no key for it here.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import eq, ge, gt, le, lt
from typing import Final

from mockserver.engine.exchange import Exchange, Reason
from mockserver.engine.journal import ANSWERED, WAITING

Test = Callable[[Exchange], bool]
Read = Callable[[Exchange], str | None]


@dataclass(frozen=True, slots=True)
class Search:
    """What calls are to meet, all of it; ``problems`` are sentences about words that are not understood."""

    tests: tuple[Test, ...] = ()
    problems: tuple[str, ...] = ()

    def matches(self, exchange: Exchange) -> bool:
        """Tell whether a call is looked for; none is while a word is not understood."""
        return not self.problems and all(test(exchange) for test in self.tests)


def parse_search(text: str, now: datetime, key_of: Read = lambda _: None) -> Search:
    """Return what a text asks for.

    ``now`` has the zone of the reader, and comes from the clock that calls are stamped by. ``key_of`` tells the dedup
    key that a call bore: which one that is, its API's rules say.
    """
    given = _Given(now, key_of)
    found = [_read(word, given) for word in _WORD.findall(text)]
    return Search(
        tuple([each for each in found if each is not None and not isinstance(each, str)]),
        tuple(dict.fromkeys(each for each in found if isinstance(each, str))),
    )


@dataclass(frozen=True, slots=True)
class _Given:
    now: datetime
    key_of: Read


_Make = Callable[[str, _Given], Test | None]
"""From a value in lower case to its test, None where it is not understood."""

_WORD: Final = re.compile(r'(?:[^\s"]|"[^"]*(?:"|\Z))+')
_PART: Final = re.compile(r'(?:[^,"]|"[^"]*(?:"|\Z))+')
_KEY: Final = re.compile("([A-Za-z]+):")


def _read(word: str, given: _Given) -> Test | str | None:
    """Return the test of a word, a sentence where it is not understood, None where it looks for nothing."""
    negated = word.startswith("-")
    plain = word[1:] if negated else word
    match = _KEY.match(plain)
    key, rest = (match[1], plain[match.end() :]) if match is not None else ("", plain)
    if key.lower() not in _KEYS:
        return f"No filter named “{key}”"
    make, example = _KEYS[key.lower()]
    values = [value for part in _PART.findall(rest) if (value := part.replace('"', ""))]
    tests = [make(value.lower(), given) for value in values]
    for value, test in zip(values, tests, strict=True):
        if test is None:
            return f"“{key}:{value}” is not understood; write {example}"
    return _joined([test for test in tests if test is not None], negated=negated) if tests else None


def _joined(tests: list[Test], *, negated: bool) -> Test:
    return lambda exchange: any(test(exchange) for test in tests) is not negated


def _containing(read: Read) -> _Make:
    return lambda value, _: lambda exchange: value in _lower(read(exchange))


def _equal(read: Read) -> _Make:
    return lambda value, _: lambda exchange: value == _lower(read(exchange))


def _lower(text: str | None) -> str:
    return (text or "").lower()


def _status_of(exchange: Exchange) -> str:
    """Return the status that was answered; a call that has no answer has none."""
    is_answered = exchange.state == ANSWERED and exchange.fault is None and exchange.status
    return str(exchange.status) if is_answered else ""


_LOOKED_IN: Final[tuple[Read, ...]] = (
    lambda exchange: exchange.name,
    lambda exchange: exchange.recipient,
    lambda exchange: exchange.api,
    lambda exchange: exchange.request.path,
    _status_of,
)


def _anywhere(value: str, given: _Given) -> Test:
    reads = (*_LOOKED_IN, given.key_of)
    return lambda exchange: any(value in _lower(read(exchange)) for read in reads)


def _key(value: str, given: _Given) -> Test:
    return lambda exchange: value in _lower(given.key_of(exchange))


def _status(value: str, _: _Given) -> Test | None:
    """Understand ``429``, ``4xx``, and the beginning of either."""
    if not re.fullmatch("[0-9]{1,3}|[0-9]xx?|[0-9]{2}x", value):
        return None
    digits = value.rstrip("x")
    return lambda exchange: _status_of(exchange).startswith(digits)


def _id(value: str, _: _Given) -> Test | None:
    if re.fullmatch("#?[0-9]{1,15}", value):
        number = int(value.removeprefix("#"))
        return lambda exchange: exchange.number == number
    if re.fullmatch("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", value):
        return lambda exchange: exchange.id == value
    return None


_COMPARED: Final = {">": gt, ">=": ge, "<": lt, "<=": le, "": eq}


def _milliseconds(value: str, _: _Given) -> Test | None:
    match = re.fullmatch("([<>]=?|)([0-9]{1,15})", value)
    if match is None:
        return None
    compare, bound = _COMPARED[match[1]], int(match[2])
    return lambda exchange: compare(round(exchange.served * 1000), bound)


def _time(value: str, now: datetime) -> datetime | None:
    """Return a time of today, to the second."""
    match = re.fullmatch("([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?", value)
    if match is None:
        return None
    return now.replace(hour=int(match[1]), minute=int(match[2]), second=int(match[3] or 0), microsecond=0)


def _after(value: str, given: _Given) -> Test | None:
    if (since := _time(value, given.now)) is None:
        return None
    if since > given.now:
        since -= timedelta(days=1)
    start = since.timestamp()
    return lambda exchange: exchange.received >= start


def _before(value: str, given: _Given) -> Test | None:
    if (until := _time(value, given.now)) is None:
        return None
    end = until.timestamp()
    return lambda exchange: exchange.received < end


_STATES: Final[Mapping[str, Test]] = {
    "valid": lambda exchange: exchange.outcome in {"admitted", "repeated"} and not exchange.findings,
    "problems": lambda exchange: bool(exchange.findings),
    "errors": lambda exchange: _status_of(exchange) >= "400",
    "repeat": lambda exchange: exchange.outcome == "repeated",
    "forced": lambda exchange: exchange.outcome == "scripted",
    "delayed": lambda exchange: exchange.delay > 0,
    "waiting": lambda exchange: exchange.state == WAITING,
    "unmatched": lambda exchange: exchange.reason in {Reason.NO_ROUTE, Reason.WRONG_METHOD},
    "deviating": lambda exchange: bool(exchange.deviations),
    "unpublished": lambda exchange: exchange.published is False,
}


def _is(value: str, _: _Given) -> Test | None:
    return _STATES.get(value)


def _has(value: str, _: _Given) -> Test | None:
    return (lambda exchange: "origin" in exchange.request.headers) if value == "origin" else None


_KEYS: Final[Mapping[str, tuple[_Make, str]]] = {
    "": (_anywhere, ""),
    "api": (_equal(lambda exchange: exchange.api), ""),
    "outcome": (_equal(lambda exchange: exchange.outcome), ""),
    "reason": (_equal(lambda exchange: exchange.reason), ""),
    "method": (_equal(lambda exchange: exchange.request.method), ""),
    "name": (_containing(lambda exchange: exchange.name), ""),
    "who": (_containing(lambda exchange: exchange.recipient), ""),
    "path": (_containing(lambda exchange: exchange.request.path), ""),
    "rule": (_containing(lambda exchange: exchange.rule), ""),
    "key": (_key, ""),
    "status": (_status, "status:429 or status:4xx"),
    "id": (_id, "id:387 or the call's UUID"),
    "ms": (_milliseconds, "ms:>1000"),
    "after": (_after, "after:14:03"),
    "before": (_before, "before:14:05"),
    "is": (_is, f"is: and one of {', '.join(_STATES)}"),
    "has": (_has, "has:origin"),
}
"""Each key with what makes its test, and an example for who wrote a value that it does not take."""
