"""The data plane: bytes in, a `Request`; a `Response`, bytes out.

One raw ASGI endpoint serves every path of every API, since the engine's router already knows them; no
Starlette request, response or middleware stands in the way of a call. CORS is the outermost layer, so that
each answer has it, whatever its status.
"""

import asyncio
import contextlib
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

from starlette.types import Message, Receive, Scope, Send

from mockserver.engine.decide import Decided, answer, fail, settle
from mockserver.engine.exchange import Exchange, Request, Response
from mockserver.engine.headers import CALL_ID, packed, unpacked
from mockserver.engine.journal import Record
from mockserver.engine.problems import PROBLEM_TYPE
from mockserver.engine.routing import Found, Routed, Router
from mockserver.engine.rules import NOBODY
from mockserver.engine.values import encode
from mockserver.engine.world import World
from mockserver.namespaces import HEADER, ForeignPageError, NamespaceError, chosen, split
from mockserver.server.cors import Cors, is_preflight, preflight_headers
from mockserver.server.delivery import Sleep, Way, start, undoubled
from mockserver.stage import RECORDED, RULES, SOURCE, Stage, TooManyNamespacesError
from mockserver.waits import first_of, gone

OnCall = Callable[[Exchange], None]
_MOST_SHARED: Final = 500
MOST_DISCARDED: Final = 64 * 1024 * 1024
"""How much of a body that is too large is read and thrown away, so that its sender can read the answer."""
_DISCARDING: Final = 2.0  # seconds that this may take


class DataPlane:
    """The ASGI application that stands in for the APIs."""

    def __init__(
        self, stage: Stage, *, cors: bool, on_call: OnCall | None = None, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._stage, self._allows_origins, self._on_call, self._sleep = stage, cors, on_call, sleep
        self._cors = (stage.world.blueprint, Cors(stage.world.blueprint.apis))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        stage, raw_path, namespace, prefix = self._stage, scope["raw_path"], None, ""
        if scope["method"] == "OPTIONS" and self._allows_origins and is_preflight(scope):
            stage.preflights += 1
            await send(start(Response(204, (), b""), stage.world.clock.now(), preflight_headers(scope)))
            await send(_END)
            return
        if raw_path[1:2] in _MAY_BEGIN:
            namespace, raw_path, prefix = _split(raw_path)
        arrived, blueprint = time.perf_counter(), stage.blueprint
        method, path, routed = _read_target(blueprint.router, scope["method"], raw_path)
        most = routed.operation.max_bytes if isinstance(routed, Found) else blueprint.most_body_bytes
        raw_headers, headers, length = _read_head(packed(scope["headers"]))
        if length > most and _is_hopeless(headers, length, most):
            body, incomplete = b"", "too-large"
        else:
            message = await receive()
            body, incomplete = message.get("body", b""), ""
            if message["type"] != "http.request" or message.get("more_body") or len(body) > most:
                body, incomplete = await _read_on(message, receive, most)
        query = scope["query_string"].decode("latin-1")
        client = scope["client"][0] if scope["client"] else ""
        request = Request(
            method, path, query, headers, raw_headers, body, client, incomplete, scope.get(SOURCE), prefix
        )
        try:  # the world of now: it may have been reset while the body was read
            plain = namespace is None and HEADER not in headers
            world = stage.world if plain else self._world(chosen(namespace, headers), headers)
        except (NamespaceError, ForeignPageError, TooManyNamespacesError) as error:
            await self._refuse(str(error), request, send)
            return
        try:
            if world.blueprint is not blueprint:  # it was replaced while the body was read
                routed = world.blueprint.router.route(method, path)
            decided = answer(world, request, routed)
        except Exception as error:  # noqa: BLE001 - the outermost edge: a bug is answered and journaled as one
            traceback.print_exception(error, file=sys.stderr)
            decided = fail(world, request, error, routed)
        if stage.watchers:
            self._tell(world, decided)
        if decided.delay or decided.chosen is not NOBODY or decided.response is None:
            await self._deliver(Way(scope, receive, send), world, decided, request, arrived)
            return
        self._settle(world, decided, arrived)
        await send(start(decided.response, decided.row[_RECEIVED], self._headers(request, decided)))
        await send({"type": "http.response.body", "body": decided.response.body})

    def _world(self, name: str, headers: Mapping[str, str]) -> World:
        """Return the world of a namespace. Raises `ForeignPageError` and `TooManyNamespacesError`."""
        if headers.get("sec-fetch-site") == "cross-site" and name not in self._stage.worlds:
            raise ForeignPageError(name)
        return self._stage.world_of(name)

    def _tell(self, world: World, decided: Decided) -> None:
        """Tell of a call that has arrived, and of rules that will serve one less."""
        self._stage.tell(world, RECORDED, decided.row)
        if decided.chosen.is_counted:
            self._stage.tell(world, RULES)

    async def _deliver(
        self, way: Way, world: World, decided: Decided, request: Request, arrived: float
    ) -> None:
        """Hold the answer back, settle the call, and do what rules say; what is sent bit by bit is settled after it."""
        response, chosen = decided.response, decided.chosen
        aborted = response is None
        if decided.delay and not aborted:
            aborted = await self._hold_back(world, decided, arrived, way.receive)
        is_dribbled = not aborted and chosen.dribble is not None
        if not is_dribbled:
            self._settle(world, decided, arrived, aborted=aborted)
        if response is None or aborted:
            return
        more, now = undoubled(response, self._headers(request, decided)), world.clock.now()
        aborted = True  # should it be cancelled
        try:
            aborted = not await way.act(response, more, now, chosen, self._sleep)
        finally:
            if is_dribbled:
                self._settle(world, decided, arrived, aborted=aborted)

    def _headers(self, request: Request, decided: Decided) -> list[tuple[bytes, bytes]]:
        """Return the headers that are no part of an answer: the call's id, and what its connection and origin need."""
        headers = [(_CALL_ID, decided.id.encode("ascii"))]
        if request.incomplete or "origin" in request.headers:
            headers += self._more_headers(request, decided.response)
        return headers

    async def _refuse(self, told: str, request: Request, send: Send) -> None:
        """Refuse a request for a namespace that cannot be."""
        document = {
            "type": "urn:mockserver:namespace",
            "title": "There is no such namespace",
            "status": 400,
            "detail": told,
        }
        response = Response(400, (PROBLEM_TYPE,), encode(document))
        await send(start(response, self._stage.world.clock.now(), self._more_headers(request, response)))
        await send({"type": "http.response.body", "body": response.body})

    def _settle(self, world: World, decided: Decided, arrived: float, *, aborted: bool = False) -> None:
        if self._on_call is None and not (aborted or decided.needs_settling):
            return
        row = decided.row
        settle(world, decided, time.perf_counter() - arrived, aborted=aborted)
        if self._on_call is not None:
            self._on_call(world.journal.read(decided.row))
        if decided.row is not row and self._stage.watchers:
            self._stage.tell(world, RECORDED, decided.row)

    def _more_headers(self, request: Request, response: Response | None) -> list[tuple[bytes, bytes]]:
        origin, headers = request.headers.get("origin"), []
        if origin is not None and self._allows_origins:
            headers = self._cors_of_now().headers(origin, () if response is None else response.headers)
        if request.incomplete:
            headers.append((b"connection", b"close"))
        return headers

    def _cors_of_now(self) -> Cors:
        """Return the CORS headers for what is served now: it may have been replaced."""
        blueprint = self._stage.blueprint
        if self._cors[0] is not blueprint:
            self._cors = (blueprint, Cors(blueprint.apis))
        return self._cors[1]

    async def _hold_back(self, world: World, decided: Decided, arrived: float, receive: Receive) -> bool:
        """Wait, and tell whether the client went away meanwhile. A call that is cancelled is settled as such."""
        try:
            is_over, has_left = await first_of(self._sleep(decided.delay), gone(receive))
        except asyncio.CancelledError:
            self._settle(world, decided, arrived, aborted=True)
            raise
        return has_left and not is_over


def _is_hopeless(headers: Mapping[str, str], length: int, most: int) -> bool:
    """Tell whether a body is announced that is too large to be read to its end, or waits for leave to be sent."""
    return length > (most if "expect" in headers else most + MOST_DISCARDED)


async def _read_on(message: Message, receive: Receive, most: int) -> tuple[bytes, str]:
    """Read a body that comes in several messages, or is too large."""
    chunks: list[bytes] = []
    size = 0
    while message["type"] == "http.request" and size <= most:
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if not message.get("more_body"):
            return b"".join(chunks), "too-large" if size > most else ""
        message = await receive()
    if message["type"] != "http.request":
        return b"".join(chunks), "disconnected"
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(_discard(message, receive), _DISCARDING)
    return b"".join(chunks)[:most], "too-large"


async def _discard(message: Message, receive: Receive) -> None:
    """Read the rest of a body that is refused: a sender in the middle of it would not read the answer."""
    size = 0
    while message.get("more_body") and size <= MOST_DISCARDED:
        message = await receive()
        size += len(message.get("body", b""))


@lru_cache(maxsize=_MOST_SHARED)
def _read_target(router: Router, method: str, raw_path: bytes) -> tuple[str, str, Routed]:
    """Return the method, the path as sent, and its route: the same for all calls, whose texts the journal keeps."""
    path = raw_path.decode("latin-1")
    return method, path, router.route(method, path)


@lru_cache(maxsize=_MOST_SHARED)
def _read_head(raw_headers: bytes) -> tuple[bytes, Mapping[str, str], int]:
    """Return header lines, the headers by name, and the length that they announce where it is a large one.

    A client sends the same lines with most calls.
    """
    headers = unpacked(raw_headers)
    length = headers.get("content-length", "")
    return raw_headers, headers, int(length[:20]) if len(length) > 6 and length.isdecimal() else 0


def _split(raw_path: bytes) -> tuple[str | None, bytes, str]:
    """Return the namespace that a path begins with, the path below it, and the prefix."""
    name, prefix = split(raw_path.decode("latin-1"))
    return name, (raw_path[len(prefix) :] or b"/"), prefix


_CALL_ID: Final = CALL_ID.encode("ascii")
_MAY_BEGIN: Final = frozenset({b"~", b"/", b"%"})
_END: Final = {"type": "http.response.body", "body": b""}
_RECEIVED: Final = Record._fields.index("received")
