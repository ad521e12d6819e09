"""Is there a credential, of the right kind, that is accepted? What is wrong with it is told as a finding."""

import re
from typing import Final

from mockserver.engine.case import Case
from mockserver.engine.contract import SecurityScheme
from mockserver.engine.credentials import Credential, read_credential
from mockserver.engine.exchange import Finding, Reason, Refused
from mockserver.engine.policy import FORBIDDEN
from mockserver.engine.signatures import how_to_sign, is_signed
from mockserver.engine.values import as_text, cut, is_empty


def authentication(case: Case) -> Refused | None:
    """Is there a credential, of the right kind, that is accepted?"""
    first: Refused | None = None
    policy = case.policy
    for alternative in case.operation.shape.security:
        refused: Refused | None = None
        found: list[Credential] = []
        for scheme in alternative:
            credential = read_credential(scheme, case.request)
            if credential.fault or policy.keys or policy.secrets or scheme.refuses:
                refused = refused or _credential_fault(case, credential)
            found.append(credential)
        if refused is None:
            case.credential = found[0] if found else None  # an alternative may ask for nothing
            return None
        first = first or refused
    return first


def _credential_fault(case: Case, credential: Credential) -> Refused | None:
    reason, fault = Reason.UNAUTHENTICATED, credential.fault or _signature_fault(case, credential)
    if not credential.fault:
        refuses = credential.scheme.refuses.get(credential.value)
        policy = case.policy
        if policy.keys.get(credential.value) == FORBIDDEN:
            reason, fault = Reason.FORBIDDEN, "refused"
        elif refuses is not None or (policy.is_strict and credential.value not in policy.keys):
            reason, fault = refuses or reason, "refused"
    if not fault:
        return None
    case.credential = credential
    case.noted["scheme"], case.noted["credential"] = credential.word, credential.value
    return Refused(reason, (_told(case, credential, FORBIDDEN if reason is Reason.FORBIDDEN else fault),))


def _signature_fault(case: Case, credential: Credential) -> str:
    """Return what is wrong with the signature of a request whose key has a secret; nothing where it has none."""
    signature, secret = credential.scheme.signature, case.policy.secrets.get(credential.value)
    if signature is None or secret is None:
        return ""
    sent = credential.signature if signature.sent is None else signature.sent(case)
    if is_empty(sent):
        return "unsigned"
    return "" if is_signed(signature, case, as_text(sent), secret) else "signature"


def _told(case: Case, credential: Credential, fault: str) -> Finding:
    scheme = credential.scheme
    place, name = scheme.place, scheme.parameter
    message, received, fix = _CREDENTIAL_FAULTS[fault]
    expected = cut(_form_of(scheme))
    if fault == "scheme":
        message, fix = f"must be {expected}", f"Send {expected}."
    signature = scheme.signature
    if signature is not None and fault in {"unsigned", "signature"}:
        expected, fix = f"{signature.algorithm} in {signature.encoding}", how_to_sign(signature, case)
        if signature.sent is not None:
            place, name = signature.sent_in[0], signature.sent_in[1][1:].lower()
    keyword = "refused" if fault == FORBIDDEN else fault
    return Finding(place, f"/{name}", name, keyword, message, expected, received, None, fix)


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
    "unsigned": ("holds no signature, and its key has a secret", "no signature", ""),
    "signature": ("holds a signature that is not that of this request", "another signature", ""),
    FORBIDDEN: (
        "holds a key that is configured as forbidden",
        "a forbidden key",
        "Send a key that is allowed.",
    ),
}
