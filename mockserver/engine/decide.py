"""A request becomes an outcome, the outcome a response, and all of it an exchange in the journal.

`answer` does the whole of it without waiting. What is left to its caller is to hold the answer back for as
long as it says, to `settle` the keys that the request holds, and to send the bytes. Between arrival and the
entry in the journal nothing waits, so that one event loop needs no lock.
"""

from dataclasses import dataclass
from typing import Final

from mockserver.engine.case import Case
from mockserver.engine.checks import run_checks
from mockserver.engine.delays import draw
from mockserver.engine.exchange import (
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
from mockserver.engine.items import issue_keys, judge_items
from mockserver.engine.journal import ABORTED, ANSWERED, Record, Row
from mockserver.engine.preferences import Preferences, prefer, read_preferences, wait_of
from mockserver.engine.problems import no_route_finding, no_route_problem, problem
from mockserver.engine.rendering import complete, instance_of, perform, render
from mockserver.engine.routing import Found, NoRoute, Routed, WrongMethod
from mockserver.engine.rows import row_of, unrouted_row
from mockserver.engine.rules import NOBODY, After, Chosen, Rule
from mockserver.engine.sightings import arriving
from mockserver.engine.world import World

_STATE: Final = Record._fields.index("state")


@dataclass(slots=True, eq=False)
class Decided:
    """A call that is in the journal under ``id``. ``response`` waits for ``delay`` seconds; None when nobody is there.

    ``row`` is what the journal has of it, ``kept`` the answer that keys remember, ``chosen`` what rules say. The
    header that names the call is in none of them: who sends the answer adds it.
    """

    outcome: Outcome
    id: str
    row: Row
    response: Response | None
    kept: Response | None = None
    case: Case | None = None
    delay: float = 0.0
    chosen: Chosen = NOBODY

    @property
    def needs_settling(self) -> bool:
        """Whether anything is left to do for the call: keys to keep or to drop, an answer that is held back."""
        return (self.case is not None and bool(self.case.keys_taken)) or self.row[_STATE] != ANSWERED


def answer(world: World, request: Request, routed: Routed | None = None) -> Decided:
    """Decide, render and journal one request. ``routed`` is its route, where the caller has looked it up."""
    if routed is None:
        routed = world.blueprint.router.route(request.method, request.path)
    chosen, delay = NOBODY, 0.0
    if world.rules.acting and request.incomplete != "disconnected":  # who has gone uses up no rule
        chosen = _ask_rules(world, request, routed)
        delay = chosen.delay(world.ids)
    for each in world.delays:
        delay += draw(each, world.ids)
    match routed:
        case Found():
            decided = _answer_found(world, request, routed, chosen, delay)
        case WrongMethod():
            decided = _answer_wrong_method(world, request, routed, chosen, delay)
        case NoRoute():
            decided = _answer_no_route(world, request, chosen, delay)
    world.journal.put(decided.row)
    return decided


def _ask_rules(world: World, request: Request, routed: Routed, after: After = "nothing") -> Chosen:
    """Return the rules that act on a call before or after its checks."""
    operation = None if isinstance(routed, NoRoute) else routed.operation
    api, name = (None, None) if operation is None else (operation.api, operation.id)
    examples = world.blueprint.known.examples.get((api or "", name or ""), ())
    seen = arriving(request, api, name, world.clock.now(), world.journal.describe)
    return world.rules.choose(
        seen, after, lambda script: script.example is None or script.example in examples
    )


def settle(world: World, decided: Decided, served: float, *, aborted: bool = False) -> None:
    """Keep or drop the keys that a call holds, as each rule says, and complete its entry in the journal.

    To be called once for every call, also when its client has gone away (``aborted``); ``served`` is the real
    time in seconds from arrival to answer.
    """
    if decided.case is not None and decided.case.keys_taken and decided.kept is not None:
        _remember(decided.case, decided, world.clock.now(), held=True)
    if decided.row[_STATE] != ANSWERED or aborted:
        state = ABORTED if aborted else ANSWERED
        if world.clock.is_frozen:
            served = decided.delay  # as long as was asked for: a run with a frozen clock can be repeated
        decided.row = tuple(Record(*decided.row)._replace(state=state, served=served))
        world.journal.put(decided.row)


def fail(world: World, request: Request, error: Exception, routed: Routed | None = None) -> Decided:
    """Answer a request on which the mock itself failed, so that it is in the journal all the same."""
    told = (
        "the mock server failed on this request, which is its own fault; its traceback is on standard error"
    )
    detail = f"{type(error).__name__}: {told}. Please report it with the request."
    id_ = world.journal.id_of(world.journal.next_number())
    response, outcome = problem(Reason.BUG, detail, instance=instance_of(id_)), Refused(Reason.BUG)
    operation = routed.operation if isinstance(routed, Found) else None
    row = unrouted_row(world, request, outcome, response, operation)
    world.journal.put(row)
    return Decided(outcome, id_, row, response)


# A request that an operation takes


def _answer_found(world: World, request: Request, found: Found, chosen: Chosen, delay: float) -> Decided:
    case = open_case(world, request, found)
    operation = case.operation
    world.keys.expire(case.now)
    if chosen.answering is not None:
        return _scripted(world, case, chosen.answering, chosen, delay)
    try:
        outcome, wanted = decide(case)
        delay += wanted
        if world.rules.acting and isinstance(outcome, Admitted):
            later = _ask_rules(world, request, found, "checks")
            delay += later.delay(world.ids)
            chosen = chosen.joined(later)
        if chosen.answering is None:
            if operation.each is not None and isinstance(outcome, Admitted):
                judge_items(world, case, operation.each)
            kept = render(case, outcome)
            if case.repeats is not None:
                case.keys.note(case.repeats, case.made)
        else:
            kept = perform(chosen.answering, case)
            outcome = Scripted(chosen.answering.label, kept.status)
        response = None if request.incomplete == "disconnected" else complete(world, case, kept)
    except BaseException:
        for _, key, _ in case.keys_taken:  # a bug of ours leaves no key held either
            case.keys.drop(key, case.number)
        raise
    row = row_of(case, outcome, response, delay, chosen)
    decided = Decided(outcome, case.id, row, response, kept, case, delay, chosen)
    if case.keys_taken:
        _remember(case, decided, case.now, held=False)
    if case.issued and isinstance(outcome, Admitted):
        issue_keys(case)
    return decided


def _scripted(world: World, case: Case, rule: Rule, chosen: Chosen, delay: float) -> Decided:
    """Answer a call as a rule says that looks before every check."""
    made = complete(world, case, perform(rule, case))
    outcome = Scripted(rule.label, made.status)
    response = None if case.request.incomplete == "disconnected" else made
    row = row_of(case, outcome, response, delay, chosen)
    return Decided(outcome, case.id, row, response, None, case, delay, chosen)


def open_case(world: World, request: Request, found: Found) -> Case:
    """Return a case of which nothing is known yet but its request and its route."""
    operation, terms, journal = found.route.operation, world.terms, world.journal
    now, arrived = world.clock.read()
    number = journal.next_number()
    return Case(
        request,
        found,
        operation,
        world.blueprint.validators[operation],
        terms.checks[operation],
        terms.policies[operation.api],
        world.keys,
        world.limits,
        now,
        world.ids,
        number,
        journal.id_of(number),
        arrived,
        world.clock.moves,
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
            operation = case.operation.id if kind == "success" else ""
            case.keys.keep(key, fingerprint, decided.kept, case.number, now + rule.ttl, case.made, operation)
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


def _answer_wrong_method(
    world: World, request: Request, routed: WrongMethod, chosen: Chosen, delay: float
) -> Decided:
    case = open_case(world, request, routed.found)
    if chosen.answering is not None:
        return _scripted(world, case, chosen.answering, chosen, delay)
    allow = ", ".join(routed.allowed)
    case.headers.append(("allow", allow))
    outcome: Outcome = Admitted() if _asks_for_methods(request) else _refuse_method(request, routed, allow)
    made = Response(204, (), b"") if isinstance(outcome, Admitted) else render(case, outcome)
    response = complete(world, case, made)
    row = row_of(case, outcome, response, delay, chosen)
    return Decided(outcome, case.id, row, response, delay=delay, chosen=chosen)


def _refuse_method(request: Request, routed: WrongMethod, allow: str) -> Refused:
    message = f"takes {allow}, not {request.method}"
    fix = f"Send {' or '.join(method for method in routed.allowed if method != 'OPTIONS')}."
    finding = Finding("path", "", "", "method", message, allow, request.method, None, fix)
    return Refused(Reason.WRONG_METHOD, (finding,))


def _asks_for_methods(request: Request) -> bool:
    """Tell OPTIONS from a preflight: one that comes as far as here is refused, since CORS is off."""
    return request.method == "OPTIONS" and "access-control-request-method" not in request.headers


def _answer_no_route(world: World, request: Request, chosen: Chosen, delay: float) -> Decided:
    id_ = world.journal.id_of(world.journal.next_number())
    outcome: Outcome
    if chosen.answering is not None:
        response = perform(chosen.answering, None)
        outcome = Scripted(chosen.answering.label, response.status)
    else:
        nearest = world.blueprint.router.nearest(request.method, request.path)
        finding = no_route_finding(request.path, nearest)
        outcome = Refused(Reason.NO_ROUTE, (finding,))
        response = no_route_problem(request, finding, nearest, instance_of(id_))
    row = unrouted_row(world, request, outcome, response, delay=delay, chosen=chosen)
    return Decided(outcome, id_, row, response, delay=delay, chosen=chosen)
