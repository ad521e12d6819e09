"""Anything a test may do to the server, in any order: it answers as a small model says, and shows what the model has.

The machine calls the whole application without a socket, data plane and control plane alike. Nothing sleeps: real time
is a number that the machine moves, and delayed answers stay away until it lets them go.
"""

import ast
import asyncio
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import formatdate
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mockserver.engine.clock import Clock
from mockserver.engine.world import Blueprint, World
from mockserver.loading import load_bundled
from mockserver.server.assembly import build_app
from mockserver.stage import Stage
from tests import model
from tests.conversations import NOON, Got, Sent, encoded
from tests.model import (
    PATTERNS,
    SCRIPTS,
    TRIGGER,
    VERDICTS,
    Call,
    Flight,
    Limit,
    Logged,
    Model,
    RealTime,
    Rule,
    Space,
)

BLUEPRINT = Blueprint(load_bundled(["novu"]))
WATCHED = {
    "allow", "date", "idempotency-key", "idempotency-replay", "matched-stub-id", "matched-stub-name", "preference-applied",
    "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "retry-after",
}  # fmt: skip
"""The headers of an answer that the model knows all about."""
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


# The application, called without a socket


@dataclass
class Held:
    """A call whose answer is held back."""

    task: "asyncio.Task[Got | None]"
    seconds: float
    out: "asyncio.Future[None]"
    gone: "asyncio.Future[None]"


class Application:
    """The whole application over a fresh stage, with a loop of its own."""

    def __init__(self, real: RealTime) -> None:
        world = World(BLUEPRINT, Clock(lambda: real.seconds), random.Random(7).getrandbits)
        self.loop = asyncio.new_event_loop()
        self.app = build_app(Stage(world), sleep=self._sleep)
        self._sleeping: list[tuple[float, asyncio.Future[None]]] = []

    async def _sleep(self, seconds: float) -> None:
        out = self.loop.create_future()
        self._sleeping.append((seconds, out))
        await out

    def call(self, sent: Sent) -> Got | Held:
        """Return the answer to a call, or the call whose answer is held back."""
        gone = self.loop.create_future()
        task = self.loop.create_task(self._call(sent, gone))
        self.loop.run_until_complete(self._answered_or_held(task))
        if self._sleeping:
            return Held(task, *self._sleeping.pop(), gone)
        answered = self.finish(task)
        assert answered is not None, "nothing was answered"
        return answered

    async def _answered_or_held(self, task: "asyncio.Task[Got | None]") -> None:
        for _ in range(100):
            if task.done() or self._sleeping:
                return
            await asyncio.sleep(0)
        raise AssertionError("the call is neither answered nor held back")

    def finish(self, task: "asyncio.Task[Got | None]") -> Got | None:
        return self.loop.run_until_complete(task)

    def all_of(self, asked: list[Sent]) -> list[Any]:
        """Return the JSON of several answers of the control plane."""

        async def read() -> list[Any]:
            answers = [await self._call(each, self.loop.create_future()) for each in asked]
            return [json.loads(each.body) for each in answers if each is not None]

        return self.loop.run_until_complete(read())

    async def _call(self, sent: Sent, gone: "asyncio.Future[None]") -> Got | None:
        path, _, query = sent.target.partition("?")
        scope = {
            "type": "http", "method": sent.method, "path": path, "raw_path": path.encode(), "query_string": query.encode(),
            "root_path": "", "client": ("127.0.0.1", 1), "headers": encoded(sent.headers), "scheme": "http",
        }  # fmt: skip
        asked, messages = [{"type": "http.request", "body": sent.body, "more_body": False}], []

        async def receive() -> Any:
            if asked:
                return asked.pop()
            await gone
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            messages.append(message)

        await self.app(scope, receive, send)
        if not messages:
            return None
        headers = [(name.decode().lower(), value.decode("latin-1")) for name, value in messages[0]["headers"]]
        return Got(messages[0]["status"], headers, messages[1]["body"])

    def close(self) -> None:
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        if tasks:
            self.loop.run_until_complete(asyncio.wait(tasks))
        self.loop.close()


def addressed(name: str, form: str, path: str, headers: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Return path and headers by which a request is for a namespace; a prefix wins over a header."""
    if not name:
        return path, {**headers}
    if form == "header":
        return path, {**headers, "X-Mock-Namespace": name}
    other = {"X-Mock-Namespace": "other"} if form == "both" else {}
    return f"/~{name}{path}", {**headers, **other}


def sent_of(call: Call, name: str, form: str) -> Sent:
    headers = {"Content-Type": "application/json"}
    if call.credential is not None:
        headers["Authorization"] = f"ApiKey {call.credential}"
    if call.key is not None:
        headers["Idempotency-Key"] = call.key
    if call.prefer is not None:
        headers["Prefer"] = call.prefer
    path, headers = addressed(name, form, call.path, headers)
    return Sent(call.method, path, headers, call.text.encode())


def control(name: str, method: str, path: str, document: Any = None, form: str = "prefix") -> Sent:
    path, headers = addressed(name, form, f"/__admin{path}", {"Host": "127.0.0.1"})
    return Sent(method, path, headers, b"" if document is None else json.dumps(document).encode())


# What the server shows, and what the model has, in one form


def shown_call(event: Any) -> dict[str, Any]:
    request = event["request"]
    assert request["mock"]["state"] == "answered" or "response" not in event
    found = {
        name: request["mock"][name]
        for name in ("number", "outcome", "reason", "rule", "stub", "state", "namespace")
    }
    return found | {
        "method": request["method"], "url": request["url"], "body": request["body"], "at": request["loggedDate"] / 1000,
        "repeat_of": request["mock"]["repeatOf"], "status": event["responseDefinition"]["status"],
        "mapping": event.get("stubMapping", {}).get("id"),
    }  # fmt: skip


def modelled_call(space: Space, logged: Logged) -> dict[str, Any]:
    call = logged.call
    found = {
        name: getattr(logged, name)
        for name in ("number", "outcome", "reason", "rule", "stub", "state", "at", "status")
    }
    return found | {
        "method": call.method, "url": call.path, "body": call.text, "repeat_of": logged.repeat_of, "mapping": logged.stub,
        "namespace": space.name,
    }  # fmt: skip


def mapping_of(rule: Rule) -> dict[str, Any]:
    """Return a rule as it is sent."""
    more = {
        "id": rule.id or None, "name": rule.name, "times": rule.times, "example": rule.does.example,
        "scenarioName": rule.scenario, "requiredScenarioState": rule.required, "newScenarioState": rule.sets,
    }  # fmt: skip
    return {
        "request": dict(PATTERNS[rule.pattern].sent), "response": dict(rule.does.response), "priority": rule.priority,
        "after": rule.after, **{name: value for name, value in more.items() if value is not None},
    }  # fmt: skip


def modelled_mapping(rule: Rule) -> dict[str, Any]:
    """Return a rule as it is shown: what is the mock's own stands in its metadata."""
    written = mapping_of(rule)
    told: dict[str, Any] = {"served": rule.served}
    told |= {name: written.pop(name) for name in ("times", "after", "example") if name in written}
    if rule.remaining is not None:
        told["remaining"] = rule.remaining
    if "api" in written["request"]:
        told["request"] = {"api": written["request"].pop("api")}
    return {**written, "uuid": rule.id, "metadata": {"mock": told}}


def seconds_in(text: str) -> float:
    unit = text.lstrip("-0123456789.")
    return float(text.removesuffix(unit)) * UNITS[unit]


def iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def shown_space(answers: list[Any]) -> dict[str, Any]:
    calls, mappings, time, limit, scenarios = answers
    return {
        "calls": [shown_call(event) for event in reversed(calls["requests"])],
        "total": calls["meta"]["total"],
        "mappings": mappings["mappings"],
        "clock": {**time, "offset": seconds_in(time["offset"])},
        "limit": {**limit, "window": seconds_in(limit["window"])},
        "scenarios": {
            each["name"]: (each["state"], each["possibleStates"]) for each in scenarios["scenarios"]
        },
    }


def modelled_space(space: Space) -> dict[str, Any]:
    now, limit = space.clock.now, space.limit
    return {
        "calls": [modelled_call(space, logged) for logged in space.journal],
        "total": len(space.journal),
        "mappings": [modelled_mapping(rule) for rule in space.asked],
        "clock": {
            "now": iso(now),
            "offset": now - space.clock.real.seconds,
            "frozen": space.clock.stands_at is not None,
        },
        "limit": {
            "limit": limit.count,
            "window": limit.window,
            "burst": limit.burst,
            "enforced": limit.enforced,
            "remaining": space.tokens_left,
        },
        "scenarios": {
            name: (space.states.get(name, "Started"), states) for name, states in space.scenarios.items()
        },
    }


VIEWS = ["/requests", "/mappings", "/clock", "/limits/novu", "/scenarios"]
"""What `shown_space` is shown, in its order."""

# What may be done

NAMES = ["", "left", "right"]
A_NAME = st.sampled_from(["", "", "", "left", "right"])
A_FORM = st.sampled_from(["prefix", "header", "both"])
A_PLACE = st.integers(0, 7)
A_CALL = st.builds(
    Call,
    method=st.sampled_from(["POST"] * 12 + ["GET"]),
    path=st.sampled_from([TRIGGER] * 12 + ["/nowhere"]),
    body=st.sampled_from(["welcome"] * 5 + ["spaced", "other", "other", "wrong", "broken"]),
    key=st.sampled_from([None] * 3 + ["k1"] * 5 + ["k2", "k" * 256]),
    transaction=st.sampled_from([None, None, "t1", "t2"]),
    credential=st.sampled_from(["one"] * 9 + ["two", None]),
    prefer=st.sampled_from([None] * 6 + ["wait=1", "wait=1", "code=503"]),
)
A_PATTERN = st.sampled_from([*PATTERNS, *VERDICTS])
A_SCENARIO = st.sampled_from(["", "", "s>s2", "s:Started>s2", "s:s2>Started", "s:s2", "t:Started>t2", "t:t2"])
"""A scenario, the state that it has to be in, and the one that it is put into."""


def scripted(scenario: str, **members: Any) -> Rule:
    needs, _, sets = scenario.partition(">")
    name, _, required = needs.partition(":")
    return Rule(scenario=name or None, required=required or None, sets=sets or None, **members)


A_RULE = st.builds(
    scripted,
    A_SCENARIO,
    pattern=st.sampled_from([*PATTERNS, "any", "any", "trigger", "trigger"]),
    script=st.sampled_from(sorted(SCRIPTS)),
    priority=st.sampled_from([5, 5, 1, 9]),
    times=st.sampled_from([None, 1, 2]),
    after=st.sampled_from(["nothing", "nothing", "checks"]),
    name=st.sampled_from([None, "named"]),
)
A_LIMIT = st.sampled_from(
    [
        None,
        True,
        False,
        Limit(1, 4, 1),
        Limit(2, 8, 2),
        Limit(3, 8, 1),
        Limit(1, 8, 3),
        Limit(1, 4, 1, enforced=False),
    ]
)
"""A limit, or a switch that leaves it as it is, or the end of what was set."""
A_MOVE = st.sampled_from(
    [
        None,
        True,
        False,
        "250ms",
        "1s",
        "4s",
        "5m",
        "24h",
        "1000001s",
        (-90_000.0, None),
        (-300.0, True),
        (-4.0, False),
        (0.25, None),
    ]
)
"""Of the clock: back to real time, stopped, let run, ahead by a duration, or put so far from now, stopped or running."""


class Machine(RuleBasedStateMachine):
    """The server and the model, side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.real = RealTime(NOON)
        self.model = Model(self.real)
        self.server = Application(self.real)
        self.sent: list[tuple[str, Call]] = []
        self.held: list[tuple[Flight, Held]] = []

    def teardown(self) -> None:
        self.server.close()

    def steer(self, sent: Sent, status: int = 200) -> Any:
        got = self.server.call(sent)
        assert isinstance(got, Got)
        assert got.status == status, got.body
        return json.loads(got.body) if got.body else None

    @initialize(added=st.lists(A_RULE, max_size=3), limit=A_LIMIT, form=A_FORM)
    def begin(self, added: list[Rule], limit: Limit | bool | None, form: str) -> None:
        self.set_limit("", form, limit)
        for each in added:
            self.add_rule("", form, each)

    # Calls

    @rule(name=A_NAME, form=A_FORM, calls=st.lists(A_CALL, min_size=1, max_size=3))
    def call(self, name: str, form: str, calls: list[Call]) -> None:
        for call in calls:
            self.send(name, form, call)
            self.all_namespaces_are_as_in_the_model()

    @precondition(lambda self: self.sent)
    @rule(form=A_FORM, place=A_PLACE, body=st.sampled_from([None, None, "other"]))
    def call_again(self, form: str, place: int, body: str | None) -> None:
        name, call = self.sent[-1 - place % len(self.sent)]
        self.send(name, form, call if body is None else replace(call, body=body))

    @rule(
        name=A_NAME,
        form=A_FORM,
        body=st.sampled_from(["welcome", "welcome", "other"]),
        prefer=st.sampled_from(["wait=1", None]),
    )
    def call_with_a_key(self, name: str, form: str, body: str, prefer: str | None) -> None:
        self.send(name, form, Call(body=body, key="k1", prefer=prefer))

    more_calls, more_repeats, more_keys = (
        call,
        call_again,
        call_with_a_key,
    )  # so that half of all steps are calls
    most_calls, most_repeats, most_keys = call, call_again, call_with_a_key

    def send(self, name: str, form: str, call: Call) -> None:
        self.sent = [*self.sent[-7:], (name, call)]
        got = self.server.call(sent_of(call, name, form))
        flight = self.model.space(name).arrive(call)
        if isinstance(got, Held):
            assert got.seconds == flight.delay
            self.held.append((flight, got))
        else:
            assert not flight.delay
            self.compare(flight, got)

    @precondition(lambda self: self.held)
    @rule(place=A_PLACE, stays=st.sampled_from([True, True, False]))
    def let_go(self, place: int, stays: bool) -> None:
        flight, held = self.held.pop(place % len(self.held))
        flight.land("answered" if stays else "aborted")
        (held.out if stays else held.gone).set_result(None)
        got = self.server.finish(held.task)
        assert (got is not None) is stays
        if got is not None:
            self.compare(flight, got)

    def compare(self, flight: Flight, got: Got) -> None:
        headers, logged, space = dict(got.headers), flight.logged, flight.space
        expected = {**flight.headers, "date": formatdate(int(space.clock.now), usegmt=True)}
        assert (got.status, {name: headers[name] for name in WATCHED & set(headers)}) == (
            logged.status,
            expected,
        )
        if logged.outcome != "scripted":
            assert got.body == (flight.answer.body or got.body), "a repeat has the first answer's body"
            flight.answer.body = got.body
        if logged.outcome == "admitted" and logged.call.transaction is not None:
            assert json.loads(got.body)["data"]["transactionId"] == logged.call.transaction
        if self.model.spaces.get(space.name) is space and logged in space.journal:
            event = self.steer(control(space.name, "GET", f"/requests/{headers['x-mock-call-id']}"))
            assert event["request"]["mock"]["number"] == logged.number
            assert (event["response"]["status"], event["response"]["body"]) == (got.status, got.body.decode())

    @rule(name=st.sampled_from(["no name", "", "x" * 65]), call=A_CALL)
    def call_a_namespace_that_cannot_be(self, name: str, call: Call) -> None:
        sent = sent_of(call, "", "header")
        self.steer(replace(sent, headers={**sent.headers, "X-Mock-Namespace": name}), 400)

    # Time

    @rule(seconds=st.sampled_from([0.25, 1.0, 4.0, 300.0, 86_400.0]))
    def pass_time(self, seconds: float) -> None:
        self.real.seconds += seconds

    @rule(name=A_NAME, form=A_FORM, move=A_MOVE)
    def move_clock(self, name: str, form: str, move: bool | str | tuple[float, bool | None] | None) -> None:
        time = self.model.space(name).clock
        match move:
            case None:
                self.steer(control(name, "DELETE", "/clock", form=form))
                time.release()
            case str():
                self.steer(control(name, "POST", "/clock/advance", {"by": move}, form))
                time.advance(seconds_in(move))
            case bool():
                self.steer(control(name, "PUT", "/clock", {"frozen": move}, form))
                time.set(time.now, frozen=move)
            case by, frozen:
                self.put_clock(name, form, time.now + by, frozen)

    @precondition(lambda self: any(space.ends() for space in self.model.spaces.values()))
    @rule(
        form=A_FORM,
        place=A_PLACE,
        by=st.sampled_from([0.0, 0.0, -0.25]),
        prefer=st.sampled_from(["wait=1", None]),
    )
    def call_when_a_key_ends(self, form: str, place: int, by: float, prefer: str | None) -> None:
        ends = [(name, *end) for name, space in self.model.spaces.items() for end in space.ends()]
        name, (api_rule, credential, value), end = ends[place % len(ends)]
        self.put_clock(name, form, end + by, None)
        key, transaction = (value, None) if api_rule == "idempotency-key" else (None, value)
        self.send(name, form, Call(key=key, transaction=transaction, credential=credential, prefer=prefer))

    more_ends = call_when_a_key_ends

    def put_clock(self, name: str, form: str, at: float, frozen: bool | None) -> None:
        given = {"now": iso(at), **({} if frozen is None else {"frozen": frozen})}
        self.steer(control(name, "PUT", "/clock", given, form))
        time = self.model.space(name).clock
        time.set(at, frozen=time.stands_at is not None if frozen is None else frozen)

    # Limits

    @rule(name=A_NAME, form=A_FORM, limit=A_LIMIT)
    def set_limit(self, name: str, form: str, limit: Limit | bool | None) -> None:
        space = self.model.space(name)
        if limit is None:
            self.steer(control(name, "DELETE", "/limits/novu", form=form))
            space.set_limit(model.PUBLISHED)
        elif isinstance(limit, bool):
            self.steer(control(name, "PUT", "/limits/novu", {"enforced": limit}, form))
            space.set_limit(replace(space.limit, enforced=limit))
        else:
            shown = {
                "limit": limit.count,
                "window": f"{limit.window}s",
                "burst": limit.burst,
                "enforced": limit.enforced,
            }
            self.steer(control(name, "PUT", "/limits/novu", shown, form))
            space.set_limit(limit)

    # Scripted rules

    def known_rules(self) -> list[tuple[Space, Rule]]:
        return [(space, each) for space in self.model.spaces.values() for each in space.asked]

    @rule(name=A_NAME, form=A_FORM, added=A_RULE)
    def add_rule(self, name: str, form: str, added: Rule) -> None:
        shown = self.steer(control(name, "POST", "/mappings", mapping_of(added), form), 201)
        self.model.space(name).put(replace(added, id=shown["id"]))

    more_rules = add_rule

    @precondition(lambda self: self.known_rules())
    @rule(place=A_PLACE, by=A_RULE, again=st.booleans())
    def replace_rule(self, place: int, by: Rule, again: bool) -> None:
        space, known = self.known_rules()[place % len(self.known_rules())]
        put = replace(by, id=known.id)
        how = ("POST", "/mappings") if again else ("PUT", f"/mappings/{known.id}")
        self.steer(control(space.name, *how, mapping_of(put)), 201 if again else 200)
        space.put(put)

    @precondition(lambda self: self.known_rules())
    @rule(place=A_PLACE, how=st.sampled_from(["one", "one", "all", "reset"]))
    def delete_rules(self, place: int, how: str) -> None:
        space, known = self.known_rules()[place % len(self.known_rules())]
        method, path = {
            "all": ("DELETE", ""),
            "reset": ("POST", "/reset"),
            "one": ("DELETE", f"/{known.id}"),
        }[how]
        self.steer(control(space.name, method, f"/mappings{path}"))
        space.remove(*([known] if how == "one" else space.rules))
        if how == "reset":
            space.journal = []  # as WireMock does

    @precondition(lambda self: any(each.scenario for _, each in self.known_rules()))
    @rule(place=A_PLACE, state=st.none() | A_PLACE)
    def enter_state(self, place: int, state: int | None) -> None:
        known = [(space, *each) for space in self.model.spaces.values() for each in space.scenarios.items()]
        space, name, states = known[place % len(known)]
        if state is None:
            self.steer(control(space.name, "POST", "/scenarios/reset"))
            space.states = {}
        else:
            space.states[name] = states[state % len(states)]
            self.steer(control(space.name, "PUT", f"/scenarios/{name}/state", {"state": space.states[name]}))

    # The journal, and all of it

    @rule(name=A_NAME, form=A_FORM, pattern=A_PATTERN, removes=st.booleans())
    def find(self, name: str, form: str, pattern: str, removes: bool) -> None:
        asked, space = dict({**PATTERNS, **VERDICTS}[pattern].sent), self.model.space(name)
        shown = self.steer(control(name, "POST", "/requests/find", asked, form))["requests"]
        counted = self.steer(control(name, "POST", "/requests/count", asked, form))["count"]
        found = [each.number for each in space.journal if model.found_by(pattern, each)]
        assert ([each["mock"]["number"] for each in shown], counted) == (found, len(found))
        if removes:
            removed = self.steer(control(name, "POST", "/requests/remove", asked, form))["serveEvents"]
            assert [each["request"] for each in removed] == shown
            space.journal = [each for each in space.journal if each.number not in found]

    @precondition(lambda self: any(space.journal for space in self.model.spaces.values()))
    @rule(place=A_PLACE, how=st.sampled_from(["one", "one", "all", "reset"]))
    def forget_calls(self, place: int, how: str) -> None:
        recorded = [(space, each) for space in self.model.spaces.values() for each in reversed(space.journal)]
        space, logged = recorded[place % len(recorded)]
        listed = self.steer(control(space.name, "GET", "/requests"))["requests"]
        id_ = next(each["id"] for each in listed if each["request"]["mock"]["number"] == logged.number)
        method, path = {"all": ("DELETE", ""), "reset": ("POST", "/reset"), "one": ("DELETE", f"/{id_}")}[how]
        self.steer(control(space.name, method, f"/requests{path}"))
        space.journal = [each for each in space.journal if how == "one" and each is not logged]

    @rule(name=A_NAME, form=A_FORM, gone=st.none() | st.sampled_from(NAMES[1:]))
    def reset(self, name: str, form: str, gone: str | None) -> None:
        self.model.space(name)
        if gone is None:
            self.steer(control(name, "POST", "/reset", form=form))
            self.model.reset(name)
        else:
            is_known = self.model.delete(gone)
            self.steer(control(name, "DELETE", f"/namespaces/{gone}", form=form), 200 if is_known else 404)

    # Agreement

    @invariant()
    def all_namespaces_are_as_in_the_model(self) -> None:
        asked = [control(name, "GET", view) for name in NAMES for view in VIEWS]
        *answers, listed = self.server.all_of([*asked, control("", "GET", "/namespaces")])
        for position, name in enumerate(NAMES):
            shown = shown_space(answers[position * len(VIEWS) :][: len(VIEWS)])
            assert shown == modelled_space(self.model.glimpse(name)), f"namespace {name!r}"
        known = sorted(self.model.spaces.items())
        assert listed["namespaces"] == [{"name": name, "calls": len(space.journal)} for name, space in known]


TestModel = Machine.TestCase
TestModel.settings = settings(max_examples=settings().max_examples, stateful_step_count=20)


def test_the_model_knows_nothing_of_the_server() -> None:
    tree = ast.parse(Path(model.__file__).read_text(encoding="utf-8"))
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not [name for name in imported if name.startswith("mockserver")]
