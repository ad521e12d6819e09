"""The user's certificate and key: what is wrong with the files, and how they are loaded for a server.

OpenSSL says of most faults no more than "PEM lib", and asks for a pass phrase on the terminal. So the files are looked
at first, and each fault is told with what named its file. Only where that finds nothing are they given to OpenSSL.
"""

import re
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mockserver.engine.faults import Problem, SpecError
from mockserver.options import Configuration

CERT: Final = "tls-cert"
KEY: Final = "tls-key"
_OTHER: Final = {CERT: KEY, KEY: CERT}
_BEGIN: Final = rb"-----BEGIN [A-Z0-9 ]*%s-----"
_CERTIFICATE: Final = re.compile(_BEGIN % rb"CERTIFICATE")
_PRIVATE_KEY: Final = re.compile(_BEGIN % rb"PRIVATE KEY")
_ENCRYPTED: Final = re.compile(
    rb"-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED", re.MULTILINE
)
_PEM: Final = re.compile(_BEGIN % rb"")


def load(context: ssl.SSLContext, configuration: Configuration) -> None:
    """Let the context of a server speak TLS with the files that are given. Raises `SpecError` with every problem."""
    given = [key for key in _OTHER if configuration[key] is not None]
    if problems := [problem for key in given for problem in _problems(configuration, key)]:
        raise SpecError(problems)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(configuration[CERT], configuration[KEY], password=str)
    except (OSError, ValueError) as error:
        raise SpecError([_refused(configuration, error)]) from None


def _problems(configuration: Configuration, key: str) -> Iterator[Problem]:
    other = _OTHER[key]
    if configuration[other] is None:
        dashes = "--" if configuration.given[(key,)].is_from_command else ""
        yield configuration.problem((key,), f"is of no use alone; give {dashes}{other} as well")
    for sentence in _faults(configuration[key], key):
        yield configuration.problem((key,), f"{configuration[key]} {sentence}")


def _faults(path: str, key: str) -> Iterator[str]:
    """Yield what can be seen to be wrong with a file."""
    try:
        if Path(path).exists() and not Path(path).is_file():
            yield "cannot be read: it is not a regular file"
            return
        data = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        yield f"cannot be read: {getattr(error, 'strerror', None) or error}"
        return
    if not _PEM.search(data):
        kind = "x509" if key == CERT else "pkey"
        yield (
            "is not PEM, a text with a line -----BEGIN …-----; "
            f"if it is DER, convert it: openssl {kind} -inform DER -in {path} -out converted.pem"
        )
    elif key == CERT:
        yield from _faults_of_certificate(data)
    else:
        yield from _faults_of_key(data, path)


def _faults_of_certificate(data: bytes) -> Iterator[str]:
    if not _CERTIFICATE.search(data):
        is_key = _PRIVATE_KEY.search(data)
        yield "has no certificate in it" + ("; it is a private key, which tls-key takes" if is_key else "")


def _faults_of_key(data: bytes, path: str) -> Iterator[str]:
    if not _PRIVATE_KEY.search(data):
        is_certificate = _CERTIFICATE.search(data)
        yield (
            "has no private key in it"
            + ("; it is a certificate, which tls-cert takes" if is_certificate else "")
        )
    elif _ENCRYPTED.search(data):
        yield (
            f"has a pass phrase, which is not supported; take it away: openssl pkey -in {path} -out plain.pem"
        )


def _refused(configuration: Configuration, error: Exception) -> Problem:
    """Return the problem of files that look well, and that OpenSSL does not take."""
    cert, key = configuration[CERT], configuration[KEY]
    reason = getattr(error, "reason", None) or str(error)
    if reason in {"KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH"}:
        return configuration.problem((KEY,), f"{key} does not belong to the certificate {cert}")
    place, path = (KEY, key) if _is_sound(cert) else (CERT, cert)
    return configuration.problem((place,), f"{path} cannot be used: OpenSSL says {said(reason)}")


def _is_sound(path: str) -> bool:
    """Tell whether OpenSSL reads a file's certificates."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except (OSError, ValueError):
        return False
    return True


def said(reason: str) -> str:
    """Return OpenSSL's word for an error as a person reads it: ``EE_KEY_TOO_SMALL`` is "ee key too small"."""
    return reason.replace("_", " ").lower() if reason.isupper() else reason
