"""A bounded list of exchanges: what was sent and answered, newest kept, dropped ones counted.

Each exchange is stored as one exact tuple of atoms (`Record`), because Python's garbage collector leaves
those alone: 100,000 stored calls must not make every collection slower. An `Exchange` is built from it
when somebody reads. A record enters at arrival, before any waiting, and is replaced when its answer is out.
"""

import re
from collections.abc import Callable, Iterator
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


Row = tuple[Any, ...]
"""A record as it is stored: an exact tuple."""


Describe = Callable[[str, str, Request], tuple[str | None, str | None]]
"""From API, operation and request to the workflow or event and the recipient of a call."""


def _undescribed(_: str, __: str, ___: Request) -> tuple[None, None]:
    return None, None


class Journal:
    """The calls of one namespace, by number from 1; a number is never used twice.

    ``prefix`` are the first 24 characters of every call's UUID, its number makes the rest. ``dropped``
    counts what the bounds pushed out since the last reset.
    """

    def __init__(
        self,
        prefix: str,
        describe: Describe = _undescribed,
        *,
        most: int = MOST_CALLS,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._prefix, self._describe, self._most, self._most_bytes = prefix, describe, most, most_bytes
        self._records: dict[int, Row] = {}
        self._leaving: list[dict[int, Row]] = []  # what was cleared, and is freed bit by bit
        self._oldest = 1
        self._bytes = 0
        self.last = 0
        self.dropped = 0

    def change(self, describe: Describe, *, most: int, most_bytes: int) -> None:
        """Go on with other bounds, and another way to tell what a call was about."""
        self._describe, self._most, self._most_bytes = describe, most, most_bytes
        self._shrink()

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
        if number > self.last:
            self.last = number
        elif (known := self._records.get(number)) is not None:
            self._bytes -= _size(known)
        elif number < self._oldest:
            return  # dropped, or cleared, while its answer was held back
        if self._leaving:
            self._free_some()
        self._records[number] = row
        self._bytes += _size(row)
        self._shrink()

    def _shrink(self) -> None:
        while len(self._records) > self._most or (self._bytes > self._most_bytes and len(self._records) > 1):
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        while (row := self._records.pop(self._oldest, None)) is None:
            self._oldest += 1
        self._oldest += 1
        self._bytes -= _size(row)
        self.dropped += 1

    def clear(self) -> None:
        """Forget all calls; the numbers go on.

        Where they are many they are freed with the calls that come next: at once it would take 30 ms.
        """
        if len(self._records) > _AT_ONCE:
            self._leaving.append(self._records)
        self._records = {}
        self._oldest = self.last + 1
        self._bytes = 0

    def succeed(self, other: "Journal") -> None:
        """Clear another journal, and free in its stead what it leaves."""
        other.clear()
        self._leaving, other._leaving = other._leaving, []

    def _free_some(self) -> None:
        leaving = self._leaving[-1]
        for _ in range(min(_AT_ONCE, len(leaving))):
            leaving.popitem()
        if not leaving:
            self._leaving.pop()

    def get(self, id_: str) -> Exchange | None:
        """Return the call with a UUID."""
        tail = id_[len(self._prefix) :]
        if not id_.startswith(self._prefix) or not re.fullmatch("[0-9a-f]{12}", tail):
            return None
        row = self._records.get(int(tail, 16))
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
        )
        name, recipient = None, None
        if record.api is not None and record.operation is not None:
            name, recipient = self._describe(record.api, record.operation, request)
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
