"""What is kept of calls outside the server: one JSON object per line, without secrets.

Secrets are the values of the headers and query keys that hold credentials. Each is replaced by
``[redacted]``, with its scheme kept, and so is the same text wherever else it stands in the exchange. The
control plane shows real values, since tests assert on them; a file may be read by anybody.
"""

import base64
import json
import sys
from collections.abc import Collection, Iterable
from typing import Final, TextIO
from urllib.parse import parse_qsl, quote

from mockserver.engine.contract import Api
from mockserver.engine.exchange import JSON, Exchange
from mockserver.wire import serve_event

ALWAYS_SECRET: Final = frozenset(
    {"authorization", "cookie", "set-cookie", "proxy-authorization", "x-api-key", "x-ss-signature"}
)
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
        self._stream, self._names = stream, names
        self._has_failed = False

    def append(self, exchange: Exchange) -> None:
        """Write one call and flush it."""
        if self._has_failed:
            return
        try:
            self._stream.write(json_line(exchange, self._names) + "\n")
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
    shown, secrets = _without_headers(event, names)
    for name, value in parse_qsl(event["request"]["url"].partition("?")[2]):
        if name.lower() in names:
            secrets.append(value)
    texts = {form for secret in secrets if len(secret) >= _SHORTEST for form in _forms(secret)}
    found: dict[str, JSON] = _replaced(shown, sorted(texts, key=len, reverse=True))
    return found


def _without_headers(event: dict[str, JSON], names: Collection[str]) -> tuple[dict[str, JSON], list[str]]:
    shown, secrets = dict(event), []
    for part in ("request", "response"):
        if part not in event:
            continue
        headers = dict(event[part]["headers"])
        for name, value in headers.items():
            if name.lower() in names:
                values = value if isinstance(value, list) else [value]
                secrets += [secret for each in values for secret in _secrets_of(each)]
                headers[name] = _kept(values[0])
        shown[part] = {**event[part], "headers": headers}
    cookies = event["request"]["cookies"]
    shown["request"] = {**shown["request"], "cookies": dict.fromkeys(cookies, REDACTED)}
    return shown, [*secrets, *cookies.values()]


def _kept(value: str) -> str:
    scheme, space, _ = value.partition(" ")
    return f"{scheme} {REDACTED}" if space else REDACTED


def _secrets_of(value: str) -> list[str]:
    """Return the parts of a header's value that are secret: all of it, after its scheme, and before a signature."""
    credential = value.partition(" ")[2] or value
    return [credential, *credential.split(":")]


def _forms(secret: str) -> set[str]:
    """Return how a secret may be written: as it is, in JSON, and in a URL."""
    return {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        quote(secret, safe=""),
    }


def _replaced(value: JSON, secrets: list[str]) -> JSON:
    if isinstance(value, dict):
        return {
            _replaced(name, secrets): _replaced_member(name, each, secrets) for name, each in value.items()
        }
    if isinstance(value, list):
        return [_replaced(each, secrets) for each in value]
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
