"""The whole application: the control plane, ``/``, and the data plane for everything else."""

import asyncio
from collections.abc import Collection

from starlette.requests import Request
from starlette.routing import Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from mockserver.server.app import DataPlane, OnCall, Sleep, Stage
from mockserver.server.control import PREFIX, control_plane
from mockserver.server.cors import Cors
from mockserver.server.landing import landing


def build_app(
    stage: Stage,
    *,
    cors: bool = True,
    allowed_hosts: Collection[str] = (),
    on_call: OnCall | None = None,
    sleep: Sleep = asyncio.sleep,
) -> ASGIApp:
    """Return the ASGI application over a stage. ``sleep`` waits out the delays of answers, in seconds."""
    data_plane = DataPlane(stage, Cors(stage.world.blueprint.apis) if cors else None, on_call, sleep)
    control = control_plane(stage, allowed_hosts)
    return Router(
        routes=[Route("/", _Landing(stage, data_plane)), Route(PREFIX, control), Mount(PREFIX, control)],
        redirect_slashes=False,
        default=data_plane,
    )


class _Landing:
    """``/`` for GET and HEAD; any other method there is a call to the data plane."""

    def __init__(self, stage: Stage, data_plane: ASGIApp) -> None:
        self._stage, self._data_plane = stage, data_plane

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] in {"GET", "HEAD"}:
            await landing(self._stage, Request(scope))(scope, receive, send)
        else:
            await self._data_plane(scope, receive, send)
