"""What is in force in one namespace: the limits and catalogues of its blueprint, with what was changed since.

Changes are kept apart from what they change, so that they can be taken back, and laid over another blueprint.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from mockserver.engine.case import Check
from mockserver.engine.checks import checks_of
from mockserver.engine.contract import Api, Operation, RateLimit
from mockserver.engine.policy import Catalogue, Policy


@dataclass(frozen=True, slots=True)
class LimitTerms:
    """A rate limit that is set for an API: ``limit`` calls in ``window`` seconds, ``burst`` at once; or none."""

    limit: int
    window: float
    burst: int
    enforced: bool = True

    def applied(self, own: RateLimit | None) -> RateLimit | None:
        """Return the limit of an operation under these terms; what its spec says beside the numbers stays."""
        if not self.enforced:
            return None
        plain = own or RateLimit(self.limit, self.window, self.burst)
        return replace(plain, limit=self.limit, window=self.window, burst=self.burst)


class Terms:
    """The policies and checks in force, by API and by operation."""

    def __init__(
        self,
        apis: Iterable[Api],
        policies: Mapping[str, Policy],
        checks: Mapping[Operation, tuple[Check, ...]],
    ) -> None:
        self.policies, self.checks = policies, checks
        self._apis = {api.name: api for api in apis}
        self._agreed, self._agreed_checks = policies, checks
        self._limits: dict[str, LimitTerms] = {}
        self._catalogues: dict[str, Catalogue] = {}

    def over(
        self,
        apis: Iterable[Api],
        policies: Mapping[str, Policy],
        checks: Mapping[Operation, tuple[Check, ...]],
    ) -> "Terms":
        """Return the same changes, laid over others; those of an API that is gone are forgotten."""
        terms = Terms(apis, policies, checks)
        terms._limits = {name: each for name, each in self._limits.items() if name in terms._apis}
        terms._catalogues = {name: each for name, each in self._catalogues.items() if name in terms._apis}
        for name in {*terms._limits, *terms._catalogues}:
            terms._apply(name)
        return terms

    def limit_of(self, api: str) -> LimitTerms | None:
        """Return the limit of an API, in force or known; None where none is known."""
        if api in self._limits:
            return self._limits[api]
        operations = self._apis[api].operations
        in_force = [
            limit for each in operations if (limit := self.policies[api].limits.get(each.id)) is not None
        ]
        known = [each.rate_limit for each in operations if each.rate_limit is not None]
        found = next(iter([*in_force, *known]), None)
        return None if found is None else LimitTerms(found.limit, found.window, found.burst, bool(in_force))

    def set_limit(self, api: str, terms: LimitTerms | None) -> None:
        """Set the limit of an API; None: as it was agreed."""
        if terms is None:
            self._limits.pop(api, None)
        else:
            self._limits[api] = terms
        self._apply(api)

    def catalogue_of(self, api: str) -> Catalogue:
        """Return the catalogue of an API."""
        return self.policies[api].catalogue

    def set_catalogue(self, api: str, catalogue: Catalogue | None) -> None:
        """Set the catalogue of an API; None: as it was agreed."""
        if catalogue is None:
            self._catalogues.pop(api, None)
        else:
            self._catalogues[api] = catalogue
        self._apply(api)

    def _apply(self, name: str) -> None:
        api, policy = self._apis[name], self._agreed[name]
        if (terms := self._limits.get(name)) is not None:
            applied = {each.id: terms.applied(each.rate_limit) for each in api.operations}
            policy = replace(policy, limits={id_: each for id_, each in applied.items() if each is not None})
        policy = replace(policy, catalogue=self._catalogues.get(name, policy.catalogue))
        self.policies = {**self.policies, name: policy}
        self.checks = {**self.checks, **{each: checks_of(each, policy) for each in api.operations}}
