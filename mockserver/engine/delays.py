"""How long an answer is held back, in real time: a fixed time, or one that is drawn anew for each call."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, assert_never

from mockserver.engine.exchange import JSON
from mockserver.engine.matching import Fault, short
from mockserver.engine.values import Ids, below

LONGEST: Final = 3600.0
"""Seconds that an answer is held back at most."""
_WIDEST: Final = 50.0  # of a lognormal time; its exponential is always a number


@dataclass(frozen=True, slots=True)
class Fixed:
    """Always the same."""

    milliseconds: float


@dataclass(frozen=True, slots=True)
class Uniform:
    """Between two bounds, each time as likely as any other."""

    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Lognormal:
    """Half of the times below the median, with a long tail above it; ``sigma`` says how long."""

    median: float
    sigma: float


Delay = Fixed | Uniform | Lognormal
"""Times are milliseconds, as they are written."""


def draw(delay: Delay, ids: Ids) -> float:
    """Return the seconds of one call, at most `LONGEST`."""
    match delay:
        case Fixed(milliseconds):
            drawn = milliseconds
        case Uniform(lower, upper):
            drawn = lower + (upper - lower) * _fraction(ids)
        case Lognormal(median, sigma):
            drawn = median * math.exp(sigma * _normal(ids))
        case _:
            assert_never(delay)
    return min(drawn / 1000, LONGEST)


def _fraction(ids: Ids) -> float:
    """Return a number from 0 to 1, without 1."""
    return float(ids(53) / 2**53)


def _normal(ids: Ids) -> float:
    """Return a number of the standard normal distribution (Box and Muller)."""
    return math.sqrt(-2 * math.log(1 - _fraction(ids))) * math.cos(math.tau * _fraction(ids))


_DISTRIBUTIONS: Final[Mapping[str, tuple[type[Delay], tuple[str, ...]]]] = {
    "fixed": (Fixed, ("milliseconds",)),
    "uniform": (Uniform, ("lower", "upper")),
    "lognormal": (Lognormal, ("median", "sigma")),
}


def read_milliseconds(value: JSON, at: str, faults: list[Fault]) -> float:
    """Read a time in milliseconds; one that is none, or too long, is a fault."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LONGEST * 1000:
        faults.append((at, f"must be milliseconds from 0 to {LONGEST * 1000:.0f}, not {short(value)}"))
        return 0.0
    return float(value)


def _read_sigma(value: JSON, at: str, faults: list[Fault]) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _WIDEST:
        faults.append((at, f"must be a number from 0 to {_WIDEST:.0f}, not {short(value)}"))
        return 0.0
    return float(value)


def read_distribution(source: JSON, at: str, faults: list[Fault]) -> Delay | None:
    """Read a ``delayDistribution``; None where it has faults."""
    kind = source.get("type") if isinstance(source, dict) else None
    if not isinstance(kind, str) or kind not in _DISTRIBUTIONS:
        known = ", ".join(_DISTRIBUTIONS)
        faults.append((at, f"must be an object whose type is one of {known}, not {short(source)}"))
        return None
    make, names = _DISTRIBUTIONS[kind]
    before = len(faults)
    faults += [(below(at, name), f"{kind} has no {name}") for name in source if name not in {"type", *names}]
    values = [
        (_read_sigma if name == "sigma" else read_milliseconds)(source.get(name), below(at, name), faults)
        for name in names
    ]
    if len(faults) == before and kind == "uniform" and values[0] > values[1]:
        faults.append((below(at, "lower"), "must not be above upper"))
    return make(*values) if len(faults) == before else None
