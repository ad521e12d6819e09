"""The search grammar, by the table that all its implementations read."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mockserver.engine.exchange import Exchange, Request
from mockserver.engine.search import parse_search

TABLE = yaml.safe_load((Path(__file__).parent.parent / "search-cases.yaml").read_text(encoding="utf-8"))
NOW = datetime.fromisoformat(TABLE["now"])
CALLS = [TABLE["default"] | call for call in TABLE["calls"]]
KEYS = {call["number"]: call["key"] for call in CALLS}
EVERY = list(KEYS)


def exchange(call: dict[str, Any]) -> Exchange:
    headers = {"origin": "http://localhost:3000"} if call["origin"] else {}
    return Exchange(
        number=call["number"],
        id=call.get("id", ""),
        received=datetime.fromisoformat(call["at"]).timestamp(),
        request=Request(call["method"], call["path"], headers=headers),
        outcome=call["outcome"],
        api=call["api"],
        reason=call["reason"],
        rule=call["rule"],
        name=call["name"],
        recipient=call["who"],
        findings=({"in": "body"},) * call["findings"],
        deviations=("a",) * call["deviations"],
        published=call["published"],
        status=call["status"] or 201,
        state="waiting" if call["waiting"] else "answered",
        delay=float(call["delayed"]),
        served=call["ms"] / 1000,
    )


def found(query: str) -> list[int]:
    search = parse_search(query, NOW, lambda call: KEYS[call.number])
    return [call["number"] for call in CALLS if search.matches(exchange(call))]


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=case["query"] or "nothing") for case in TABLE["cases"]]
)
def test_what_a_query_finds(case: dict[str, Any]) -> None:
    assert found(case["query"]) == case.get("finds", [])
    assert list(parse_search(case["query"], NOW).problems) == case.get("problems", [])


@pytest.mark.parametrize(("state", "fault"), [("aborted", None), ("answered", "EMPTY_RESPONSE")])
def test_a_call_without_an_answer_has_no_status(state: str, fault: str | None) -> None:
    call = Exchange(1, "", 0.0, Request("POST", "/"), "scripted", status=503, state=state, fault=fault)
    assert not any(parse_search(query, NOW).matches(call) for query in ("status:503", "503", "is:errors"))


def test_who_does_not_tell_the_keys_finds_none() -> None:
    assert not parse_search("key:tx-1", NOW).matches(exchange(CALLS[0]))


@given(st.text(alphabet='ab:-," \t43x/é', max_size=30))
def test_any_text_is_read_and_its_negation_finds_the_rest(text: str) -> None:
    """One quoted word is a word, whatever stands in it."""
    plain = text.replace('"', "")
    assert found(text) is not None
    if plain:
        assert sorted(found(f'"{plain}"') + found(f'-"{plain}"')) == EVERY
