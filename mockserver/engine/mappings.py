"""Stub mappings: the JSON form of scripted rules, in WireMock's words and a few of our own.

Everything that a mapping may say is read, or refused with the place and a sentence; nothing is passed over. WireMock's
clients refuse members that they do not know, so what is ours (``times``, ``after``, ``example``, and ``api`` and the
like in the request) is written under ``metadata.mock``, where it is understood again.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from mockserver.engine.exchange import JSON
from mockserver.engine.matching import Fault, short
from mockserver.engine.patterns import OURS, VERDICT, Known, PatternError, pattern_of
from mockserver.engine.rules import Armed, Rule
from mockserver.engine.scripts import read_count, read_script, read_text, refuse_unknown, without_nulls
from mockserver.engine.values import below, nearest

OWN_REQUEST: Final = tuple(sorted(OURS - VERDICT))
OWN: Final = ("times", "after", "example")
_TOLD: Final = ("remaining", "served", "request")
UUID: Final = re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def read_mapping(source: JSON, known: Known, fresh_id: Callable[[], str], at: str = "") -> Rule:
    """Read a stub mapping. Raises `PatternError` with all its faults."""
    faults: list[Fault] = []
    rule = _read(source, known, fresh_id, at, faults)
    if faults or rule is None:
        raise PatternError(faults)
    return rule


def _read(
    source: JSON, known: Known, fresh_id: Callable[[], str], at: str, faults: list[Fault]
) -> Rule | None:
    if not isinstance(source, dict):
        faults.append((at, f"a stub mapping is an object, not {short(source)}"))
        return None
    given = {name: value for name, value in source.items() if value is not None}
    refuse_unknown(given, MEMBERS, "a stub mapping", at, faults)
    metadata, own = _own_of(given, at, faults)
    asked = given.get("request", {})
    request = {**asked, **own.pop("request", {})} if isinstance(asked, dict) else asked
    pattern = pattern_of(request, known, below(at, "request"), faults)
    if pattern is not None and pattern.knows_verdict:
        told = "outcome, reason and status are known only when a call is decided; a rule looks before that"
        faults.append((below(at, "request"), told))
    script = read_script(given.get("response", {}), own.get("example"), below(at, "response"), faults)
    place = {name: below(at if name in given else f"{at}/metadata/mock", name) for name in OWN}
    _check_example(own.get("example"), request, known, place["example"], faults)
    id_ = _id_of(given, at, faults)
    texts = _texts_of(given, at, faults)
    numbers = {
        "priority": read_count(given, "priority", at, faults),
        "times": read_count(own, "times", place["times"].removesuffix("/times"), faults),
    }
    if own.get("after", "nothing") not in ("nothing", "checks"):
        faults.append((place["after"], f"must be nothing or checks, not {short(own['after'])}"))
    if faults or pattern is None or script is None:
        return None
    written = {
        "request": {
            name: value for name, value in request.items() if value is not None and name not in OWN_REQUEST
        },
        "response": without_nulls(given.get("response", {})),
        **({"priority": numbers["priority"]} if numbers["priority"] is not None else {}),
    }
    return Rule(
        id=id_ or fresh_id(),
        pattern=pattern,
        script=script,
        name=texts["name"] or "",
        priority=5 if numbers["priority"] is None else numbers["priority"],
        times=numbers["times"],
        after=own.get("after", "nothing"),
        scenario=texts["scenarioName"],
        required=texts["requiredScenarioState"],
        sets=texts["newScenarioState"],
        metadata=metadata,
        written=written,
        own={
            **own,
            "request": {name: request[name] for name in OWN_REQUEST if request.get(name) is not None},
        },
    )


def write_mapping(armed: Armed) -> dict[str, JSON]:
    """Return a rule as a stub mapping that every client of WireMock can read."""
    rule = armed.rule
    told: dict[str, JSON] = {name: rule.own[name] for name in OWN if name in rule.own}
    told |= {"served": armed.served, "after": rule.after}
    if armed.remaining is not None:
        told["remaining"] = armed.remaining
    if rule.own.get("request"):
        told["request"] = rule.own["request"]
    mapping: dict[str, JSON] = {"id": rule.id, "uuid": rule.id, **rule.written}
    named = {
        "name": rule.name or None,
        "scenarioName": rule.scenario,
        "requiredScenarioState": rule.required,
        "newScenarioState": rule.sets,
    }
    mapping |= {name: value for name, value in named.items() if value is not None}
    mapping["metadata"] = {**rule.metadata, "mock": told}
    return mapping


def _own_of(
    given: Mapping[str, JSON], at: str, faults: list[Fault]
) -> tuple[Mapping[str, JSON], dict[str, Any]]:
    """Return the metadata without what is ours, and what is ours from wherever it stands."""
    metadata = given.get("metadata", {})
    if not isinstance(metadata, dict):
        faults.append((below(at, "metadata"), f"must be an object, not {short(metadata)}"))
        return {}, {}
    told = {} if metadata.get("mock") is None else metadata["mock"]
    if not isinstance(told, dict) or not isinstance(told.get("request"), dict | None):
        faults.append(
            (below(at, "metadata"), "mock is the mock's own: an object of times, after, example, request")
        )
        return {}, {}
    place = below(below(at, "metadata"), "mock")
    refuse_unknown(told, dict.fromkeys((*OWN, *_TOLD), True), "metadata.mock", place, faults)
    own = {
        name: value
        for name, value in told.items()
        if name not in {"remaining", "served"} and value is not None
    }
    own |= {name: given[name] for name in OWN if name in given}
    return {name: value for name, value in metadata.items() if name != "mock"}, own


def _texts_of(given: Mapping[str, JSON], at: str, faults: list[Fault]) -> dict[str, str | None]:
    texts = {name: read_text(given, name, at, faults) for name in _TEXTS}
    if not texts["scenarioName"]:
        faults += [
            (below(at, name), "needs scenarioName beside it")
            for name in ("requiredScenarioState", "newScenarioState")
            if texts[name]
        ]
    return texts


def _id_of(given: Mapping[str, JSON], at: str, faults: list[Fault]) -> str | None:
    found = given.get("id", given.get("uuid"))
    if found is not None and not (isinstance(found, str) and UUID.fullmatch(found)):
        faults.append((below(at, "id" if "id" in given else "uuid"), f"{short(found)} is not a valid UUID"))
        return None
    return found.lower() if found else None


def _check_example(name: JSON, request: JSON, known: Known, at: str, faults: list[Fault]) -> None:
    if name is None:
        return
    asked = {part: request.get(part) for part in OWN_REQUEST} if isinstance(request, dict) else {}
    names = sorted(
        {
            each
            for (api, operation), examples in known.examples.items()
            if _may_be(api, asked.get("api")) and _may_be(operation, asked.get("operation"))
            for each in examples
        }
    )
    if name not in names:
        near = nearest(name, names) if isinstance(name, str) else None
        hint = f"did you mean {near}?" if near else f"there are {', '.join(names)}"
        faults.append((at, f"{short(name)} is no example of what this rule answers; {hint}"))


def _may_be(name: str, asked: JSON) -> bool:
    return asked is None or name in (asked if isinstance(asked, list) else [asked])


_TEXTS: Final = ("name", "scenarioName", "requiredScenarioState", "newScenarioState")
MEMBERS: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("id", "uuid", "request", "response", "priority", "metadata", *_TEXTS, *OWN), True),
    **dict.fromkeys(("persistent", "insertionIndex"), True),
    **dict.fromkeys(("postServeActions", "serveEventListeners"), False),
}
"""Every member of a stub mapping, and whether it may hold something."""
