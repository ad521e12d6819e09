"""What the environment of a command says of the server that runs beside it."""

import sys
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from mockserver.engine.contract import Api
from mockserver.options import PREFIX

_URL: Final = f"{PREFIX}URL"
_LOOPBACK: Final = ("127.0.0.1", "localhost")
_NO_PROXY: Final = (
    ("NO_PROXY",) if sys.platform == "win32" else ("NO_PROXY", "no_proxy")
)  # no case in Windows


def variables_of(url: str, admin_url: str, apis: Sequence[Api], token: str | None = None) -> dict[str, str]:
    """Return the variables that say where the server is: for the mock as a whole, and for each API.

    An API's is ``MOCKSERVER_<API>_URL``; so are those that its SDKs read, by the ``sdk`` of its spec.
    """
    found = {_URL: url, f"{PREFIX}ADMIN_URL": admin_url}
    if token is not None:
        found[f"{PREFIX}ADMIN_TOKEN"] = token
    for api in apis:
        own = url + next((route.prefix for route in api.routes), "")
        found.setdefault(f"{PREFIX}{api.name.upper().replace('-', '_')}_URL", own)
        for sdk in api.document.get("x-mock", {}).get("sdk", []):
            for name in sdk.get("variables", []):
                found.setdefault(name, own)
    return found


def with_variables(
    given: Mapping[str, str], variables: Mapping[str, str], *, overrides: bool = False
) -> tuple[dict[str, str], list[str]]:
    """Return an environment with variables added, and the names of those that were kept as they are.

    Kept is what somebody has set for an SDK, unless ``overrides``. What is ours is not, nor what a run around this one
    has set: the command is to find the server that is beside it.
    """
    kept = [name for name in variables if not overrides and _is_kept(name, given)]
    made = {**given, **{name: text for name, text in variables.items() if name not in kept}}
    for name in _NO_PROXY:
        made[name] = _without_proxy(
            given.get(name) or next(filter(None, map(given.get, _NO_PROXY)), ""), variables[_URL]
        )
    return made, kept


def _is_kept(name: str, given: Mapping[str, str]) -> bool:
    value, around = given.get(name, ""), given.get(_URL)
    is_of_run = around is not None and f"{value}/".startswith(f"{around}/")
    return bool(value) and not name.startswith(PREFIX) and not is_of_run


def _without_proxy(text: str, url: str) -> str:
    """Return a list of hosts that no proxy is used for, with that of the server."""
    hosts = [host for part in text.split(",") if (host := part.strip())]
    if "*" in hosts:
        return text  # all hosts; beside others, the star would be one that nobody has
    own = urlsplit(url).hostname
    return ",".join(dict.fromkeys([*hosts, *_LOOPBACK, *([own] if own else [])]))
