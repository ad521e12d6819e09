"""What a recorded call takes of memory."""

import asyncio
import gc
import json
import tracemalloc
from collections.abc import MutableMapping
from typing import Any

from bench.calls import HEADERS, PATH, SMALL
from bench.mock import stage
from bench.table import Row
from mockserver.server.assembly import build_app
from mockserver.stage import Stage

MANY = 100_000
MEASURED = 20_000
MOST = 1000


def kept() -> Row:
    """Return the bytes that Python holds for each small call, all of them different."""
    watched, rounds = stage(), []
    asyncio.run(fill(watched, 500))
    tracemalloc.start()
    for _ in range(3):
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        asyncio.run(fill(watched, MEASURED))
        gc.collect()
        rounds.append((tracemalloc.get_traced_memory()[0] - before) / MEASURED)
    tracemalloc.stop()
    return Row(f"kept for a call of {len(_body(0))} bytes", rounds, "bytes", 0, MOST)


async def fill(full: Stage, calls: int) -> None:
    """Let the application answer so many calls, without a socket."""
    app = build_app(full)
    for number in range(calls):
        body = _body(number)

        async def receive(body: bytes = body) -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": body}

        await app(_scope(body), receive, _ignore)


async def _ignore(_: Any) -> None:
    pass


def _body(number: int) -> bytes:
    return json.dumps({**SMALL, "payload": {"text": f"{number:0160}"}}).encode()


def _scope(body: bytes) -> dict[str, Any]:
    """Return a request as the parser hands it over: nothing in it is shared with the one before."""
    lines = {**HEADERS, "Content-Length": str(len(body)), "Host": "127.0.0.1:4747"}
    return {
        "type": "http",
        "method": b"POST".decode(),
        "path": PATH,
        "raw_path": PATH.encode(),
        "query_string": b"",
        "client": ("127.0.0.1", 4748),
        "headers": [(name.lower().encode(), value.encode()) for name, value in lines.items()],
    }
