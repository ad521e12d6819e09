"""uvicorn's HTTP protocol on httptools: for clients that offer to upgrade, and for answers that ASGI cannot say.

Some clients offer HTTP/2 with every first request (``Connection: Upgrade``). The parser behind httptools takes
an offered upgrade for granted: it stops at the end of the head, and the body is lost or read as another
request. A server that does not want to upgrade is to read on (RFC 9110, section 7.8). So the header is spelled
otherwise before the parser sees it, and back again after.

Needs httptools; where it is not installed, uvicorn reads with h11, which does not have the fault.
"""

import asyncio
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from mockserver.server.transport import offering

_OFFER: Final = re.compile(rb"\r\nupgrade[ \t]*:", re.IGNORECASE)
_SPELLED: Final = b"x-upgrade-offered"
_HEAD_END: Final = b"\r\n\r\n"
_REQUEST_LINE: Final = re.compile(rb"(\r\n)*[A-Za-z]+( |$)")
_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,15})(?=\r\n)")
_LONGEST_HEAD: Final = 64 * 1024  # a head that goes on is given to the parser as it comes


class Protocol(HttpToolsProtocol):
    """Reads requests that offer an upgrade as if they did not, and offers its transport to the application."""

    _is_whole = False
    _in_body = False
    _left: int | None = None
    _unread = b""  # the beginning of a head whose end has not come yet
    _overtaken: tuple[RequestResponseCycle, ...] = ()  # others came before these were answered

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Offer the transport in the scope of every request."""
        super().connection_made(transport)
        self.app = offering(self.app, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell all requests that wait for it: uvicorn tells the last one only, and the others would wait for ever."""
        for cycle in self._overtaken:
            if not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Give the parser heads and bodies apart; nearly every request comes whole, and can stay so."""
        self._is_whole = not self._in_body and not self._unread and _is_one_request(data)
        if self._is_whole:
            super().data_received(data)
            return
        for part in self._pieces(data):
            super().data_received(part)

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        data, self._unread = self._unread + data, b""
        while data:
            part, data = self._next_body(data) if self._in_body else self._next_head(data)
            if not part:
                self._unread = data
                return
            yield part

    def _next_head(self, data: bytes) -> tuple[bytes, bytes]:
        """Split off a head, nothing while its end has not come; an offer in it is spelled otherwise."""
        end = data.find(_HEAD_END) + len(_HEAD_END)
        if end < len(_HEAD_END):
            is_beginning = len(data) < _LONGEST_HEAD and _REQUEST_LINE.match(data)
            return (b"", data) if is_beginning else (data, b"")
        return _OFFER.sub(b"\r\n" + _SPELLED + b":", data[:end]), data[end:]

    def _next_body(self, data: bytes) -> tuple[bytes, bytes]:
        """Split off what belongs to the body, where its length is known."""
        size = len(data) if self._left is None else self._left
        if self._left is not None:
            self._left -= min(size, len(data))
        return data[:size], data[size:]

    def on_headers_complete(self) -> None:
        """Note the length of the body, spell the header again as it was sent, and see what is still unanswered."""
        if not self._is_whole:
            self._note_head()
        if self.cycle is not None and not self.cycle.response_complete:
            unanswered = [cycle for cycle in self._overtaken if not cycle.response_complete]
            self._overtaken = (*unanswered, self.cycle)
        super().on_headers_complete()

    def _note_head(self) -> None:
        self._in_body = True
        headers = dict(self.headers)
        length = headers.get(b"content-length", b"")
        self._left = int(length) if length.isdigit() and b"transfer-encoding" not in headers else None
        if _SPELLED in headers:
            self.headers[:] = [
                (b"upgrade" if name == _SPELLED else name, value) for name, value in self.headers
            ]

    def on_message_complete(self) -> None:
        """Expect a head again."""
        self._in_body = False
        super().on_message_complete()


def _is_one_request(data: bytes) -> bool:
    """Tell whether these bytes are exactly one request, with a body of a known length and without an offer."""
    end = data.find(_HEAD_END) + len(_HEAD_END)
    length = _plain_length(data[:end])
    return length is not None and end + length == len(data)


@lru_cache(maxsize=500)  # a client sends the same head with most calls
def _plain_length(head: bytes) -> int | None:
    """Return the length of the body that a head announces; None where it is not plain what belongs to it."""
    lines = head.lower()
    found = _LENGTH.findall(lines)
    is_plain = len(found) == 1 and b"\r\nupgrade" not in lines and b"\r\ntransfer-encoding" not in lines
    return int(found[0]) if is_plain else None
