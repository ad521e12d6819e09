"""What is written to files: every call, and no secret."""

import base64
import io
import json
import random
from typing import Any

import pytest

from mockserver.engine.clock import Clock
from mockserver.engine.decide import answer, settle
from mockserver.engine.exchange import Request
from mockserver.engine.headers import packed, unpacked
from mockserver.engine.world import Blueprint, World
from mockserver.loading import load_bundled, load_spec
from mockserver.reports.journal_file import JournalFile, json_line
from mockserver.reports.redaction import redacted
from mockserver.reports.sensitive import ALWAYS_SECRET, Sensitive, secret_names
from mockserver.wire import serve_event
from tests.test_parcel import FOLDER

SECRET = "s3cret-k\u00e9y/42"
SENSITIVE = Sensitive(secret_names(load_bundled()))


def exchange(path: str, lines: list[tuple[str, str]], body: bytes = b"", query: str = "") -> Any:
    world = World(Blueprint(load_bundled()), Clock(lambda: 1795176000.0), random.Random(7).getrandbits)
    raw = packed([(name.encode(), value.encode("latin-1")) for name, value in lines])
    settle(world, answer(world, Request("POST", path, query, unpacked(raw), raw, body)), 0.0)
    return next(world.journal.newest_first())


@pytest.mark.parametrize(
    ("lines", "shown"),
    [
        ([("authorization", f"ApiKey {SECRET}")], {"Authorization": "ApiKey [redacted]"}),
        ([("authorization", SECRET)], {"Authorization": "[redacted]"}),
        ([("authorization", f"{SECRET}:signature")], {"Authorization": "[redacted]"}),
        ([("cookie", f"session={SECRET}")], {"Cookie": "[redacted]"}),
        ([("x-api-key", SECRET), ("accept", "*/*")], {"X-Api-Key": "[redacted]", "Accept": "*/*"}),
        ([("x-ss-signature", SECRET)], {"X-Ss-Signature": "[redacted]"}),
        ([("authorization", f"ApiKey  {SECRET}")], {"Authorization": "ApiKey [redacted]"}),
        ([("authorization", f"{SECRET} foo")], {"Authorization": "[redacted]"}),
        ([("x-api-key", f"{SECRET} foo")], {"X-Api-Key": "[redacted]"}),
        ([("cookie", f"{SECRET}; b=c")], {"Cookie": "[redacted]"}),
    ],
)
def test_a_secret_is_in_no_line(lines: list[tuple[str, str]], shown: dict[str, str]) -> None:
    escaped = json.dumps(SECRET).replace("/", "\\/")  # as PHP writes it
    body = f'{{"name": "{SECRET}", "{SECRET}": [{escaped}]}}'.encode()
    found = exchange(
        "/v1/events/trigger", [*lines, ("content-type", "application/json")], body, f"a={SECRET}"
    )
    line = json_line(found, SENSITIVE)
    assert SECRET not in line
    assert "s3cret" not in line
    event = json.loads(line)
    assert {name: event["request"]["headers"][name] for name in shown} == shown
    assert b"s3cret" not in base64.b64decode(event["request"]["bodyAsBase64"])
    assert "s3cret" in json.dumps(serve_event(found))


def test_a_credential_in_the_query_is_a_secret() -> None:
    parcel = load_spec(FOLDER / "parcel.yaml", "parcel")
    names = secret_names([parcel])
    assert names == ALWAYS_SECRET | {"token"}
    event = serve_event(exchange("/nowhere", [], b"", "token=s3cret-token&x=1"))
    assert "s3cret" not in json.dumps(redacted(event, Sensitive(names)))


def test_a_secret_query_key_is_redacted_however_short() -> None:
    event = serve_event(exchange("/nowhere", [], b"", "Authorization=k%2f1&x=1"))
    shown = redacted(event, SENSITIVE)["request"]
    assert shown["url"] == "/nowhere?Authorization=[redacted]&x=1"
    assert shown["queryParams"]["Authorization"]["values"] == ["[redacted]"]


def test_numbers_and_our_own_member_names() -> None:
    lines = [("authorization", "ApiKey 12345678"), ("content-type", "application/json")]
    event = json.loads(json_line(exchange("/v1/events/trigger", lines, b'{"name": 12345678}'), SENSITIVE))
    assert event["request"]["mock"]["findings"][0]["value"] == "[redacted]"
    event = json.loads(
        json_line(exchange("/v1/events/trigger", [("authorization", "ApiKey outcome")]), SENSITIVE)
    )
    assert event["request"]["mock"]["outcome"] == "refused"


def test_a_short_secret_does_not_black_out_everything() -> None:
    found = exchange("/event/", [("authorization", "k")], b"{}")
    event = json.loads(json_line(found, SENSITIVE))
    assert event["request"]["headers"]["Authorization"] == "[redacted]"
    assert event["request"]["url"] == "/event/"


def test_each_call_is_one_line() -> None:
    stream = io.StringIO()
    file = JournalFile(stream, SENSITIVE)
    for _ in range(3):
        file.append(
            exchange(
                "/event/", [("authorization", "Bearer a-long-key")], b'{"distinct_id": "a\\n", "event": "e"}'
            )
        )
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["request"]["mock"]["number"] for line in lines] == [1, 1, 1]


def test_a_file_that_cannot_be_written_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    class Full(io.StringIO):
        def flush(self) -> None:
            raise OSError(28, "No space left on device")

    file = JournalFile(Full(), SENSITIVE)
    for _ in range(3):
        file.append(exchange("/event/", []))
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith("mockserver: call #1 and later ones are not in the journal file: ")
    assert "No space left on device" in told


def test_the_value_of_a_cookie_that_is_set_is_a_secret_everywhere() -> None:
    event = {
        "request": {"headers": {}, "cookies": {}, "queryParams": {}, "url": "/", "absoluteUrl": "http://h/"},
        "response": {"headers": {"Set-Cookie": f"sid={SECRET}; Path=/"}, "body": f'{{"sid": "{SECRET}"}}'},
    }
    assert SECRET not in json.dumps(redacted(event, SENSITIVE), ensure_ascii=False)
