"""The measure: a bare uvicorn server that parses a body and answers its length, ``python -m bench.echo``.

It runs on the event loop, HTTP parser and ``json`` that the mock server has, and on nothing of the mock itself.
"""

import json
import socket
import time
from typing import Any

import uvicorn

Headers = list[tuple[bytes, bytes]]
JSON_TYPE = (b"content-type", b"application/json")


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Parse the body and send a short answer."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    await answer(send, json.dumps({"received": len(json.loads(body))}).encode())


async def answer(send: Any, body: bytes) -> None:
    """Send an answer."""
    headers = [JSON_TYPE, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def counted(app: Any) -> Any:
    """Wrap an application so that it tells the CPU seconds of its process at ``/cpu``."""

    async def with_cpu(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/cpu":
            await answer(send, json.dumps(time.process_time()).encode())
        else:
            await app(scope, receive, send)

    return with_cpu


class _Server(uvicorn.Server):
    """Prints its address once it listens."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in sockets or ():
            print(f"ready on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)


def main() -> None:
    """Serve on a free port."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        counted(echo), lifespan="off", log_config=None, access_log=False, proxy_headers=False, ws="none"
    )
    _Server(config).run([listener])


if __name__ == "__main__":
    main()
