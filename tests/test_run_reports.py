"""Reports of a run: whatever was sent they can be read, say what was sent, and hold no secret."""

import io
import json
import random
import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from junitparser import JUnitXml

from mockserver.engine.clock import Clock
from mockserver.engine.decide import answer, settle
from mockserver.engine.exchange import Exchange, Request
from mockserver.engine.headers import packed, unpacked
from mockserver.engine.world import Blueprint, World
from mockserver.loading import load_bundled
from mockserver.reports.closing import closing_lines
from mockserver.reports.coverage import coverage_of
from mockserver.reports.expectations import Expectation
from mockserver.reports.exports import har, jsonl
from mockserver.reports.github import annotations
from mockserver.reports.junit import junit
from mockserver.reports.lines import shown
from mockserver.reports.markdown import escaped, markdown
from mockserver.reports.recording import Recording
from mockserver.reports.sensitive import Sensitive
from mockserver.reports.spots import SpecFile, Spot, alike
from mockserver.reports.verdict import Asked, Verdict, judge
from mockserver.reports.violations import KINDS, Violation
from tests.answers import faults_of
from tests.published_schemas import (
    annotation_of,
    har_faults,
    html_of,
    is_shell,
    junit_faults,
    parsed,
    tables_of,
)
from tests.runs import spot_of

BLUEPRINT = Blueprint(load_bundled())
STARTED = "2026-01-01T00:00:00"
TRIGGER = "/v1/events/trigger"
NASTY = [
    "a|b", "`code`", "```\nfence", "<script>alert(1)</script>", "two\nlines", "\r\n", "🎉 emoji 👩\u200d🚀", "a\u202eb", "]]>", "%0A", "::error::x", "\x00\x1b[31m",
    "\ud800", "\ufffe", "&amp; &#124;", "\\|", "\\", "**bold** _it_ ~~no~~", "[link](https://x.y)", "https://x.y", "@user #1 :tada: $x$", "</details>", " padded ", "",
]  # fmt: skip
TEXTS = (
    st.sampled_from(NASTY) | st.text(max_size=30) | st.text(st.characters(max_codepoint=0x2100), max_size=8)
)


def played(requests: Iterable[Request], *kinds: str) -> Verdict:
    """Return the verdict on requests that the engine has answered."""
    world, recording = (
        World(BLUEPRINT, Clock(lambda: 1.0), random.Random(7).getrandbits),
        Recording(10_000, 1 << 30),
    )
    for request in requests:
        settle(world, answer(world, request), 0.0)
        recording.append(next(world.journal.newest_first()))
    return judge(recording, BLUEPRINT, Asked(kinds or tuple(KINDS)))


def request(
    body: Any = None,
    path: str = TRIGGER,
    query: str = "",
    credential: str = "ApiKey k-of-a-test",
    **headers: str,
) -> Request:
    lines = {"authorization": credential, "content-type": "application/json", **headers}
    raw = packed([(name.encode(), value.encode("latin-1")) for name, value in lines.items()])
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Request("POST", path, query, unpacked(raw), raw, data)


def reports(verdict: Verdict, *, keeps_secrets: bool = False) -> Iterator[tuple[str, str]]:
    """Yield every report by its name."""
    spot, covered = (
        spot_of(verdict, keeps_secrets=keeps_secrets),
        coverage_of(verdict.calls, verdict.blueprint),
    )
    sensitive = Sensitive() if keeps_secrets else spot.sensitive
    yield "junit", junit(verdict, covered, spot, 1234.5678, STARTED)
    yield "har", json.dumps(har(verdict.calls, sensitive, "1"))
    yield "jsonl", "".join(jsonl(verdict.calls, sensitive))
    yield "markdown", markdown(verdict, covered, spot)
    yield "github", "\n".join(annotations(verdict, spot))
    yield "terminal", "\n".join(closing_lines(verdict, covered, spot))


def written(text: str) -> bytes:
    """Return a report as it is written to a file."""
    file = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace")
    file.write(text)
    file.flush()
    return bytes(file.buffer.getvalue())


def check_reports(verdict: Verdict) -> None:
    """Fail where a report cannot be read, or is longer than its readers take."""
    found = dict(reports(verdict))
    assert not junit_faults(found["junit"])
    check_junit(ET.fromstring(written(found["junit"])), verdict)
    assert not har_faults(json.loads(found["har"]))
    lines = found["jsonl"].splitlines()
    assert len(lines) == len(verdict.calls)
    assert not [
        fault for line in lines for fault in faults_of("#/components/schemas/ServeEvent")(json.loads(line))
    ]
    assert len(written(found["markdown"])) < 1 << 20
    tables = tables_of(written(found["markdown"]).decode())
    assert all(len(row) == len(table[0]) for table in tables for row in table)
    shell = [
        token.content for token in parsed(found["markdown"]) if token.type == "fence" and token.info == "sh"
    ]
    assert len(shell) >= min(1, len(verdict.violations) * len(verdict.calls))
    commands = [annotation_of(line) for line in found["github"].split("\n") if line]
    assert len(commands) <= 10
    assert bool(commands) == bool(verdict.violations or verdict.unsafe)
    terminal = found["terminal"].split("\n")
    assert len(terminal) <= 20
    assert all(line.isprintable() and len(line) < 1_500 for line in terminal)


def check_junit(root: ET.Element, verdict: Verdict) -> None:
    cases = list(root.iter("testcase"))
    assert root.get("tests") == str(len(cases)) == str(sum(int(each.get("tests", "")) for each in root))
    assert bool(list(root.iter("failure"))) == bool(verdict.violations)
    assert len({(case.get("classname"), case.get("name")) for case in cases}) == len(cases)
    for case in cases:
        faults = list(case)
        assert len(faults) <= 1
        assert all(len(each.get("message", "")) <= 200 for each in faults)
        assert re.fullmatch(r"[0-9]+\.[0-9]{3}", case.get("time", ""))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
BODIES = st.fixed_dictionaries(
    {}, optional={"name": JSON_VALUES, "to": JSON_VALUES, "payload": JSON_VALUES, "actor": JSON_VALUES}
)


@given(st.lists(BODIES | JSON_VALUES | st.binary(max_size=40), max_size=3), TEXTS)
def test_whatever_is_sent_every_report_can_be_read(bodies: list[Any], path: str) -> None:
    sent = path.encode("utf-8", "surrogatepass").decode("latin-1")
    requests = [request(body) for body in bodies] + [request({}, f"/v1/{sent}", sent)] * bool(path)
    check_reports(played(requests))


@pytest.mark.parametrize(
    "body",
    [b"x" * 1_000_000, {"name": 5, "to": ["|" * 1_000_000]}, {"name": ["y" * 500_000] * 2, "to": [{}] * 60}],
)
def test_long_bodies_are_not_told_in_full(body: Any) -> None:
    verdict = played([request(body)] * 5)
    check_reports(verdict)
    assert len(dict(reports(verdict))["junit"]) < 200_000


# -- what is told -----------------------------------------------------------------------------------------------------


def violation(sentence: str, path: str = TRIGGER, pointer: str = "/name") -> Violation:
    path = path.encode("utf-8", "surrogatepass").decode("latin-1")  # as servers read it
    exchange = Exchange(
        1, "p-000000000001", 1.0, Request("POST", path), "refused", "novu", "op", "invalid", arrived=1.0
    )
    finding = {
        "in": "body",
        "pointer": pointer,
        "keyword": "type",
        "expected": sentence,
        "received": sentence,
    }
    return Violation("invalid", sentence, exchange, finding)


def verdict_of(*found: Violation, **members: Any) -> Verdict:
    calls = [each.exchange for each in found if each.exchange is not None]
    return Verdict(BLUEPRINT, calls, ("invalid", "unmatched"), found, **members)


@given(TEXTS, TEXTS)
def test_what_came_is_seen_as_it_is_in_every_report(sentence: str, pointer: str) -> None:
    one = violation(sentence, pointer=f"/{pointer}")
    verdict, spot = verdict_of(one), Spot({})
    seen, place = " ".join(shown(sentence).split(" ")).strip(), shown(f"/{pointer}", 120).strip()
    (row,) = tables_of(markdown(verdict, (), spot))[1][1:]
    assert (row[2], row[3]) == (place, seen)
    (command,) = [annotation_of(line) for line in annotations(verdict, spot)]
    assert command == ("error", {"title": "novu: invalid"}, spot.headline(one))
    assert (
        f"problem: {shown(sentence)}"
        in ET.fromstring(junit(verdict, (), spot, 1.0, STARTED)).findtext(".//failure", "")
        or not sentence
    )
    assert shown(sentence) in closing_lines(verdict, (), spot)[1]


@pytest.mark.parametrize("text", [each for each in NASTY if each.strip()])
def test_a_page_of_the_markdown_has_nothing_but_our_own_tags(text: str) -> None:
    seen: set[str] = set()

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: Any) -> None:
            seen.add(tag)

    tags = Tags()
    tags.feed(
        html_of(markdown(verdict_of(violation(text, path=f"/{text}", pointer=f"/{text}")), (), Spot({})))
    )
    ours = {
        "h2",
        "h3",
        "p",
        "strong",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "details",
        "summary",
        "pre",
        "code",
    }
    assert seen <= ours


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("quotes: \"5\"", "quotes: \"5\""),  # what needs no escape is left as it is
        ("specs/novu.yaml:356", "specs/novu.yaml:356"),
        (":tada:", r"\:tada:"),
        ("https://x.y", r"https\://x.y"),
        ("a|b", r"a\|b"),
        ("<b>&amp;", r"\<b\>\&amp;"),
    ],
)  # fmt: skip
def test_what_is_escaped_in_markdown(text: str, told: str) -> None:
    assert escaped(text) == told


def test_annotations_name_the_file_and_line_of_a_spec_of_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a,b:c%.yaml").touch()
    one = Violation("invalid", "is wrong", violation("").exchange, {}, "/x")
    here, elsewhere = (
        SpecFile("a,b:c%.yaml", {"/x": 7}, is_here=True),
        SpecFile(str(tmp_path / "a.yaml"), {"/x": 7}),
    )
    (inside,) = annotations(verdict_of(one), Spot({"novu": here}))
    (outside,) = annotations(verdict_of(one), Spot({"novu": elsewhere}))
    assert annotation_of(inside).parameters == {"file": "a,b:c%.yaml", "line": "7", "title": "novu: invalid"}
    assert "file" not in annotation_of(outside).parameters
    assert annotation_of(outside).message.endswith(f"({tmp_path}/a.yaml:7)")


@pytest.mark.parametrize(
    ("count", "lines", "last"),
    [(1, 1, "is 0"), (10, 10, "is 9"), (11, 10, "2 more problems"), (500, 10, "491 more problems")],
)
def test_at_most_ten_annotations_the_last_says_how_many_more(count: int, lines: int, last: str) -> None:
    found = [
        annotation_of(line)
        for line in annotations(verdict_of(*(violation(f"is {n}") for n in range(count))), Spot({}))
    ]
    assert len(found) == lines
    assert last in found[-1].message


@pytest.mark.parametrize(
    ("count", "unsafe", "lines", "last"),
    [
        (14, (), 15, "FAIL invalid"),
        (15, (), 16, "FAIL invalid"),
        (16, (), 16, "and 2 more problems; --report has all of them"),
        (5_000, ("why",), 16, "NOT CERTAIN  why"),
    ],
)
def test_at_most_sixteen_lines_in_the_terminal(
    count: int, unsafe: tuple[str, ...], lines: int, last: str
) -> None:
    verdict = verdict_of(*(violation(f"is {number}") for number in range(count)), unsafe=unsafe)
    told = closing_lines(verdict, (), Spot({}))
    assert len(told) == lines
    assert told[-1].startswith(last)


def test_calls_that_do_the_same_wrong_are_told_once() -> None:
    verdict = played(
        [request({"name": number, "to": ["ada", {"email": 5}]}) for number in range(40)], "invalid"
    )
    sorts = alike(verdict.violations)
    assert [(each.pointer, more) for each, more in sorts] == [("/name", 39), ("/to/1", 39)]
    lines = closing_lines(verdict, (), spot_of(verdict))
    assert len(lines) == 3
    assert lines[1].startswith(
        "FAIL invalid       call 1 (and 39 more calls)  POST /v1/events/trigger  /name: must be a string"
    )


def test_a_verdict_that_is_not_certain_says_so_in_every_report() -> None:
    verdict, spot = verdict_of(unsafe=("2 calls dropped",)), Spot({})
    report = JUnitXml.fromstring(junit(verdict, (), spot, 1.0, STARTED).encode())
    assert (report.errors, report.failures) == (1, 0)
    assert "**Not certain:** 2 calls dropped" in markdown(verdict, (), spot)
    assert annotation_of(*annotations(verdict, spot)).message == "the verdict is not certain: 2 calls dropped"
    assert closing_lines(verdict, (), spot)[-1] == "NOT CERTAIN  2 calls dropped"


def test_two_expectations_that_are_alike_are_two_cases() -> None:
    expected = Expectation(3), Expectation(3), Expectation(0)
    unmet = [
        Violation("expected-calls", "expected 3 calls, got 0", expectation=each) for each in expected[:2]
    ]
    root = ET.fromstring(junit(verdict_of(*unmet, expectations=expected), (), Spot({}), 1.0, STARTED))
    cases = [case for case in root.iter("testcase") if case.get("classname") == "mockserver.expected-calls"]
    assert [len(list(case)) for case in cases] == [1, 1, 0]


@pytest.mark.parametrize("kinds", [("invalid",), ("retry", "unused-rule"), ()])
def test_a_run_without_calls_has_reports_all_the_same(kinds: tuple[str, ...]) -> None:
    verdict = judge(Recording(1, 1), BLUEPRINT, Asked(kinds))
    check_reports(verdict)
    (told,) = closing_lines(verdict, (), Spot({}), ["MOCKSERVER_URL", "RESEND_API_URL"])
    assert (
        told
        == "no call came; is the client told where the server is? It stands in MOCKSERVER_URL, RESEND_API_URL"
    )


def test_where_calls_went() -> None:
    verdict = played(
        [
            request({"name": "w", "to": ["a"]}),
            request({}, "/nowhere"),
            request(b"{"),
            request({"name": "w", "to": ["a"]}, prefer="code=429"),
        ]
    )
    line = closing_lines(verdict, (), spot_of(verdict))[0]
    assert line == "4 calls (novu 3, no API 1): 1 admitted, 2 refused (1 no-route, 1 malformed), 1 scripted"


# -- secrets ----------------------------------------------------------------------------------------------------------

SECRET = "s3ntinel/KEY+é=42"


def leaky() -> list[Request]:
    """Return calls in which a credential stands wherever it could."""
    latin, encoded = SECRET.encode().decode("latin-1"), quote(SECRET, safe="")
    body = {"name": 5, "to": [SECRET], SECRET: SECRET, "payload": SECRET, "actor": {"email": [SECRET]}}
    return [
        request(body, credential=f"ApiKey {latin}"),
        request(body, credential=latin),
        request(body, f"{TRIGGER}/{encoded}", f"q={encoded}&x-api-key={encoded}", credential=f"Bearer {latin}"),
        request(body, cookie=f"session={latin}", **{"x-api-key": latin}),
        request(json.dumps(body, ensure_ascii=False).encode()[:-1], credential=f"ApiKey {latin}"),
    ]  # fmt: skip


FORMS = [
    SECRET,
    quote(SECRET, safe=""),
    quote(SECRET, safe="").lower(),
    json.dumps(SECRET)[1:-1],
    SECRET.replace("/", "~1"),
    SECRET.encode().decode("latin-1"),
    "s3ntinel",
]


def test_no_report_holds_a_secret() -> None:
    verdict = played(leaky())
    check_reports(verdict)
    for name, text in reports(verdict):
        assert not [form for form in FORMS if form in text], name


def test_reports_hold_secrets_where_they_are_to_be_kept() -> None:
    for name, text in reports(played(leaky()), keeps_secrets=True):
        assert "s3ntinel" in text, name


def test_a_command_of_a_report_can_be_run() -> None:
    verdict = played(leaky())
    spot = spot_of(verdict)
    assert all(is_shell(spot.command(each)) for each in verdict.violations)


@pytest.mark.parametrize("length", [70, 100, 300, 3000])
def test_no_report_holds_the_beginning_of_a_long_secret(length: int) -> None:
    secret = "jwt." + "abcdefghij" * (length // 10)
    body = {"name": [secret], "to": secret, "actor": [secret], "payload": secret}
    for name, text in reports(
        played([request(body, credential=f"Bearer {secret}"), request(body, credential=f"ApiKey {secret}")])
    ):
        assert "jwt.abcdefghij" not in text, name
