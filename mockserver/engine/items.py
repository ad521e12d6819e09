"""A bulk call: each item of its list judged by itself, as the body of another operation, and answered in its place.

A bad item does not refuse the call. What is wrong with it stands in the answer as the API writes it, and is told of
the call as findings below the item. The keys of good items are kept at once; nothing is held for an item.
"""

from dataclasses import replace
from typing import Final

from mockserver.engine.case import Case
from mockserver.engine.checks import check_named
from mockserver.engine.contract import Each
from mockserver.engine.exchange import JSON, Finding, Refused
from mockserver.engine.values import ABSENT, walk
from mockserver.engine.world import World

_MOST_FINDINGS: Final = 50  # are told of one call, whatever its items have


def judge_items(world: World, case: Case, each: Each) -> None:
    """Judge the items of a call that is admitted; what is answered of them becomes ``$mock.each``."""
    listed = walk(case.body, each.at)
    first, answers = _first_item(world, case, each), []
    for position, body in enumerate(listed if isinstance(listed, list) else ()):
        item = replace(
            first,
            body=body,
            noted={},
            labels={},
            headers=[],
            keys_taken=[],
            issued=(),
            findings=(),
            deviations=(),
        )
        answers.append(_judge(item, each))
        _note(case, item, f"{each.at}/{position}")
    case.noted["each"] = answers
    case.findings = case.findings[:_MOST_FINDINGS]


def _first_item(world: World, case: Case, each: Each) -> Case:
    """Return the case that those of all items are made from."""
    operation = world.blueprint.operations[case.operation.api, each.operation]
    checks = tuple(check_named(name, operation) for name in each.checks)
    return replace(
        case, operation=operation, validator=world.blueprint.validators[operation], checks=checks, sent=b"",
        answer=each.told,
    )  # fmt: skip


def _judge(item: Case, each: Each) -> JSON:
    """Return what is answered of one item, and keep its keys."""
    refused = next((outcome for check in item.checks if (outcome := check(item)) is not None), None)
    if isinstance(refused, Refused):
        item.findings = refused.findings
        item.noted["reason"] = str(refused.reason)
    is_good = not isinstance(refused, Refused)
    answer = each.good(item) if is_good else each.bad(item)
    for rule, key, fingerprint in item.keys_taken:
        if ("success" if is_good else "error") in rule.remembers:
            item.keys.keep(key, fingerprint, None, item.number, item.now + rule.ttl, item.made)
        else:
            item.keys.drop(key, item.number)
    if is_good:
        issue_keys(item)
    return None if answer is ABSENT else answer


def issue_keys(case: Case) -> None:
    """Know the keys that the service has made up for a request."""
    for rule, key in case.issued:
        case.keys.issue(key, case.number, case.now + rule.ttl, case.made)


def _note(case: Case, item: Case, at: str) -> None:
    """Tell of the call what was found in an item, and the deviations that it leans on."""
    if item.findings:
        case.findings += tuple(_below(finding, at) for finding in item.findings)
    leaned = [each for each in item.deviations if each not in item.validator.adding]
    case.deviations += tuple(each for each in leaned if each not in case.deviations)


def _below(finding: Finding, at: str) -> Finding:
    return finding._replace(pointer=at + finding.pointer) if finding.place == "body" else finding
