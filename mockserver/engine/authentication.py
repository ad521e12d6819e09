"""Is there a credential, of the right kind, that is accepted? What is wrong with it is told as a finding."""

import re
from typing import Final

from mockserver.engine.case import Case
from mockserver.engine.contract import SecurityScheme
from mockserver.engine.credentials import Credential, read_credential
from mockserver.engine.exchange import Finding, Reason, Refused
from mockserver.engine.policy import FORBIDDEN
from mockserver.engine.values import cut


def authentication(case: Case) -> Refused | None:
    """Is there a credential, of the right kind, that is accepted?"""
    first: Refused | None = None
    for alternative in case.operation.shape.security:
        refused: Refused | None = None
        found: list[Credential] = []
        for scheme in alternative:
            credential = read_credential(scheme, case.request)
            if credential.fault or case.policy.keys or scheme.refuses:
                refused = refused or _credential_fault(case, credential)
            found.append(credential)
        if refused is None:
            case.credential = found[0] if found else None  # an alternative may ask for nothing
            return None
        first = first or refused
    return first


def _credential_fault(case: Case, credential: Credential) -> Refused | None:
    reason, fault, policy = Reason.UNAUTHENTICATED, credential.fault, case.policy
    if not fault:
        refuses = credential.scheme.refuses.get(credential.value)
        if policy.keys.get(credential.value) == FORBIDDEN:
            reason, fault = Reason.FORBIDDEN, "refused"
        elif refuses is not None or (policy.is_strict and credential.value not in policy.keys):
            reason, fault = refuses or reason, "refused"
        else:
            return None
    case.credential = credential
    case.noted["scheme"], case.noted["credential"] = credential.word, credential.value
    name = credential.scheme.parameter
    message, received, fix = _CREDENTIAL_FAULTS[FORBIDDEN if reason is Reason.FORBIDDEN else fault]
    expected = cut(_form_of(credential.scheme))
    if fault == "scheme":
        message, fix = f"must be {expected}", f"Send {expected}."
    finding = Finding(
        credential.scheme.place, f"/{name}", name, fault, message, expected, received, None, fix
    )
    return Refused(reason, (finding,))


def _form_of(scheme: SecurityScheme) -> str:
    """Return how a credential is written: a word and a key, where the pattern says no more than that."""
    word = re.fullmatch(r"([A-Za-z]+)\(\?: \+\(\.\*\)\)\?", scheme.pattern.pattern)
    return f"{word[1]} <key>" if word is not None else f"what matches {scheme.pattern.pattern}"


_CREDENTIAL_FAULTS: Final = {
    "missing": ("is missing", "nothing", "Send the API key in it."),
    "scheme": (
        "is not in the form that this API reads",
        "another form",
        "Look at what is expected, and send that.",
    ),
    "empty": ("holds no key", "no key", "Send a key after the scheme."),
    "refused": (
        "holds a key that is not accepted",
        "another key",
        "Send a key that the mock was told to accept.",
    ),
    FORBIDDEN: (
        "holds a key that is configured as forbidden",
        "a forbidden key",
        "Send a key that is allowed.",
    ),
}
