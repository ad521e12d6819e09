"""What is sensitive in calls: the names of what holds credentials, and the credentials that the user has named."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from mockserver.engine.contract import Api
from mockserver.engine.world import Blueprint

ALWAYS_SECRET: Final = frozenset(
    {"authorization", "cookie", "set-cookie", "proxy-authorization", "x-api-key", "x-ss-signature"}
)
_SHORTEST_KNOWN: Final = 8  # a shorter one that the user has named may be a word, as "secret" is


@dataclass(frozen=True, slots=True)
class Sensitive:
    """What is not to be shown of calls.

    ``names`` are those, in lower case, of headers and query keys that hold credentials; ``texts`` are credentials that
    the user has named, which are secret wherever a call has them, also in the wrong place.
    """

    names: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.names or self.texts)

    def __or__(self, other: "Sensitive") -> "Sensitive":
        return Sensitive(self.names | other.names, self.texts | other.texts)


def sensitive_in(blueprint: Blueprint) -> Sensitive:
    """Return what is not to be shown of calls of what is served."""
    policies = blueprint.policies.values()
    given = {text for each in policies for text in (*each.keys, *each.secrets.values())}
    texts = frozenset(text for text in given if len(text) >= _SHORTEST_KNOWN)
    return Sensitive(secret_names(blueprint.apis), texts)


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
