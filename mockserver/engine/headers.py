"""Headers as they are kept: of requests in one piece of bytes, of answers as tuples that calls share.

A list of pairs would cost the journal ten times the memory, and the garbage collector its time.
"""

from functools import lru_cache
from typing import Final

CALL_ID: Final = "x-mock-call-id"
"""The header that names a call in the journal: kept with no answer, since it follows from the call's number."""

Pairs = tuple[tuple[str, str], ...]


def packed(headers: list[tuple[bytes, bytes]]) -> bytes:
    """Return header lines as one piece of bytes: ``name NUL value``, joined by line feeds."""
    return b"\n".join([b"\0".join(pair) for pair in headers])


def lines_of(raw_headers: bytes) -> list[tuple[str, str]]:
    """Return packed header lines as names and values, in the order they were sent."""
    lines = raw_headers.decode("latin-1").split("\n") if raw_headers else []
    return [(name, value) for name, _, value in (line.partition("\0") for line in lines)]


def unpacked(raw_headers: bytes) -> dict[str, str]:
    """Return packed header lines by name, repeated ones joined by a comma."""
    headers: dict[str, str] = {}
    for name, value in lines_of(raw_headers):
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def cookies_of(header: str) -> dict[str, str]:
    """Return the cookies of a ``Cookie`` header by name."""
    pairs = [pair.strip().partition("=") for pair in header.split(";")]
    return {name: value for name, sign, value in pairs if sign}


@lru_cache(maxsize=500)
def shared(headers: Pairs) -> Pairs:
    """Return headers that are equal to these: most answers have the same few."""
    return headers
