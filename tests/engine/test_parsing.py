"""Bodies and their types: what is JSON, and what is said of what is not."""

import json
from typing import Any

import pytest

from mockserver.engine.parsing import DEEPEST, MalformedError, media_type_fault, parse_json


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"{}", {}),
        (b' [1, 2.5, "\xc3\xa9", null, true] ', [1, 2.5, "é", None, True]),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b'"\\ud800"', "\ud800"),
        (b"123456789012345678901234567890", 123456789012345678901234567890),
        (b"1e308", 1e308),
        (b"[" * DEEPEST + b"]" * DEEPEST, None),
        (b"[" + b"{}," * 2000 + b"{}]", None),
    ],
)
def test_what_is_json(body: bytes, value: Any) -> None:
    assert parse_json(body) == (json.loads(body) if value is None else value)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"{", "is not valid JSON: expecting property name enclosed in double quotes at line 1, column 2"),
        (b'{"a":\n  }', "is not valid JSON: expecting value at line 2, column 3"),
        (b"{} x", "is not valid JSON: extra data at line 1, column 4"),
        (b"\xff", "is not valid UTF-8 at byte 0"),
        (b'{"a": "\xed\xa0\x80"}', "is not valid UTF-8 at byte 7"),
        (b"\xef\xbb\xbf{}", "is not valid JSON: it begins with a byte order mark"),
        ("{}".encode("utf-16"), "is not valid UTF-8 at byte 0"),
        (b"NaN", "is not valid JSON: NaN is not a JSON number"),
        (b"[Infinity]", "is not valid JSON: Infinity is not a JSON number"),
        (b"-Infinity", "is not valid JSON: -Infinity is not a JSON number"),
        (b"1e400", "is not valid JSON: the number 1e400 is too large"),
        (b"9" * 5000, "is not valid JSON: "),
        (b"[" * 100_000, f"is nested deeper than {DEEPEST} levels"),
        (b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1), f"is nested deeper than {DEEPEST} levels"),
        (b'{"a":' * 700 + b"1" + b"}" * 700, f"is nested deeper than {DEEPEST} levels"),
        (b'{"a": "\x00"}', "is not valid JSON: invalid control character"),
    ],
)
def test_what_is_not(body: bytes, sentence: str) -> None:
    with pytest.raises(MalformedError) as caught:
        parse_json(body)
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize(
    ("content_type", "encoding", "keyword"),
    [
        ("application/json", "", None),
        ("Application/JSON; charset=UTF-8", "", None),
        ('application/json; charset="utf-8"', "identity", None),
        ("application/problem+json", "", None),
        ("application/json;charset=us-ascii", "", None),
        ("text/plain", "", "media-type"),
        ("", "", "media-type"),
        ("application/jsonx", "", "media-type"),
        ("text/foo+json", "", "media-type"),
        ("application/json; charset=latin-1", "", "charset"),
        ("application/json", "gzip", "encoding"),
    ],
)
def test_media_types(content_type: str, encoding: str, keyword: str | None) -> None:
    fault = media_type_fault(content_type, encoding)
    assert (fault.keyword if fault else None) == keyword
