"""A bounded list of exchanges: what was sent and answered, newest kept, dropped ones counted.

Each exchange is stored as one exact tuple of atoms (`Record`), because Python's garbage collector leaves
those alone: 100,000 stored calls must not make every collection slower. An `Exchange` is built from it
when somebody reads. A record enters at arrival, before any waiting, and is replaced when its answer is out.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from operator import itemgetter
from typing import Any, Final, NamedTuple

from mockserver.engine.exchange import Exchange, Finding, Request, Response
from mockserver.engine.headers import CALL_ID, Pairs, unpacked

MOST_CALLS: Final = 100_000
MOST_BYTES: Final = 128 * 1024 * 1024
_AT_ONCE: Final = 100
_OVERHEAD: Final = 500  # of one record: the tuple, its numbers, and the heads of its strings
_FINDING: Final = 900  # of one finding, without what may be long


ANSWERED: Final = "answered"
WAITING: Final = "waiting"
ABORTED: Final = "aborted"


class Record(NamedTuple):
    """The fields of a stored call; stored as a plain tuple, in this order.

    ``state`` is `ANSWERED`, `WAITING` (the answer is held back) or `ABORTED` (the client went away).
    """

    number: int
    received: float
    method: str
    path: str
    query: str
    raw_headers: bytes
    body: bytes
    client: str
    outcome: str
    api: str | None = None
    operation: str | None = None
    reason: str | None = None
    rule: str | None = None
    repeat_of: int | None = None
    findings: tuple[tuple[Any, ...], ...] = ()
    deviations: tuple[str, ...] = ()
    published: bool | None = None
    status: int = 0
    headers: Pairs = ()
    answer: bytes = b""
    state: str = ANSWERED
    delay: float = 0.0
    served: float = 0.0
    arrived: float = 0.0
    clock_moves: int = 0
    stub: str | None = None
    fault: str | None = None
    source: str | None = None


Row = tuple[Any, ...]
"""A record as it is stored: an exact tuple."""


Describe = Callable[[str, str, Request], tuple[str | None, str | None]]
"""From API, operation and request to the workflow or event and the recipient of a call."""


def undescribed(_: str, __: str, ___: Request) -> tuple[None, None]:
    """Say nothing of what a call was about."""
    return None, None


class Room:
    """What the journals of all namespaces may keep together: so many calls, and so many bytes of them.

    Where it is full, a namespace that has more than its share drops its oldest call for each that comes, else the
    fullest one does: one that is noisy does not take the calls of the others. ``leaving`` is what was cleared, and is
    freed bit by bit.
    """

    def __init__(self, most: int = MOST_CALLS, most_bytes: int = MOST_BYTES) -> None:
        self.most, self.most_bytes = most, most_bytes
        self.calls = self.bytes = 0
        self.journals: list[Journal] = []
        self.leaving: list[dict[int, Row]] = []

    @property
    def is_over(self) -> bool:
        """Whether a call has to go."""
        return self.calls > self.most or (self.bytes > self.most_bytes and self.calls > 1)

    def change(self, most: int, most_bytes: int) -> None:
        """Go on with other bounds."""
        self.most, self.most_bytes = most, most_bytes
        self.shrink()

    def shrink(self, newcomer: "Journal | None" = None) -> None:
        """Drop calls until those that are left have room; of the journal that has grown, if it has had its share."""
        if len(self.journals) == 1:
            newcomer = self.journals[0]
            while self.is_over:
                newcomer.drop_oldest()
            return
        while self.is_over:
            fair = 1 / len(self.journals)
            if newcomer is None or self._share(newcomer) <= fair or not len(newcomer):
                newcomer = max(self.journals, key=self._share)
            newcomer.drop_oldest()

    def _share(self, journal: "Journal") -> float:
        return max(len(journal) / self.most, journal.bytes / self.most_bytes) if len(journal) else 0.0

    def free_later(self, records: dict[int, Row]) -> None:
        """Free records with the calls that come next, where they are many: at once it would take 30 ms."""
        if len(records) > _AT_ONCE:
            self.leaving.append(records)

    def free_some(self) -> None:
        """Free a few of the records that were cleared."""
        leaving = self.leaving[-1]
        for _ in range(min(_AT_ONCE, len(leaving))):
            leaving.popitem()
        if not leaving:
            self.leaving.pop()


class Journal:
    """The calls of one namespace, by number from 1; a number is never used twice.

    ``prefix`` are the first 24 characters of every call's UUID, its number makes the rest. ``dropped``
    counts what the bounds of the ``room`` pushed out since it was last emptied. ``scheme`` is that of all calls.
    """

    def __init__(
        self,
        prefix: str,
        describe: Describe = undescribed,
        room: Room | None = None,
        namespace: str = "",
        scheme: str = "http",
    ) -> None:
        self._prefix, self.describe, self.namespace, self._scheme = prefix, describe, namespace, scheme
        self._room = room or Room()
        self._room.journals.append(self)
        self._records: dict[int, Row] = {}
        self._oldest = 1
        self.bytes = 0
        self.last = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._records)

    def next_number(self) -> int:
        """Return the number of a call that has just arrived; it is taken when the call is put."""
        return self.last + 1

    def id_of(self, number: int) -> str:
        """Return the UUID of a call."""
        return f"{self._prefix}{number:012x}"

    def put(self, row: Row) -> None:
        """Store a call, or what has become of it since it was stored."""
        number: int = row[0]
        room, size = self._room, _size(row)
        if number > self.last:
            self.last = number
            room.calls += 1
        elif (known := self._records.get(number)) is not None:
            size -= _size(known)
        else:
            return  # dropped, or removed, while its answer was held back
        self._records[number] = row
        self.bytes += size
        room.bytes += size
        if room.leaving:
            room.free_some()
        if room.calls > room.most or room.bytes > room.most_bytes:
            room.shrink(self)

    def drop_oldest(self) -> None:
        """Drop the oldest call, and count it."""
        while self._oldest not in self._records:
            self._oldest += 1
        self._forget(self._oldest)
        self.dropped += 1

    def remove(self, numbers: Iterable[int]) -> None:
        """Forget some calls."""
        for number in numbers:
            self._forget(number)

    def _forget(self, number: int) -> None:
        if (row := self._records.pop(number, None)) is not None:
            size = _size(row)
            self.bytes -= size
            self._room.bytes -= size
            self._room.calls -= 1

    def clear(self) -> None:
        """Forget all calls; the numbers go on."""
        room = self._room
        room.calls -= len(self._records)
        room.bytes -= self.bytes
        room.free_later(self._records)
        self._records = {}
        self._oldest = self.last + 1
        self.bytes = self.dropped = 0

    def leave(self) -> None:
        """Forget all calls, and give up its place in the room."""
        self.clear()
        self._room.journals.remove(self)

    def __contains__(self, number: int) -> bool:
        return number in self._records

    def rows(self) -> list[Row]:
        """Return the stored calls, oldest first, as they are now."""
        return list(self._records.values())

    def row(self, number: int) -> Row | None:
        """Return a stored call."""
        return self._records.get(number)

    def number_of(self, id_: str) -> int | None:
        """Return the number of the call with a UUID of this journal, whether or not it is still there."""
        tail = id_[len(self._prefix) :]
        if not id_.startswith(self._prefix) or not re.fullmatch("[0-9a-f]{12}", tail):
            return None
        return int(tail, 16)

    def get(self, id_: str) -> Exchange | None:
        """Return the call with a UUID."""
        row = self._records.get(self.number_of(id_) or 0)
        return None if row is None else self.read(row)

    def newest_first(self) -> Iterator[Exchange]:
        """Yield the calls, newest first, as they were when the first was asked for."""
        return (self.read(row) for row in reversed(list(self._records.values())))

    def recent(self, count: int) -> list[Exchange]:
        """Return the newest calls, newest first."""
        return list(islice(self.newest_first(), count))

    def read(self, row: Row) -> Exchange:
        """Return a row as the value that people and programs read.

        Who and what a call was about is not stored: it is found in the request again.
        """
        record = Record(*row)
        request = Request(
            record.method,
            record.path,
            record.query,
            unpacked(record.raw_headers),
            record.raw_headers,
            record.body,
            record.client,
            source=record.source,
        )
        name, recipient = None, None
        if record.api is not None and record.operation is not None:
            name, recipient = self.describe(record.api, record.operation, request)
        return Exchange(
            number=record.number,
            id=self.id_of(record.number),
            received=record.received,
            request=request,
            outcome=record.outcome,
            api=record.api,
            operation=record.operation,
            reason=record.reason,
            rule=record.rule,
            repeat_of=record.repeat_of,
            name=name,
            recipient=recipient,
            findings=tuple([Finding(*each).as_json() for each in record.findings]),
            deviations=record.deviations,
            published=record.published,
            status=record.status,
            response=_response(record, self.id_of(record.number)),
            state=record.state,
            delay=record.delay,
            served=record.served,
            arrived=record.arrived,
            clock_moves=record.clock_moves,
            stub=record.stub,
            fault=record.fault,
            source=record.source,
            namespace=self.namespace,
            scheme=self._scheme,
        )


def _response(record: Record, id_: str) -> Response | None:
    if record.state != ANSWERED:
        return None
    return Response(record.status, (*record.headers, (CALL_ID, id_)), record.answer)


_WEIGHED: Final = itemgetter(
    *(Record._fields.index(name) for name in ("path", "query", "raw_headers", "body", "answer"))
)
_ANSWERED_WITH: Final = Record._fields.index("headers")
_FOUND: Final = Record._fields.index("findings")


def _size(row: Row) -> int:
    path, query, headers, body, answer = _WEIGHED(row)
    size = _OVERHEAD + len(path) + len(query) + len(headers) + len(body) + len(answer)
    for finding in row[_FOUND]:
        size += _FINDING + len(finding[1]) + len(finding[4])  # its pointer and message; the rest is short
    for _, value in row[_ANSWERED_WITH]:
        size += len(value)
    return size
