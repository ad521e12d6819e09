"""The records: what was seen of each SDK, a file each, checked in."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from tests.installing import CACHE, locked
from tests.sdk.scenarios import scenarios_of
from tests.sdk.sdks import Sdk

JSON = Any
RECORDS: Final = Path(__file__).parent / "records"
EMPTY: Final = {"package": "", "registry": "", "version": "", "facts": {}, "scenarios": {}}


def path_of(name: str) -> Path:
    """Return where the record of an SDK is kept."""
    return RECORDS / f"{name}.yaml"


def read(name: str) -> dict[str, JSON]:
    """Return the record of an SDK; an empty one where there is none yet."""
    path = path_of(name)
    record = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {**EMPTY, **record, "scenarios": record.get("scenarios") or {}}


def merge(sdk: Sdk, seen: Mapping[str, JSON]) -> None:
    """Lay what was seen of an SDK over its record; the workers of a run take turns."""
    with locked(CACHE / "sdk-records.lock"):
        record = read(sdk.name)
        scenarios = {**record["scenarios"], **seen.get("scenarios", {})}
        ordered = {each.name: scenarios[each.name] for each in scenarios_of(sdk) if each.name in scenarios}
        text = written({**record, **seen, "scenarios": ordered})
        path_of(sdk.name).write_text(text, encoding="utf-8", newline="\n")


def written(record: Mapping[str, JSON]) -> str:
    """Return a record as it stands in its file: a line for each answer and each call."""
    lines = [f"{name}: {_inline(value)}" for name, value in record.items() if name != "scenarios"]
    lines.append("scenarios:")
    for name, seen in record["scenarios"].items():
        lines += ["", f"  {_inline(name)}:"]
        for side, entries in seen.items():
            if isinstance(entries, list) and entries:
                lines += [f"    {side}:", *(f"      - {_inline(entry)}" for entry in entries)]
            else:
                lines.append(f"    {side}: {_inline(entries)}")
    return "\n".join([*lines, ""])


def _inline(value: JSON) -> str:
    text: str = yaml.safe_dump(
        value, sort_keys=False, allow_unicode=True, width=float("inf"), default_flow_style=True
    )
    return text.removesuffix("\n").removesuffix("\n...")


def difference(recorded: JSON, seen: JSON, name: str) -> str:
    """Return what is different in scenarios, line by line; nothing where nothing is."""
    before, now = (written({"scenarios": each}).splitlines() for each in (recorded, seen))
    told = difflib.unified_diff(before, now, f"records/{name}.yaml", "this run", lineterm="", n=4)
    return "\n".join(told)
