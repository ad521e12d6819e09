"""uvicorn's HTTP protocol on h11, where httptools is not installed: it offers its transport to the application.

A client that takes the server for its proxy asks for the whole URL, not for a path, and a server is to understand that
(RFC 9112, section 3.2.2). httptools splits such a URL by itself, h11 hands it on.
"""

import asyncio
import re
from collections.abc import Awaitable
from typing import Final
from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from mockserver.server.transport import offering

_ORIGIN: Final = re.compile(rb"https?://[^/]*", re.IGNORECASE)


class PlainProtocol(H11Protocol):
    """The protocol where httptools is not installed."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Offer the transport in the scope of every request."""
        super().connection_made(transport)
        self.app = offering(_by_path(self.app), transport)


def _by_path(app: ASGIApp) -> ASGIApp:
    """Return an application that finds a path in each scope, also where a whole URL was asked for."""

    def located(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if (origin := _ORIGIN.match(scope["raw_path"])) is not None:
            scope["raw_path"] = scope["raw_path"][origin.end() :] or b"/"
            scope["path"] = unquote(scope["raw_path"].decode("ascii"))
        return app(scope, receive, send)

    return located
