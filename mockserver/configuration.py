"""What the user sets, from text to `Settings`: keys, limits and catalogue.

No file is read here; `loading` hands over what stands in ``mockserver.yaml``, `cli` what its options say.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from mockserver.engine.contract import Api
from mockserver.engine.exchange import JSON
from mockserver.engine.faults import SpecError
from mockserver.engine.journal import MOST_BYTES, MOST_CALLS
from mockserver.engine.keywords import unknown_keywords
from mockserver.engine.policy import Catalogue, CatalogueEntry, Policy
from mockserver.engine.validation import Schema
from mockserver.engine.values import cut, pointer_of, seconds_of, write_json
from mockserver.engine.world import Settings, UserLimit

LONGEST_WINDOW: Final = 10 * 366 * 86400.0
UNITS: Final = {
    "": 1,
    "B": 1,
    "KIB": 1024,
    "MIB": 1024**2,
    "GIB": 1024**3,
    "KB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
}


def limit_of(text: str) -> UserLimit:
    """Read ``N/WINDOW``, as ``5/1s``. Raises ValueError."""
    count, _, window = text.partition("/")
    if not re.fullmatch("[1-9][0-9]{0,8}", count) or not window:
        raise ValueError(f"{text!r} is not a limit; write calls per window, as in 5/1s or 100/1m")
    seconds = seconds_of(window)
    if not 0 < seconds <= LONGEST_WINDOW:
        raise ValueError(f"{text!r} has a window without length, or one of more than ten years")
    return UserLimit(int(count), seconds)


def keep_of(text: str) -> tuple[int, int]:
    """Read ``N,SIZE``, as ``100000,128MiB``; the size may be left out. Raises ValueError."""
    count, _, size = text.partition(",")
    if not re.fullmatch("[1-9][0-9]{0,8}", count.strip()):
        raise ValueError(f"{text!r} is not a bound; write calls and bytes, as in 100000,128MiB")
    return int(count), _bytes_of(size.strip()) if size.strip() else MOST_BYTES


def _bytes_of(text: str) -> int:
    digits = text.rstrip("KMGiBkmgIb ")
    unit = text[len(digits) :].strip().upper()
    if not digits.isdecimal() or unit not in UNITS:
        raise ValueError(f"{text!r} is not a size; write bytes, or a number with KiB, MiB or GiB")
    return int(digits) * UNITS[unit]


def pair_of(text: str) -> tuple[str, str]:
    """Read ``API=VALUE``. Raises ValueError."""
    api, sign, value = text.partition("=")
    if not sign or not api or not value:
        raise ValueError(f"{text!r} must be written API=VALUE")
    return api, value


def settings_of(  # noqa: PLR0913 - one for each option
    config: Mapping[str, JSON],
    apis: Iterable[Api],
    *,
    file: str = "mockserver.yaml",
    known: Collection[str] = (),
    keys: Iterable[str] = (),
    limits: Iterable[str] = (),
    enforce_limits: bool = False,
    admit_invalid: bool = False,
    keep: str = f"{MOST_CALLS}",
) -> Settings:
    """Join a configuration that meets its schema with options, which win over it.

    What the configuration says of an API that is known but not served is passed over. Raises `SpecError` for the
    configuration, with every problem of it, and ValueError for an option.
    """
    served = {api.name: api for api in apis}
    config = {section: _of_known(entries, served, known) for section, entries in config.items()}
    problems = [(file, pointer, text) for pointer, text in _problems_of(config, served)]
    if problems:
        raise SpecError(problems)
    wanted_keys = {api: _verdicts(value) for api, value in config.get("keys", {}).items()}
    for api, key in _pairs(keys, served):
        wanted_keys.setdefault(api, {})[key] = "allowed"
    wanted_limits = {api: limit_of(text) for api, text in config.get("limits", {}).items()}
    wanted_limits.update({api: limit_of(text) for api, text in _pairs(limits, served)})
    catalogue = {api: _catalogued(value) for api, value in config.get("catalogue", {}).items()}
    most_calls, most_bytes = keep_of(keep)
    return Settings(
        policies={api: Policy(wanted_keys.get(api, {}), catalogue.get(api, Catalogue())) for api in served},
        limits=wanted_limits,
        enforce_limits=enforce_limits,
        admit_invalid=admit_invalid,
        most_calls=most_calls,
        most_bytes=most_bytes,
    )


def _of_known(
    entries: Mapping[str, JSON], served: Mapping[str, Api], known: Collection[str]
) -> dict[str, JSON]:
    return {name: entry for name, entry in entries.items() if name in served or name not in known}


def _pairs(texts: Iterable[str], served: Mapping[str, Api]) -> list[tuple[str, str]]:
    pairs = [pair_of(text) for text in texts]
    for api, _ in pairs:
        if api not in served:
            raise ValueError(_not_served(api, served))
    return pairs


def _not_served(name: str, served: Mapping[str, Api]) -> str:
    return f"no API named {name!r} is served; there are {', '.join(served)}"


def _problems_of(config: Mapping[str, JSON], served: Mapping[str, Api]) -> Iterator[tuple[str, str]]:
    """Yield pointer and sentence of what the schema of the configuration cannot see."""
    for section, entries in config.items():
        for name in entries:
            if name not in served:
                yield pointer_of([section, name]), _not_served(name, served)
    for name, text in config.get("limits", {}).items():
        try:
            limit_of(text)
        except ValueError as error:
            yield pointer_of(["limits", name]), str(error)
    for name, value in config.get("catalogue", {}).items():
        if name in served:
            yield from _catalogue_problems(served[name], value, ["catalogue", name])


def _catalogue_problems(
    api: Api, value: Mapping[str, JSON], at: list[str | int]
) -> Iterator[tuple[str, str]]:
    catalogues = [each.catalogue for each in api.operations if "catalogue" in each.checks and each.catalogue]
    if not catalogues:
        yield pointer_of(at), f"{api.name} has no catalogue: nothing of its answers depends on names"
        return
    statuses = [status for catalogue in catalogues for status in catalogue.statuses]
    for name, entry in value.get("names", {}).items():
        place = [*at, "names", name]
        if "status" in entry and entry["status"] not in statuses:
            known = f"there are {', '.join(statuses)}" if statuses else f"{api.name} answers none"
            yield (
                pointer_of([*place, "status"]),
                f"{entry['status']!r} is not a status of the catalogue; {known}",
            )
        if "payload" in entry:
            yield from _schema_problems(entry["payload"], [*place, "payload"])


def _schema_problems(schema: JSON, at: list[str | int]) -> Iterator[tuple[str, str]]:
    yield from unknown_keywords(schema, at)
    if '"x-mock"' in write_json(schema):
        yield pointer_of(at), "x-mock has no meaning here: it is for specs"
    try:
        Schema(schema)
    except ValueError as error:
        yield pointer_of(at), f"is not a JSON Schema: {cut(str(error).partition(chr(10))[0], 200)}"


def _verdicts(value: JSON) -> dict[str, str]:
    if isinstance(value, dict):
        return dict(value)
    return dict.fromkeys([value] if isinstance(value, str) else value, "allowed")


def _catalogued(value: Mapping[str, JSON]) -> Catalogue:
    entries = {
        name: CatalogueEntry(Schema(entry["payload"]) if "payload" in entry else None, entry.get("status"))
        for name, entry in value.get("names", {}).items()
    }
    return Catalogue(entries, value.get("unknown") == "refuse")
