"""The connection behind a request, offered to the application for what ASGI cannot say."""

import asyncio
from collections.abc import Awaitable

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from mockserver.server.delivery import TRANSPORT


def offering(app: ASGIApp, transport: asyncio.Transport) -> ASGIApp:
    """Return an application that finds the transport of its connection in each scope."""
    extensions = {TRANSPORT: transport}

    def offered(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        scope["extensions"] = extensions
        return app(scope, receive, send)

    return offered


class PlainProtocol(H11Protocol):
    """The protocol where httptools is not installed."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Offer the transport in the scope of every request."""
        super().connection_made(transport)
        self.app = offering(self.app, transport)
