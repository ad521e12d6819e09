"""The formats that are asserted."""

import pytest

from mockserver.engine.formats import FORMATS


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("uri", ["https://example.com/a?b#c", "http://[::1]:80/", "mailto:ada@example.com", "urn:x:y"],
         ["", "a", "/path", "http://", "https:///x", "a b:c", "http://[::1", "ex ample://x", "https://exämple.com/"]),
        ("date-time", ["2026-11-20T08:40:55Z", "2026-11-20t08:40:55.123z", "2026-11-20T08:40:55+02:00", "2016-12-31T23:59:60Z"],
         ["", "2026-11-20", "2026-11-20 08:40:55Z", "2026-13-20T08:40:55Z", "2026-11-20T08:40:55", "2026-11-20T25:40:55Z"]),
        ("date", ["2026-11-20", "2024-02-29"], ["", "2026-02-29", "20261120", "2026-W47-5", "2026-11-2"]),
        ("email", ["ada@example.com", "o'b+x@localhost"], ["", "ada", "@example.com", "ada@", "a b@example.com", "ada@exa..com"]),
        ("uuid", ["520784e2-887d-4c25-b53c-4ad46ad38100", "00000000-0000-0000-0000-000000000000"],
         ["", "520784e2887d4c25b53c4ad46ad38100", "520784e2-887d-4c25-b53c-4ad46ad3810g"]),
        ("hostname", ["example.com", "a", "a-b.c1"], ["", "-a", "a-", "a..b", "a_b", "a" * 64, f"{'a.' * 127}aa"]),
    ],
)  # fmt: skip
def test_formats(name: str, good: list[str], bad: list[str]) -> None:
    assert [text for text in good if not FORMATS[name](text)] == []
    assert [text for text in bad if FORMATS[name](text)] == []


def test_every_format_is_in_the_table_above() -> None:
    assert set(FORMATS) == {"uri", "date-time", "date", "email", "uuid", "hostname"}
