"""Samples in a row: the goals are taken in turn, each in a run of Hypothesis that its seed decides.

Hypothesis is made for tests. Here it only hands out values: nothing is remembered between runs or written to disk,
no example is shrunk, and what it would pick up from modules of the user's is kept out, so that a seed means the same
everywhere.
"""

import hashlib
import json
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count as counted
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeVar

from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.errors import HypothesisException
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider
from hypothesis.internal.constants_ast import Constants

from mockserver.engine.contract import Api, Operation
from mockserver.engine.exchange import JSON
from mockserver.engine.faults import SpecError
from mockserver.engine.values import nearest
from mockserver.sampling.drawers import Draw
from mockserver.sampling.goals import Goal
from mockserver.sampling.requests import Maker, Sample, credential_of, drawn
from mockserver.sampling.subjects import Subject, subject_of, takes_body

T = TypeVar("T")

_TRIES: Final = 40
"""How many requests are drawn for one goal before it is given up."""
_ENOUGH: Final = 6
"""How many invalid ones are compared, before the one with the fewest findings is taken."""


class _Provider(HypothesisProvider):
    """Hypothesis's own choices, but for the constants in the source of local modules."""

    _local_constants = Constants()


_BACKEND: Final = "mockserver"
_SETTINGS: Final[dict[str, Any]] = {
    "max_examples": _TRIES, "database": None, "deadline": None, "derandomize": False, "phases": [Phase.generate],
    "suppress_health_check": list(HealthCheck), "verbosity": Verbosity.quiet, "backend": _BACKEND,
}  # fmt: skip


class _EnoughError(BaseException):
    """There is nothing left to look for: not an error of the test, as Hypothesis would take any other to be."""


def sampled_operations(api: Api, name: str | None) -> list[Operation]:
    """Return the named operation, or all that take a body. Raises `SpecError` where there is nothing to encode."""
    known = {each.id: each for each in api.operations}
    able = [each for each in api.operations if takes_body(each)]
    listed = ", ".join(each.id for each in able)
    if name is None:
        if not able:
            raise SpecError(
                [("", "", f"no operation of {api.name} takes a body; there is nothing to encode")]
            )
        return able
    if name not in known:
        near = nearest(name, known)
        hint = f"did you mean {near}?" if near else f"there are {', '.join(known)}"
        raise SpecError([("--operation", "", f"{api.name} has no operation {name!r}; {hint}")])
    if known[name] not in able:
        others = f"; those that do are {listed}" if able else ""
        raise SpecError(
            [("--operation", "", f"{name} takes no body, so that there is nothing to encode{others}")]
        )
    return [known[name]]


def shown_samples(
    api: Api, operations: Sequence[Operation], breaks: bool, count: int, seed: int
) -> Iterator[JSON]:
    """Yield so many samples of the operations in turn. Raises `SpecError` where one of them has none."""
    with nothing_written():
        rows = [_samples_of(subject_of(api, each), breaks, f"{seed}/{each.id}") for each in operations]
        for number in range(count):
            sample = next(rows[number % len(rows)])
            yield {
                **sample.shown,
                **({"findings": [_told(each) for each in sample.findings]} if breaks else {}),
            }


@contextmanager
def nothing_written() -> Iterator[None]:
    """Keep what Hypothesis writes out of the user's folder."""
    AVAILABLE_PROVIDERS[_BACKEND] = f"{__name__}.{_Provider.__name__}"
    with TemporaryDirectory() as folder:
        set_hypothesis_home_dir(folder)
        try:
            yield
        finally:
            set_hypothesis_home_dir(None)
            del AVAILABLE_PROVIDERS[_BACKEND]


def _told(finding: Any) -> dict[str, JSON]:
    return {
        "in": finding.place, "pointer": finding.pointer, "keyword": finding.keyword, "message": finding.message,
        "expected": finding.expected, "received": finding.received,
    }  # fmt: skip


def _samples_of(subject: Subject, breaks: bool, seed: str) -> Iterator[Sample]:
    """Yield samples of one operation for ever; goals that cannot be reached are given up."""
    maker, known = Maker(subject, credential_of(subject)), set[str]()
    goals = [(position, goal, True) for position, goal in subject.goals(breaks)]
    random.Random(seed).shuffle(goals)
    for turn in counted():
        reached = []
        for position, goal, strict in goals:
            own = f"{seed}/{turn}/{position}/{goal}"
            sample = sample_for(subject, maker, position, goal, strict, known, own)
            if sample is None and strict and breaks:  # where the rule cannot be broken alone
                strict = False  # noqa: PLW2901 - nor in the turns to come
                sample = sample_for(subject, maker, position, goal, strict, known, own)
            if sample is not None:
                reached.append((position, goal, strict))
                known.add(json.dumps(sample.shown))
                yield sample
        if not reached:
            raise SpecError([(subject.api.name, "", _nothing_found(subject, breaks))])
        goals = reached


def _nothing_found(subject: Subject, breaks: bool) -> str:
    wanted = "that it refuses" if breaks else "that it admits"
    told = "there may be none, or its rules cannot be met by drawing, as a rare pattern can not"
    return f"Hypothesis finds no request of {subject.operation.id} {wanted}; {told}"


def sample_for(
    subject: Subject, maker: Maker, position: int, goal: Goal, strict: bool, known: set[str], seed: str
) -> Sample | None:
    """Return the best sample that a goal has, a new one if there is any; None where it has none."""
    found: list[tuple[tuple[bool, int], Sample]] = []

    def look(values: Sequence[JSON]) -> None:
        sample = maker.sample(values)
        if sample is None or (not sample.is_admitted or bool(sample.findings)) is not goal_breaks:
            return
        found.append(((json.dumps(sample.shown) in known, len(sample.findings)), sample))
        if len(found) > 1 and (found[-1][0] <= (False, 1) or len(found) > _ENOUGH):
            raise _EnoughError

    goal_breaks = goal.breaks
    _run(drawn(subject, position, goal, strict), look, seed)
    # The first is the simplest one that there is, which all goals have in common but for what they ask for.
    return min(found[1:] or found, key=lambda each: each[0])[1] if found else None


def _run(strategy: st.SearchStrategy[T], look: Callable[[T], None], seed: str) -> None:
    """Show values of a strategy to a function until it has enough, or there are no more."""
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8])

    tries = counted(1)

    @st.composite
    def bounded(draw: Draw) -> T:
        if next(tries) > _TRIES:  # rejected ones, which Hypothesis does not count as examples, among them
            raise _EnoughError
        return draw(strategy)

    @seeded(number)
    @settings(**_SETTINGS)
    @given(bounded())
    def run(values: T) -> None:
        look(values)

    try:
        run()
    except (_EnoughError, HypothesisException):
        return
