"""What the user sets, from text to `Settings`: keys, limits, catalogue and bounds.

No file is read here. A value that cannot be used is told with what gave it: an option, a variable, or a line of
the file.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Final

from mockserver.engine.contract import Api, Signature
from mockserver.engine.exchange import JSON
from mockserver.engine.faults import Problem, SpecError
from mockserver.engine.journal import MOST_BYTES
from mockserver.engine.keywords import unknown_keywords
from mockserver.engine.mappings import read_mapping
from mockserver.engine.patterns import PatternError
from mockserver.engine.policy import Catalogue, CatalogueEntry, Policy
from mockserver.engine.rules import Rule
from mockserver.engine.validation import Schema
from mockserver.engine.values import cut, nearest, pointer_of, seconds_of, uuid_of, write_json
from mockserver.engine.world import Settings, UserLimit, known_by
from mockserver.options import Configuration

_LATEST: Final = 221_845_392_000.0  # the beginning of the year 9000
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
    if seconds <= 0:
        raise ValueError(f"{text!r} has a window without length")
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
    if not digits.isdecimal() or len(digits) > 15 or unit not in UNITS:
        raise ValueError(f"{text!r} is not a size; write bytes, or a number with KiB, MiB or GiB")
    return int(digits) * UNITS[unit]


def clock_of(text: str) -> float:
    """Read a time as ISO 8601, in UTC where it names no zone; return seconds since the epoch. Raises ValueError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a time; write it as 2026-11-20T12:00:00Z") from None
    seconds = (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
    if not 0 <= seconds < _LATEST:
        raise ValueError(f"{text!r} is not a time that a clock shows; choose one from 1970 to 9000")
    return seconds


def prefix_of(text: str) -> str:
    """Read a path that routes are served below. Raises ValueError."""
    if not re.fullmatch("(/(?![.]{1,2}(/|$))[A-Za-z0-9._-][A-Za-z0-9._~-]*)+", text):
        raise ValueError(f"{text!r} is not a prefix; write a path without a slash at its end, as in /mocked")
    if text.startswith("/__"):
        raise ValueError(
            f"{text!r} is the mock's own; choose a path that does not begin with two underscores"
        )
    return text


def settings_of(configuration: Configuration, apis: Iterable[Api], known: Collection[str] = ()) -> Settings:
    """Return what the user has set for the engine.

    What a file or the environment says of an API that is known but not served is passed over. Raises
    `SpecError` with every problem.
    """
    served = {api.name: api for api in apis}
    problems = [*_api_problems(configuration, served, known), *_value_problems(configuration, served)]
    if problems:
        raise SpecError(problems)
    rules = _rules(configuration, served, known)
    keys, secrets, limits, catalogues = (
        configuration[name] for name in ("keys", "secrets", "limits", "catalogue")
    )
    most_calls, most_bytes = keep_of(configuration["keep"])
    return Settings(
        policies={
            name: _policy(keys.get(name, {}), secrets_of(secrets.get(name, {})), catalogues.get(name, {}))
            for name in served
        },
        limits={name: limit_of(text) for name, text in limits.items() if name in served},
        rules=rules,
        enforce_limits=configuration["enforce-limits"],
        admit_invalid=configuration["on-invalid"] == "report",
        most_calls=most_calls,
        most_bytes=most_bytes,
        scheme=configuration.scheme,
    )


def _api_problems(
    configuration: Configuration, served: Mapping[str, Api], known: Collection[str]
) -> Iterator[Problem]:
    for key in ("prefixes", "keys", "secrets", "limits", "catalogue"):
        for name, given in configuration.entries(key).items():
            if name not in served and (given.is_from_command or name not in known):
                yield configuration.problem((key, name), _not_served(name, served))
            elif name in served and (told := _needless(key, served[name])):
                yield configuration.problem((key, name), told)


def _needless(key: str, api: Api) -> str:
    """Say why what is set for an API would have no effect; nothing where it has one."""
    checks = {name for operation in api.operations for name in operation.checks}
    secured = any(operation.shape.security for operation in api.operations)
    if key == "keys" and not (secured and "authentication" in checks):
        return f"{api.name} takes no credential: its spec has no security, or its checks do not look at it"
    if key == "secrets" and not any(_signatures(api)):
        return f"{api.name} takes no signature: no security scheme of its {api.profile} contract has one"
    if key == "limits" and "rate-limit" not in checks:
        return f"{api.name} has no rate limit: its checks do not look at it"
    return ""


def _signatures(api: Api) -> Iterator[Signature]:
    for operation in api.operations:
        for alternative in operation.shape.security:
            yield from (scheme.signature for scheme in alternative if scheme.signature is not None)


def secrets_of(value: JSON) -> dict[str, str]:
    """Read secrets by key, from ``KEY:SECRET`` or several of it where they stand so. Raises ValueError."""
    if isinstance(value, dict):
        return dict(value)
    secrets = dict[str, str]()
    for text in [value] if isinstance(value, str) else value:
        key, sign, secret = text.partition(":")
        if not (key and sign and secret):
            raise ValueError("what was given must be written KEY:SECRET")
        if secrets.setdefault(key, secret) != secret:
            raise ValueError("one key has two secrets")
    return secrets


_READERS: Final[Mapping[str, Callable[[str], object]]] = {
    "secrets": secrets_of, "keep": keep_of, "clock": clock_of, "limits": limit_of, "prefixes": prefix_of,
}  # fmt: skip
"""What reads the text of a key, so that a fault of it is found."""


def _value_problems(configuration: Configuration, served: Mapping[str, Api]) -> Iterator[Problem]:
    """Yield what the schema of the configuration cannot see."""
    for place, given in configuration.given.items():
        reader = _READERS.get(place[0])
        try:
            if reader is not None:
                reader(given.value)
        except ValueError as error:
            yield configuration.problem(place, str(error))
    for name, given in configuration.entries("catalogue").items():
        if name in served:
            for below, sentence in catalogue_problems(served[name], given.value):
                yield configuration.problem(("catalogue", name), sentence, below)


def _not_served(name: str, served: Mapping[str, Api]) -> str:
    near = nearest(name, list(served))
    hint = f"did you mean {near}?" if near else f"there are {', '.join(served)}"
    return f"no API named {name!r} is served; {hint}"


def catalogue_problems(api: Api, value: Mapping[str, JSON]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a catalogue of an API: pointers below it, and sentences."""
    catalogues = [each.catalogue for each in api.operations if "catalogue" in each.checks and each.catalogue]
    if not catalogues:
        yield "", f"{api.name} has no catalogue: its checks do not look names up"
        return
    statuses = list(dict.fromkeys(status for catalogue in catalogues for status in catalogue.statuses))
    for name, entry in value.get("names", {}).items():
        place: list[str | int] = ["names", name]
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


def _policy(keys: JSON, secrets: Mapping[str, str], catalogue: Mapping[str, JSON]) -> Policy:
    """Return what is set for an API; a key that has a secret is an accepted one."""
    verdicts = {**dict.fromkeys(secrets, "allowed"), **_verdicts(keys)}
    return Policy(verdicts, catalogued(catalogue), secrets=secrets)


def _verdicts(value: JSON) -> dict[str, str]:
    if isinstance(value, dict):
        return dict(value)
    return dict.fromkeys([value] if isinstance(value, str) else value, "allowed")


def _rules(
    configuration: Configuration, served: Mapping[str, Api], known: Collection[str]
) -> tuple[Rule, ...]:
    """Return the rules of the beginning, whose ids follow from what they say. Raises `SpecError`.

    A rule for an API that is known but not served is passed over.
    """
    names, read, faults = known_by(served.values(), configuration.scheme), list[Rule](), list[Problem]()
    for position, document in enumerate(configuration["rules"]):
        request = document.get("request")
        api = request.get("api") if isinstance(request, dict) else None
        if isinstance(api, str) and api in known and api not in served:
            continue
        try:
            read.append(read_mapping(document, names, partial(uuid_of, [position, document]), f"/{position}"))
        except PatternError as error:
            faults += [configuration.problem(("rules",), told, below) for below, told in error.faults]
    if faults:
        raise SpecError(faults)
    return tuple(read)


def catalogued(value: Mapping[str, JSON]) -> Catalogue:
    """Return a catalogue that has no problems, as the engine reads it."""
    entries = {
        name: CatalogueEntry(Schema(entry["payload"]) if "payload" in entry else None, entry.get("status"))
        for name, entry in value.get("names", {}).items()
    }
    return Catalogue(entries, value.get("unknown") == "refuse")
