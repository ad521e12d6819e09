"""The data plane: bytes in, a `Request`; a `Response`, bytes out.

One raw ASGI endpoint serves every path of every API, since the engine's router already knows them; no
Starlette request, response or middleware stands in the way of a call. CORS is the outermost layer, so that
each answer has it, whatever its status.
"""

import asyncio
import contextlib
import sys
import threading
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from starlette.types import Message, Receive, Scope, Send

from mockserver.engine.decide import Decided, answer, fail, settle
from mockserver.engine.exchange import Exchange, Request, Response
from mockserver.engine.headers import CALL_ID, Pairs, packed, unpacked
from mockserver.engine.routing import Found, Routed, Router
from mockserver.engine.world import Blueprint, World
from mockserver.server.cors import Cors, is_preflight, preflight_headers

Sleep = Callable[[float], Awaitable[None]]
OnCall = Callable[[Exchange], None]
_MOST_SHARED: Final = 500
MOST_DISCARDED: Final = 64 * 1024 * 1024
"""How much of a body that is too large is read and thrown away, so that its sender can read the answer."""
_DISCARDING: Final = 2.0  # seconds that this may take


@dataclass(slots=True)
class Stage:
    """What is being served: the world of now, and what was counted beside it."""

    world: World
    started: float = field(default_factory=time.monotonic)
    preflights: int = 0
    _changing: threading.Lock = field(default_factory=threading.Lock)

    def now(self) -> float:
        """Return the seconds since the epoch on the mock's clock."""
        return self.world.clock.now()

    def reset(self) -> None:
        """Start afresh: journal, keys, limits and clock."""
        with self._changing:
            self.world = self.world.afresh()
            self.preflights = 0

    def replace(self, blueprint: Blueprint) -> None:
        """Serve another blueprint from the next call on; nothing that was recorded is lost."""
        with self._changing:
            self.world = self.world.rebuilt(blueprint)


class DataPlane:
    """The ASGI application that stands in for the APIs."""

    def __init__(
        self, stage: Stage, *, cors: bool, on_call: OnCall | None = None, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._stage, self._allows_origins, self._on_call, self._sleep = stage, cors, on_call, sleep
        self._cors = (stage.world.blueprint, Cors(stage.world.blueprint.apis))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] == "OPTIONS" and self._allows_origins and is_preflight(scope):
            self._stage.preflights += 1
            await send(_start(Response(204, (), b""), *preflight_headers(scope)))
            await send({"type": "http.response.body", "body": b""})
            return
        arrived, blueprint = time.perf_counter(), self._stage.world.blueprint
        method, path, routed = _read_target(blueprint.router, scope["method"], scope["raw_path"])
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
        request = Request(method, path, query, headers, raw_headers, body, client, incomplete)
        world = self._stage.world  # the world of now: it may have been reset while the body was read
        try:
            if world.blueprint is not blueprint:  # it was replaced while the body was read
                routed = world.blueprint.router.route(method, path)
            decided = answer(world, request, routed)
        except Exception as error:  # noqa: BLE001 - the outermost edge: a bug is answered and journaled as one
            traceback.print_exception(error, file=sys.stderr)
            decided = fail(world, request, error, routed)
        aborted = decided.response is None
        if decided.delay and not aborted:
            aborted = await self._hold_back(world, decided, arrived, receive)
        self._settle(world, decided, arrived, aborted=aborted)
        if decided.response is not None and not aborted:
            more = self._more_headers(request) if incomplete or "origin" in headers else ()
            await send(_start(decided.response, (_CALL_ID, decided.id.encode("ascii")), *more))
            await send({"type": "http.response.body", "body": decided.response.body})

    def _settle(self, world: World, decided: Decided, arrived: float, *, aborted: bool) -> None:
        settle(world, decided, time.perf_counter() - arrived, aborted=aborted)
        if self._on_call is not None:
            self._on_call(world.journal.read(decided.row))

    def _more_headers(self, request: Request) -> list[tuple[bytes, bytes]]:
        origin = request.headers.get("origin")
        headers = self._cors_of_now().headers(origin) if origin is not None and self._allows_origins else []
        if request.incomplete:
            headers.append((b"connection", b"close"))
        return headers

    def _cors_of_now(self) -> Cors:
        """Return the CORS headers for what is served now: it may have been replaced."""
        blueprint = self._stage.world.blueprint
        if self._cors[0] is not blueprint:
            self._cors = (blueprint, Cors(blueprint.apis))
        return self._cors[1]

    async def _hold_back(self, world: World, decided: Decided, arrived: float, receive: Receive) -> bool:
        """Wait, and tell whether the client went away meanwhile. A call that is cancelled is settled as such."""
        waiting = asyncio.ensure_future(self._sleep(decided.delay))
        leaving = asyncio.ensure_future(_disconnected(receive))
        try:
            await asyncio.wait({waiting, leaving}, return_when=asyncio.FIRST_COMPLETED)
            return leaving.done() and not waiting.done()
        except asyncio.CancelledError:
            self._settle(world, decided, arrived, aborted=True)
            raise
        finally:
            waiting.cancel()
            leaving.cancel()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


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


_CALL_ID: Final = CALL_ID.encode("ascii")


def _start(response: Response, *more: tuple[bytes, bytes]) -> Message:
    headers = [*_wired(response.headers), *more]
    if response.status != 204:
        headers.append((b"content-length", b"%d" % len(response.body)))
    return {"type": "http.response.start", "status": response.status, "headers": headers}


_NOT_IN_A_HEADER: Final = {ord(character): " " for character in "\0\r\n"}


@lru_cache(maxsize=_MOST_SHARED)
def _wired(headers: Pairs) -> tuple[tuple[bytes, bytes], ...]:
    """Return an answer's headers as they are sent."""
    return tuple([_wire(name, value) for name, value in headers])


def _wire(name: str, value: str) -> tuple[bytes, bytes]:
    if not value.isprintable():  # what a body gave must not break out of a header line
        value = value.translate(_NOT_IN_A_HEADER)
    return name.encode("latin-1"), value.encode("latin-1", "backslashreplace")
