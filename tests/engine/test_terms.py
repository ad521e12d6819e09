"""Limits and catalogues that are changed while the server runs: laid over a blueprint, taken back, kept for the next."""

from typing import Any

import pytest

from mockserver.engine.compiler import compile_api
from mockserver.engine.contract import Api, RateLimit
from mockserver.engine.policy import Catalogue, CatalogueEntry, Policy
from mockserver.engine.terms import LimitTerms
from mockserver.engine.world import Blueprint, Settings, UserLimit, World
from tests.engine.specs import WORDS, call, request, spec, world

OWN = {"limit": 3, "window": "10s", "burst": 4, "per": ["api"]}
CATALOGUE = {"name": "{$request.body#/name}"}
NOT_KNOWN = {"/x-mock/answers/not-in-catalogue": {"status": 404}}
CHANGES = {f"{WORDS}/catalogue": CATALOGUE, **NOT_KNOWN}
TWO = LimitTerms(2, 60.0, 2)
STRICT = Catalogue({"known": CatalogueEntry()}, refuses_unknown=True)


def api_named(name: str, limit: dict[str, Any] | None = None) -> Api:
    document = spec({**CHANGES, **({"/x-mock/rateLimit": limit} if limit else {})})
    document["paths"] = {f"/{name}": document["paths"]["/things"]}
    return compile_api(name, document, "observed")


def blueprint(
    settings: Settings | None = None,
    names: tuple[str, ...] = ("things",),
    limit: dict[str, Any] | None = None,
) -> Blueprint:
    return Blueprint([api_named(name, limit) for name in names], settings)


def here(settings: Settings | None = None, limit: dict[str, Any] | None = None) -> World:
    return world(api_named("things", limit), settings=settings)


def admitted(world_: World, count: int = 6, name: str = "x") -> int:
    """Return how many of so many calls are admitted before one is refused for being too many."""
    reasons = [call(world_, request({"name": name}))[1].reason for _ in range(count)]
    return reasons.index("rate-limited") if "rate-limited" in reasons else count


@pytest.mark.parametrize(
    ("settings", "own", "known", "enforced"),
    [
        (None, {}, None, 6),
        (None, {**OWN, "enforced": True}, LimitTerms(3, 10.0, 4, enforced=True), 4),
        (None, {**OWN, "enforced": False}, LimitTerms(3, 10.0, 4, enforced=False), 6),
        (Settings(enforce_limits=True), {**OWN, "enforced": False}, LimitTerms(3, 10.0, 4, enforced=True), 4),
        (Settings(limits={"things": UserLimit(1, 5.0)}), OWN, LimitTerms(1, 5.0, 1, enforced=True), 1),
        (Settings(limits={"things": UserLimit(1, 5.0)}), {}, LimitTerms(1, 5.0, 1, enforced=True), 1),
    ],
)
def test_the_limit_of_the_beginning(
    settings: Settings | None, own: dict[str, Any], known: LimitTerms | None, enforced: int
) -> None:
    place = here(settings, own)
    assert place.terms.limit_of("things") == known
    assert admitted(place) == enforced


@pytest.mark.parametrize("own", [{}, {**OWN, "enforced": True}, {**OWN, "enforced": False}])
@pytest.mark.parametrize(
    ("terms", "count"), [(TWO, 2), (LimitTerms(1, 60.0, 5), 5), (LimitTerms(1, 60.0, 1, enforced=False), 6)]
)
def test_a_limit_is_set_and_taken_back(own: dict[str, Any], terms: LimitTerms, count: int) -> None:
    place = here(limit=own)
    before, agreed = place.terms.limit_of("things"), admitted(here(limit=own))
    place.terms.set_limit("things", terms)
    assert place.terms.limit_of("things") == terms
    assert admitted(place) == count
    place.terms.set_limit("things", None)
    place.limits.forget("things")
    assert place.terms.limit_of("things") == before
    assert admitted(place) == agreed


def test_what_the_spec_says_beside_the_numbers_stays() -> None:
    own = RateLimit(3, 10.0, 4, cost=2, per=("api",))
    applied = TWO.applied(own)
    assert applied is not None
    assert (applied.limit, applied.window, applied.burst, applied.cost, applied.per) == (
        2,
        60.0,
        2,
        2,
        ("api",),
    )
    plain = TWO.applied(None)
    assert plain is not None
    assert (plain.limit, plain.window, plain.burst, plain.cost, plain.per) == (2, 60.0, 2, 1, ("credential",))
    assert LimitTerms(2, 60.0, 2, enforced=False).applied(own) is None


def test_a_catalogue_is_set_and_taken_back() -> None:
    begin = Settings(
        policies={"things": Policy(catalogue=Catalogue({"first": CatalogueEntry()}, refuses_unknown=True))}
    )
    place = here(begin)

    def taken() -> list[str]:
        return [
            name
            for name in ("first", "known", "other")
            if call(place, request({"name": name}))[1].outcome == "admitted"
        ]

    assert taken() == ["first"]
    place.terms.set_catalogue("things", STRICT)
    assert (taken(), place.terms.catalogue_of("things")) == (["known"], STRICT)
    place.terms.set_catalogue("things", Catalogue(STRICT.entries))
    assert taken() == ["first", "known", "other"]
    place.terms.set_catalogue("things", None)
    assert taken() == ["first"]


def test_changes_do_not_undo_each_other() -> None:
    place = here()
    place.terms.set_limit("things", TWO)
    place.terms.set_catalogue("things", STRICT)
    assert admitted(place, name="known") == 2
    place.terms.set_limit("things", None)
    assert call(place, request({"name": "other"}))[1].reason == "not-in-catalogue"
    place.terms.set_limit("things", TWO)
    place.terms.set_catalogue("things", None)
    place.limits.forget("things")
    assert admitted(place, name="other") == 2


def test_changes_survive_another_blueprint_and_end_with_their_api() -> None:
    place = here()
    place.terms.set_limit("things", TWO)
    place.terms.set_catalogue("things", STRICT)
    place = place.rebuilt(blueprint(names=("things", "others"), limit={**OWN, "enforced": True}))
    assert place.terms.limit_of("things") == TWO
    assert place.terms.limit_of("others") == LimitTerms(3, 10.0, 4)
    assert call(place, request({"name": "other"}))[1].reason == "not-in-catalogue"
    assert call(place, request({"name": "other"}, path="/others"))[1].outcome == "admitted"
    place.terms.set_limit("things", None)
    assert place.terms.limit_of("things") == LimitTerms(3, 10.0, 4)
    place.terms.set_limit("things", TWO)
    gone = place.rebuilt(blueprint(names=("others",)))
    back = gone.rebuilt(blueprint())
    assert back.terms.catalogue_of("things") == Catalogue()
    assert back.terms.limit_of("things") is None


def test_each_change_alone_survives_another_blueprint() -> None:
    one, other = here(), here()
    one.terms.set_limit("things", TWO)
    other.terms.set_catalogue("things", STRICT)
    one, other = one.rebuilt(blueprint()), other.rebuilt(blueprint())
    assert (admitted(one), one.terms.catalogue_of("things")) == (2, Catalogue())
    assert (admitted(other, name="known"), other.terms.catalogue_of("things")) == (6, STRICT)


def test_changes_are_of_one_namespace_and_end_with_a_reset() -> None:
    place = here()
    place.terms.set_limit("things", TWO)
    place.terms.set_catalogue("things", STRICT)
    other = place.beside("other")
    assert (admitted(place, name="known"), admitted(other)) == (2, 6)
    assert other.terms.catalogue_of("things") == Catalogue()
    fresh = place.afresh()
    assert fresh.terms.limit_of("things") is None
    assert admitted(fresh) == 6
    assert place.blueprint.policies["things"] == Policy()
