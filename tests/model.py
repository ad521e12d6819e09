"""What the server promises, told a second time: small, plain, and without a line of the server's own.

One `Space` is one namespace: dicts of the keys that are kept and held, token buckets, a list of rules, the states of
scenarios, a list of calls. `Space.arrive` decides a call to the one operation that the model knows, `Flight.land` is
what becomes of it when its answer is out. Times are seconds since the epoch, in quarters, so that sums are exact.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

TRIGGER = "/v1/events/trigger"
DAY, IN_FLIGHT, LONGEST_KEY = 86_400, 300, 255
BODIES = {
    "welcome": '{"name": "welcome", "to": ["ada"]}',
    "spaced": '{ "name":"welcome","to" :["ada"] }',
    "other": '{"name": "other", "to": ["bob"]}',
    "wrong": '{"name": 5, "to": ["ada"]}',
    "broken": '{"name": "welcome"',
}

Key = tuple[str, str, str]
"""The rule of the API that reads it, the credential, and the value."""


@dataclass(frozen=True)
class Call:
    """A call as somebody sends it; ``body`` names one of `BODIES`."""

    method: str = "POST"
    path: str = TRIGGER
    body: str = "welcome"
    key: str | None = None
    transaction: str | None = None
    credential: str | None = "one"
    prefer: str | None = None

    @property
    def text(self) -> str:
        more = "" if self.transaction is None else f', "transactionId": "{self.transaction}"'
        return BODIES[self.body].replace("}", more + "}")

    @property
    def meaning(self) -> str:
        """What a key compares: white space does not count."""
        return json.dumps(json.loads(self.text))


@dataclass
class Logged:
    """A call in the journal."""

    number: int
    call: Call
    at: float
    outcome: str = "admitted"
    status: int = 201
    reason: str | None = None
    rule: str | None = None
    repeat_of: int | None = None
    stub: str | None = None
    state: str = "answered"


@dataclass(frozen=True)
class Pattern:
    """A request pattern as it is sent, and what it means."""

    sent: Mapping[str, Any]
    fits: Callable[[Call], bool]


PATTERNS = {
    "any": Pattern({}, lambda call: True),
    "trigger": Pattern(
        {"method": "POST", "urlPath": TRIGGER}, lambda call: (call.method, call.path) == ("POST", TRIGGER)
    ),
    "api": Pattern({"api": "novu"}, lambda call: call.path == TRIGGER),
    "elsewhere": Pattern({"urlPathPattern": "/no.*"}, lambda call: call.path == "/nowhere"),
    "first key": Pattern({"headers": {"Idempotency-Key": {"equalTo": "k1"}}}, lambda call: call.key == "k1"),
    "welcome": Pattern({"bodyPatterns": [{"contains": '"welcome"'}]}, lambda call: '"welcome"' in call.text),
}
VERDICTS = {
    "repeated": Pattern({"outcome": "repeated"}, lambda call: True),
    "scripted": Pattern({"outcome": ["scripted"]}, lambda call: True),
    "in flight": Pattern({"reason": ["in-flight", "key-reused"]}, lambda call: True),
}
"""Patterns of the journal alone: what they ask for is a member of `Logged` as well."""


def found_by(name: str, logged: Logged) -> bool:
    """Tell whether a pattern finds a call in the journal."""
    if name in PATTERNS:
        return PATTERNS[name].fits(logged.call)
    return all(
        getattr(logged, member) in ([wanted] if isinstance(wanted, str) else wanted)
        for member, wanted in VERDICTS[name].sent.items()
    )


@dataclass(frozen=True)
class Script:
    """What a rule does: an answer with a status, or nothing but a delay."""

    response: Mapping[str, Any]
    status: int | None = None
    delay: float = 0.0
    example: str | None = None


SCRIPTS = {
    "unavailable": Script({"status": 503}, 503),
    "throttled": Script({"status": 429}, 429),
    "teapot": Script({"status": 418}, 418),
    "body": Script({"jsonBody": {"a": 1}}, 200),
    "example": Script({}, 429, example="rate-limited"),
    "slow answer": Script({"status": 503, "fixedDelayMilliseconds": 2000}, 503, 2.0),
    "slow": Script({"fixedDelayMilliseconds": 1000}, delay=1.0),
    "idle": Script({}),
}


@dataclass
class Rule:
    """A scripted rule, and how many calls it has served. ``id`` and ``order`` are given when it is put."""

    pattern: str = "any"
    script: str = "unavailable"
    priority: int = 5
    times: int | None = None
    after: str = "nothing"
    scenario: str | None = None
    required: str | None = None
    sets: str | None = None
    name: str | None = None
    id: str = ""
    order: int = 0
    served: int = 0

    @property
    def remaining(self) -> int | None:
        return None if self.times is None else self.times - self.served

    @property
    def does(self) -> Script:
        return SCRIPTS[self.script]

    @property
    def answers(self) -> bool:
        return self.does.status is not None

    @property
    def label(self) -> str:
        return self.name or self.id


@dataclass(frozen=True)
class Limit:
    count: int
    window: int
    burst: int
    enforced: bool = True


PUBLISHED = Limit(300, 5, 330, enforced=False)


class RealTime:
    """The time that nobody but the test moves."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


class Clock:
    """The time of one namespace: so far ahead of the real one, or standing still."""

    def __init__(self, real: RealTime) -> None:
        self.real, self.ahead = real, 0.0
        self.stands_at: float | None = None

    @property
    def now(self) -> float:
        return self.real.seconds + self.ahead if self.stands_at is None else self.stands_at

    def release(self) -> None:
        self.ahead, self.stands_at = 0.0, None

    def set(self, at: float, *, frozen: bool) -> None:
        self.ahead, self.stands_at = at - self.real.seconds, at if frozen else None

    def advance(self, seconds: float) -> None:
        self.set(self.now + seconds, frozen=self.stands_at is not None)


@dataclass
class Answer:
    """What a key keeps. The body is what was seen of it first: each repeat has the same."""

    status: int
    body: bytes | None = None


@dataclass(frozen=True)
class Kept:
    until: float
    meaning: str
    number: int
    answer: Answer


@dataclass
class Flight:
    """A call under way: what the journal has of it, the headers its answer will have, the key that it holds."""

    space: "Space"
    logged: Logged
    answer: Answer
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    holds: Key | None = None

    def decide(self, outcome: str, status: int, **more: Any) -> None:
        self.logged.outcome, self.logged.status, self.answer = outcome, status, Answer(status)
        for member, value in more.items():
            setattr(self.logged, member, value)

    def refuse(self, status: int, reason: str, rule: str | None = None, **headers: str) -> bool:
        self.decide("refused", status, reason=reason, rule=rule)
        self.headers |= {name.replace("_", "-"): value for name, value in headers.items()}
        return False

    def land(self, state: str = "answered") -> None:
        """The answer is out, or its client is gone: either way no key is held any longer."""
        space, number = self.space, self.logged.number
        self.logged.state = state
        if self.holds is None:
            return
        if space.held.get(self.holds, (0.0, 0))[1] == number:
            del space.held[self.holds]
        if self.logged.outcome != "scripted":
            until = space.clock.now + DAY
            space.kept[self.holds] = Kept(until, self.logged.call.meaning, number, self.answer)


class Space:
    """One namespace."""

    def __init__(self, name: str, clock: Clock) -> None:
        self.name, self.clock = name, clock
        self.journal: list[Logged] = []
        self.number = 0
        self.kept: dict[Key, Kept] = {}
        self.held: dict[Key, tuple[float, int]] = {}
        self.limit = PUBLISHED
        self.buckets: dict[str, tuple[Fraction, float]] = {}
        self.rules: list[Rule] = []
        self.states: dict[str, str] = {}
        self._puts = 0

    # Calls

    def arrive(self, call: Call) -> Flight:
        self.number += 1
        flight = Flight(self, Logged(self.number, call, self.clock.now), Answer(201))
        is_answered = self._script(flight, "nothing")
        if (call.method, call.path) == ("POST", TRIGGER):
            self._forget()
        if not is_answered:
            self._decide(flight)
        self.journal.append(flight.logged)
        if flight.delay:
            flight.logged.state = "waiting"
        else:
            flight.land()
        return flight

    def _decide(self, flight: Flight) -> None:
        call = flight.logged.call
        if call.path != TRIGGER:
            flight.refuse(404, "no-route")
        elif call.method != "POST":
            flight.refuse(405, "wrong-method", allow="OPTIONS, POST")
        else:
            self._check(flight)
            if flight.logged.outcome != "refused":
                self._prefer(flight)
            if flight.logged.outcome == "admitted":
                self._script(flight, "checks")
            if flight.logged.outcome == "admitted" and call.transaction is not None:
                key = ("transaction-id", call.credential or "", call.transaction)
                until = self.clock.now + DAY
                self.kept[key] = Kept(until, call.meaning, flight.logged.number, flight.answer)

    def _check(self, flight: Flight) -> bool:
        """Go through the checks of the API in its order; the first that says no has decided."""
        call = flight.logged.call
        if call.body == "broken":
            return flight.refuse(400, "malformed")
        if call.credential is None:
            return flight.refuse(401, "unauthenticated")
        if not (self._take_token(flight, call.credential) and self._take_key(flight, call.credential)):
            return False
        if call.body == "wrong":
            return flight.refuse(422, "invalid")
        key = ("transaction-id", call.credential, call.transaction or "")
        known = self.kept.get(key) if call.transaction else None
        return known is None or known.until <= self.clock.now or self._repeat(flight, key, known)

    def _take_token(self, flight: Flight, credential: str) -> bool:
        limit, now = self.limit, self.clock.now
        if not limit.enforced:
            return True
        rate, left = Fraction(limit.count, limit.window), self._tokens(credential)
        is_admitted = left >= 1
        left -= is_admitted
        self.buckets[credential] = left, now
        wait = math.ceil(((limit.burst if is_admitted else 1) - left) / rate)
        flight.headers |= {
            "ratelimit-limit": str(limit.count),
            "ratelimit-remaining": str(math.floor(left)),
            "ratelimit-reset": str(wait),
        }
        return is_admitted or flight.refuse(429, "rate-limited", retry_after=str(wait))

    def _tokens(self, credential: str) -> Fraction:
        """What is in a bucket now. A clock that was set back fills none; from there on it fills them again."""
        limit = self.limit
        left, since = self.buckets.get(credential, (Fraction(limit.burst), self.clock.now))
        passed = Fraction(max(0.0, self.clock.now - since))
        return min(Fraction(limit.burst), left + passed * limit.count / limit.window)

    @property
    def tokens_left(self) -> int | None:
        """What is left in the emptiest bucket; None where nothing is counted."""
        full = Fraction(self.limit.burst)
        return math.floor(min([full, *map(self._tokens, self.buckets)])) if self.limit.enforced else None

    def _take_key(self, flight: Flight, credential: str) -> bool:
        call, now, rule = flight.logged.call, self.clock.now, "idempotency-key"
        if call.key is None:
            return True
        if len(call.key) > LONGEST_KEY:
            return flight.refuse(400, "key-too-long", rule)
        flight.headers["idempotency-key"] = call.key
        key = (rule, credential, call.key)
        if key in self.held and self.held[key][0] > now:
            return flight.refuse(409, "in-flight", rule, retry_after="1")
        known = self.kept.get(key)
        if known is not None and known.until > now:
            if known.meaning != call.meaning:
                return flight.refuse(422, "key-reused", rule)
            flight.headers["idempotency-replay"] = "true"
            return self._repeat(flight, key, known)
        flight.holds = key
        self.held[key] = now + IN_FLIGHT, flight.logged.number
        return True

    def _repeat(self, flight: Flight, key: Key, known: Kept) -> bool:
        flight.decide("repeated", known.answer.status, rule=key[0], repeat_of=known.number)
        flight.answer = known.answer
        return False

    def _forget(self) -> None:
        """Keys whose time has run out when a call comes are forgotten, also if the clock is set back later."""
        self.kept = {key: kept for key, kept in self.kept.items() if kept.until > self.clock.now}

    def _prefer(self, flight: Flight) -> None:
        prefer = flight.logged.call.prefer
        if prefer is None:
            return
        flight.headers["preference-applied"] = prefer
        if prefer == "wait=1":
            flight.delay += 1.0
        else:
            flight.headers.pop("idempotency-replay", None)
            flight.decide("scripted", 503, rule="prefer", repeat_of=None)

    # Rules

    @property
    def asked(self) -> list[Rule]:
        """The rules in the order in which they are asked."""
        return sorted(self.rules, key=lambda rule: (rule.priority, -rule.order))

    def _script(self, flight: Flight, after: str) -> bool:
        """Let the rules act that look now: one that answers, one that only delays; tell whether one answers."""
        acting: dict[bool, Rule] = {}
        for rule in self.asked:
            if rule.after == after and self._is_for(rule, flight.logged.call):
                acting.setdefault(rule.answers, rule)
        for rule in sorted(acting.values(), key=lambda rule: not rule.answers):
            rule.served += 1
            flight.delay += rule.does.delay
            if rule.scenario is not None and rule.sets is not None:
                self.states[rule.scenario] = rule.sets
        if acting:
            flight.logged.stub = (acting.get(True) or acting[False]).id
        if True in acting:
            self._answer(flight, acting[True])
        return True in acting

    def _is_for(self, rule: Rule, call: Call) -> bool:
        is_now = rule.required is None or self.states.get(rule.scenario or "", "Started") == rule.required
        can_be = rule.does.example is None or call.path == TRIGGER
        return rule.remaining != 0 and is_now and can_be and PATTERNS[rule.pattern].fits(call)

    def _answer(self, flight: Flight, rule: Rule) -> None:
        status = rule.does.status or 200
        flight.decide("scripted", status, rule=rule.label)
        flight.headers["matched-stub-id"] = rule.id
        if rule.name:
            flight.headers["matched-stub-name"] = rule.name
        if status == 429 and flight.logged.call.path == TRIGGER:  # the API's own answer for this status
            flight.headers["retry-after"] = flight.headers.get("ratelimit-reset", "1")

    def put(self, rule: Rule) -> None:
        """Add a rule; one with the id of another takes its place, in the order as well."""
        self._puts += 1
        known = next((each for each in self.rules if each.id == rule.id), None)
        rule.order = self._puts if known is None else known.order
        self.rules = [each for each in self.rules if each is not known] + [rule]
        self._forget_states()

    def remove(self, *rules: Rule) -> None:
        self.rules = [rule for rule in self.rules if rule not in rules]
        self._forget_states()

    def _forget_states(self) -> None:
        """A scenario ends with its last rule."""
        self.states = {name: state for name, state in self.states.items() if name in self.scenarios}

    @property
    def scenarios(self) -> dict[str, list[str]]:
        """The states of each scenario: the first one, then those that its rules name in the order they are asked."""
        found: dict[str, list[str]] = {}
        for rule in self.asked:
            if rule.scenario is not None:
                states = found.setdefault(rule.scenario, ["Started"])
                states += [each for each in (rule.required, rule.sets) if each and each not in states]
        return found

    # What a test does to it

    def set_limit(self, limit: Limit) -> None:
        self.limit, self.buckets = limit, {}

    def ends(self) -> list[tuple[Key, float]]:
        """When keys run out: first those that are held, then those that are kept."""
        held = [(key, until) for key, (until, _) in self.held.items()]
        return held + [(key, kept.until) for key, kept in self.kept.items()]


class Model:
    """All namespaces; that without a name is always there."""

    def __init__(self, real: RealTime) -> None:
        self.real = real
        self.spaces = {"": Space("", Clock(real))}

    def space(self, name: str) -> Space:
        """A namespace is made when it is first used."""
        if name not in self.spaces:
            self.spaces[name] = self.glimpse(name)
        return self.spaces[name]

    def glimpse(self, name: str) -> Space:
        """A namespace that is only looked at is not made for that."""
        return self.spaces.get(name) or Space(name, Clock(self.real))

    def reset(self, name: str) -> None:
        clock = self.space(name).clock
        clock.release()
        self.spaces[name] = Space(name, clock)

    def delete(self, name: str) -> bool:
        return self.spaces.pop(name, None) is not None
