"""Keys that the service has made up, for as little as can be: a call that brings no key of its own issues one.

Few of them are ever asked for, so that they are written down in packed blocks, and a block is indexed at the first
question about it. A block goes as a whole, by which 100,000 keys are forgotten in no time.
"""

from array import array
from collections import deque
from typing import Final, NamedTuple

Key = tuple[str, ...]
"""API, rule, scope and value."""

Made = tuple[tuple[str, str], ...]
"""Labels, as ``uuid#message``, and the ids that were made for them."""

MOST_ISSUED: Final = 100_000
"""So many are known at least; of more the oldest are forgotten, a block at a time. Our bound on memory, no vendor's."""

BLOCK: Final = 25_000

_BETWEEN: Final = "\n"  # is in no label, and in no id


class Issued(NamedTuple):
    """What is known of a key: the number of the call that it was made for, and all that was made for that."""

    number: int
    made: Made


class _Block:
    """Columns of keys. A key is its hash: of 64 bits, of texts that the server itself makes up."""

    __slots__ = ("ends", "hashes", "indexed", "made", "numbers", "places", "untils")

    def __init__(self) -> None:
        self.hashes, self.numbers, self.ends = array("q"), array("q"), array("q")
        self.untils = array("d")
        self.made = bytearray()
        self.places: dict[int, int] = {}
        self.indexed = 0

    def place(self, hashed: int) -> int | None:
        """Return the place of a key, when those have been indexed that were added since the last question."""
        count = len(self.hashes)
        if self.indexed < count:
            self.places.update(zip(self.hashes[self.indexed :], range(self.indexed, count), strict=True))
            self.indexed = count
        return self.places.get(hashed)


class IssuedKeys:
    """The keys that were issued in one namespace. Time is in seconds since the epoch."""

    def __init__(self) -> None:
        self._blocks: deque[_Block] = deque(maxlen=MOST_ISSUED // BLOCK + 1)

    def __bool__(self) -> bool:
        return bool(self._blocks)

    def add(self, key: Key, until: float, number: int, made: Made) -> None:
        """Know a key that was made up for the call ``number``."""
        if not self._blocks or len(self._blocks[-1].hashes) == BLOCK:
            self._blocks.append(_Block())
        block = self._blocks[-1]
        block.hashes.append(hash(key))
        block.numbers.append(number)
        block.untils.append(until)
        if made:
            block.made += _BETWEEN.join([text for pair in made for text in pair]).encode()
        block.ends.append(len(block.made))

    def find(self, key: Key, now: float) -> Issued | None:
        """Return what is known of a key, None where its time has run out or it was never issued."""
        hashed = hash(key)
        for block in reversed(self._blocks):
            if (place := block.place(hashed)) is not None:
                is_known = block.untils[place] > now
                return Issued(block.numbers[place], _made(block, place)) if is_known else None
        return None

    def forget(self, key: Key) -> None:
        """Forget a key, as if it had never been issued."""
        hashed = hash(key)
        for block in self._blocks:
            if (place := block.place(hashed)) is not None:
                block.untils[place] = float("-inf")


def _made(block: _Block, place: int) -> Made:
    written = block.made[block.ends[place - 1] if place else 0 : block.ends[place]]
    texts = written.decode().split(_BETWEEN) if written else []
    return tuple(zip(texts[::2], texts[1::2], strict=True))
