"""The whole application: the control plane, ``/``, and the data plane for everything else."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from functools import cache

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mockserver.control import PREFIX
from mockserver.namespaces import may_begin, split
from mockserver.server.app import DataPlane, OnCall
from mockserver.server.delivery import SERVER, Sleep, date_of
from mockserver.server.landing import landing
from mockserver.stage import Stage


def build_app(
    stage: Stage,
    *,
    cors: bool = True,
    allowed_hosts: Collection[str] = (),
    token: str | None = None,
    on_call: OnCall | None = None,
    sleep: Sleep = asyncio.sleep,
) -> ASGIApp:
    """Return the ASGI application over a stage.

    ``token`` is what callers of the control plane have to send, None where none is asked for; ``sleep`` waits out the
    delays of answers, in seconds.
    """
    data_plane = DataPlane(stage, cors=cors, on_call=on_call, sleep=sleep)
    control = _late(lambda: _control(stage, data_plane, allowed_hosts, token))
    first_page = _landing(stage)

    def app(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        # Calls are told apart from the mock's own few paths by a look at the path: a router would cost each 4 µs.
        path = scope["path"]
        if may_begin(path):
            scope["root_path"] = prefix = split(path)[1]
            path = path[len(prefix) :] or "/"
        if path.startswith(PREFIX) and path[len(PREFIX) :][:1] in {"", "/"}:
            return control(scope, receive, _dated(stage, send))
        if path == "/" and scope["method"] in {"GET", "HEAD"}:
            return first_page(scope, receive, _dated(stage, send))
        return data_plane(scope, receive, send)

    return app


def _control(stage: Stage, data_plane: ASGIApp, allowed_hosts: Collection[str], token: str | None) -> ASGIApp:
    # Imported when it is first asked something: it would make each start 50 ms longer.
    from mockserver.control.plane import ControlPlane  # noqa: PLC0415

    return ControlPlane(stage, data_plane, allowed_hosts, token)


def _late(make: Callable[[], ASGIApp]) -> ASGIApp:
    """Return an application that is made when it is first asked something."""
    made = cache(make)

    def app(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        return made()(scope, receive, send)

    return app


def _dated(stage: Stage, send: Send) -> Send:
    """Return a send that adds what stands on every answer."""

    async def dated(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], date_of(int(stage.world.clock.now())), SERVER]
        await send(message)

    return dated


def _landing(stage: Stage) -> ASGIApp:
    async def show(scope: Scope, receive: Receive, send: Send) -> None:
        await landing(stage, Request(scope))(scope, receive, send)

    return show
