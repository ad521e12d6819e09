"""Paths of requests and of specs: how one is read, and what matches the other."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

_VARIABLE: Final = re.compile(r"\{([^}]+)\}")
_SLASH_INSIDE: Final = "\udc2f"  # stands for a decoded %2F: no text that was sent decodes to it


def normal_path(path: str) -> str:
    """Return a path as it is matched: one slash in front, percent-encoding decoded but for ``%2F``."""
    if path.startswith("//"):
        path = "/" + path.lstrip("/")
    if "%" not in path:
        return path
    return "/".join(unquote(segment).replace("/", _SLASH_INSIDE) for segment in path.split("/"))


def path_pattern(path: str, where: Mapping[str, str]) -> re.Pattern[str] | None:
    """Compile a spec's path with ``{variables}``, None for one without.

    A variable is one segment, not empty, and matches the pattern that ``where`` has for it, if any.
    """
    if "{" not in path:
        return None
    parts = _VARIABLE.split(path)
    groups = [
        f"(?P<v{index}>{where.get(part, '[^/]+')})" if index % 2 else re.escape(part)
        for index, part in enumerate(parts)
    ]
    return re.compile("".join(groups))


def path_values(path: str, match: re.Match[str]) -> dict[str, str]:
    """Return the values of a spec's path variables, from a match of its pattern."""
    names = variables_of(path)
    return {name: match[f"v{2 * index + 1}"].replace(_SLASH_INSIDE, "/") for index, name in enumerate(names)}


def variables_of(path: str) -> list[str]:
    """Return the names of a spec's path variables, in their order."""
    return _VARIABLE.findall(path)


def anonymous(path: str) -> str:
    """Return a spec's path without the names of its variables, which tell no two routes apart."""
    return _VARIABLE.sub("{}", path)
