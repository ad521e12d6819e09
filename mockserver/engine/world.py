"""The state of one namespace: its journal, keys, buckets and clock, over contracts that do not change.

Resetting makes a new world from the same blueprint, so that it takes no time however much is stored.
"""

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from mockserver.engine.checks import checks_of
from mockserver.engine.clock import Clock
from mockserver.engine.contract import Api, Operation, RateLimit
from mockserver.engine.dedup import Keys
from mockserver.engine.delays import Delay
from mockserver.engine.exchange import JSON, Exchange, Request
from mockserver.engine.expressions import RequestFacts
from mockserver.engine.faults import SpecError
from mockserver.engine.journal import MOST_BYTES, MOST_CALLS, About, Journal, Room
from mockserver.engine.limits import Limits
from mockserver.engine.parsing import MalformedError, parse_json
from mockserver.engine.patterns import Known
from mockserver.engine.policy import Policy
from mockserver.engine.preferences import offered_answers
from mockserver.engine.routing import Found, Router
from mockserver.engine.rules import Rule, Rules
from mockserver.engine.terms import LimitTerms, Terms
from mockserver.engine.validation import Validator
from mockserver.engine.values import ABSENT, Ids, as_text, is_empty, pointer_of, uuid_text, walk


@dataclass(frozen=True, slots=True)
class UserLimit:
    """A rate limit that the user sets: ``count`` calls in ``window`` seconds."""

    count: int
    window: float


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user of the server has set, by API; see `Policy` for each API's part."""

    policies: Mapping[str, Policy] = field(default_factory=dict)
    limits: Mapping[str, UserLimit] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    enforce_limits: bool = False
    admit_invalid: bool = False
    most_calls: int = MOST_CALLS
    most_bytes: int = MOST_BYTES
    scheme: str = "http"


class Blueprint:
    """What worlds are made from: contracts, routes, validators, settings. Raises `SpecError`."""

    def __init__(self, apis: Iterable[Api], settings: Settings | None = None) -> None:
        self.apis = tuple(apis)
        self.settings = settings or Settings()
        self.router = Router(self.apis)
        self.validators = {
            operation: _validator(operation) for api in self.apis for operation in api.operations
        }
        self.policies = {api.name: self._policy(api) for api in self.apis}
        self.checks = {
            operation: checks_of(operation, self.policies[operation.api]) for operation in self.validators
        }
        self.operations = {(each.api, each.id): each for each in self.validators}
        self.deviations = {api.name: api.deviations for api in self.apis}
        self.known = known_by(self.apis, self.settings.scheme)
        self.most_body_bytes = max((operation.max_bytes for operation in self.validators), default=0)

    def describe(self, api: str, operation: str, request: Request) -> Sequence[About]:
        """Return the workflow or event that a request names, and its recipient; at most 200 characters each.

        Of a bulk call it is one pair for each item.
        """
        known = self.operations.get((api, operation))
        if known is None:
            return ()
        return [_about(each, facts) for each, facts in self.told_in(known, request)]

    def key_of(self, exchange: Exchange) -> str | None:
        """Return the key by which a call is a repeat or not: that of its operation's first rule that it meets.

        Of a bulk call it is the keys of its items, with commas.
        """
        known = self.operations.get((exchange.api or "", exchange.operation or ""))
        if known is None:
            return None
        keys = [_key(each, facts) for each, facts in self.told_in(known, exchange.request, with_call=True)]
        return ", ".join(dict.fromkeys(key for key in keys if key is not None))[:200] or None

    def told_in(
        self, known: Operation, request: Request, *, with_call: bool = False
    ) -> Iterator[tuple[Operation, RequestFacts]]:
        """Yield what a request tells of: itself, or where its operation is for several items, each of them."""
        found = self.router.route(request.method, request.path)
        values = found.values if isinstance(found, Found) and found.operation is known else {}
        try:
            body = parse_json(request.body)
        except MalformedError:
            body = ABSENT
        items = None if known.each is None else walk(body, known.each.at)
        if with_call or not isinstance(items, list):
            yield known, RequestFacts(request, body, values)
        if known.each is not None and isinstance(items, list):
            judge = self.operations[known.api, known.each.operation]
            yield from ((judge, RequestFacts(request, item, values)) for item in items)

    def _policy(self, api: Api) -> Policy:
        settings = self.settings
        limits = {operation.id: self._limit(operation) for operation in api.operations}
        return replace(
            settings.policies.get(api.name, Policy()),
            limits={id_: limit for id_, limit in limits.items() if limit is not None},
            admits_invalid=settings.admit_invalid,
        )

    def _limit(self, operation: Operation) -> RateLimit | None:
        own, asked = operation.rate_limit, self.settings.limits.get(operation.api)
        if asked is not None:
            return LimitTerms(asked.count, asked.window, asked.count).applied(own)
        return own if own is not None and (own.enforced or self.settings.enforce_limits) else None


def known_by(apis: Iterable[Api], scheme: str = "http") -> Known:
    """Return what rules and patterns may name; ``scheme`` is that of all calls."""
    names: dict[str, list[str]] = {}
    examples: dict[tuple[str, str], frozenset[str]] = {}
    for each in (operation for api in apis for operation in api.operations):
        names.setdefault(each.api, []).append(each.id)
        examples[each.api, each.id] = frozenset(
            answer.example for answer in offered_answers(each) if answer.example
        )
    return Known(names, examples, scheme)


def _about(operation: Operation, facts: RequestFacts) -> About:
    names, recipient = operation.catalogue, operation.recipient
    return _short(names and names.name(facts)), _short(recipient and recipient(facts))


def _key(operation: Operation, facts: RequestFacts) -> str | None:
    found = (rule.key(facts) for rule in operation.dedup.values())
    return next((as_text(key) for key in found if not is_empty(key)), None)


def _short(value: object) -> str | None:
    return value[:200] if isinstance(value, str) else None


@lru_cache(maxsize=100)  # a test process starts many servers over the same specs
def _validator(operation: Operation) -> Validator:
    try:
        return Validator(operation)
    except ValueError as error:
        place = pointer_of(["paths", operation.path, operation.method.lower()])
        text = f"a schema of this operation is not one: {str(error).partition(chr(10))[0]}"
        raise SpecError([(operation.api, place, text)]) from None


class World:
    """One namespace's state, fresh. ``seeded`` begins the ids of a namespace anew, as each reset then does.

    ``delays`` hold every answer back, beside what rules and preferences do;
    ``settings_written`` is how they were sent.
    """

    def __init__(
        self,
        blueprint: Blueprint,
        clock: Clock,
        ids: Ids,
        seeded: Callable[[str], Ids] | None = None,
        *,
        namespace: str = "",
        room: Room | None = None,
    ) -> None:
        settings = blueprint.settings
        self.blueprint = blueprint
        self.clock = clock
        self.ids = ids
        self.namespace = namespace
        self.keys = Keys()
        self.limits = Limits()
        self.terms = Terms(blueprint.apis, blueprint.policies, blueprint.checks)
        self.rules = Rules(settings.rules)
        self.delays: tuple[Delay, ...] = ()
        self.settings_written: Mapping[str, JSON] = {}
        self._seeded = seeded
        self._room = room or Room(settings.most_calls, settings.most_bytes)
        self.journal = Journal(
            uuid_text(ids(128))[:24], blueprint.describe, self._room, namespace, settings.scheme
        )

    def rebuilt(self, blueprint: Blueprint) -> "World":
        """Return a world of another blueprint with the journal, keys, limits, rules and clock of this one."""
        world = copy.copy(self)
        world.blueprint = blueprint
        world.terms = self.terms.over(blueprint.apis, blueprint.policies, blueprint.checks)
        world.rules.configure(self.blueprint.settings.rules, blueprint.settings.rules)
        world.journal.describe = blueprint.describe
        world._room.change(blueprint.settings.most_calls, blueprint.settings.most_bytes)
        return world

    def afresh(self) -> "World":
        """Return a new world of the same blueprint, with the clock back at the beginning."""
        self.clock.reset()
        self.journal.leave()
        return self._like(self.clock, self.namespace)

    def beside(self, namespace: str) -> "World":
        """Return a new world of the same blueprint for another namespace, with a clock of its own."""
        return self._like(self.clock.beside(), namespace)

    def glimpse(self, namespace: str) -> "World":
        """Return a world as a namespace that nobody has used yet would be, for one look: its journal has no room."""
        return self._like(self.clock.beside(), namespace, Room())

    def _like(self, clock: Clock, namespace: str, room: Room | None = None) -> "World":
        ids = self.ids if self._seeded is None else self._seeded(namespace)
        return World(self.blueprint, clock, ids, self._seeded, namespace=namespace, room=room or self._room)
