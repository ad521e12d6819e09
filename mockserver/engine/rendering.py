"""Outcomes become bytes: the documented answer is picked, filled, and given the headers of this one call."""

from typing import Final

from mockserver.engine.case import Case
from mockserver.engine.contract import Answer
from mockserver.engine.exchange import Admitted, Outcome, Reason, Refused, Repeated, Response, Scripted
from mockserver.engine.headers import Pairs, shared
from mockserver.engine.preferences import offered_answers, scripted_answer
from mockserver.engine.problems import refusal_problem, violations
from mockserver.engine.rules import Rule, Script
from mockserver.engine.values import as_text, is_empty
from mockserver.engine.world import World


def render(case: Case, outcome: Outcome) -> Response:
    """Return the answer to an outcome, as a dedup rule would keep it: without the headers of this one call."""
    match outcome:
        case Admitted():
            return _fill(case, case.operation.success)
        case Repeated(rule=rule, response=response):
            case.add_headers(case.operation.dedup[rule].repeat)
            return response if response is not None else _fill(case, case.operation.success)
        case Scripted():
            return _fill_scripted(case, scripted_answer(case.operation, outcome))
        case Refused():
            return _refuse(case, outcome)


def _fill_scripted(case: Case, answer: Answer) -> Response:
    known = (reason for reason in Reason if case.operation.answers.get(reason) is answer)
    case.noted["reason"] = next(known, None)
    return _fill(case, answer)


_BODILESS: Final = frozenset({*range(100, 200), 204, 304})


def perform(rule: Rule, case: Case | None) -> Response:
    """Return the answer of a rule: its own, or that of the API for its status or example, with the rule's headers."""
    script = rule.script
    made = Response(script.status or 200, (), b"")
    if script.fault is not None:
        return Response(0, (), b"")
    if script.body is not None:
        made = Response(made.status, (), script.body)
    elif case is not None:
        wanted = [answer for answer in offered_answers(case.operation) if _is_asked_for(answer, script)]
        if wanted:  # an example may stand under several statuses: that of the rule comes first
            filled = _fill_scripted(case, min(wanted, key=lambda answer: answer.status != made.status))
            made = Response(script.status or filled.status, filled.headers, filled.body)
    named = (("Matched-Stub-Id", rule.id), *((("Matched-Stub-Name", rule.name),) if rule.name else ()))
    own = {name.lower() for name, _ in script.headers}
    headers = (*(pair for pair in made.headers if pair[0].lower() not in own), *script.headers, *named)
    return Response(made.status, headers, b"" if made.status in _BODILESS else made.body)


def _is_asked_for(answer: Answer, script: Script) -> bool:
    """Tell whether an answer is the example that is named, which may be sent with any status, or has the status."""
    return script.status == answer.status if script.example is None else script.example == answer.example


def _refuse(case: Case, refused: Refused) -> Response:
    case.findings = refused.findings
    case.noted["reason"] = str(refused.reason)
    answer = _answer_to(case, refused)
    if answer is None:
        return refusal_problem(refused.reason, refused.findings, instance_of(case.id))
    return _fill(case, answer)


def _answer_to(case: Case, refused: Refused) -> Answer | None:
    """Return the refusal rule's own answer, else the API's for the reason.

    An API that knows no ``forbidden`` says ``unauthenticated`` instead.
    """
    operation = case.operation
    rule = operation.refusals.get(refused.rule or "")
    if rule is not None and rule.answer is not None:
        return rule.answer
    reason = refused.reason
    if reason is Reason.FORBIDDEN and reason not in operation.answers:
        reason = Reason.UNAUTHENTICATED
    return operation.answers.get(reason)


def _fill(case: Case, answer: Answer) -> Response:
    case.answer = answer
    body = answer.constant
    if body is None:
        body = b"" if answer.write is None else answer.write(case)
    headers: Pairs = answer.content_type if body else ()
    if answer.headers:
        made = [(name, make(case)) for name, make in answer.headers]
        headers = shared((*headers, *[(name, as_text(value)) for name, value in made if not is_empty(value)]))
    return Response(answer.status, headers, body)


def complete(world: World, case: Case, response: Response) -> Response:
    """Add the headers of this one call: its limits and keys, what was found and leaned on."""
    if not (case.headers or case.findings or case.deviations or case.operation.deprecated):
        return response
    headers = (*response.headers, *case.headers)
    if case.operation.deprecated:
        headers += (("deprecation", "true"),)
    if case.findings or case.deviations:
        listed = world.blueprint.deviations[case.operation.api]
        leaned = tuple([(id_, listed[id_].evidence) for id_ in case.deviations])
        headers += (("sl-violations", violations(case.findings, leaned)),)
    return Response(response.status, shared(headers), response.body)


def instance_of(id_: str) -> str:
    """Return where the control plane shows a call."""
    return f"/__admin/requests/{id_}"
