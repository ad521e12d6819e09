"""A request becomes an outcome, the outcome a response, and all of it an exchange in the journal.

`answer` does the whole of it without waiting. What is left to its caller is to hold the answer back for as
long as it says, to `settle` the keys that the request holds, and to send the bytes. Between arrival and the
entry in the journal nothing waits, so that one event loop needs no lock.
"""

from dataclasses import dataclass
from typing import Any, Final

from mockserver.engine.case import Case
from mockserver.engine.checks import run_checks
from mockserver.engine.contract import Operation
from mockserver.engine.exchange import (
    NAMES,
    Admitted,
    Finding,
    Outcome,
    Reason,
    Refused,
    Repeated,
    Request,
    Response,
    Scripted,
)
from mockserver.engine.journal import ABORTED, ANSWERED, WAITING, Record, Row
from mockserver.engine.problems import no_route_finding, no_route_problem, problem
from mockserver.engine.rendering import complete, instance_of, render
from mockserver.engine.routing import Found, NoRoute, Routed, WrongMethod
from mockserver.engine.rules import Preferences, prefer, read_preferences, wait_of
from mockserver.engine.world import World


@dataclass(slots=True, eq=False)
class Decided:
    """A call that is in the journal under ``id``. ``response`` waits for ``delay`` seconds; None when nobody is there.

    ``row`` is what the journal has of it, ``kept`` the answer that keys remember. The header that names the
    call is in none of them: who sends the answer adds it.
    """

    outcome: Outcome
    id: str
    row: Row
    response: Response | None
    kept: Response | None = None
    case: Case | None = None
    delay: float = 0.0


def answer(world: World, request: Request, routed: Routed | None = None) -> Decided:
    """Decide, render and journal one request. ``routed`` is its route, where the caller has looked it up."""
    if routed is None:
        routed = world.blueprint.router.route(request.method, request.path)
    number = world.journal.next_number()
    match routed:
        case Found():
            decided = _answer_found(world, request, routed, number)
        case WrongMethod() if _asks_for_methods(request):
            decided = _answer_options(world, request, routed, number)
        case WrongMethod():
            decided = _answer_wrong_method(world, request, routed, number)
        case NoRoute():
            decided = _answer_no_route(world, request, number)
    world.journal.put(decided.row)
    return decided


def settle(world: World, decided: Decided, served: float, *, aborted: bool = False) -> None:
    """Keep or drop the keys that a call holds, as each rule says, and complete its entry in the journal.

    To be called once for every call, also when its client has gone away (``aborted``); ``served`` is the real
    time in seconds from arrival to answer.
    """
    if decided.case is not None and decided.case.keys_taken and decided.kept is not None:
        _remember(decided.case, decided, world.clock.now(), held=True)
    if decided.delay or aborted:
        state = ABORTED if aborted else ANSWERED
        if world.clock.is_frozen:
            served = decided.delay  # as long as was asked for: a run with a frozen clock can be repeated
        decided.row = tuple(Record(*decided.row)._replace(state=state, served=served))
        world.journal.put(decided.row)


def fail(world: World, request: Request, error: Exception, routed: Routed | None = None) -> Decided:
    """Answer a request on which the mock itself failed, so that it is in the journal all the same."""
    number = world.journal.next_number()
    told = (
        "the mock server failed on this request, which is its own fault; its traceback is on standard error"
    )
    detail = f"{type(error).__name__}: {told}. Please report it with the request."
    response = problem(Reason.BUG, detail, instance=instance_of(world.journal.id_of(number)))
    operation = routed.operation if isinstance(routed, Found) else None
    decided = _unrouted(world, request, number, Refused(Reason.BUG), response, operation)
    world.journal.put(decided.row)
    return decided


# A request that an operation takes


def _answer_found(world: World, request: Request, found: Found, number: int) -> Decided:
    case = open_case(world, request, found, number)
    world.keys.expire(case.now)
    try:
        outcome, delay = decide(case)
        kept = render(case, outcome)
        response = None if request.incomplete == "disconnected" else complete(world, case, kept)
    except BaseException:
        for _, key, _ in case.keys_taken:  # a bug of ours leaves no key held either
            case.keys.drop(key, case.number)
        raise
    decided = Decided(outcome, case.id, _row(case, outcome, response, delay), response, kept, case, delay)
    if case.keys_taken:
        _remember(case, decided, case.now, held=False)
    return decided


def open_case(world: World, request: Request, found: Found, number: int) -> Case:
    """Return a case of which nothing is known yet but its request and its route."""
    operation, blueprint = found.route.operation, world.blueprint
    return Case(
        request,
        found,
        operation,
        blueprint.validators[operation],
        blueprint.checks[operation],
        blueprint.policies[operation.api],
        world.keys,
        world.limits,
        world.clock.now(),
        world.ids,
        number,
        world.journal.id_of(number),
    )


def decide(case: Case) -> tuple[Outcome, float]:
    """Run the checks in the API's order; what passes may ask for another answer. Also returns the delay."""
    outcome: Outcome = run_checks(case) or Admitted()
    delay = case.operation.latency
    if isinstance(outcome, Refused):
        return outcome, delay
    preferences = read_preferences(case.request)
    if preferences is None:
        return outcome, delay
    wait = wait_of(preferences)
    preferred = wait if isinstance(wait, Refused) else prefer(case.operation, preferences)
    if preferred is not None:
        outcome = preferred
    if isinstance(outcome, Refused):
        return outcome, delay
    _note_preferences(case, preferences)
    return outcome, delay + (wait if isinstance(wait, float) else 0.0)


def _note_preferences(case: Case, preferences: Preferences) -> None:
    applied = ", ".join(f"{name}={value}" for name, value in preferences.asked.items())
    case.headers.append(("preference-applied", applied))
    if preferences.in_header:
        case.headers.append(("vary", "Prefer"))


def _remember(case: Case, decided: Decided, now: float, *, held: bool) -> None:
    """Keep or drop the keys of the rules that hold them (``held``), or of those that keep them at once."""
    kind = _kind_of(decided.outcome)
    for rule, key, fingerprint in case.keys_taken:
        if (rule.in_flight_ttl is not None) is not held:
            continue
        if kind in rule.remembers and decided.kept is not None:
            case.keys.keep(key, fingerprint, decided.kept, case.number, now + rule.ttl)
        else:
            case.keys.drop(key, case.number)


def _kind_of(outcome: Outcome) -> str:
    match outcome:
        case Admitted() | Repeated():
            return "success"
        case Scripted() | Refused(reason=Reason.PREFERENCE):
            return "scripted"  # never uses up a key
        case Refused():
            return "error"


# A request that no operation takes


def _answer_wrong_method(world: World, request: Request, routed: WrongMethod, number: int) -> Decided:
    case = open_case(world, request, routed.found, number)
    allow = ", ".join(routed.allowed)
    message = f"takes {allow}, not {request.method}"
    fix = f"Send {' or '.join(method for method in routed.allowed if method != 'OPTIONS')}."
    outcome = Refused(
        Reason.WRONG_METHOD, (Finding("path", "", "", "method", message, allow, request.method, None, fix),)
    )
    case.headers.append(("allow", allow))
    response = complete(world, case, render(case, outcome))
    return Decided(outcome, case.id, _row(case, outcome, response), response)


def _asks_for_methods(request: Request) -> bool:
    """Tell OPTIONS from a preflight: one that comes as far as here is refused, since CORS is off."""
    return request.method == "OPTIONS" and "access-control-request-method" not in request.headers


def _answer_options(world: World, request: Request, routed: WrongMethod, number: int) -> Decided:
    case = open_case(world, request, routed.found, number)
    case.headers.append(("allow", ", ".join(routed.allowed)))
    response = complete(world, case, Response(204, (), b""))
    return Decided(Admitted(), case.id, _row(case, Admitted(), response), response)


def _answer_no_route(world: World, request: Request, number: int) -> Decided:
    instance = instance_of(world.journal.id_of(number))
    nearest = world.blueprint.router.nearest(request.method, request.path)
    finding = no_route_finding(request.path, nearest)
    response = no_route_problem(request, finding, nearest, instance)
    return _unrouted(world, request, number, Refused(Reason.NO_ROUTE, (finding,)), response)


# The journal's rows


_NO_ANSWER: Final = Response(0, (), b"")


def _row(case: Case, outcome: Outcome, response: Response | None, delay: float = 0.0) -> Row:
    """Return what the journal keeps of a call: the fields of `Record`, as a plain tuple."""
    request, operation = case.request, case.operation
    answered = response or _NO_ANSWER
    state = ABORTED if response is None else WAITING if delay else ANSWERED
    return (
        case.number, case.now, request.method, request.path, request.query,
        request.raw_headers, request.body, request.client,
        NAMES[type(outcome)], operation.api, operation.id,
        outcome.reason.value if isinstance(outcome, Refused) else None,
        None if isinstance(outcome, Admitted) else outcome.rule,
        outcome.original if isinstance(outcome, Repeated) else None,
        _atoms(case.findings) if case.findings else (),
        case.deviations,
        None if response is None else answered.status in operation.published_statuses,
        answered.status, answered.headers, answered.body, state, delay, 0.0,
    )  # fmt: skip


def _atoms(findings: tuple[Finding, ...]) -> tuple[tuple[Any, ...], ...]:
    """Return findings as exact tuples, without the sentences of their answer, which is kept."""
    return tuple([finding[:-1] for finding in findings])


def _unrouted(
    world: World,
    request: Request,
    number: int,
    outcome: Refused,
    response: Response,
    operation: Operation | None = None,
) -> Decided:
    record = Record(
        number=number,
        received=world.clock.now(),
        method=request.method,
        path=request.path,
        query=request.query,
        raw_headers=request.raw_headers,
        body=request.body,
        client=request.client,
        outcome=NAMES[type(outcome)],
        api=None if operation is None else operation.api,
        operation=None if operation is None else operation.id,
        reason=str(outcome.reason),
        findings=_atoms(outcome.findings),
        status=response.status,
        headers=response.headers,
        answer=response.body,
    )
    return Decided(outcome, world.journal.id_of(number), tuple(record), response)
