"""What the user sets, from text to `Settings`: keys, limits and catalogue.

No file is read here; `loading` hands over what stands in ``mockserver.yaml``, `cli` what its options say.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from mockserver.engine.case import Catalogued, CatalogueEntry, Policy
from mockserver.engine.contract import Api
from mockserver.engine.exchange import JSON, SpecError
from mockserver.engine.journal import MOST_BYTES, MOST_CALLS
from mockserver.engine.validation import Schema
from mockserver.engine.values import seconds_of
from mockserver.engine.world import Limit, Settings

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

Keys = dict[str, dict[str, str]]
Limits = dict[str, Limit]


def limit_of(text: str) -> Limit:
    """Read ``N/WINDOW``, as ``5/1s``. Raises ValueError."""
    count, _, window = text.partition("/")
    if not count.isdecimal() or int(count) < 1 or not window:
        raise ValueError(f"{text!r} is not a limit; write calls per window, as in 5/1s or 100/1m")
    seconds = seconds_of(window)
    if seconds <= 0:
        raise ValueError(f"{text!r} has a window without length")
    return Limit(int(count), seconds)


def keep_of(text: str) -> tuple[int, int]:
    """Read ``N,SIZE``, as ``100000,128MiB``; the size may be left out. Raises ValueError."""
    count, _, size = text.partition(",")
    if not count.strip().isdecimal() or int(count) < 1:
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


def settings_of(
    config: Mapping[str, JSON],
    apis: Iterable[Api],
    *,
    keys: Iterable[str] = (),
    limits: Iterable[str] = (),
    enforce_limits: bool = False,
    admit_invalid: bool = False,
    keep: str = f"{MOST_CALLS}",
) -> Settings:
    """Join a checked configuration with options, which win over it. Raises ValueError and `SpecError`."""
    served = {api.name: api for api in apis}
    wanted_keys = {api: _verdicts(value) for api, value in config.get("keys", {}).items()}
    for api, key in map(pair_of, keys):
        wanted_keys.setdefault(api, {})[key] = "allowed"
    wanted_limits = {api: limit_of(text) for api, text in config.get("limits", {}).items()}
    wanted_limits.update({api: limit_of(text) for api, text in map(pair_of, limits)})
    catalogue = {
        api: _catalogued(served.get(api), api, value) for api, value in config.get("catalogue", {}).items()
    }
    for name in {*wanted_keys, *wanted_limits, *catalogue} - set(served):
        raise ValueError(f"no API named {name!r} is served; there are {', '.join(served)}")
    most_calls, most_bytes = keep_of(keep)
    return Settings(
        policies={api: Policy(wanted_keys.get(api, {}), catalogue.get(api, Catalogued())) for api in served},
        limits=wanted_limits,
        enforce_limits=enforce_limits,
        admit_invalid=admit_invalid,
        most_calls=most_calls,
        most_bytes=most_bytes,
    )


def _verdicts(value: JSON) -> dict[str, str]:
    if isinstance(value, dict):
        return dict(value)
    return dict.fromkeys([value] if isinstance(value, str) else value, "allowed")


def _catalogued(api: Api | None, name: str, value: Mapping[str, JSON]) -> Catalogued:
    at = f"/catalogue/{name}"
    if api is not None and not any(
        "catalogue" in operation.checks and operation.catalogue for operation in api.operations
    ):
        raise SpecError(
            [("mockserver.yaml", at, f"{name} has no catalogue: nothing of its answers depends on names")]
        )
    entries = {each: _entry(f"{at}/names/{each}", entry) for each, entry in value.get("names", {}).items()}
    return Catalogued(entries, value.get("unknown") == "refuse")


def _entry(at: str, value: Mapping[str, JSON]) -> CatalogueEntry:
    try:
        payload = Schema(value["payload"]) if "payload" in value else None
    except ValueError as error:
        raise SpecError([("mockserver.yaml", f"{at}/payload", f"is not a JSON Schema: {error}")]) from None
    return CatalogueEntry(payload, value.get("status"))


def without_unserved(settings: Settings) -> Settings:
    """Return settings without limits; for worlds that start unlimited."""
    return replace(settings, limits={})
