"""The journal: bounds, numbers, ids, and what is read back."""

import gc
from typing import Any

import pytest

from mockserver.engine.headers import packed, unpacked
from mockserver.engine.journal import ABORTED, ANSWERED, WAITING, Journal, Record, Room

PREFIX = "00000000-0000-4000-8000-"


def record(number: int, body: bytes = b"{}", **members: Any) -> tuple[Any, ...]:
    return tuple(
        Record(number, 1.5, "POST", "/p", "q=1", b"a\x001", body, "127.0.0.1", "admitted", **members)
    )


def filled(count: int, most: int = 1000) -> Journal:
    journal = Journal(PREFIX, room=Room(most=most))
    for _ in range(count):
        journal.put(record(journal.next_number()))
    return journal


def test_calls_are_read_newest_first_under_their_ids() -> None:
    journal = filled(3)
    assert [exchange.number for exchange in journal.newest_first()] == [3, 2, 1]
    exchange = journal.get(f"{PREFIX}000000000002")
    assert exchange is not None
    assert (exchange.number, exchange.id) == (2, f"{PREFIX}000000000002")
    assert exchange.request.headers == {"a": "1"}
    assert exchange.request.query == "q=1"


@pytest.mark.parametrize(
    "id_", ["", "zz", PREFIX, f"{PREFIX}000000000009", "11111111-0000-4000-8000-000000000001"]
)
def test_unknown_ids(id_: str) -> None:
    assert filled(3).get(id_) is None


def test_the_newest_are_kept_by_count() -> None:
    journal = filled(25, most=10)
    assert len(journal) == 10
    assert journal.dropped == 15
    assert [exchange.number for exchange in journal.recent(2)] == [25, 24]


def test_the_newest_are_kept_by_size() -> None:
    journal = Journal(PREFIX, room=Room(most_bytes=10_000))
    for _ in range(20):
        journal.put(record(journal.next_number(), b"x" * 1000))
    assert 0 < len(journal) < 10
    assert journal.dropped == 20 - len(journal)
    journal.put(record(journal.next_number(), b"x" * 100_000))
    assert len(journal) == 1


def test_the_size_counts_all_that_is_stored() -> None:
    row = Record(1, 1.5, "POST", "/p" * 500, "q" * 1000, b"h" * 1000, b"b" * 1000, "", "admitted", findings=(("body", "/p", "", "", "f" * 1000),),
                 headers=(("a", "v" * 1000),), answer=b"a" * 1000)  # fmt: skip
    for most_bytes, kept in ((16_500, 1), (17_500, 2)):
        journal = Journal(PREFIX, room=Room(most_bytes=most_bytes))
        journal.put(tuple(row))
        journal.put(tuple(row._replace(number=2)))
        assert len(journal) == kept


def test_a_cleared_journal_goes_on_counting() -> None:
    journal = filled(3)
    journal.clear()
    assert len(journal) == 0
    journal.put(record(journal.next_number()))
    assert [exchange.number for exchange in journal.newest_first()] == [4]
    assert journal.dropped == 0


def test_what_was_cleared_is_freed_with_the_calls_that_come_next() -> None:
    room = Room()
    journal, successor = Journal(PREFIX, room=room), Journal(PREFIX, room=room)
    for _ in range(150):
        journal.put(record(journal.next_number()))
    journal.leave()
    assert (len(journal), room.calls, room.bytes) == (0, 0, 0)
    for left in (50, 0):
        successor.put(record(successor.next_number()))
        assert sum(map(len, room.leaving)) == left
    successor.put(record(successor.next_number()))
    assert (len(successor), successor.dropped) == (3, 0)


def test_a_call_that_was_cleared_while_it_waited_stays_away() -> None:
    journal = Journal(PREFIX)
    number = journal.next_number()
    journal.put(record(number, state=WAITING))
    journal.clear()
    journal.put(record(number, state=ANSWERED))
    assert len(journal) == 0


def test_a_waiting_call_has_no_answer_yet() -> None:
    journal = Journal(PREFIX)
    number = journal.next_number()
    for state, answered in ((WAITING, False), (ABORTED, False), (ANSWERED, True)):
        journal.put(record(number, state=state, status=201, answer=b"{}"))
        (exchange,) = journal.newest_first()
        assert (exchange.state, exchange.status, exchange.response is not None) == (state, 201, answered)


def test_rows_are_left_alone_by_the_garbage_collector() -> None:
    journal = filled(100)
    gc.collect()
    assert not any(map(gc.is_tracked, journal._records.values()))


def test_headers_keep_their_lines() -> None:
    lines = [(b"a", b"1"), (b"b", b"caf\xe9"), (b"a", b"2"), (b"c", b"")]
    assert unpacked(packed(lines)) == {"a": "1, 2", "b": "café", "c": ""}
    assert unpacked(b"") == {}


def test_the_bound_of_size_holds_for_ever_also_after_clearing() -> None:
    journal = Journal(PREFIX, room=Room(most_bytes=10_000))
    for expected in range(1, 200):
        journal.put(record(journal.next_number(), b"x" * 1000))
        assert len(journal) == min(expected, 6)
    for size in (500, 1000, 500, 1000) * 20:  # calls that are completed with more or less than they came with
        number = journal.next_number()
        journal.put(record(number, b"x" * 200))
        journal.put(record(number, b"x" * size))
    assert 6 <= len(journal) <= 8
    journal.clear()
    for expected in range(1, 20):
        journal.put(record(journal.next_number(), b"x" * 1000))
        assert len(journal) == min(expected, 6)


def test_what_was_dropped_or_cleared_is_not_completed() -> None:
    journal = filled(12, most=10)
    for number in (1, 2):
        journal.put(record(number))
    assert [exchange.number for exchange in journal.newest_first()] == list(range(12, 2, -1))
    assert journal.dropped == 2
    journal.clear()
    journal.put(record(12))
    assert len(journal) == 0
    journal.put(record(journal.next_number()))
    assert [exchange.number for exchange in journal.newest_first()] == [13]


def in_one_room(most: int, *namespaces: str) -> list[Journal]:
    room = Room(most=most)
    return [Journal(PREFIX, room=room, namespace=namespace) for namespace in namespaces]


def test_journals_share_a_room_and_a_noisy_one_does_not_take_the_calls_of_others() -> None:
    quiet, noisy, other = in_one_room(30, "quiet", "noisy", "other")
    for journal, calls in ((quiet, 5), (other, 8), (noisy, 100)):
        for _ in range(calls):
            journal.put(record(journal.next_number()))
    assert [len(each) for each in (quiet, noisy, other)] == [5, 17, 8]
    assert [each.dropped for each in (quiet, noisy, other)] == [0, 83, 0]
    for _ in range(6):
        quiet.put(record(quiet.next_number()))
    assert [len(each) for each in (quiet, noisy, other)] == [10, 12, 8]
    assert [each.dropped for each in (quiet, noisy, other)] == [1, 88, 0]


def test_calls_can_be_removed_one_by_one() -> None:
    journal = filled(12, most=10)
    journal.remove([3, 7, 99])
    assert [row[0] for row in journal.rows()] == [4, 5, 6, 8, 9, 10, 11, 12]
    assert (7 in journal, 8 in journal, journal.dropped) == (False, True, 2)
    journal.put(record(7, state=ANSWERED))  # removed while it waited
    assert 7 not in journal
    for _ in range(5):
        journal.put(record(journal.next_number()))
    assert [row[0] for row in journal.rows()] == [6, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17][1:]
    assert journal.number_of(f"{PREFIX}000000000007") == 7
    assert journal.number_of("zz") is None
