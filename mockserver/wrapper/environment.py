"""What the environment of a command says of the server that runs beside it."""

from collections.abc import Mapping, Sequence
from typing import Final

from mockserver.engine.contract import Api

_LOOPBACK: Final = ("127.0.0.1", "localhost")
_NO_PROXY: Final = ("NO_PROXY", "no_proxy")


def variables_of(url: str, admin_url: str, apis: Sequence[Api], token: str | None = None) -> dict[str, str]:
    """Return the variables that say where the server is: for the mock as a whole, and for each API.

    An API's is ``MOCKSERVER_<API>_URL``; so are those that its SDKs read, by the ``sdk`` of its spec.
    """
    found = {"MOCKSERVER_URL": url, "MOCKSERVER_ADMIN_URL": admin_url}
    if token is not None:
        found["MOCKSERVER_ADMIN_TOKEN"] = token
    for api in apis:
        own = url + next((route.prefix for route in api.routes), "")
        found[f"MOCKSERVER_{api.name.upper().replace('-', '_')}_URL"] = own
        for sdk in api.document.get("x-mock", {}).get("sdk", []):
            for name in sdk.get("variables", []):
                found.setdefault(name, own)
    return found


def with_variables(
    given: Mapping[str, str], variables: Mapping[str, str], *, overrides: bool = False
) -> tuple[dict[str, str], list[str]]:
    """Return an environment with variables laid under it, or with ``overrides`` over it, and the names that were set.

    The server is taken out of what goes through a proxy.
    """
    ours = {name: text for name, text in variables.items() if overrides or name not in given}
    made = {**given, **ours}
    for name in _NO_PROXY:
        hosts = [host for host in made.get(name, "").split(",") if host.strip()]
        made[name] = ",".join(hosts + [host for host in _LOOPBACK if host not in hosts])
    return made, list(ours)
