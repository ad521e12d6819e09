"""Findings in the words of an API.

A finding's own message is ours, the same for every API. What an API says instead is looked for in this
order: the sentence that stands at the broken constraint in the schema, the rule or security scheme that
refused, the answer's ``wording`` for the keyword (split by the expected type first). One finding may have
several sentences; each is an item of its own.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from mockserver.engine.contract import Answer, Wording
from mockserver.engine.exchange import JSON, Finding
from mockserver.engine.expressions import Facts, Template
from mockserver.engine.templates import compile_template
from mockserver.engine.values import ABSENT, dotted

_ROOTS: Final = {"body": "the body", "header": "the header", "query": "the query", "path": "the path"}


def items_of(facts: Facts, answer: Answer | None, findings: Iterable[Finding], own: Wording) -> list[JSON]:
    """Return one item for each sentence about each finding: its members, ``path`` and ``wording``."""
    outer, items = facts.item, []
    for finding in _ordered(findings, answer.first if answer is not None else ()):
        members = finding.as_json()
        members["path"] = path = dotted(finding.pointer)
        members["wording"] = f"{path or _ROOTS[finding.place]} {finding.message}"
        sentences = _sentences(finding, own, answer.wording if answer is not None else {})
        for sentence in sentences:
            facts.item = item = members if len(sentences) == 1 else members.copy()
            if (told := sentence(facts)) is not ABSENT:
                item["wording"] = told
            items.append(item)
    facts.item = outer
    return items


def default_sentence(finding: Finding) -> str:
    """Return our own sentence about a finding, with its place in front."""
    return f"{dotted(finding.pointer) or _ROOTS[finding.place]} {finding.message}"


def _ordered(findings: Iterable[Finding], first: Sequence[str]) -> list[Finding]:
    return sorted(findings, key=lambda finding: finding.keyword not in first) if first else list(findings)


def _sentences(finding: Finding, own: Wording, answers: Wording) -> Sequence[Template]:
    if finding.sentences:
        return [_compiled(sentence) for sentence in finding.sentences]
    expected = f"{finding.keyword}/{finding.expected}"
    return own.get(finding.keyword) or answers.get(expected) or answers.get(finding.keyword) or _DEFAULT


@lru_cache(maxsize=512)
def _compiled(sentence: str) -> Template:
    return compile_template(sentence)


def _own_sentence(facts: Facts) -> JSON:
    return facts.item["wording"]


_DEFAULT: Final[tuple[Template, ...]] = (_own_sentence,)
