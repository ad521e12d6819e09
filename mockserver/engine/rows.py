"""What the journal keeps of a call: the fields of `Record`, as plain tuples."""

from typing import Any, Final

from mockserver.engine.case import Case
from mockserver.engine.contract import Operation
from mockserver.engine.exchange import (
    NAMES,
    Admitted,
    Finding,
    Outcome,
    Refused,
    Repeated,
    Request,
    Response,
)
from mockserver.engine.journal import ABORTED, ANSWERED, WAITING, Record, Row
from mockserver.engine.rules import NOBODY, Chosen
from mockserver.engine.world import World

_NO_ANSWER: Final = Response(0, (), b"")


def row_of(
    case: Case, outcome: Outcome, response: Response | None, delay: float = 0.0, chosen: Chosen = NOBODY
) -> Row:
    """Return what is kept of a call that an operation took; ``response`` is None where its client has gone away."""
    request, operation = case.request, case.operation
    answered = response or _NO_ANSWER
    is_scripted = chosen is not NOBODY
    fault = chosen.fault if is_scripted else None
    state = state_of(chosen, delay) if delay or is_scripted else ANSWERED
    if response is None:
        state = ABORTED
    return (
        case.number, case.now, request.method, request.path, request.query,
        request.raw_headers, request.body, request.client,
        NAMES[type(outcome)], operation.api, operation.id,
        outcome.reason.value if isinstance(outcome, Refused) else None,
        None if isinstance(outcome, Admitted) else outcome.rule,
        outcome.original if isinstance(outcome, Repeated) else None,
        _atoms(case.findings) if case.findings else (),
        case.deviations,
        None if response is None or fault is not None else answered.status in operation.published_statuses,
        answered.status, answered.headers, answered.body,
        state, delay, 0.0, case.arrived, case.clock_moves,
        chosen.stub if is_scripted else None, fault, request.source, case.judged,
    )  # fmt: skip


def unrouted_row(
    world: World,
    request: Request,
    outcome: Outcome,
    response: Response,
    operation: Operation | None = None,
    delay: float = 0.0,
    chosen: Chosen = NOBODY,
) -> Row:
    """Return what is kept of a call that no operation took."""
    now, arrived = world.clock.read()
    record = Record(
        number=world.journal.next_number(),
        received=now,
        method=request.method,
        path=request.path,
        query=request.query,
        raw_headers=request.raw_headers,
        body=request.body,
        client=request.client,
        outcome=NAMES[type(outcome)],
        api=None if operation is None else operation.api,
        operation=None if operation is None else operation.id,
        reason=str(outcome.reason) if isinstance(outcome, Refused) else None,
        rule=None if isinstance(outcome, Admitted) else outcome.rule,
        findings=_atoms(outcome.findings) if isinstance(outcome, Refused) else (),
        status=response.status,
        headers=response.headers,
        answer=response.body,
        state=state_of(chosen, delay),
        delay=delay,
        arrived=arrived,
        clock_moves=world.clock.moves,
        stub=chosen.stub,
        fault=chosen.fault,
        source=request.source,
    )
    return tuple(record)


def state_of(chosen: Chosen, delay: float) -> str:
    """Return the state of a call at its arrival: its answer is held back, or sent bit by bit, or out at once."""
    is_held = delay > 0 or (chosen is not NOBODY and chosen.dribble is not None)
    return WAITING if is_held else ANSWERED


def _atoms(findings: tuple[Finding, ...]) -> tuple[tuple[Any, ...], ...]:
    """Return findings as exact tuples, without the sentences of their answer, which is kept."""
    return tuple([finding[:-1] for finding in findings])
