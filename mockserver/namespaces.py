"""Which namespace a request is for: a prefix of the path, ``/~checkout-42``, or the header ``X-Mock-Namespace``.

The prefix wins over the header. It is no part of the path that an API or a pattern sees.
"""

import re
from collections.abc import Mapping
from typing import Final

HEADER: Final = "x-mock-namespace"
NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_PREFIX: Final = re.compile(r"/+(?:~|%7[Ee])([^/?]*)")


class NamespaceError(ValueError):
    """A name that no namespace can have; the text is a sentence."""

    def __init__(self, name: str) -> None:
        told = "is not the name of a namespace; use 1 to 64 letters, digits, dots, hyphens and underscores"
        super().__init__(f"{name[:80]!r} {told}")


class ForeignPageError(ValueError):
    """A page of another site that is the first to use a namespace: it might make so many that no test gets one."""

    def __init__(self, name: str) -> None:
        advice = f"make it first, with POST /~{name}/__admin/reset"
        super().__init__(f"a page of another site cannot make the namespace {name!r}; {advice}")


def checked(name: str) -> str:
    """Return the name of a namespace. Raises `NamespaceError`."""
    if not NAME.fullmatch(name):
        raise NamespaceError(name)
    return name


def split(path: str) -> tuple[str | None, str]:
    """Return the name of the namespace that a path begins with, None where it does with none, and the prefix."""
    match = _PREFIX.match(path)
    return (None, "") if match is None else (match[1], match[0])


def chosen(prefixed: str | None, headers: Mapping[str, str]) -> str:
    """Return the namespace that a request is for: that of its prefix, else of its header, else the one without a name.

    Names of headers are in lower case. Raises `NamespaceError`.
    """
    name = headers.get(HEADER) if prefixed is None else prefixed
    return "" if name is None else checked(name.strip(" \t"))


def may_begin(path: str) -> bool:
    """Tell, as fast as can be, that a path may begin with a namespace; nearly none does."""
    return path[1:2] in {"~", "/", "%"}
