"""What is kept of calls outside the server: one JSON object per line, without secrets.

Secrets are the values of the headers and query keys that hold credentials. Each is replaced by
``[redacted]``, with its scheme kept, and so is the same text wherever else it stands in the exchange. The
control plane shows real values, since tests assert on them; a file may be read by anybody.
"""

import base64
import json
import sys
from collections.abc import Collection, Iterable, Mapping
from typing import Final, TextIO
from urllib.parse import quote, unquote_plus

from mockserver.engine.contract import Api
from mockserver.engine.exchange import JSON, Exchange
from mockserver.wire import serve_event

ALWAYS_SECRET: Final = frozenset(
    {"authorization", "cookie", "set-cookie", "proxy-authorization", "x-api-key", "x-ss-signature"}
)
SCHEMES: Final = frozenset({"apikey", "basic", "bearer", "digest", "key", "token"})
"""The words before a credential that are shown; what stands first in another value may be the secret itself."""

REDACTED: Final = "[redacted]"
_SHORTEST: Final = 4  # a shorter secret is not looked for elsewhere: it would be found in every word


def secret_names(apis: Iterable[Api]) -> frozenset[str]:
    """Return the names, in lower case, of all headers and query keys that hold credentials."""
    schemes = [
        scheme
        for api in apis
        for operation in api.operations
        for alternative in operation.shape.security
        for scheme in alternative
    ]
    return ALWAYS_SECRET | {scheme.parameter.lower() for scheme in schemes}


class JournalFile:
    """Appends every call to a file as it is completed; a crash loses at most the last one.

    Where the file cannot be written any more, that is told once on standard error, and the server goes on.
    """

    def __init__(self, stream: TextIO, names: Collection[str]) -> None:
        self._stream, self.names = stream, frozenset(names)
        self._has_failed = False

    def append(self, exchange: Exchange) -> None:
        """Write one call and flush it."""
        if self._has_failed:
            return
        try:
            self._stream.write(json_line(exchange, self.names) + "\n")
            self._stream.flush()
        except (OSError, ValueError) as error:
            self._has_failed = True
            told = f"call #{exchange.number} and later ones are not in the journal file: {error}"
            sys.stderr.write(f"mockserver: {told}\n")


def json_line(exchange: Exchange, names: Collection[str]) -> str:
    """Return a call as one line of JSON, its secrets redacted."""
    return json.dumps(redacted(serve_event(exchange), names), separators=(",", ":"))


def redacted(event: dict[str, JSON], names: Collection[str]) -> dict[str, JSON]:
    """Return a ServeEvent without its secrets."""
    secrets = sorted(_secrets_in(event, names), key=len, reverse=True)
    forms = list(
        dict.fromkeys(form for secret in secrets if len(secret) >= _SHORTEST for form in _forms(secret))
    )
    shown = dict(event)
    for part in ("request", "response"):
        if part in event:
            shown[part] = {**event[part], "headers": _headers(event[part]["headers"], names)}
    request = shown["request"]
    shown["request"] = {
        **request,
        "url": _url(request["url"], names, secrets),
        "absoluteUrl": _url(request["absoluteUrl"], names, secrets),
        "queryParams": _parameters(request["queryParams"], names),
        "cookies": dict.fromkeys(request["cookies"], REDACTED),
    }
    return {name: _replaced_member(name, member, forms) for name, member in shown.items()}


def _secrets_in(event: Mapping[str, JSON], names: Collection[str]) -> set[str]:
    """Return every text of an exchange that is secret by the name of its header, cookie or query key."""
    found = set(event["request"]["cookies"].values())
    for part in ("request", "response"):
        for name, value in event.get(part, {}).get("headers", {}).items():
            if name.lower() in names:
                for each in value if isinstance(value, list) else [value]:
                    found |= _secrets_of(each)
    for name, parameter in event["request"]["queryParams"].items():
        if name.lower() in names:
            found |= set(parameter["values"])
    return found


def _secrets_of(value: str) -> set[str]:
    """Return the parts of a header's value: all of it, its words, and what stands before a signature."""
    words = [word.strip(";,") for word in value.split()]
    words = words[1:] if words and words[0].lower() in SCHEMES else words
    return {value.strip(), *words, *(part for word in words for part in word.split(":"))}


def _headers(headers: Mapping[str, JSON], names: Collection[str]) -> dict[str, JSON]:
    return {name: _kept(value) if name.lower() in names else value for name, value in headers.items()}


def _kept(value: JSON) -> str:
    """Return what is shown of a secret header: its scheme, where it is a known one."""
    scheme, space, _ = str(value[0] if isinstance(value, list) else value).partition(" ")
    return f"{scheme} {REDACTED}" if space and scheme.lower() in SCHEMES else REDACTED


def _url(url: str, names: Collection[str], secrets: Iterable[str]) -> str:
    path, mark, query = url.partition("?")
    long = [secret for secret in secrets if len(secret) >= _SHORTEST]
    pairs = [_pair(pair, names, long) for pair in query.split("&")] if mark else []
    return f"{path}{mark}{'&'.join(pairs)}"


def _pair(pair: str, names: Collection[str], secrets: Iterable[str]) -> str:
    name, sign, value = pair.partition("=")
    text = unquote_plus(value)
    is_secret = unquote_plus(name).lower() in names or any(secret in text for secret in secrets)
    return f"{name}{sign}{REDACTED}" if is_secret else pair


def _parameters(parameters: Mapping[str, JSON], names: Collection[str]) -> dict[str, JSON]:
    return {
        name: {**parameter, "values": [REDACTED for _ in parameter["values"]]}
        if name.lower() in names
        else parameter
        for name, parameter in parameters.items()
    }


def _forms(secret: str) -> list[str]:
    """Return how a secret may be written: as it is, in JSON (some escape its slashes), and in a URL."""
    as_json = [json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]]
    return [secret, *as_json, *(text.replace("/", "\\/") for text in as_json), quote(secret, safe="")]


def _replaced(value: JSON, secrets: list[str]) -> JSON:
    if isinstance(value, dict):
        return {name: _replaced_member(name, each, secrets) for name, each in value.items()}
    if isinstance(value, list):
        return [_replaced(each, secrets) for each in value]
    if isinstance(value, int | float) and str(value) in secrets:
        return REDACTED
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, REDACTED)
    return value


def _replaced_member(name: str, value: JSON, secrets: list[str]) -> JSON:
    return _replaced_bytes(value, secrets) if name == "bodyAsBase64" else _replaced(value, secrets)


def _replaced_bytes(encoded: str, secrets: list[str]) -> str:
    body = base64.b64decode(encoded)
    for secret in secrets:
        body = body.replace(secret.encode("utf-8", "surrogatepass"), REDACTED.encode())
    return base64.b64encode(body).decode()
