"""How an answer leaves: at once, bit by bit, or as bytes that ASGI cannot say.

A fault of the network, a reason phrase of one's own and an informational status go to the connection's transport, which
the protocol puts into the scope; the connection is closed after it. Where there is no transport (an application that
is called without a server), a fault cannot be made, and is told instead.
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final

from starlette.types import Message, Receive, Scope, Send

from mockserver.engine.exchange import Reason, Response
from mockserver.engine.headers import CALL_ID, Pairs
from mockserver.engine.problems import problem
from mockserver.engine.rules import Chosen, Dribble
from mockserver.waits import gone

Sleep = Callable[[float], Awaitable[None]]
TRANSPORT: Final = "mockserver.transport"
"""The extension of the scope under which the protocol offers its transport."""
SERVER: Final = (b"server", b"mockserver")
_MOST_SHARED: Final = 500
_NOT_IN_A_HEADER: Final = dict.fromkeys((*range(9), *range(10, 32), 127), " ")

Wired = tuple[tuple[bytes, bytes], ...]


@lru_cache(maxsize=4)
def date_of(second: int) -> tuple[bytes, bytes]:
    """Return the ``Date`` header of a second since the epoch."""
    return b"date", formatdate(second, usegmt=True).encode("ascii")


@lru_cache(maxsize=4)
def _standing(second: int) -> Wired:
    """Return what stands on every answer of a second."""
    return date_of(second), SERVER


def start(response: Response, now: float, more: Iterable[tuple[bytes, bytes]] = ()) -> Message:
    """Return the message that begins an answer at a time of the mock's clock."""
    wired, own = _wired(response.headers)
    standing = _standing(int(now))
    headers = [*wired, *more, *(standing if not own else [pair for pair in standing if pair[0] not in own])]
    if response.status >= 200 and response.status != 204:
        headers.append((b"content-length", b"%d" % len(response.body)))
    return {"type": "http.response.start", "status": response.status, "headers": headers}


@lru_cache(maxsize=_MOST_SHARED)
def _wired(headers: Pairs) -> tuple[Wired, frozenset[bytes]]:
    """Return an answer's headers as they are sent, and which of those that stand on every answer are among them."""
    wired = tuple([_wire(name, value) for name, value in headers])
    return wired, frozenset({name.lower() for name, _ in wired} & {b"date", b"server"})


def _wire(name: str, value: str) -> tuple[bytes, bytes]:
    if not value.isprintable():  # what a body gave must not break out of a header line
        value = value.translate(_NOT_IN_A_HEADER)
    return name.encode("latin-1"), value.strip(" \t").encode("latin-1", "backslashreplace")


def undoubled(response: Response, more: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers that go with an answer without those that it has itself: browsers refuse two origins."""
    own = {name.lower() for name, _ in _wired(response.headers)[0]} - _MAY_BE_DOUBLED
    return [pair for pair in more if pair[0] not in own]


_CALL_ID: Final = CALL_ID.encode("ascii")
_MAY_BE_DOUBLED: Final = frozenset({b"vary", _CALL_ID})


@dataclass(frozen=True, slots=True)
class Way:
    """The way back to a client: what ASGI offers."""

    scope: Scope
    receive: Receive
    send: Send

    async def act(
        self,
        response: Response,
        more: Iterable[tuple[bytes, bytes]],
        now: float,
        chosen: Chosen,
        sleep: Sleep,
    ) -> bool:
        """Do what rules say, and tell whether the client stayed until the end: make a fault, or send an answer.

        What ASGI cannot say is written to the transport behind the connection, where there is one.
        """
        transport = self.scope.get("extensions", {}).get(TRANSPORT)
        if chosen.fault is not None:
            if transport is not None:
                await fail(transport, chosen.fault, self.receive, more)
                return True
            told = f"{chosen.fault} needs a connection, and this application has none"
            response = problem(Reason.BUG, told)
        is_raw = transport is not None and not _is_plain(response, chosen.phrase)
        send = raw_send(transport, chosen.phrase) if is_raw else self.send
        await send(start(response, now, more))
        body = b"" if self.scope["method"] == "HEAD" else response.body
        stayed = await self._send_body(send, body, chosen.dribble, sleep)
        if is_raw:
            await gone(self.receive)
        return stayed

    async def _send_body(self, send: Send, body: bytes, how: Dribble | None, sleep: Sleep) -> bool:
        if how is None:
            await send({"type": "http.response.body", "body": body})
            return True
        leaving = asyncio.ensure_future(gone(self.receive))
        try:
            return await dribble(send, body, how, sleep, leaving)
        finally:
            leaving.cancel()


def _is_plain(response: Response, phrase: str) -> bool:
    """Tell whether ASGI can say an answer."""
    return not phrase and response.status >= 200


def raw_send(transport: Any, phrase: str) -> Send:
    """Return what sends an answer to the transport, and closes the connection after it."""

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            transport.write(_head(message, phrase))
            return
        transport.write(message["body"])
        if not message.get("more_body"):
            transport.close()

    return send


def _head(message: Message, phrase: str) -> bytes:
    status = message["status"]
    line = b"HTTP/1.1 %d %s\r\n" % (status, (phrase or _phrase(status)).encode("ascii"))
    fields = [pair for pair in message["headers"] if pair[0].lower() != b"connection"]
    return b"%s%s\r\n" % (line, _lines([*fields, (b"connection", b"close")]))


def _lines(fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    return b"".join(b"%s: %s\r\n" % pair for pair in fields)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


_MORE: Final = b"{more}"
_MALFORMED: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
    + _MORE + b"\r\nthis is no chunk of a body\r\n"
)  # fmt: skip
_RANDOM: Final = bytes(range(128, 256)) + b"\r\nthis is no HTTP\r\n"
_SENT: Final = {
    "EMPTY_RESPONSE": b"",
    "CONNECTION_RESET_BY_PEER": b"",
    "MALFORMED_RESPONSE_CHUNK": _MALFORMED,
    "RANDOM_DATA_THEN_CLOSE": _RANDOM,
}
"""What each fault writes before it closes the connection, or resets it; ``{more}`` is for more lines of a head."""


async def fail(transport: Any, fault: str, receive: Receive, more: Iterable[tuple[bytes, bytes]]) -> None:
    """Make a fault on a connection, and wait until the connection is gone.

    Where a head is sent, a page may see it like that of any answer.
    """
    if data := _SENT[fault]:
        transport.write(data.replace(_MORE, _lines(pair for pair in more if pair[0] != _CALL_ID)))
    if fault == "CONNECTION_RESET_BY_PEER":
        raw = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closed with a reset
        transport.abort()
    else:
        transport.close()
    await gone(receive)


async def dribble(
    send: Send, body: bytes, how: Dribble, sleep: Sleep, leaving: "asyncio.Future[None]"
) -> bool:
    """Send a body in pieces over a time, and tell whether the client stayed until the end.

    A piece has at least one byte, so that there may be fewer than were asked for.
    """
    count = max(1, min(how.pieces, len(body)))
    for number in range(count):
        waiting = asyncio.ensure_future(sleep(how.seconds / count))
        await asyncio.wait({waiting, leaving}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if leaving.done():
            return False
        piece = body[len(body) * number // count : len(body) * (number + 1) // count]
        await send({"type": "http.response.body", "body": piece, "more_body": number + 1 < count})
    return True
