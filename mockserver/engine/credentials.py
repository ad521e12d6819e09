"""How a credential is read from a request, as its security scheme says."""

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qs

from mockserver.engine.contract import SecurityScheme
from mockserver.engine.exchange import Request
from mockserver.engine.headers import cookies_of


@dataclass(frozen=True, slots=True)
class Credential:
    """What was found: its value, the first word of what was sent, and what is wrong with it.

    ``fault`` is empty, or ``missing``, ``scheme`` (another kind of credential) or ``empty``; ``signature`` is the
    second group of the scheme's pattern, if it has one.
    """

    scheme: SecurityScheme
    value: str
    word: str
    fault: str
    signature: str = ""


def read_credential(scheme: SecurityScheme, request: Request) -> Credential:
    """Read the credential of one scheme from a request."""
    if scheme.place == "query":
        values = parse_qs(request.query, keep_blank_values=True).get(scheme.parameter)
        return _read(scheme, values[0] if values else "")
    if scheme.place == "cookie":
        return _read(scheme, cookies_of(request.headers.get("cookie", "")).get(scheme.parameter, ""))
    return _read(scheme, request.headers.get(scheme.parameter, ""))


@lru_cache(maxsize=1024)  # a client sends the same credential with every call
def _read(scheme: SecurityScheme, text: str) -> Credential:
    text = text.strip()
    word = text.partition(" ")[0]
    if not text:
        return Credential(scheme, "", "", "missing")
    match = scheme.pattern.fullmatch(text)
    if match is None:
        return Credential(scheme, "", word, "scheme")
    value = match[1] or ""
    signature = (match[2] or "") if scheme.pattern.groups > 1 else ""
    return Credential(scheme, value, word, "" if value else "empty", signature)
