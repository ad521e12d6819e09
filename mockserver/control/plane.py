"""The control plane under ``/__admin``: its routes, and the guard before all of them.

Routes and shapes are those of WireMock's admin API, so that its clients can use this server, and some of our own.
Everything below ``/~name`` concerns that namespace only.
"""

import sys
import traceback
from collections.abc import Awaitable, Callable, Collection, Mapping
from difflib import get_close_matches
from functools import partial
from typing import Final
from urllib.parse import unquote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from mockserver.control import (
    PREFIX,
    about,
    calls,
    exporting,
    mappings,
    sending,
    steering,
    streaming,
    waiting,
)
from mockserver.control.guard import HOLDING, Barred, guard, host_of
from mockserver.control.replies import Asked, RefusedError, problem, unreadable
from mockserver.engine.headers import packed, unpacked
from mockserver.engine.patterns import PatternError
from mockserver.engine.rules import TooManyRulesError
from mockserver.engine.world import World
from mockserver.namespaces import NamespaceError, chosen, split
from mockserver.stage import Stage, TooManyNamespacesError
from mockserver.waits import in_thread

Endpoint = Callable[[Asked], Response | Awaitable[Response]]
MOST_BYTES: Final = 20 * 1024 * 1024
"""Bytes of a body that the control plane reads."""

ROUTES: Final[tuple[tuple[str, str, Endpoint], ...]] = (
    ("GET", "/requests", calls.list_requests),
    ("DELETE", "/requests", calls.delete_requests),
    ("POST", "/requests/reset", calls.delete_requests),
    ("POST", "/requests/count", calls.count),
    ("POST", "/requests/find", calls.find),
    ("POST", "/requests/remove", calls.remove),
    ("POST", "/requests/remove-by-metadata", calls.remove_by_metadata),
    ("POST", "/requests/wait", waiting.wait),
    ("GET", "/requests/unmatched", calls.unmatched),
    ("GET", "/requests/unmatched/near-misses", calls.unmatched_near_misses),
    ("POST", "/requests/near-misses/request", calls.near_misses_of_request),
    ("POST", "/requests/near-misses/request-pattern", calls.near_misses_of_pattern),
    ("POST", "/near-misses/request", calls.near_misses_of_request),
    ("POST", "/near-misses/request-pattern", calls.near_misses_of_pattern),
    ("GET", "/requests/{id}", calls.get_request),
    ("DELETE", "/requests/{id}", calls.delete_request),
    ("GET", "/mappings", mappings.list_mappings),
    ("POST", "/mappings", mappings.create_mapping),
    ("DELETE", "/mappings", mappings.delete_mappings),
    ("POST", "/mappings/reset", mappings.reset_mappings),
    ("POST", "/mappings/save", mappings.save_mappings),
    ("POST", "/mappings/import", mappings.import_mappings),
    ("POST", "/mappings/remove", mappings.remove_mapping),
    ("POST", "/mappings/find-by-metadata", mappings.find_by_metadata),
    ("POST", "/mappings/remove-by-metadata", mappings.remove_by_metadata),
    ("GET", "/mappings/unmatched", mappings.unmatched_mappings),
    ("GET", "/mappings/{id}", mappings.get_mapping),
    ("PUT", "/mappings/{id}", mappings.replace_mapping),
    ("DELETE", "/mappings/{id}", mappings.delete_mapping),
    ("GET", "/scenarios", mappings.list_scenarios),
    ("POST", "/scenarios/reset", mappings.reset_scenarios),
    ("PUT", "/scenarios/{name}/state", mappings.set_state),
    ("GET", "/settings", mappings.get_settings),
    ("POST", "/settings", mappings.set_settings),
    ("PUT", "/settings", mappings.set_settings),
    ("POST", "/reset", steering.reset),
    ("GET", "/clock", steering.get_clock),
    ("PUT", "/clock", steering.set_clock),
    ("POST", "/clock/advance", steering.advance_clock),
    ("DELETE", "/clock", steering.release_clock),
    ("GET", "/limits/{api}", steering.get_limit),
    ("PUT", "/limits/{api}", steering.set_limit),
    ("DELETE", "/limits/{api}", steering.delete_limit),
    ("GET", "/catalogue/{api}", steering.get_catalogue),
    ("PUT", "/catalogue/{api}", steering.set_catalogue),
    ("DELETE", "/catalogue/{api}", steering.delete_catalogue),
    ("GET", "/catalogue/{api}/{name}", steering.get_name),
    ("PUT", "/catalogue/{api}/{name}", steering.set_name),
    ("DELETE", "/catalogue/{api}/{name}", steering.delete_name),
    ("GET", "/namespaces", steering.list_namespaces),
    ("DELETE", "/namespaces/{name}", steering.delete_namespace),
    ("GET", "/apis", about.list_apis),
    ("GET", "/apis/{api}/openapi.yaml", about.openapi_yaml),
    ("GET", "/apis/{api}/openapi.json", about.openapi_json),
    ("POST", "/send", sending.send),
    ("GET", "/export", exporting.export),
    ("GET", "/retries", exporting.list_retries),
    ("GET", "/stream", streaming.stream),
    ("GET", "/health", about.health),
    ("GET", "/version", about.version),
    ("GET", "/openapi.yaml", about.own_openapi_yaml),
    ("GET", "/openapi.json", about.own_openapi_json),
    ("GET", "/files", about.list_files),
    ("GET", "/recordings/status", about.recording_status),
    ("POST", "/recordings/start", about.refuse_recording),
    ("POST", "/recordings/stop", about.refuse_recording),
    ("POST", "/recordings/snapshot", about.refuse_recording),
    ("POST", "/shutdown", about.shutdown),
)
"""Every route; of two that fit a path, the first is meant."""


_BUG: Final = "its traceback is on standard error; please report it with what was asked"


READING: Final[frozenset[Endpoint]] = frozenset(
    {
        calls.list_requests, calls.find, calls.count, calls.unmatched, calls.unmatched_near_misses,
        calls.near_misses_of_pattern, exporting.export, exporting.list_retries,
    }
)  # fmt: skip
"""What only reads the journal, and may take long."""
MANY: Final = 2_000
"""With more calls than this they are read in a thread, so that the data plane does not stand still meanwhile."""


class ControlPlane:
    """The ASGI application of the control plane, its guard in front."""

    def __init__(
        self, stage: Stage, data_plane: ASGIApp, allowed_hosts: Collection[str] = (), token: str | None = None
    ) -> None:
        self._stage, self._data_plane, self._token = stage, data_plane, token
        self._allowed_hosts = {host_of(name) for name in allowed_hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except ClientDisconnect:  # in the middle of its body
            return
        except RefusedError as error:
            response = error.response
        except PatternError as error:
            response = unreadable(error.faults)
        except (NamespaceError, TooManyNamespacesError) as error:
            response = problem(400, "There is no such namespace", str(error), "namespace")
        except TooManyRulesError as error:
            response = problem(400, "There are too many rules", str(error))
        except Exception as error:  # noqa: BLE001 - the outermost edge: a bug is answered as one
            traceback.print_exception(error, file=sys.stderr)
            response = problem(500, "The mock server has a bug", _BUG, "bug")
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        method, path = request.method, _below(request.scope)
        headers = unpacked(packed(request.scope["headers"]))  # one that comes twice is neither of the two
        if (barred := guard(method, path, headers, self._allowed_hosts, self._token)) is not None:
            return _problem(barred)
        found = _found(path)
        verb = "GET" if method == "HEAD" else method
        if verb not in found:
            return _unknown(request, path, sorted(found))
        endpoint, request.scope["path_params"] = found[verb]
        data = await self._read(request)
        world = self._world(request, headers)  # that of now: it may have been reset while the body was read
        asked = Asked(self._stage, world, request, data, self._data_plane)
        if endpoint in READING and len(world.journal) > MANY:
            answered = await in_thread(partial(endpoint, asked), "mockserver reading")
        else:
            answered = endpoint(asked)
        return await answered if isinstance(answered, Awaitable) else answered

    def _world(self, request: Request, headers: Mapping[str, str]) -> World:
        """Return the world that a request is about; one that is only looked at is not made for that."""
        prefixed, _ = split(request.scope["raw_path"].decode("latin-1"))
        name = chosen(prefixed, headers)
        known = self._stage.worlds.get(name)
        if known is None and request.method in {"GET", "HEAD"} and _below(request.scope) not in HOLDING:
            return self._stage.world.glimpse(name)
        return self._stage.world_of(name)

    async def _read(self, request: Request) -> bytes:
        data = bytearray()
        async for chunk in request.stream():
            data += chunk
            if len(data) > MOST_BYTES:
                raise RefusedError(
                    problem(413, "The body is too large", f"at most {MOST_BYTES} bytes are read")
                )
        return bytes(data)


def _below(scope: Scope) -> str:
    """Return the path below that of the control plane."""
    path: str = scope["raw_path"].decode("latin-1")  # where %2F inside a name is no slash
    return path[len(split(path)[1]) :].removeprefix(PREFIX)


def _found(path: str) -> dict[str, tuple[Endpoint, dict[str, str]]]:
    """Return what answers a path, by method, with the variables of the path."""
    fitting = ((verb, endpoint, _fits(path, route)) for verb, route, endpoint in reversed(ROUTES))
    return {verb: (endpoint, values) for verb, endpoint, values in fitting if values is not None}


def _fits(path: str, route: str) -> dict[str, str] | None:
    """Return the variables of a route that fits a path, None where it does not."""
    ours, theirs = route.split("/"), path.split("/")
    if len(ours) != len(theirs):
        return None
    values = {}
    for part, other in zip(ours, theirs, strict=True):
        if part.startswith("{") and other:
            values[part[1:-1]] = unquote(other)
        elif part != other:
            return None
    return values


def _unknown(request: Request, path: str, verbs: list[str]) -> Response:
    """Return the answer to a path or a method that is not there."""
    if verbs:
        allow = ", ".join(sorted({*verbs, *(["HEAD"] if "GET" in verbs else [])}))
        title = "This control route takes another method"
        return problem(405, title, f"it takes {allow}, not {request.method}", Allow=allow)
    near = get_close_matches(path, list(dict.fromkeys(route for _, route, _ in ROUTES)), 3, 0.4)
    routes = [f"{verb} {PREFIX}{route}" for close in near for verb, route, _ in ROUTES if route == close]
    hint = f"near it are {', '.join(routes)}; " if routes else ""
    detail = (
        f"{request.method} {PREFIX}{path} is not a control route; {hint}GET {PREFIX}/openapi.yaml lists all"
    )
    return problem(404, "No control route has this path", detail)


def _problem(barred: Barred) -> Response:
    title, headers = (
        "The control plane is guarded",
        {"WWW-Authenticate": "Bearer"} if barred.status == 401 else {},
    )
    return problem(barred.status, title, barred.detail, barred.kind, **headers)
