"""The connection behind a request, offered to the application for what ASGI cannot say."""

import asyncio
from collections.abc import Awaitable

from starlette.types import ASGIApp, Receive, Scope, Send

from mockserver.server.delivery import TRANSPORT


def offering(app: ASGIApp, transport: asyncio.Transport) -> ASGIApp:
    """Return an application that finds the transport of its connection in each scope."""
    extensions = {TRANSPORT: transport}

    def offered(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        scope["extensions"] = extensions
        return app(scope, receive, send)

    return offered
