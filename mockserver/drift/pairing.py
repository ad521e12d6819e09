"""Which branches of two unions belong together: their order says nothing, so the most alike are paired first."""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

from mockserver.drift.schemas import BY_NAME, IN_ORDER, ONE_SCHEMA, UNIONS, Contract, Place, View, text_of

_DEEPEST: Final = 5
_MOST: Final = 300
"""So many features are looked at, and so deep: enough to tell branches apart, and little work for any document."""

Branch = tuple[Place, View]


def paired(
    ours: Sequence[Branch], theirs: Sequence[Branch], contracts: tuple[Contract, Contract]
) -> Iterator[tuple[Branch | None, Branch | None]]:
    """Yield each branch with its counterpart, or with None; those that share nothing are no counterparts."""
    own, other = (
        [_features(contract, view) for _, view in branches]
        for contract, branches in zip(contracts, (ours, theirs), strict=True)
    )
    scores = [
        (-likeness, i, j)
        for i, mine in enumerate(own)
        for j, yours in enumerate(other)
        if (likeness := _likeness(mine, yours)) > 0
    ]
    left, right = set(range(len(ours))), set(range(len(theirs)))
    for _, i, j in sorted(scores):
        if i in left and j in right:
            left.remove(i)
            right.remove(j)
            yield ours[i], theirs[j]
    yield from ((ours[i], None) for i in sorted(left))
    yield from ((None, theirs[j]) for j in sorted(right))


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    return 1.0 if one == other else len(one & other) / len(one | other)


def _features(contract: Contract, view: View) -> frozenset[str]:
    """Return what a schema says in its upper levels, each as a text."""
    found = set[str]()
    waiting = deque([("", view, 0)])
    while waiting and len(found) < _MOST:
        path, seen, depth = waiting.popleft()
        for name, place in sorted(seen.words.items()):
            inner = dict(_inside(name, place))
            found |= {f"{path}/{step}" for step in inner} if inner else _said(f"{path}:{name}", place)
            if depth < _DEEPEST:
                waiting.extend(
                    (f"{path}/{step}", contract.view(each), depth + 1)
                    for step, listed in sorted(inner.items())
                    for each in listed
                )
    return frozenset(found)


def _inside(name: str, place: Place) -> Iterator[tuple[str, list[Place]]]:
    if name in ONE_SCHEMA:
        yield name, [place]
    elif name in BY_NAME:
        yield from ((f"{name}/{member}", [each]) for member, each in place.value.items())
    elif name in IN_ORDER or name in UNIONS:
        yield name, place.value


def _said(word: str, place: Place) -> set[str]:
    if isinstance(place.value, frozenset):
        return {f"{word}={each}" for each in place.value}
    return {word, f"{word}={text_of(place.value)}"}
