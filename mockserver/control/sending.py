"""Sending a call to the mock itself: a bundled sample, or a recorded call once more, through the data plane."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response
from starlette.types import Message

from mockserver.control.replies import Asked, RefusedError, missing, nothing, reply, unreadable, wrong_id
from mockserver.engine.contract import Api
from mockserver.engine.exchange import JSON
from mockserver.engine.headers import CALL_ID, lines_of
from mockserver.engine.mappings import UUID
from mockserver.engine.matching import short
from mockserver.engine.policy import FORBIDDEN, Policy
from mockserver.engine.values import as_text, encode
from mockserver.loading import samples_of
from mockserver.namespaces import HEADER
from mockserver.stage import SOURCE

PAGE: Final = "page"
_OF_THE_CONNECTION: Final = frozenset({"content-length", "transfer-encoding", "connection", "expect", HEADER})


@dataclass(frozen=True, slots=True)
class Call:
    """What is sent: header names are in lower case."""

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


async def send(asked: Asked) -> Response:
    """Send a bundled sample of an API, or a recorded call once more; return its number, id and status."""
    given = asked.members("api", "sample", "repeat")
    call = _recorded(asked, given["repeat"]) if "repeat" in given else _sample(asked, given)
    messages = await _through(asked, call)
    id_ = dict(messages[0]["headers"]).get(CALL_ID.encode(), b"").decode() if messages else ""
    number = asked.stage.world_of(asked.world.namespace).journal.number_of(id_)
    return reply({"number": number, "id": id_, "status": messages[0]["status"] if messages else None})


def _recorded(asked: Asked, id_: JSON) -> Call:
    if not isinstance(id_, str) or not UUID.fullmatch(id_):
        raise RefusedError(wrong_id(str(id_)))
    exchange = asked.world.journal.get(id_.lower())
    if exchange is None:
        raise RefusedError(nothing())
    request = exchange.request
    return Call(
        request.method, request.path, request.query, tuple(lines_of(request.raw_headers)), request.body
    )


def _sample(asked: Asked, given: Mapping[str, JSON]) -> Call:
    name, served = given.get("api"), {api.name: api for api in asked.stage.blueprint.apis}
    if not isinstance(name, str):
        raise RefusedError(unreadable([("/api", "name the API whose sample is sent, or a call to repeat")]))
    if name not in served:
        raise RefusedError(missing(f"no API named {name!r} is served; there are {', '.join(served)}"))
    samples = {sample["name"]: sample for sample in samples_of(name)}
    if not samples:
        raise RefusedError(missing(f"there is no bundled sample of {name}"))
    wanted = given.get("sample", next(iter(samples)))
    if not isinstance(wanted, str):
        raise RefusedError(unreadable([("/sample", f"must be the name of a sample, not {short(wanted)}")]))
    if wanted not in samples:
        raise RefusedError(missing(f"{name} has no sample {wanted!r}; there are {', '.join(samples)}"))
    return _call_of(samples[wanted], served[name], asked.world.terms.policies[name])


def _call_of(sample: Mapping[str, Any], api: Api, policy: Policy) -> Call:
    """Return a sample as it is sent to where the API is served, with a key that it takes."""
    prefix = api.routes[0].prefix if api.routes else ""
    path, _, query = sample["path"].partition("?")
    body = sample["text"].encode() if "text" in sample else encode(sample.get("body"))
    headers = ((name.lower(), as_text(value)) for name, value in sample["headers"].items())
    return Call(sample["method"], prefix + path, query, tuple(_keyed(headers, api, policy)), body)


def _keyed(headers: Iterable[tuple[str, str]], api: Api, policy: Policy) -> Iterable[tuple[str, str]]:
    """Yield headers, in which a credential is one that the API takes, where it does not take any."""
    allowed = (key for key, verdict in policy.keys.items() if verdict != FORBIDDEN)
    taken = next((key for key in allowed if key not in policy.secrets), None)  # a sample is not signed
    schemes = {
        scheme.parameter.lower(): scheme
        for operation in api.operations
        for alternative in operation.shape.security
        for scheme in alternative
        if scheme.place == "header"
    }
    for name, value in headers:
        match = schemes[name].pattern.fullmatch(value) if name in schemes and taken is not None else None
        if match is not None and taken is not None and match[1]:
            yield name, value[: match.start(1)] + taken + value[match.end(1) :]
        else:
            yield name, value


async def _through(asked: Asked, call: Call) -> list[Message]:
    """Put a call through the data plane, and return what it sends."""
    own = asked.request.scope
    lines = [(name, value) for name, value in call.headers if name.lower() not in _OF_THE_CONNECTION]
    headers = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in lines]
    if not any(name == b"host" for name, _ in headers):
        headers.insert(0, (b"host", asked.request.headers.get("host", "localhost").encode("latin-1")))
    headers.append((b"content-length", str(len(call.body)).encode()))
    prefix, namespace = "", asked.world.namespace
    if namespace and any(name.lower() == HEADER for name, _ in call.headers):
        headers.append((HEADER.encode(), namespace.encode()))
    elif namespace:
        prefix = f"/~{namespace}"  # as it was sent, since it may have been signed
    scope = {
        "type": "http", "method": call.method, "path": call.path,
        "raw_path": (prefix + call.path).encode("latin-1", "replace"),
        "query_string": call.query.encode("latin-1", "replace"), "root_path": "", "headers": headers,
        "scheme": own.get("scheme", "http"),
        "client": own.get("client"), "server": own.get("server"), "http_version": "1.1", SOURCE: PAGE,
    }  # fmt: skip
    asked_for = [{"type": "http.request", "body": call.body, "more_body": False}]
    messages: list[Message] = []

    async def receive() -> Message:
        if asked_for:
            return asked_for.pop()
        await asyncio.Event().wait()
        raise AssertionError("an event that nobody sets was set")

    async def keep(message: Message) -> None:
        messages.append(message)

    await asked.data_plane(scope, receive, keep)
    return messages
