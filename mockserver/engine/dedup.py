"""Remember keys, and say what a repeated one means.

A key is unknown at first; *held* from the moment its request is admitted to the rule until the answer is
settled; *kept*, with the answer, until its time runs out.

               same body      another body
    unknown    Free           Free
    held       Busy           Busy
    kept       Seen           Mismatched

A rule without ``inFlightTtl`` holds nothing: its keys go from unknown to kept at once. A key that the service has
issued, or that came with an item of a bulk call, is kept without an answer of its own: a repeat of it is answered
anew, with the ids that were made then. Time is an argument, in seconds since the epoch.

Kept answers are stored as exact tuples of atoms, which Python's garbage collector leaves alone: a store of
100,000 keys must not make every full collection slower.
"""

from dataclasses import dataclass
from hashlib import blake2b
from heapq import heappop, heappush
from itertools import count
from typing import Final

from mockserver.engine.exchange import JSON, Response
from mockserver.engine.issued import IssuedKeys, Key, Made
from mockserver.engine.values import encode

MOST_KEYS: Final = 200_000
"""Beyond this the kept keys that end first are forgotten, and counted: a bound on memory, no vendor's rule."""

MOST_BYTES: Final = 64 * 1024 * 1024
"""The same for the bytes of the answers that belong to them."""

_LONGEST_KEY: Final = 300
_OVERHEAD: Final = 500  # of one kept key: its tuples, and the heads of its strings


@dataclass(frozen=True, slots=True)
class Free:
    """Nobody has used this key, or its time has run out."""


@dataclass(frozen=True, slots=True)
class Busy:
    """The first request with this key is still being worked on."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The key was used with the same body; ``original`` is the number of that call.

    ``response`` is its answer, None where it had none of its own; ``made`` are the labelled ids that were made for it.
    """

    response: Response | None
    original: int
    made: Made = ()


@dataclass(frozen=True, slots=True)
class Mismatched:
    """The key was used with another body, by the call ``original``."""

    original: int


Verdict = Free | Busy | Seen | Mismatched

_Kept = tuple[float, str, int, int, tuple[tuple[str, str], ...], bytes, Made, str]
_NO_ANSWER: Final = Response(0, (), b"")


class Keys:
    """The keys of one namespace. ``forgotten`` counts those that were dropped before their time."""

    def __init__(self, most: int = MOST_KEYS, most_bytes: int = MOST_BYTES) -> None:
        self._most, self._most_bytes, self._bytes = most, most_bytes, 0
        self._held: dict[Key, tuple[float, int]] = {}
        self._kept: dict[Key, _Kept] = {}
        self._issued = IssuedKeys()
        self._ends: list[
            tuple[float, int, Key]
        ] = []  # a heap: the clock may have been set back between two keys
        self._order = count()
        self.forgotten = 0

    def __len__(self) -> int:
        return len(self._held) + len(self._kept)

    def judge(self, key: Key, fingerprint: str, now: float, form: str = "") -> Verdict:
        """Say what a key means now; an answer in another form than what is asked for is not the one to repeat."""
        if self._held and (held := self._held.get(key)) is not None and held[0] > now:
            return Busy()
        entry = self._kept.get(key)
        if entry is None or entry[0] <= now:
            return self._judge_issued(key, now) if self._issued else Free()
        _, first, original, status, headers, body, made, kept_form = entry
        if first != fingerprint:
            return Mismatched(original)
        is_own = status and kept_form in {"", form}
        return Seen(Response(status, headers, body) if is_own else None, original, made)

    def _judge_issued(self, key: Key, now: float) -> Verdict:
        issued = self._issued.find(key, now)
        return Free() if issued is None else Seen(None, issued.number, issued.made)

    def hold(self, key: Key, number: int, until: float) -> None:
        """Take a key for the call ``number``, whose answer is not settled yet."""
        self._held[key] = (until, number)

    def keep(
        self,
        key: Key,
        fingerprint: str,
        response: Response | None,
        number: int,
        until: float,
        made: Made = (),
        form: str = "",
    ) -> None:
        """Remember the answer of the call ``number`` for a key, and let go of it where that call held it.

        ``form`` names what has answers of the same form, where those of others are not to be repeated; empty: all have.
        """
        self.drop(key, number)
        response = response or _NO_ANSWER
        if (known := self._kept.pop(key, None)) is not None:
            self._bytes -= _size(known)
        kept = (until, fingerprint, number, response.status, response.headers, response.body, made, form)
        self._kept[key] = kept
        self._bytes += _size(kept)
        heappush(self._ends, (until, next(self._order), key))
        while len(self._kept) > self._most or (self._bytes > self._most_bytes and len(self._kept) > 1):
            self.forgotten += self._forget_oldest()

    def remake(self, key: Key, made: Made) -> None:
        """Remember the ids that were made for a repeat in another form, where the first answer needed none."""
        if (known := self._kept.get(key)) is not None and len(made) > len(known[6]):
            self._kept[key] = (*known[:6], made, known[7])

    def forget(self, key: Key) -> None:
        """Forget a key that was kept for an answer which never came."""
        if (known := self._kept.pop(key, None)) is not None:
            self._bytes -= _size(known)
        self._issued.forget(key)

    def issue(self, key: Key, number: int, until: float, made: Made = ()) -> None:
        """Know a key that the service has made up for the call ``number``."""
        self._issued.add(key, until, number, made)

    def drop(self, key: Key, number: int) -> None:
        """Let go of a key that the call ``number`` holds, as if it had never been used."""
        if (held := self._held.get(key)) is not None and held[1] == number:
            del self._held[key]

    def expire(self, now: float) -> None:
        """Forget the keys whose time has run out; cheap enough for every call."""
        while self._ends and self._ends[0][0] <= now:
            self._forget_oldest()

    def _forget_oldest(self) -> bool:
        until, _, key = heappop(self._ends)
        current = self._kept.get(key)
        if current is None or current[0] != until:  # kept again since
            return False
        del self._kept[key]
        self._bytes -= _size(current)
        return True


def _size(kept: _Kept) -> int:
    return _OVERHEAD + len(kept[5])


def key_value(value: JSON) -> str:
    """Return a key's value as text in which ``1`` and ``"1"`` differ."""
    text = f'"{value}' if isinstance(value, str) else encode(value).decode()
    return text if len(text) <= _LONGEST_KEY else f"long {_digest(encode(text))}"


def fingerprint_of(body: JSON) -> str:
    """Return what tells two bodies apart: white space does not, the order of members does."""
    return _digest(encode(body))


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()
