"""What a test can move: the clock, the limits and the catalogues of a namespace, and namespaces themselves."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from starlette.responses import Response

from mockserver.configuration import catalogue_problems, catalogued, clock_of
from mockserver.control.replies import Asked, RefusedError, missing, reply, unreadable
from mockserver.engine.clock import Clock
from mockserver.engine.exchange import JSON
from mockserver.engine.matching import Fault, short
from mockserver.engine.policy import Catalogue, CatalogueEntry
from mockserver.engine.terms import LimitTerms
from mockserver.engine.values import below, duration_text, iso_time, positive_seconds
from mockserver.stage import CLOCK

UNKNOWN: Final = ("accept", "refuse")


def reset(asked: Asked) -> Response:
    """Start the namespace afresh: journal, rules, scenarios, keys, limits, catalogue, settings and clock."""
    asked.stage.reset(asked.world.namespace)
    return reply({})


# The clock


def get_clock(asked: Asked) -> Response:
    """Return the time, how far it is from the real one, and whether it stands still."""
    return reply(clock_shown(asked.world.clock))


def clock_shown(clock: Clock) -> dict[str, JSON]:
    """Return a clock as the control plane and its stream show it."""
    now, real = clock.read()
    offset = round(now - real, 3)
    sign = "-" if offset < 0 else ""
    return {"now": iso_time(now), "offset": sign + duration_text(abs(offset)), "frozen": clock.is_frozen}


def _moved(asked: Asked) -> Response:
    asked.stage.tell(asked.world, CLOCK)
    return get_clock(asked)


def set_clock(asked: Asked) -> Response:
    """Set the time, stop it, or let it run on."""
    given, clock = asked.members("now", "frozen"), asked.world.clock
    frozen = given.get("frozen", clock.is_frozen)
    if not isinstance(frozen, bool):
        return unreadable([("/frozen", f"must be true or false, not {short(frozen)}")])
    try:
        at = clock_of(str(given["now"])) if "now" in given else clock.now()
    except ValueError as error:
        return unreadable([("/now", str(error))])
    clock.set(at, frozen=frozen)
    return _moved(asked)


def advance_clock(asked: Asked) -> Response:
    """Move the time forward."""
    given = asked.members("by")
    try:
        seconds = positive_seconds(given.get("by", ""))
        clock_of(iso_time(asked.world.clock.now() + seconds))
    except (ValueError, OverflowError) as error:
        return unreadable([("/by", str(error))])
    asked.world.clock.advance(seconds)
    return _moved(asked)


def release_clock(asked: Asked) -> Response:
    """Return to the time of the beginning: the real one, unless the server was started with another."""
    asked.world.clock.reset()
    return _moved(asked)


# Limits


def get_limit(asked: Asked) -> Response:
    """Return the rate limit of an API, in force or known, and what is left in its emptiest bucket."""
    api, world = asked.api().name, asked.world
    terms = world.terms.limit_of(api)
    if terms is None:
        return reply({"limit": None, "window": None, "burst": None, "enforced": False, "remaining": None})
    limit = terms.applied(None) if terms.enforced else None
    left = None if limit is None else world.limits.least(api, limit, world.clock.now())
    shown: JSON = {"limit": terms.limit, "window": duration_text(terms.window), "burst": terms.burst}
    return reply({**shown, "enforced": terms.enforced, "remaining": left})


def set_limit(asked: Asked) -> Response:
    """Set the rate limit of an API; its buckets are full then."""
    api, world = asked.api(), asked.world
    given = asked.members("limit", "window", "burst", "enforced", "remaining")
    if not any("rate-limit" in operation.checks for operation in api.operations):
        return unreadable([("", f"{api.name} has no rate limit: its checks do not look at it")])
    terms = _limit_terms(given, world.terms.limit_of(api.name))
    world.terms.set_limit(api.name, terms)
    world.limits.forget(api.name)
    return get_limit(asked)


def _limit_terms(given: Mapping[str, JSON], known: LimitTerms | None) -> LimitTerms:
    """Return the limit that was sent; what was not is as it is known. Raises `RefusedError`."""
    faults: list[Fault] = []
    counts = {name: given[name] for name in ("limit", "burst") if name in given}
    for name, value in counts.items():
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 10**9:
            faults.append((f"/{name}", f"must be a whole number from 1, not {short(value)}"))
    window = known.window if known is not None else 0.0
    if "window" in given:
        try:
            window = positive_seconds(given["window"])
        except ValueError as error:
            faults.append(("/window", str(error)))
    enforced = given.get("enforced", True)
    if not isinstance(enforced, bool):
        faults.append(("/enforced", f"must be true or false, not {short(enforced)}"))
    limit: int = counts.get("limit", known.limit if known is not None else 0)
    if not (limit and window) and not faults:
        faults.append(("", "needs limit and window: no limit of this API is known"))
    if faults:
        raise RefusedError(unreadable(faults))
    burst: int = counts.get("burst", limit if "limit" in given or known is None else known.burst)
    return LimitTerms(limit, window, burst, enforced)


def delete_limit(asked: Asked) -> Response:
    """Put the rate limit of an API back to that of the beginning."""
    api, world = asked.api().name, asked.world
    world.terms.set_limit(api, None)
    world.limits.forget(api)
    return get_limit(asked)


# The catalogue


def get_catalogue(asked: Asked) -> Response:
    """Return the known workflows or events of an API, and what becomes of others."""
    return reply(_written(asked.world.terms.catalogue_of(asked.api().name)))


def _written(catalogue: Catalogue) -> JSON:
    names = {name: _entry(entry) for name, entry in catalogue.entries.items()}
    return {"unknown": UNKNOWN[catalogue.refuses_unknown], "names": names}


def _entry(entry: CatalogueEntry) -> dict[str, JSON]:
    parts = {"payload": None if entry.payload is None else entry.payload.source, "status": entry.status}
    return {name: value for name, value in parts.items() if value is not None}


def set_catalogue(asked: Asked) -> Response:
    """Say what becomes of names that are not known; with names, also which are known."""
    given = asked.members("unknown", "names")
    api, terms = asked.api(), asked.world.terms
    known = terms.catalogue_of(api.name)
    if given.get("unknown", "accept") not in UNKNOWN:
        return unreadable(
            [("/unknown", f"must be one of {', '.join(UNKNOWN)}, not {short(given['unknown'])}")]
        )
    if not isinstance(given.get("names", {}), dict):
        return unreadable([("/names", "must be an object")])
    if faults := _catalogue_faults(asked, {"names": given.get("names", {})}):
        return unreadable(faults)
    refuses = given["unknown"] == "refuse" if "unknown" in given else known.refuses_unknown
    entries = catalogued({"names": given["names"]}).entries if "names" in given else known.entries
    terms.set_catalogue(api.name, Catalogue(entries, refuses))
    return get_catalogue(asked)


def _catalogue_faults(asked: Asked, catalogue: Mapping[str, JSON]) -> list[Fault]:
    wrong = {
        name: entry
        for name, entry in catalogue["names"].items()
        if not isinstance(entry, dict) or not set(entry) <= {"payload", "status"}
    }
    told = "an entry is an object of payload and status, not"
    faults = [(below("/names", name), f"{told} {short(entry)}") for name, entry in wrong.items()]
    readable = {name: entry for name, entry in catalogue["names"].items() if name not in wrong}
    return [*faults, *catalogue_problems(asked.api(), {**catalogue, "names": readable})]


def delete_catalogue(asked: Asked) -> Response:
    """Put the catalogue of an API back to that of the beginning."""
    asked.world.terms.set_catalogue(asked.api().name, None)
    return get_catalogue(asked)


def get_name(asked: Asked) -> Response:
    """Return what is known of one workflow or event."""
    return reply(_entry(_named(asked)))


def _named(asked: Asked) -> CatalogueEntry:
    """Return the entry that the path names. Raises `RefusedError`."""
    name, api = asked.part("name"), asked.api()
    entry = asked.world.terms.catalogue_of(api.name).entries.get(name)
    if entry is None:
        raise RefusedError(missing(f"{name!r} is not in the catalogue of {api.name}"))
    return entry


def set_name(asked: Asked) -> Response:
    """Add a workflow or event to the catalogue, or replace it."""
    name, api, terms = asked.part("name"), asked.api(), asked.world.terms
    given = asked.members("payload", "status") if asked.data.strip() else {}
    faults = _catalogue_faults(asked, {"names": {name: given}})
    if faults:
        place = below("/names", name)
        return unreadable([(pointer.removeprefix(place), told) for pointer, told in faults])
    known = terms.catalogue_of(api.name)
    added = catalogued({"names": {name: given}}).entries
    terms.set_catalogue(api.name, replace(known, entries={**known.entries, **added}))
    return get_name(asked)


def delete_name(asked: Asked) -> Response:
    """Take a workflow or event out of the catalogue."""
    _named(asked)
    api, terms = asked.api().name, asked.world.terms
    known = terms.catalogue_of(api)
    left = {name: entry for name, entry in known.entries.items() if name != asked.part("name")}
    terms.set_catalogue(api, replace(known, entries=left))
    return reply({})


# Namespaces


def list_namespaces(asked: Asked) -> Response:
    """Return every namespace with the number of its calls; that without a name comes first."""
    worlds = sorted(asked.stage.worlds.items())
    return reply({"namespaces": [{"name": name, "calls": len(world.journal)} for name, world in worlds]})


def delete_namespace(asked: Asked) -> Response:
    """Forget a namespace and all that is in it."""
    name = asked.part("name")
    if not asked.stage.delete(name):
        return missing(f"there is no namespace {name!r}")
    return reply({})
