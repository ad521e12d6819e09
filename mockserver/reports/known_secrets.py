"""What is known to be secret: the names of what holds credentials, and the credentials that the user has named."""

from collections.abc import Iterable
from typing import Final

from mockserver.engine.contract import Api
from mockserver.engine.world import Blueprint

ALWAYS_SECRET: Final = frozenset(
    {"authorization", "cookie", "set-cookie", "proxy-authorization", "x-api-key", "x-ss-signature"}
)
_SHORTEST_KNOWN: Final = 8  # a shorter one that the user has named may be a word, as "secret" is


class SecretNames(frozenset[str]):
    """The names, in lower case, of headers and query keys that hold credentials.

    ``known`` are credentials that the user has named: secret wherever a call has them, also in the wrong place.
    """

    known: frozenset[str] = frozenset()

    def joined(self, other: "SecretNames") -> "SecretNames":
        """Return the names, and the known credentials, of both."""
        both = SecretNames(self | other)
        both.known = self.known | other.known
        return both


def secrets_in(blueprint: Blueprint) -> SecretNames:
    """Return the names of what holds credentials in what is served, and the credentials that the user has named."""
    names = SecretNames(secret_names(blueprint.apis))
    policies = blueprint.policies.values()
    given = {text for each in policies for text in (*each.keys, *each.secrets.values())}
    names.known = frozenset(text for text in given if len(text) >= _SHORTEST_KNOWN)
    return names


def secret_names(apis: Iterable[Api]) -> frozenset[str]:
    """Return the names, in lower case, of all headers and query keys that hold credentials."""
    schemes = [
        scheme
        for api in apis
        for operation in api.operations
        for alternative in operation.shape.security
        for scheme in alternative
    ]
    signed = [scheme.signature.sent_in[1][1:].lower() for scheme in schemes if scheme.signature is not None]
    return (
        ALWAYS_SECRET | {scheme.parameter.lower() for scheme in schemes} | {name for name in signed if name}
    )
