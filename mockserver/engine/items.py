"""A bulk call: each item of its list judged by itself, as the body of another operation, and answered in its place.

A bad item does not refuse the call. What is wrong with it stands in the answer as the API writes it, and is told of
the call as findings below the item. The keys of good items are kept at once; nothing is held for an item.
"""

from dataclasses import replace
from typing import Final

from mockserver.engine.case import Case
from mockserver.engine.checks import check_named
from mockserver.engine.contract import Each
from mockserver.engine.exchange import JSON, NAMES, Admitted, Finding, Outcome, Refused, Repeated
from mockserver.engine.issued import Key
from mockserver.engine.values import ABSENT, walk
from mockserver.engine.world import World

_MOST_FINDINGS: Final = 50  # are told of one call, whatever its items have


def judge_items(world: World, case: Case, each: Each, *, keeps: bool) -> None:
    """Judge the items of a call; what is answered of them becomes ``$mock.each``.

    ``keeps`` says that the call is admitted: a forced answer uses up no keys, and nothing is told of its items.
    """
    found = walk(case.body, each.at)
    listed: list[JSON] = found if isinstance(found, list) else []
    first, answers, kept = _first_item(world, case, each), list[JSON](), list[Key]()
    try:
        for position, body in enumerate(listed):
            item = replace(
                first, body=body, noted={}, labels={}, headers=[], keys_taken=[], issued=(), seen=None,
                findings=(), deviations=(),
            )  # fmt: skip
            outcome = _judged(item)
            answers.append(_answered(item, each, outcome))
            kept += _settle(item, outcome)
            if keeps:
                _note(case, item, outcome, f"{each.at}/{position}")
    except BaseException:
        keeps = False  # a bug of ours uses no key up
        raise
    finally:
        for key in () if keeps else kept:
            case.keys.forget(key)
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


def _judged(item: Case) -> Outcome:
    return next((outcome for check in item.checks if (outcome := check(item)) is not None), Admitted())


def _answered(item: Case, each: Each, outcome: Outcome) -> JSON:
    """Return what is answered of one item."""
    if isinstance(outcome, Refused):
        item.findings = outcome.findings
        item.noted["reason"] = str(outcome.reason)
    answer = each.bad(item) if isinstance(outcome, Refused) else each.good(item)
    return None if answer is ABSENT else answer


def _settle(item: Case, outcome: Outcome) -> list[Key]:
    """Keep the keys of an item, or drop them, as each rule says; return those that were kept."""
    kind, kept = "error" if isinstance(outcome, Refused) else "success", list[Key]()
    for rule, key, fingerprint in item.keys_taken:
        if kind in rule.remembers:
            item.keys.keep(key, fingerprint, None, item.number, item.now + rule.ttl, item.made)
            kept.append(key)
        else:
            item.keys.drop(key, item.number)
    if item.seen is not None and item.labels:
        item.keys.remake(item.seen, item.made)
    if kind == "success":
        issue_keys(item)
        kept += [key for _, key in item.issued]
    return kept


def issue_keys(case: Case) -> None:
    """Know the keys that the service has made up for a request."""
    for rule, key in case.issued:
        case.keys.issue(key, case.number, case.now + rule.ttl, case.made)


def _note(case: Case, item: Case, outcome: Outcome, at: str) -> None:
    """Tell of the call what became of an item, what was found in it, and the deviations that it leans on."""
    reason = str(outcome.reason) if isinstance(outcome, Refused) else None
    rule = None if isinstance(outcome, Admitted) else outcome.rule
    repeat_of = outcome.original if isinstance(outcome, Repeated) else None
    case.judged += ((NAMES[type(outcome)], reason, rule, repeat_of),)
    if item.findings:
        case.findings += tuple(_below(finding, at) for finding in item.findings)
    leaned = [each for each in item.deviations if each not in item.validator.adding]
    case.deviations += tuple(each for each in leaned if each not in case.deviations)


def _below(finding: Finding, at: str) -> Finding:
    return finding._replace(pointer=at + finding.pointer) if finding.place == "body" else finding
