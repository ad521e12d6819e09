"""Scripted rules over HTTP: stub mappings, scenarios, and the delay that holds for all answers."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Final

from starlette.responses import Response

from mockserver.control.calls import metadata_matcher
from mockserver.control.replies import Asked, RefusedError, nothing, reply, unreadable, wrong_id, wrong_query
from mockserver.engine.delays import Delay, Fixed, read_distribution, read_milliseconds
from mockserver.engine.exchange import JSON
from mockserver.engine.mappings import UUID, read_mapping, write_mapping
from mockserver.engine.matching import Fault, short
from mockserver.engine.patterns import PatternError
from mockserver.engine.rules import MOST_RULES, Armed, Rule, TooManyRulesError
from mockserver.engine.scripts import refuse_unknown
from mockserver.engine.values import uuid_text
from mockserver.engine.world import World
from mockserver.stage import RULES


def fresh_id(world: World) -> str:
    """Return a new id for a rule, from the source of the namespace's ids."""
    return uuid_text(world.ids(128))


def _read(asked: Asked, document: JSON, at: str = "") -> Rule:
    return read_mapping(document, asked.stage.blueprint.known, partial(fresh_id, asked.world), at)


def _armed(asked: Asked) -> Armed:
    """Return the rule that the path names. Raises `RefusedError`."""
    id_ = asked.part("id")
    if not UUID.fullmatch(id_):
        raise RefusedError(wrong_id(id_))
    armed = asked.world.rules.get(id_.lower())
    if armed is None:
        raise RefusedError(nothing())
    return armed


def _changed(asked: Asked, value: JSON, status: int = 200) -> Response:
    asked.stage.tell(asked.world, RULES)
    return reply(value, status)


def _listed(armed: Iterable[Armed]) -> JSON:
    mappings = [write_mapping(each) for each in armed]
    return {"mappings": mappings, "meta": {"total": len(mappings)}}


def list_mappings(asked: Asked) -> Response:
    """Return the rules in the order in which they are asked."""
    faults: list[Fault] = []
    bounds = {}
    for name in ("limit", "offset"):
        text = asked.query(name)
        if text is not None and not text.isdecimal():
            faults.append((name, f"{text} is not a number of mappings"))
        elif text is not None:
            bounds[name] = int(text[:18])
    if faults:
        return wrong_query(faults)
    armed, offset = list(asked.world.rules), bounds.get("offset", 0)
    shown = armed[offset:][: bounds.get("limit", len(armed))]
    return reply({"mappings": [write_mapping(each) for each in shown], "meta": {"total": len(armed)}})


def create_mapping(asked: Asked) -> Response:
    """Add a rule; one with the id of another takes its place."""
    return _changed(asked, write_mapping(asked.world.rules.put(_read(asked, asked.document()))), 201)


def get_mapping(asked: Asked) -> Response:
    """Return one rule."""
    return reply(write_mapping(_armed(asked)))


def replace_mapping(asked: Asked) -> Response:
    """Replace a rule; its count begins anew."""
    known, document = _armed(asked), asked.document()
    rule = _read(
        asked, {**document, "id": known.rule.id, "uuid": None} if isinstance(document, dict) else document
    )
    return _changed(asked, write_mapping(asked.world.rules.put(rule)))


def delete_mapping(asked: Asked) -> Response:
    """Remove a rule."""
    asked.world.rules.remove([_armed(asked).rule.id])
    return _changed(asked, {})


def delete_mappings(asked: Asked) -> Response:
    """Remove all rules."""
    asked.world.rules.clear()
    return _changed(asked, {})


def reset_mappings(asked: Asked) -> Response:
    """Put the rules back to those of the beginning, and empty the journal, as WireMock does."""
    asked.world.rules.clear()
    asked.world.journal.clear()
    asked.stage.tell_cleared(asked.world)
    asked.world.rules.extend(asked.stage.blueprint.settings.rules)
    return _changed(asked, {})


def save_mappings(_: Asked) -> Response:
    """Do nothing: rules that should last stand in the configuration."""
    return reply({})


_POLICIES: Final = ("OVERWRITE", "IGNORE")


def import_mappings(asked: Asked) -> Response:
    """Add several rules: all of them, or none if one cannot be read."""
    given = asked.members("mappings", "importOptions", "meta")
    options, documents, rules = given.get("importOptions", {}), given.get("mappings", []), asked.world.rules
    if not isinstance(documents, list) or not isinstance(options, dict):
        return unreadable([("/mappings", "must be a list of stub mappings, and importOptions an object")])
    policy, only, faults = _import_options(options)
    read = []
    for position, document in enumerate(documents):
        try:
            read.append(_read(asked, document, f"/mappings/{position}"))
        except PatternError as error:
            faults += error.faults
    if faults:
        return unreadable(faults)
    kept = set() if only else {armed.rule.id for armed in rules}
    if len(kept | {rule.id for rule in read}) > MOST_RULES:  # before anything is changed
        raise TooManyRulesError
    if only:
        rules.remove({armed.rule.id for armed in rules} - {rule.id for rule in read})
    overwrites = policy == "OVERWRITE"
    # oldest first: the first of the list is asked first
    rules.extend(rule for rule in reversed(read) if overwrites or rules.get(rule.id) is None)
    return _changed(asked, {})


def _import_options(options: Mapping[str, JSON]) -> tuple[str, bool, list[Fault]]:
    """Return what becomes of rules whose id is known, whether all others go, and what is wrong with the options."""
    given = {name: value for name, value in options.items() if value is not None}
    policy, only = given.get("duplicatePolicy", "OVERWRITE"), given.get("deleteAllNotInImport", False)
    faults: list[Fault] = []
    known = dict.fromkeys(("duplicatePolicy", "deleteAllNotInImport"), True)
    refuse_unknown(given, known, "importOptions", "/importOptions", faults)
    if policy not in _POLICIES:
        faults.append(("/importOptions/duplicatePolicy", f"must be one of {', '.join(_POLICIES)}"))
    if not isinstance(only, bool):
        told = f"must be true or false, not {short(only)}"
        faults.append(("/importOptions/deleteAllNotInImport", told))
    return policy, only, faults


def remove_mapping(asked: Asked) -> Response:
    """Remove the rule with the id that was sent, else those with an equal request."""
    known, rules = asked.stage.blueprint.known, asked.world.rules
    rule = read_mapping(asked.document(), known, lambda: "")  # without an id it is meant by its request
    if rules.get(rule.id) is not None:
        rules.remove([rule.id])
    else:
        wanted = rule.pattern.source
        rules.remove([armed.rule.id for armed in rules if armed.rule.pattern.source == wanted])
    return _changed(asked, {})


def find_by_metadata(asked: Asked) -> Response:
    """Return the rules whose metadata match."""
    meets = metadata_matcher(asked)
    return reply(_listed(armed for armed in asked.world.rules if meets(armed.rule.metadata)))


def remove_by_metadata(asked: Asked) -> Response:
    """Remove the rules whose metadata match."""
    meets, rules = metadata_matcher(asked), asked.world.rules
    rules.remove([armed.rule.id for armed in rules if meets(armed.rule.metadata)])
    return _changed(asked, {})


def unmatched_mappings(asked: Asked) -> Response:
    """Return the rules that have not served any call."""
    return reply(_listed(armed for armed in asked.world.rules if not armed.served))


# Scenarios


def list_scenarios(asked: Asked) -> Response:
    """Return every scenario with its state and its rules."""
    rules = asked.world.rules
    shown = [
        {
            "id": name,
            "name": name,
            "state": rules.state_of(name),
            "possibleStates": states,
            "mappings": [write_mapping(armed) for armed in rules if armed.rule.scenario == name],
        }
        for name, states in rules.scenarios().items()
    ]
    return reply({"scenarios": shown})


def reset_scenarios(asked: Asked) -> Response:
    """Put all scenarios back to their beginning."""
    asked.world.rules.restart()
    return _changed(asked, {})


def set_state(asked: Asked) -> Response:
    """Put a scenario into a state; without a body into the first."""
    name, rules = asked.part("name"), asked.world.rules
    states = rules.scenarios().get(name)
    if states is None:
        return reply({"errors": [{"code": 404, "title": f"Scenario {name} does not exist"}]}, 404)
    state = asked.members("state").get("state", states[0]) if asked.data.strip() else states[0]
    if state not in states:
        title = f"Scenario {name} does not support state {state}"
        return reply({"errors": [{"code": 11, "source": {"pointer": "/state"}, "title": title}]}, 422)
    rules.enter(name, state)
    return _changed(asked, {})


# Settings


def get_settings(asked: Asked) -> Response:
    """Return the delay that holds for all answers."""
    return reply({"settings": {"proxyPassThrough": False, **asked.world.settings_written}})


def set_settings(asked: Asked) -> Response:
    """Set the delay that holds for all answers; what is sent is echoed."""
    given = asked.members("fixedDelay", "delayDistribution", "proxyPassThrough", "extended")
    faults: list[Fault] = []
    delays: list[Delay | None] = []
    if given.get("extended"):
        faults.append(("/extended", "extended is not offered here"))
    if "fixedDelay" in given:
        delays.append(Fixed(read_milliseconds(given["fixedDelay"], "/fixedDelay", faults)))
    if "delayDistribution" in given:
        delays.append(read_distribution(given["delayDistribution"], "/delayDistribution", faults))
    if faults:
        return unreadable(faults)
    asked.world.delays = tuple(delay for delay in delays if delay is not None)
    asked.world.settings_written = {name: value for name, value in given.items() if name != "extended"}
    return reply(asked.document())
