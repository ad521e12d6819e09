"""uvicorn's HTTP protocol on h11, where httptools is not installed: it offers its transport to the application."""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

from mockserver.server.transport import offering


class PlainProtocol(H11Protocol):
    """The protocol where httptools is not installed."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Offer the transport in the scope of every request."""
        super().connection_made(transport)
        self.app = offering(self.app, transport)
