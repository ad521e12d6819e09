"""Which calls of a journal were attempts of one logical call.

A call goes on with the group that its key leads to, or with one that sent the same body, depending on how the last
attempt of that group ended:

    the last attempt ended in              same key and body       the same body, and no such key
    a success                              until it is answered    never
    a fault, no answer, 5xx, 408, 429,
    a conflict with a key in flight        goes on                 goes on, whatever the keys
    a refusal that no retry changes        goes on                 goes on where neither has a key
    another refusal, or nothing yet        goes on                 never

Without the same key a call is taken for a retry only if it comes within `WINDOW` after the wait that was asked for,
and only where the keys of the last attempt do not come back later: then their owner goes on with them. Of several such
groups the one whose retry is due first goes on.
"""

import heapq
from collections.abc import Iterable
from itertools import count
from typing import Final

from mockserver.reports.attempts import Caller, Ending, Sent

SLACK: Final = 0.05
"""Seconds by which two clocks, and the way of an answer to its client, may differ."""

WINDOW: Final = 60.0
"""Seconds that a client may wait longer than asked: no SDK that is known pauses for more than a minute by itself."""

Group = list[Sent]
"""The attempts of one logical call, in the order of their arrival; of one caller."""


def grouped(calls: Iterable[Sent]) -> list[Group]:
    """Return the logical calls of a journal, by their first attempt."""
    by_caller: dict[Caller, list[Sent]] = {}
    for sent in calls:
        by_caller.setdefault(sent.caller, []).append(sent)
    groups = [group for sent in by_caller.values() for group in _Grouping(sent).groups]
    return sorted(groups, key=lambda group: group[0].exchange.number)


_Body = tuple[tuple[str, ...], str, Ending]


class _Grouping:
    """The groups of one caller: by key and body, and those that wait for a retry by body, with the time it is due.

    Keys are named by texts: a hundred thousand tuples would cost the garbage collector more than all the rest.
    """

    def __init__(self, calls: list[Sent]) -> None:
        self.groups: list[Group] = []
        self._by_key: dict[str, Group] = {}
        self._due: dict[_Body, list[tuple[float, int, Sent, Group]]] = {}
        self._order = count()
        names = [_names(sent) for sent in calls]
        last_use = {name: position for position, each in enumerate(names) for name in each}
        for position, sent in enumerate(calls):
            group = self._add(sent, names[position])
            if not any(last_use[name] > position for name in names[position]):
                self._expect(sent, group)

    def _add(self, sent: Sent, names: tuple[str, ...]) -> Group:
        """Let a call go on with its group, or begin one."""
        known = [group for name in names if (group := self._by_key.get(name)) is not None]
        going_on = (each for each in known if _goes_on(each[-1], sent))
        group = next(going_on, None) if known else self._of_same_body(sent)
        if group is None:
            group = []
            self.groups.append(group)
        group.append(sent)
        for name in names:
            self._by_key[name] = group
        return group

    def _of_same_body(self, sent: Sent) -> Group | None:
        group = self._due_group((sent.form, sent.fingerprint, Ending.RETRYABLE), sent.exchange.arrived)
        if group is None and not sent.keys:
            group = self._due_group((sent.form, sent.fingerprint, Ending.FINAL), sent.exchange.arrived)
        return group

    def _due_group(self, name: _Body, arrived: float) -> Group | None:
        """Return the group that waits for this body and whose retry is due first; those that are over are forgotten."""
        waiting = self._due.get(name, [])
        while waiting:
            due, _, last, group = waiting[0]
            is_over = due + WINDOW < arrived
            if not is_over and last.ending is not Ending.LOST and last.ends > arrived + SLACK:
                return None
            heapq.heappop(waiting)
            if not is_over:
                return group
        return None

    def _expect(self, sent: Sent, group: Group) -> None:
        """Let a group wait for a retry with the same body, if one may come."""
        is_open = sent.ending in {Ending.RETRYABLE, Ending.LOST}
        if not sent.fingerprint or not (is_open or (sent.ending is Ending.FINAL and not sent.keys)):
            return
        name = (sent.form, sent.fingerprint, Ending.RETRYABLE if is_open else Ending.FINAL)
        entry = (sent.ends + (sent.asked or 0.0), next(self._order), sent, group)
        heapq.heappush(self._due.setdefault(name, []), entry)


def _goes_on(last: Sent, sent: Sent) -> bool:
    """Tell whether what has the same key as a call goes on with it: a success does not, once it is answered."""
    return last.ending is not Ending.SUCCEEDED or last.ends > sent.exchange.arrived


def _names(sent: Sent) -> tuple[str, ...]:
    """Return the names of the keys of a call, each with its body."""
    return tuple([f"{key.rule.name}\n{sent.fingerprint}\n{key.text}" for key in sent.keys])
