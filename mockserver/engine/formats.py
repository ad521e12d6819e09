"""The formats that are asserted: one table for the fast validator and for the explaining one.

Both libraries know some formats by themselves, but not the same ones and not in the same way, so that each
format a spec may use has its checker here. A format that is in neither list stops the load of a spec.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Final
from urllib.parse import urlsplit

IGNORED: Final = frozenset(["int32", "int64", "float", "double", "byte", "binary", "password", "regex"])
"""Formats that say how a value is stored, not which values there are."""

_UUID: Final = re.compile("[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DATE_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s.]+(?:\.[^@\s.]+)*")
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!#$%&'()*+,/:;=?@\[\]A-Za-z0-9._~-]+")
_LABEL: Final = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOSTNAME: Final = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*")


def _is_uri(text: str) -> bool:
    if not _URI.fullmatch(text):
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.netloc) if parts.scheme.lower() in {"http", "https"} else True


def _is_date_time(text: str) -> bool:
    if not _DATE_TIME.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(re.sub(r"\.[0-9]+", "", text.upper()).replace(":60", ":59"))
    except ValueError:
        return False
    return True


def _is_date(text: str) -> bool:
    try:
        return text[4:5] == text[7:8] == "-" and len(text) == 10 and bool(date.fromisoformat(text))
    except ValueError:
        return False


FORMATS: Final[Mapping[str, Callable[[str], bool]]] = {
    "uri": _is_uri,
    "date-time": _is_date_time,
    "date": _is_date,
    "email": lambda text: bool(_EMAIL.fullmatch(text)),
    "uuid": lambda text: bool(_UUID.fullmatch(text)),
    "hostname": lambda text: bool(_HOSTNAME.fullmatch(text)),
}
