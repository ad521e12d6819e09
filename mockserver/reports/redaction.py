"""Secrets: which texts of a call are secret, the call without them, and the variables that stand for them in code.

Secrets are the values of the headers, cookies and query keys that hold credentials. Each is replaced by
``[redacted]``, with its scheme kept, and so is the same text wherever else it stands in the exchange, also where it
is written as JSON or a URL write it. In code that people run it is replaced by a variable such as ``$API_KEY``,
after the API's name. The control plane shows real values, since tests assert on them; a file may be read by anybody.
"""

import base64
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import quote, unquote_plus

from mockserver.engine.exchange import JSON
from mockserver.reports.beginnings import without_beginning
from mockserver.reports.sensitive import ALWAYS_SECRET, Sensitive

SCHEMES: Final = frozenset({"apikey", "basic", "bearer", "digest", "key", "token"})
"""The words before a credential that are shown; what stands first in another value may be the secret itself."""

REDACTED: Final = "[redacted]"
_SHORTEST: Final = 4  # a shorter secret is not looked for elsewhere: it would be found in every word

_NO_KEY: Final = ALWAYS_SECRET - {"authorization", "x-api-key"}
"""Headers whose secret is not the API's key; a variable for it is named after the header."""


def redacted(event: Mapping[str, JSON], sensitive: Sensitive) -> dict[str, JSON]:
    """Return a ServeEvent without its secrets; where nothing is ``sensitive`` it has none."""
    if not sensitive:
        return dict(event)
    secrets = _found_in(event, sensitive)
    forms = list(_forms(secrets))
    shown = dict(event)
    for part in ("request", "response"):
        if part in event:
            shown[part] = {**event[part], "headers": _headers(event[part]["headers"], sensitive.names)}
    request = shown["request"]
    shown["request"] = {
        **request,
        "url": _url(request["url"], sensitive.names, secrets),
        "absoluteUrl": _url(request["absoluteUrl"], sensitive.names, secrets),
        "queryParams": _parameters(request["queryParams"], sensitive.names, forms),
        "cookies": dict.fromkeys(request["cookies"], REDACTED),
    }
    return {name: _replaced_member(name, member, forms) for name, member in shown.items()}


def concealer(event: Mapping[str, JSON], sensitive: Sensitive) -> Callable[[str], str]:
    """Return what takes the secrets of a ServeEvent out of texts about its call."""
    forms = list(_forms(_found_in(event, sensitive))) if sensitive else []
    return lambda text: _replaced_text(text, forms)


def concealed(texts: Mapping[str, JSON], event: Mapping[str, JSON], sensitive: Sensitive) -> dict[str, JSON]:
    """Return texts about a call without the secrets of its ServeEvent."""
    conceal = concealer(event, sensitive)
    return {name: conceal(text) if isinstance(text, str) else text for name, text in texts.items()}


@dataclass(frozen=True, slots=True)
class Variable:
    """The place of a secret in code: the variable that its reader sets."""

    name: str


Piece = bytes | Variable
"""A part of a text: bytes that are no secret, or a variable that stands for one."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets of one call, and each way to write them, with the variables that stand for them in code."""

    names: Collection[str]
    variables: Mapping[str, Variable]
    forms: Mapping[bytes, Variable]

    def are_in(self, text: str | bytes) -> bool:
        """Tell whether a secret stands in a text."""
        data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        return any(form in data for form in self.forms)

    def of_text(self, data: bytes) -> list[Piece]:
        """Return a text in pieces, its secrets as variables."""
        if not self.forms:
            return [data] if data else []
        parts = re.split(b"(" + b"|".join(map(re.escape, self.forms)) + b")", data)
        pieces = [self.forms[part] if index % 2 else part for index, part in enumerate(parts)]
        return [piece for piece in pieces if piece]

    def of_header(self, name: str, value: str) -> list[Piece]:
        """Return the value of a header in pieces; of one that holds a credential only the scheme is left."""
        if name.lower() not in self.names:
            return self.of_text(value.encode("latin-1"))
        scheme, credential = _split(value)
        return [scheme.encode("latin-1"), *self._whole(credential)]

    def of_query(self, query: str) -> list[Piece]:
        """Return a query in pieces."""
        pieces: list[Piece] = []
        for index, pair in enumerate(query.split("&")):
            pieces += [b"&"] if index else []
            pieces += self._of_pair(pair)
        return pieces

    def _of_pair(self, pair: str) -> list[Piece]:
        name, sign, value = pair.partition("=")
        if unquote_plus(name).lower() in self.names:
            return [f"{name}{sign}".encode("latin-1"), *self._whole(unquote_plus(value))]
        return self.of_text(pair.encode("latin-1"))

    def _whole(self, credential: str) -> list[Piece]:
        return [self.variables[credential]] if credential else []


def secrets_of(event: Mapping[str, JSON], sensitive: Sensitive) -> Secrets:
    """Return the secrets of a ServeEvent."""
    variables = _variables(event, sensitive)
    by_form = {form: variables[text] for form, text in _forms(variables).items()}
    encoded = {bytes_: variable for form, variable in by_form.items() for bytes_ in _encoded(form)}
    return Secrets(sensitive.names, variables, dict(sorted(encoded.items(), key=lambda item: -len(item[0]))))


def _variables(event: Mapping[str, JSON], sensitive: Sensitive) -> dict[str, Variable]:
    """Return each secret with its variable; a second one of the same kind has a number."""
    api = event["request"]["mock"]["api"]
    prefix = f"{_word(api)}_" if api else ""
    variables: dict[str, Variable] = {}
    for text, name in _found_in(event, sensitive).items():
        word = prefix + (_word(name) if name in _NO_KEY else "API_KEY")
        count = 1 + sum(known.name.startswith(word) for known in variables.values())
        variables[text] = Variable(word if count == 1 else f"{word}_{count}")
    return variables


def _word(name: str) -> str:
    """Return a name as the name of a variable is written."""
    return re.sub("^(?=[0-9])|[^A-Z0-9_]", "_", name.upper())


def _found_in(event: Mapping[str, JSON], sensitive: Sensitive) -> dict[str, str]:
    """Return every text that is secret, with the name of its header, cookie or query key, or that of most of them."""
    found: dict[str, str] = {}
    for part in ("request", "response"):
        for name, value in event.get(part, {}).get("headers", {}).items():
            if name.lower() in sensitive.names:
                for each in value if isinstance(value, list) else [value]:
                    texts = (*_parts(each), *([_cookie_in(each)] if name.lower() == "set-cookie" else []))
                    found |= {text: name.lower() for text in texts if text not in found}
    for name, parameter in event["request"]["queryParams"].items():
        if name.lower() in sensitive.names:
            found |= {text: name.lower() for text in parameter["values"] if text not in found}
    for text in event["request"]["cookies"].values():
        found.setdefault(text, "cookie")
    for text in sensitive.texts:
        found.setdefault(text, "authorization")
    found.pop("", None)
    return found


def _cookie_in(value: str) -> str:
    """Return the value of the cookie that a ``Set-Cookie`` header sets."""
    return value.partition(";")[0].partition("=")[2].strip()


def _split(value: str) -> tuple[str, str]:
    """Split a credential from the scheme before it and its spaces, where that is a known one."""
    match = re.fullmatch(r"([^ ]+)( +)(.*)", value.strip(), re.DOTALL)
    if match is None or match[1].lower() not in SCHEMES:
        return "", value.strip()
    return match[1] + match[2], match[3]


def _parts(value: str) -> Iterator[str]:
    """Yield what is secret of a header's value: the credential, its words, and what stands before a signature."""
    credential = _split(value)[1]
    words = [word.strip(";,") for word in credential.split()]
    yield from (credential, *words, *(part for word in words for part in word.split(":")))


def _forms(secrets: Iterable[str]) -> dict[str, str]:
    """Return how the secrets may be written elsewhere, each with the secret that it is, the longest first."""
    forms = {form: secret for secret in secrets if len(secret) >= _SHORTEST for form in _forms_of(secret)}
    return dict(sorted(forms.items(), key=lambda item: -len(item[0])))


@lru_cache(maxsize=100)  # most calls bring the same
def _forms_of(secret: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(form for text in _readings(secret) for form in _spellings(text)))


def _readings(secret: str) -> Iterator[str]:
    """Yield a secret as it is, and as it is where UTF-8 was read as Latin-1 (as headers are), or should have been."""
    yield secret
    for sent, read in (("latin-1", "utf-8"), ("utf-8", "latin-1")):
        try:
            yield secret.encode(sent).decode(read)
        except UnicodeError:
            continue


_ESCAPES: Final = (("<>&", "04x"), ("<>&='", "04x"), ("+<>&'`", "04X"))
"""What some writers of JSON escape beyond what they must, and with which digits: those of Go, Java, .NET."""


def _spellings(text: str) -> Iterator[str]:
    """Yield a text as it is, in a pointer, in JSON (some escape slashes as well), and in a URL."""
    as_json = [json.dumps(text, ensure_ascii=False)[1:-1], json.dumps(text)[1:-1]]
    as_json += [_escaped(text, more, digits) for more, digits in _ESCAPES]
    quoted = [quote(text, safe=safe, errors="replace") for safe in ("", "/", "/+=:")]
    yield from (text, text.replace("~", "~0").replace("/", "~1"), *as_json)
    yield from (each.replace("/", "\\/") for each in as_json)
    yield from quoted
    yield from (re.sub("%..", lambda match: match[0].lower(), each) for each in quoted)


def _escaped(text: str, more: str, digits: str) -> str:
    return "".join(
        f"\\u{ord(each):{digits}}" if each in more or not each.isascii() else json.dumps(each)[1:-1]
        for each in text
    )


def _encoded(form: str) -> Iterator[bytes]:
    yield form.encode("utf-8", "surrogatepass")
    if all(ord(character) < 256 for character in form):
        yield form.encode("latin-1")


def _headers(headers: Mapping[str, JSON], names: Collection[str]) -> dict[str, JSON]:
    return {name: _kept(value) if name.lower() in names else value for name, value in headers.items()}


def _kept(value: JSON) -> str:
    """Return what is shown of a secret header: its scheme, where it is a known one."""
    scheme, _ = _split(str(value[0] if isinstance(value, list) else value))
    return f"{scheme.strip()} {REDACTED}" if scheme else REDACTED


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


def _parameters(
    parameters: Mapping[str, JSON], names: Collection[str], forms: Iterable[str]
) -> dict[str, JSON]:
    shown = {}
    for name, parameter in parameters.items():
        hidden = {"values": [REDACTED for _ in parameter["values"]]} if name.lower() in names else {}
        shown[_replaced_text(name, forms)] = {**parameter, **hidden}
    return shown


_FOREIGN: Final = frozenset({"headers", "cookies", "value"})
"""Members whose own members the sender has named: a secret may be a name there."""


def _replaced_member(name: str, value: JSON, forms: Iterable[str]) -> JSON:
    if name == "bodyAsBase64":
        return _replaced_bytes(value, forms)
    return _replaced_foreign(value, forms) if name in _FOREIGN else _replaced(value, forms)


def _replaced(value: JSON, forms: Iterable[str]) -> JSON:
    """Return a value without secrets, its members under the names that we gave them."""
    if isinstance(value, dict):
        return {name: _replaced_member(name, each, forms) for name, each in value.items()}
    if isinstance(value, list):
        return [_replaced(each, forms) for each in value]
    return _replaced_foreign(value, forms)


def _replaced_foreign(value: JSON, forms: Iterable[str]) -> JSON:
    if isinstance(value, dict):
        return {_replaced_text(name, forms): _replaced_foreign(each, forms) for name, each in value.items()}
    if isinstance(value, list):
        return [_replaced_foreign(each, forms) for each in value]
    if isinstance(value, int | float) and str(value) in forms:
        return REDACTED
    return _replaced_text(value, forms) if isinstance(value, str) else value


def _replaced_text(text: str, forms: Iterable[str]) -> str:
    for form in forms:
        text = without_beginning(text.replace(form, REDACTED), form, REDACTED)
    return text


def _replaced_bytes(encoded: str, forms: Iterable[str]) -> str:
    body = base64.b64decode(encoded).decode("latin-1")
    for form in forms:
        for each in _encoded(form):
            written = each.decode("latin-1")
            body = without_beginning(body.replace(written, REDACTED), written, REDACTED)
    return base64.b64encode(body.encode("latin-1")).decode()
