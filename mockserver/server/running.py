"""A running server: sockets, the event loop, and a stop that waits for nobody.

uvicorn's own stop takes 0.2 s and waits for open connections; its workers would split keys and journal. So
the listening sockets are made here, in the caller's thread, and uvicorn's server is started and stopped by
one coroutine of ours. The names of uvicorn that this leans on are pinned to a tested range in
``pyproject.toml``.
"""

import asyncio
import contextlib
import logging
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp

from mockserver.overview import base_url

DEFAULT_HOST: Final = "127.0.0.1"
LOOPBACK: Final = frozenset({DEFAULT_HOST, "localhost"})
_GRACE: Final = 0.05  # seconds that running requests have to finish once a stop has begun
_KEEP_ALIVE: Final = 75  # seconds; uvicorn's 5 close connections that a pool of a client still counts on
_TURNS: Final = 5  # of the event loop: what it has just accepted is a connection 2 turns later


def bind(host: str, port: int) -> list[socket.socket]:
    """Return listening sockets for a host and a port, 0 for any free one. Raises OSError.

    For the default host and ``localhost``: on 127.0.0.1, and on ::1 with the same port where there is IPv6.
    """
    if host not in LOOPBACK:
        return [_listen(socket.AF_INET6 if ":" in host else socket.AF_INET, host, port)]
    for _ in range(8):  # a free port of one family may be taken in the other
        first = _listen(socket.AF_INET, DEFAULT_HOST, port)
        try:
            return [first, _listen(socket.AF_INET6, "::1", first.getsockname()[1])]
        except OSError:
            if port or not has_ipv6():
                return [first]
            first.close()
    return [_listen(socket.AF_INET, DEFAULT_HOST, port)]


def has_ipv6() -> bool:
    """Tell whether this machine has the IPv6 loopback address."""
    try:
        _listen(socket.AF_INET6, "::1", 0).close()
    except OSError:
        return False
    return True


def _listen(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    # With protocol 0, asyncio would not switch off Nagle's algorithm: 44 ms per call on a kept connection.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if sys.platform != "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)  # noqa: FBT003 - its only parameter, by position
    return listener


def url_of(sockets: Sequence[socket.socket], scheme: str = "http") -> str:
    """Return the base URL of the first socket."""
    host, port = sockets[0].getsockname()[:2]
    return base_url(host, port, scheme)


def _server(app: ASGIApp, tls: ssl.SSLContext | None) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        interface="asgi3",
        lifespan="off",
        http=_http_protocol(),
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE,
        ws="none",
    )
    config.load()
    config.ssl = tls
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    return server


async def _run(
    app: ASGIApp,
    sockets: list[socket.socket],
    stopping: asyncio.Event,
    ready: Callable[[], None],
    closing: Callable[[], None],
    tls: ssl.SSLContext | None = None,
) -> None:
    server = _server(app, tls)
    await server.startup(sockets=sockets)
    ready()
    await stopping.wait()
    closing()
    await _stop(server, sockets)


async def _stop(server: uvicorn.Server, sockets: Sequence[socket.socket]) -> None:
    # asyncio's closed server loses a connection that it has accepted but not yet made: neither served nor closed.
    loop = asyncio.get_running_loop()
    for listener in sockets:
        with contextlib.suppress(NotImplementedError):  # Windows
            loop.remove_reader(listener)
    for _ in range(_TURNS):
        await asyncio.sleep(0)
    for listening in server.servers:
        listening.close()
    for listener in sockets:
        listener.close()
    state = server.server_state
    for connection in list(state.connections):
        connection.shutdown()
    if state.tasks:
        await asyncio.wait(state.tasks, timeout=_GRACE)
    logging.getLogger("uvicorn.error").disabled = True  # what is cancelled now is no error
    for connection in list(state.connections):  # first, or uvicorn would answer what is cancelled with a 500
        connection.transport.abort()
    await asyncio.sleep(0)
    for task in list(state.tasks):
        task.cancel()
    await asyncio.gather(*state.tasks, return_exceptions=True)


def _http_protocol() -> Any:
    try:
        from mockserver.server.protocol import Protocol  # noqa: PLC0415 - httptools may not be installed
    except ImportError:
        from mockserver.server.plain import PlainProtocol  # noqa: PLC0415 - it costs a start that does not use it

        return PlainProtocol
    return Protocol


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop  # noqa: PLC0415 - not there on Windows
    except ImportError:
        return asyncio.new_event_loop
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def nothing() -> None:
    """Do nothing."""


def serve(
    app: ASGIApp,
    sockets: list[socket.socket],
    ready: Callable[[], None],
    closing: Callable[[], None] = nothing,
    tls: ssl.SSLContext | None = None,
) -> int:
    """Serve in the foreground until a signal; return the exit code: 130 after SIGINT, 0 after SIGTERM.

    ``ready`` is called in the event loop once the server answers, ``closing`` when it begins to stop. With ``tls``
    every connection speaks TLS.
    """
    received: list[int] = []

    async def main() -> None:
        stopping, loop = asyncio.Event(), asyncio.get_running_loop()

        def stop(number: int) -> None:
            received.append(number)
            stopping.set()

        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                loop.add_signal_handler(number, stop, number)
            except NotImplementedError:  # Windows
                signal.signal(number, lambda caught, _: loop.call_soon_threadsafe(stop, caught))
        await _run(app, sockets, stopping, ready, closing, tls)

    with _errors_to_stderr(), asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(main())
    return 130 if received[:1] == [signal.SIGINT] else 0


@contextlib.contextmanager
def _errors_to_stderr() -> Iterator[None]:
    logger, output = logging.getLogger("uvicorn.error"), logging.StreamHandler()
    output.setLevel(logging.ERROR)
    logger.addHandler(output)
    try:
        yield
    finally:
        logger.removeHandler(output)


class ServerThread:
    """A server in a thread of its own, ready when the constructor returns. Raises what kept it from starting."""

    def __init__(
        self,
        app: ASGIApp,
        host: str = DEFAULT_HOST,
        port: int = 0,
        timeout: float = 10.0,
        closing: Callable[[], None] = nothing,
        tls: ssl.SSLContext | None = None,
        sockets: Sequence[socket.socket] = (),
    ) -> None:
        """Start it on a host and a port, or on sockets that listen already."""
        self._closing, self._tls = closing, tls
        self._sockets = list(sockets) or bind(host, port)
        self.url = url_of(self._sockets, "http" if tls is None else "https")
        self._app = app
        self._ready = threading.Event()
        self._error: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._main, name="mockserver", daemon=True)
        self._thread.start()
        if not self._ready.wait(timeout) or self._error is not None:
            raise RuntimeError("the mock server did not start") from self._error

    def stop(self) -> None:
        """Stop the server at once; its connections are closed."""
        if self._loop is not None and self._stopping is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(10)

    def _main(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            self._error = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        await _run(self._app, self._sockets, self._stopping, self._ready.set, self._closing, self._tls)
