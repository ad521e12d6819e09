"""Scripted rules: what somebody wants certain calls to be answered, how often, and in which state of a scenario.

A rule that has an answer gives it; one that has none only holds the call back and lets it go on. Of those that match a
call, one of each kind acts: that of the lowest priority number, among equals the newest. A rule looks before every
check of the API, or after all of them. One that has answered as often as it was told steps aside.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from mockserver.engine.delays import Delay, draw
from mockserver.engine.exchange import JSON
from mockserver.engine.headers import Pairs
from mockserver.engine.patterns import Pattern
from mockserver.engine.sightings import Sighting
from mockserver.engine.values import Ids

FAULTS: Final = (
    "EMPTY_RESPONSE",
    "CONNECTION_RESET_BY_PEER",
    "MALFORMED_RESPONSE_CHUNK",
    "RANDOM_DATA_THEN_CLOSE",
)
STARTED: Final = "Started"
"""The state in which every scenario begins."""
MOST_RULES: Final = 10_000
_PRIORITY: Final = 5
_MOST_GONE: Final = 1_000

After = Literal["nothing", "checks"]


@dataclass(frozen=True, slots=True)
class Dribble:
    """Send the body in so many pieces, over so many seconds."""

    pieces: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Script:
    """What a rule does: an answer, or a fault in its place, or nothing but delays.

    ``phrase`` is the reason phrase of the status line. ``example`` names an answer of the spec. ``body`` is None where
    the API's own answer for the status is sent.
    """

    status: int | None = None
    phrase: str = ""
    headers: Pairs = ()
    body: bytes | None = None
    example: str | None = None
    fault: str | None = None
    delays: tuple[Delay, ...] = ()
    dribble: Dribble | None = None

    @property
    def answers(self) -> bool:
        """Whether it answers the call."""
        return not (self.status is None and self.body is None and self.example is None and self.fault is None)

    @property
    def may_have_body(self) -> bool:
        """Whether there may be a body that is sent."""
        return self.fault is None and (self.status is None or self.status >= 200)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. ``written`` is its JSON form as far as WireMock knows it, ``own`` what is ours."""

    id: str
    pattern: Pattern
    script: Script
    name: str = ""
    priority: int = _PRIORITY
    times: int | None = None
    after: After = "nothing"
    scenario: str | None = None
    required: str | None = None
    sets: str | None = None
    metadata: Mapping[str, JSON] = field(default_factory=dict)
    written: Mapping[str, JSON] = field(default_factory=dict)
    own: Mapping[str, JSON] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """What people call it: its name, else its id."""
        return self.name or self.id


@dataclass(slots=True, eq=False)
class Armed:
    """A rule that is in force, the order in which it came, and how many calls it has served."""

    rule: Rule
    order: int
    served: int = 0

    @property
    def remaining(self) -> int | None:
        """How many calls it will still serve; None: all."""
        return None if self.rule.times is None else max(0, self.rule.times - self.served)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the rules say of a call: the one that answers, the one that holds back."""

    answering: Rule | None = None
    delaying: Rule | None = None

    @property
    def dribble(self) -> Dribble | None:
        """How the body is sent bit by bit, if it is: a fault and an informational status have none."""
        if self.answering is not None and not self.answering.script.may_have_body:
            return None
        acting = (rule.script.dribble for rule in (self.answering, self.delaying) if rule is not None)
        return next((dribble for dribble in acting if dribble is not None), None)

    @property
    def fault(self) -> str | None:
        """The fault that stands in for an answer."""
        return None if self.answering is None else self.answering.script.fault

    @property
    def stub(self) -> str | None:
        """The id of the rule that is named in the journal."""
        acting = self.answering or self.delaying
        return None if acting is None else acting.id

    @property
    def is_counted(self) -> bool:
        """Whether a rule has acted that acts so many times only."""
        return any(rule is not None and rule.times is not None for rule in (self.answering, self.delaying))

    @property
    def phrase(self) -> str:
        """The reason phrase of the answer, where a rule gives one."""
        return "" if self.answering is None else self.answering.script.phrase

    def delay(self, ids: Ids) -> float:
        """Return the seconds to hold the call back."""
        acting = (rule for rule in (self.answering, self.delaying) if rule is not None)
        return sum(draw(each, ids) for rule in acting for each in rule.script.delays)

    def joined(self, later: "Chosen") -> "Chosen":
        """Return what rules say of a call that looked again, after the checks."""
        return Chosen(later.answering, later.delaying or self.delaying) if later is not NOBODY else self


NOBODY: Final = Chosen()


class TooManyRulesError(ValueError):
    """One more rule than there may be; the text is a sentence."""

    def __init__(self) -> None:
        super().__init__(f"there are {MOST_RULES:,} rules already; delete those that are done with")


class Rules:
    """The rules of one namespace, and the states of their scenarios.

    ``configured`` are those of the configuration, oldest first; ``acting`` those that are not used up, in the order in
    which they are asked.
    """

    def __init__(self, configured: Sequence[Rule] = ()) -> None:
        self._armed: dict[str, Armed] = {}
        self.acting: list[Armed] = []
        self._gone: dict[str, Rule] = {}
        self._states: dict[str, str] = {}
        self._count = 0
        self.extend(configured)

    def __iter__(self) -> Iterator[Armed]:
        """Yield the rules in the order in which they are asked."""
        return iter(sorted(self._armed.values(), key=_precedence))

    def __len__(self) -> int:
        return len(self._armed)

    def put(self, rule: Rule) -> Armed:
        """Add a rule, or replace the one with its id, which keeps its place. Raises `TooManyRulesError`."""
        self.extend([rule])
        return self._armed[rule.id]

    def extend(self, rules: Iterable[Rule]) -> None:
        """Add rules, oldest first, as `put` does each: all of them or none. Raises `TooManyRulesError`."""
        added = list(rules)
        if len(self._armed.keys() | {rule.id for rule in added}) > MOST_RULES:
            raise TooManyRulesError
        for rule in added:
            self._count += 1
            known = self._armed.get(rule.id)
            self._armed[rule.id] = Armed(rule, self._count if known is None else known.order)
        self._arrange()

    def get(self, id_: str) -> Armed | None:
        """Return the rule with an id."""
        return self._armed.get(id_)

    def rule_of(self, id_: str) -> Rule | None:
        """Return a rule that is in force, or was lately."""
        armed = self._armed.get(id_)
        return self._gone.get(id_) if armed is None else armed.rule

    def remove(self, ids: Iterable[str]) -> None:
        """Remove rules; ids that are not known are passed over."""
        for id_ in list(ids):
            if (armed := self._armed.pop(id_, None)) is not None:
                self._gone[id_] = armed.rule
        while len(self._gone) > _MOST_GONE:
            del self._gone[next(iter(self._gone))]
        self._arrange()

    def clear(self) -> None:
        """Remove all rules."""
        self.remove(self._armed)

    def configure(self, before: Sequence[Rule], now: Sequence[Rule]) -> None:
        """Replace the rules of a configuration by those of another; rules that came later stay."""
        if before != now:
            self.remove(rule.id for rule in before)
            self.extend(now)

    def _arrange(self) -> None:
        """Note which rules may act; a scenario ends with its last rule."""
        self.acting = [armed for armed in self if armed.remaining != 0]
        named = {armed.rule.scenario for armed in self._armed.values()}
        self._states = {name: state for name, state in self._states.items() if name in named}

    def choose(self, sighting: Sighting, after: After, has_example: Callable[[Script], bool]) -> Chosen:
        """Return what acts on a call, and count it. ``has_example`` tells whether the call can be answered so."""
        answering = delaying = None
        for armed in self.acting:
            rule = armed.rule
            is_wanted = answering is None if rule.script.answers else delaying is None
            if is_wanted and rule.after == after and self._fits(rule, sighting) and has_example(rule.script):
                if rule.script.answers:
                    answering = armed
                else:
                    delaying = armed
        if answering is None and delaying is None:
            return NOBODY
        return Chosen(*(None if armed is None else self._serve(armed) for armed in (answering, delaying)))

    def _fits(self, rule: Rule, sighting: Sighting) -> bool:
        is_now = rule.required is None or self.state_of(rule.scenario or "") == rule.required
        return is_now and rule.pattern.matches(sighting)

    def _serve(self, armed: Armed) -> Rule:
        rule = armed.rule
        armed.served += 1
        if armed.remaining == 0:
            self._arrange()
        if rule.scenario is not None and rule.sets is not None:
            self._states[rule.scenario] = rule.sets
        return rule

    # Scenarios

    def state_of(self, scenario: str) -> str:
        """Return the state that a scenario is in."""
        return self._states.get(scenario, STARTED)

    def scenarios(self) -> dict[str, list[str]]:
        """Return the states of each scenario that a rule belongs to, the first one first."""
        found: dict[str, list[str]] = {}
        for armed in self:
            rule = armed.rule
            if rule.scenario is not None:
                states = found.setdefault(rule.scenario, [STARTED])
                for each in (rule.required, rule.sets):
                    if each is not None and each not in states:
                        states.append(each)
        return found

    def enter(self, scenario: str, state: str) -> None:
        """Put a scenario into one of its states."""
        self._states[scenario] = state

    def restart(self) -> None:
        """Put all scenarios back to their beginning."""
        self._states = {}


def _precedence(armed: Armed) -> tuple[int, int]:
    return armed.rule.priority, -armed.order
