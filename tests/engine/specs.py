"""A small invented spec that tests bend to their purpose."""

import copy
import random
from collections.abc import Mapping
from typing import Any

from mockserver.engine.clock import Clock
from mockserver.engine.compiler import compile_api
from mockserver.engine.contract import Api
from mockserver.engine.decide import Decided, answer, settle
from mockserver.engine.exchange import Exchange, Request
from mockserver.engine.headers import packed
from mockserver.engine.values import encode
from mockserver.engine.world import Blueprint, Settings, World

NOON = 1795176000.0

ERROR = {
    "content": {
        "application/json": {
            "schema": {"type": "object"},
            "examples": {"error": {"value": {"error": "{$mock.reason}"}}},
        }
    }
}
BASIC: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Things", "version": "1"},
    "x-mock": {
        "checks": ["parsing", "rate-limit", "validation", "catalogue"],
        "answers": {
            reason: {"status": status, "example": "error"}
            for reason, status in {
                "malformed": 400, "invalid": 400, "wrong-media-type": 415, "rate-limited": 429, "too-large": 413,
            }.items()
        },
    },
    "paths": {
        "/things": {
            "post": {
                "operationId": "make",
                "requestBody": {"required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
                "responses": {
                    "201": {"description": "", "content": {"application/json": {"examples": {"made": {"value": {"id": "{$mock.uuid}"}}}}}},
                },
                "x-mock": {"success": {"status": 201, "example": "made"}},
            }
        }
    },
    "components": {
        "schemas": {"Thing": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}},
        "responses": {"Error": ERROR},
    },
}  # fmt: skip


def spec(changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the basic spec with values laid in at JSON Pointers; ``None`` removes a part."""
    document = copy.deepcopy(BASIC)
    for pointer, value in (changes or {}).items():
        *parents, last = [step.replace("~1", "/") for step in pointer.split("/")[1:]]
        holder: Any = document
        for step in parents:
            holder = holder[int(step)] if isinstance(holder, list) else holder.setdefault(step, {})
        if value is None:
            del holder[last]
        elif isinstance(holder, list):
            holder[int(last)] = value
        else:
            holder[last] = value
    return document


OPERATION = "/paths/~1things/post"
WORDS = f"{OPERATION}/x-mock"


def api(changes: Mapping[str, Any] | None = None, profile: str = "observed", name: str = "things") -> Api:
    return compile_api(name, spec(changes), profile)


def world(*apis: Api, settings: Settings | None = None) -> World:
    return World(Blueprint(apis or [api()], settings), Clock(lambda: NOON), random.Random(7).getrandbits)


def request(
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    path: str = "/things",
    method: str = "POST",
    query: str = "",
    raw: bytes | None = None,
) -> Request:
    sent = {"content-type": "application/json", **(headers or {})}
    content = raw if raw is not None else encode({"name": "x"} if body is None else body)
    lines = [(name.encode(), value.encode("latin-1")) for name, value in sent.items()]
    return Request(method, path, query, sent, packed(lines), content)


def call(world: World, sent: Request) -> tuple[Decided, Exchange]:
    """Send a request through the engine, and return it with its entry in the journal."""
    decided = answer(world, sent)
    settle(world, decided, 0.0)
    (exchange,) = world.journal.recent(1)
    return decided, exchange
