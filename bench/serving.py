"""One of the two servers that are compared, in a process of its own: ``python -m bench.serving mock|echo``.

Both run on the same event loop, HTTP parser and `json`; both answer ``/cpu`` with the CPU seconds they used.
"""

import json
import random
import sys
import time
from typing import Any

from mockserver.engine.world import Blueprint, Clock, World
from mockserver.loading import load_bundled
from mockserver.server.app import Stage
from mockserver.server.assembly import build_app
from mockserver.server.running import bind, serve, url_of


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Parse the body and send a short answer."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    await _send(send, json.dumps({"received": len(json.loads(body))}).encode())


async def _send(send: Any, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def counted(app: Any) -> Any:
    """Wrap an application so that it tells the CPU time of its process."""

    async def with_cpu(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/cpu":
            await _send(send, json.dumps(time.process_time()).encode())
        else:
            await app(scope, receive, send)

    return with_cpu


def main() -> None:
    """Serve what the first argument names on a free port, and print its address."""
    app: Any = echo
    if sys.argv[1] == "mock":
        world = World(Blueprint(load_bundled()), Clock(time.time), random.Random(1).getrandbits)
        app = build_app(Stage(world))
    sockets = bind("127.0.0.1", 0)
    serve(counted(app), sockets, lambda: print(url_of(sockets), flush=True))


if __name__ == "__main__":
    main()
