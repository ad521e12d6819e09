"""Recorded calls as commands for a POSIX shell, one for each, which repeat a call as it was sent.

What belongs to one connection is left out, and so is what curl would add of its own. Single quotes keep all from the
shell but the variables that stand for secrets. What cannot stand in a command as it is goes through ``printf``: bytes
that are no text, what a terminal would obey or not show, and bodies that are too long for an argument. A variable is
filled in as it is: a secret that was escaped, in a URL or in JSON, is repeated exactly where it needs no escapes.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

from mockserver.engine.exchange import JSON, Exchange, Request
from mockserver.reports.redaction import Piece, Secrets, Variable, secrets_of
from mockserver.reports.sensitive import Sensitive
from mockserver.wire import serve_event

NAMESPACE: Final = "x-mock-namespace"
_OF_ONE_CONNECTION: Final = frozenset(
    {
        "accept-encoding", "connection", "content-length", "expect", "host",
        "keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip
_MOST_ARGUMENT: Final = 100_000  # bytes of one argument; Linux takes 128 KiB


def curl(exchanges: Iterable[Exchange], sensitive: Sensitive) -> str:
    """Return calls as commands for a POSIX shell, one for each call."""
    return "".join(f"{_command(exchange, sensitive)}\n" for exchange in exchanges)


def prefix_of(exchange: Exchange) -> str:
    """Return what a URL needs before its path to reach the call's namespace; a header may have named it already."""
    named = exchange.request.headers.get(NAMESPACE, "")
    return "" if exchange.namespace in {"", named} else f"/~{exchange.namespace}"


def _command(exchange: Exchange, sensitive: Sensitive) -> str:
    event = serve_event(exchange)
    secrets = secrets_of(event, sensitive)
    before, body = _body_arguments(secrets.of_text(exchange.request.body))
    headers = [
        f"-H {_quoted(line)}" for line in _header_lines(event["request"]["headers"], exchange, secrets)
    ]
    return before + " \\\n  ".join([_target(exchange, secrets), *headers, *body])


def _target(exchange: Exchange, secrets: Secrets) -> str:
    """Return the beginning of a command: how the call is sent, and where to."""
    request = exchange.request
    host, path = request.headers.get("host", "localhost"), request.path
    is_path = path.startswith("/")
    url = f"{exchange.scheme}://{host}{prefix_of(exchange)}{path if is_path else '/'}"
    pieces = secrets.of_text(url.encode("latin-1"))
    if request.query:
        pieces += [b"?", *secrets.of_query(request.query)]
    options = [
        *_method_options(request.method, secrets, has_body=bool(request.body)),
        *(["--globoff"] if re.search(r"[][{}]", path + request.query) else []),
        *(["--path-as-is"] if "/." in path else []),
        *([] if is_path else [f"--request-target {_quoted(secrets.of_text(path.encode('latin-1')))}"]),
    ]
    return " ".join(["curl", *options, _quoted(pieces)])


def _method_options(method: str, secrets: Secrets, *, has_body: bool) -> list[str]:
    if method == "HEAD" and not has_body:
        return ["--head"]
    if method == "GET" and not has_body:
        return []
    # After -X HEAD curl would wait for the body that the answer announces.
    options = ["--ignore-content-length", "-H 'Connection: close'"] if method == "HEAD" else []
    return [
        f"-X {method if method.isalpha() else _quoted(secrets.of_text(method.encode('latin-1')))}",
        *options,
    ]


def _header_lines(headers: Mapping[str, JSON], exchange: Exchange, secrets: Secrets) -> Iterator[list[Piece]]:
    """Yield what curl is told of each header; also which of its own it is to leave out."""
    for name, value in headers.items():
        if name.lower() in _OF_ONE_CONNECTION:
            continue
        for each in value if isinstance(value, list) else [value]:
            text: list[Piece] = [b": ", *secrets.of_header(name, each)] if each else [b";"]
            yield [*secrets.of_text(name.encode("latin-1")), *text]
    for name in _own_headers(exchange.request):
        yield [f"{name}:".encode()]


def _own_headers(request: Request) -> Iterator[str]:
    """Yield the headers that curl would add."""
    size = len(request.body)
    own = {"Accept": True, "User-Agent": True, "Content-Type": size > 0, "Expect": size > 1_000_000}
    yield from (name for name, adds in own.items() if adds and name.lower() not in request.headers)


def _body_arguments(pieces: Sequence[Piece]) -> tuple[str, list[str]]:
    """Return what stands before the command, and the arguments that give it the body."""
    if not pieces:
        return "", []
    size = sum(len(piece) for piece in pieces if isinstance(piece, bytes))
    is_file = not isinstance(pieces[0], bytes) or pieces[0].startswith(b"@")
    if size > _MOST_ARGUMENT or is_file or not all(map(_is_plain, pieces)):
        return f"{_printed(pieces)} | ", ["--data-binary @-"]
    return "", [f"--data-binary {_quoted(pieces)}"]


def _shown(character: str) -> bool:
    return character.isprintable() or character in "\n\t"


def _is_plain(piece: Piece) -> bool:
    """Tell whether a piece can stand in a command as it is."""
    return not isinstance(piece, bytes) or all(map(_shown, set(_decoded(piece))))


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _quoted(pieces: Iterable[Piece]) -> str:
    """Return one argument: single quotes keep all but the variables from the shell."""
    return "".join(map(_argument, _merged(pieces))) or "''"


def _merged(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Yield pieces with what stands between two variables in one."""
    for kind, group in groupby(pieces, type):
        same = list(group)
        yield from [b"".join(each for each in same if isinstance(each, bytes))] if kind is bytes else same


def _argument(piece: Piece) -> str:
    if isinstance(piece, Variable):
        return f'"${piece.name}"'
    if not _is_plain(piece):
        return f'"$({_printed([piece])})"'
    return "'" + _decoded(piece).replace("'", "'\\''") + "'"


def _printed(pieces: Iterable[Piece]) -> str:
    """Return the command that writes pieces, whatever their bytes."""
    text = "".join("%s" if isinstance(piece, Variable) else _escaped(piece) for piece in pieces)
    if text.startswith("-"):  # or it would be read as an option
        text = "\\055" + text[1:]
    return " ".join(
        [f"printf '{text}'", *(f'"${each.name}"' for each in pieces if isinstance(each, Variable))]
    )


def _escaped(data: bytes) -> str:
    """Return bytes as a format of printf."""
    text = _decoded(data)
    escapes = {ord(character): _octal(character) for character in set(text) if not _shown(character)}
    return text.translate({**escapes, ord("\\"): "\\\\", ord("%"): "%%", ord("'"): "\\047"})


def _octal(character: str) -> str:
    return "".join(f"\\{byte:03o}" for byte in character.encode("utf-8", "surrogateescape"))
