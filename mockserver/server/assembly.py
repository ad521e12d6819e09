"""The whole application: the control plane, ``/``, and the data plane for everything else."""

import asyncio
from collections.abc import Awaitable, Callable, Collection

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mockserver.namespaces import may_begin, split
from mockserver.server.app import DataPlane, OnCall
from mockserver.server.control import PREFIX, control_plane
from mockserver.server.delivery import SERVER, Sleep, date_of
from mockserver.server.landing import landing
from mockserver.stage import Stage


def build_app(
    stage: Stage,
    *,
    cors: bool = True,
    allowed_hosts: Collection[str] = (),
    on_call: OnCall | None = None,
    sleep: Sleep = asyncio.sleep,
) -> ASGIApp:
    """Return the ASGI application over a stage. ``sleep`` waits out the delays of answers, in seconds."""
    data_plane = DataPlane(stage, cors=cors, on_call=on_call, sleep=sleep)
    control = control_plane(stage, allowed_hosts)
    own = Router(
        routes=[Route("/", _landing(stage), methods=["GET"]), Route(PREFIX, control), Mount(PREFIX, control)],
        redirect_slashes=False,
        default=data_plane,
    )

    def app(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        # Calls are told apart from the mock's own few paths by a look at the path: a router would cost each 4 µs.
        path = scope["path"]
        if may_begin(path):
            scope["root_path"] = prefix = split(path)[1]
            path = path[len(prefix) :] or "/"
        is_own = path.startswith(PREFIX) or (path == "/" and scope["method"] in {"GET", "HEAD"})
        return own(scope, receive, _dated(stage, send)) if is_own else data_plane(scope, receive, send)

    return app


def _dated(stage: Stage, send: Send) -> Send:
    """Return a send that adds what stands on every answer."""

    async def dated(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], date_of(int(stage.world.clock.now())), SERVER]
        await send(message)

    return dated


def _landing(stage: Stage) -> Callable[[Request], Awaitable[Response]]:
    async def show(request: Request) -> Response:
        return landing(stage, request)

    return show
