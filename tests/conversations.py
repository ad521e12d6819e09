"""Conversation files: reading them, holding them against an engine, an app or a port, comparing.

The format is described in ``fixtures/README.md``.
"""

import asyncio
import base64
import http.client
import json
import random
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from mockserver.configuration import settings_of
from mockserver.engine.clock import Clock
from mockserver.engine.decide import Decided, answer, settle
from mockserver.engine.exchange import Request
from mockserver.engine.headers import CALL_ID, packed, unpacked
from mockserver.engine.values import seconds_of
from mockserver.engine.world import Blueprint, World
from mockserver.loading import load_bundled, load_spec, read_yaml, table
from mockserver.options import Configuration, configure
from mockserver.server.assembly import build_app
from mockserver.server.running import ServerThread
from mockserver.stage import Stage
from mockserver.wire import mock_member

NOON = 1795176000.0  # 2026-11-20T12:00:00Z
STEP_KEYS = {"send", "expect", "after", "start", "finish"}
SEND_KEYS = {"method", "path", "query", "headers", "body", "text", "base64", "grow"}
EXPECT_KEYS = {"status", "headers", "body", "text", "journal"}
SETTING_KEYS = {"profile", "keys", "secrets", "limits", "enforce-limits", "on-invalid", "catalogue"}


@dataclass(frozen=True)
class Sent:
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Got:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclass(frozen=True)
class Conversation:
    api: str
    title: str
    base: Mapping[str, Any]
    settings: Mapping[str, Any]
    steps: list[Mapping[str, Any]]
    spec: Path | None = None


def read_conversations(path: Path, spec: Path | None = None) -> list[Conversation]:
    document = read_yaml(path, path.name)
    refuse_unknown(document, {"api", "base", "conversations"}, path.name)
    found = []
    for entry in document["conversations"]:
        refuse_unknown(entry, {"title", "settings", "steps"}, f"{path.name}: {entry.get('title')}")
        refuse_unknown(entry.get("settings", {}), SETTING_KEYS, entry["title"])
        for step in entry["steps"]:
            refuse_unknown(step, STEP_KEYS, entry["title"])
            refuse_unknown(step.get("send", {}), SEND_KEYS, entry["title"])
            refuse_unknown(step.get("expect", {}), EXPECT_KEYS, entry["title"])
        found.append(
            Conversation(
                document["api"],
                entry["title"],
                document.get("base", {}),
                entry.get("settings", {}),
                entry["steps"],
                spec,
            )
        )
    return found


def refuse_unknown(entry: Mapping[str, Any], known: set[str], where: str) -> None:
    assert set(entry) <= known, f"{where}: unknown {sorted(set(entry) - known)}"


def configured(config: Any, **typed: str | list[str]) -> Configuration:
    """Return the configuration of a file's content, and of options that were typed."""
    texts = {
        name.replace("_", "-"): [text] if isinstance(text, str) else text for name, text in typed.items()
    }
    return configure(table(), table().of_file(config, "mockserver.yaml"), table().of_command(texts))


def stage_of(conversation: Conversation) -> Stage:
    settings, api = conversation.settings, conversation.api
    profile = settings.get("profile", "observed")
    apis = [load_spec(conversation.spec, api, profile)] if conversation.spec else load_bundled([api], profile)
    config = {
        name: {api: settings[name]} for name in ("keys", "secrets", "limits", "catalogue") if name in settings
    }
    flat = {name: settings[name] for name in ("enforce-limits", "on-invalid") if name in settings}
    blueprint = Blueprint(apis, settings_of(configured({**config, **flat}), apis))
    clock = Clock(lambda: NOON)
    return Stage(World(blueprint, clock, random.Random(7).getrandbits))


def sent_of(base: Mapping[str, Any], send: Mapping[str, Any], remembered: Mapping[str, Any]) -> Sent:
    merged = {**base, **send, "headers": {**base.get("headers", {}), **send.get("headers", {})}}
    headers = {name: str(value) for name, value in merged["headers"].items() if value is not None}
    target = merged["path"].format_map(remembered) + (f"?{merged['query']}" if "query" in merged else "")
    return Sent(merged.get("method", "POST"), target, headers, body_of(merged))


def body_of(send: Mapping[str, Any]) -> bytes:
    if "base64" in send:
        return base64.b64decode(send["base64"])
    if "text" in send:
        return str(send["text"]).encode()
    if "body" not in send:
        return b""
    body = json.loads(json.dumps(send["body"]))
    for pointer, size in send.get("grow", {}).items():
        *parents, last = pointer.split("/")[1:]
        holder = body
        for step in parents:
            holder = holder[int(step)] if isinstance(holder, list) else holder.setdefault(step, {})
        holder[int(last) if isinstance(holder, list) else last] = "x" * size
    return json.dumps(body, ensure_ascii=False).encode()


def encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


# Three ways to hold a conversation


class Way(Protocol):
    stage: Stage

    def send(self, sent: Sent) -> Got: ...
    def start(self, label: str, sent: Sent) -> None: ...
    def finish(self, label: str) -> Got: ...
    def close(self) -> None:
        """End the conversation. Raises AssertionError when a call that was started was never finished."""

    def abandon(self) -> None:
        """End a conversation that went wrong."""


@dataclass
class ThroughEngine:
    stage: Stage
    waiting: dict[str, Decided] = field(default_factory=dict)

    def send(self, sent: Sent) -> Got:
        self.start("now", sent)
        return self.finish("now")

    def start(self, label: str, sent: Sent) -> None:
        path, _, query = sent.target.partition("?")
        raw_headers = packed(encoded(sent.headers))
        request = Request(sent.method, path, query, unpacked(raw_headers), raw_headers, sent.body)
        self.waiting[label] = answer(self.stage.world, request)

    def finish(self, label: str) -> Got:
        decided = self.waiting.pop(label)
        settle(self.stage.world, decided, 0.0)
        assert decided.response is not None
        response = decided.response
        headers = [*response.headers, (CALL_ID, decided.id)]
        return Got(response.status, [(name.lower(), value) for name, value in headers], response.body)

    def close(self) -> None:
        assert not self.waiting, f"started and never finished: {sorted(self.waiting)}"

    def abandon(self) -> None:
        self.waiting.clear()


class HeldBack:
    """Stands in for the sleep of delayed answers: they wait until they are let go."""

    def __init__(self) -> None:
        self.arrived = threading.Semaphore(0)
        self.let_go = threading.Event()

    async def __call__(self, _: float) -> None:
        self.arrived.release()
        while not self.let_go.is_set():  # noqa: ASYNC110 - the event is set by another thread
            await asyncio.sleep(0.001)


class ThroughApp:
    """Calls the ASGI application directly, without a socket."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.held = HeldBack()
        self.app = build_app(stage, sleep=self.held)
        self.loop = asyncio.new_event_loop()
        self.waiting: dict[str, asyncio.Task[Got]] = {}

    def send(self, sent: Sent) -> Got:
        return self.loop.run_until_complete(self._call(sent))

    def start(self, label: str, sent: Sent) -> None:
        self.waiting[label] = self.loop.create_task(self._call(sent))

        async def until_held() -> None:
            while not self.held.arrived.acquire(blocking=False):  # noqa: ASYNC110 - a thread's semaphore
                await asyncio.sleep(0)

        self.loop.run_until_complete(asyncio.wait_for(until_held(), 5))

    def finish(self, label: str) -> Got:
        self.held.let_go.set()
        return self.loop.run_until_complete(self.waiting.pop(label))

    async def _call(self, sent: Sent) -> Got:
        path, _, query = sent.target.partition("?")
        scope = {
            "type": "http", "method": sent.method, "path": path, "raw_path": path.encode("latin-1"),
            "query_string": query.encode("latin-1"), "root_path": "", "client": ("127.0.0.1", 1),
            "headers": encoded(sent.headers), "scheme": "http",
        }  # fmt: skip
        asked, messages = [{"type": "http.request", "body": sent.body, "more_body": False}], []

        async def receive() -> Any:
            return asked.pop() if asked else await asyncio.Event().wait()

        async def send(message: Any) -> None:
            messages.append(message)

        await self.app(scope, receive, send)
        headers = [(name.decode().lower(), value.decode("latin-1")) for name, value in messages[0]["headers"]]
        return Got(messages[0]["status"], headers, messages[1]["body"])

    def close(self) -> None:
        unfinished = sorted(self.waiting)
        self.abandon()
        assert not unfinished, f"started and never finished: {unfinished}"

    def abandon(self) -> None:
        self.held.let_go.set()
        for task in self.waiting.values():
            self.loop.run_until_complete(task)
        self.loop.close()


class ThroughPort:
    """Talks HTTP to a server on a real port."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.held = HeldBack()
        self.server = ServerThread(build_app(stage, sleep=self.held))
        self.address = self.server.url.removeprefix("http://")
        self.waiting: dict[str, tuple[threading.Thread, list[Got]]] = {}

    def send(self, sent: Sent) -> Got:
        connection = http.client.HTTPConnection(self.address, timeout=10)
        try:
            headers = {**sent.headers, "Content-Length": str(len(sent.body))}
            connection.request(sent.method, sent.target, sent.body, headers)
            response = connection.getresponse()
            return Got(
                response.status,
                [(name.lower(), value) for name, value in response.getheaders()],
                response.read(),
            )
        finally:
            connection.close()

    def start(self, label: str, sent: Sent) -> None:
        got: list[Got] = []
        thread = threading.Thread(target=lambda: got.append(self.send(sent)))
        thread.start()
        self.waiting[label] = thread, got
        assert self.held.arrived.acquire(timeout=5), f"{label} was not held back"

    def finish(self, label: str) -> Got:
        self.held.let_go.set()
        thread, got = self.waiting.pop(label)
        thread.join(5)
        return got[0]

    def close(self) -> None:
        unfinished = sorted(self.waiting)
        self.abandon()
        assert not unfinished, f"started and never finished: {unfinished}"

    def abandon(self) -> None:
        self.held.let_go.set()
        for thread, _ in self.waiting.values():
            thread.join(5)
        self.server.stop()


WAYS: dict[str, Any] = {"engine": ThroughEngine, "app": ThroughApp, "port": ThroughPort}


def hold(conversation: Conversation, way: str) -> None:
    """Hold a conversation in one way. Raises AssertionError at the first step that goes otherwise."""
    stage = stage_of(conversation)
    through: Way = WAYS[way](stage)
    remembered: dict[str, Any] = {}
    try:
        for position, step in enumerate(conversation.steps, 1):
            where = f"{conversation.title}, step {position}"
            take_step(conversation, through, step, remembered, where)
        through.close()
    except BaseException:
        through.abandon()
        raise


def take_step(
    conversation: Conversation, through: Way, step: Mapping[str, Any], remembered: dict[str, Any], where: str
) -> None:
    if "after" in step:
        through.stage.world.clock.advance(seconds_of(step["after"]))
    if "start" in step:
        through.start(step["start"], sent_of(conversation.base, step["send"], remembered))
        return
    got = (
        through.finish(step["finish"])
        if "finish" in step
        else through.send(sent_of(conversation.base, step["send"], remembered))
    )
    problems = list(differences(step["expect"], got, remembered))
    if "journal" in step["expect"]:
        call_id = dict(got.headers)["x-mock-call-id"]
        exchange = through.stage.world.journal.get(call_id)
        assert exchange is not None, f"{where}: the call is not in the journal"
        problems += compare(
            step["expect"]["journal"], mock_member(exchange), "journal", remembered, exactly=False
        )
    told = "\n".join(problems)
    assert not problems, f"{where}:\n{told}\nanswered {got.status} {got.body[:2000]!r}"


# Comparing


def differences(expect: Mapping[str, Any], got: Got, remembered: dict[str, Any]) -> list[str]:
    problems = []
    if got.status != expect["status"]:
        problems.append(f"status: expected {expect['status']}, got {got.status}")
    headers = dict(got.headers)
    for name, value in expect.get("headers", {}).items():
        actual = headers.get(name.lower())
        problems += compare(value, actual, f"header {name}", remembered)
    if "body" in expect:
        problems += compare(expect["body"], json.loads(got.body), "", remembered)
    if "text" in expect and got.body.decode() != expect["text"]:
        problems.append(f"text: expected {expect['text']!r}, got {got.body!r}")
    return problems


def compare(
    expected: Any, actual: Any, at: str, remembered: dict[str, Any], *, exactly: bool = True
) -> list[str]:
    """Return where two values differ. ``{$like}``, ``{$as}``, ``{$same}``, ``{$differs}`` and ``{$any}`` match by rule."""
    if isinstance(expected, dict) and any(name.startswith("$") for name in expected):
        return _compare_rule(expected, actual, at, remembered)
    if isinstance(expected, dict) and isinstance(actual, dict):
        return _compare_objects(expected, actual, at, remembered, exactly=exactly)
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        pairs = enumerate(zip(expected, actual, strict=True))
        return [
            text
            for index, (ours, theirs) in pairs
            for text in compare(ours, theirs, f"{at}/{index}", remembered, exactly=exactly)
        ]
    if type(expected) is type(actual) and expected == actual:
        return []
    return [f"{at or '/'}: expected {expected!r}, got {actual!r}"]


def _compare_objects(
    expected: Any, actual: Any, at: str, remembered: dict[str, Any], *, exactly: bool
) -> list[str]:
    problems = [f"{at}/{name}: missing" for name in expected if name not in actual]
    if exactly:
        problems += [f"{at}/{name}: unexpected, {actual[name]!r}" for name in actual if name not in expected]
    for name in expected:
        if name in actual:
            problems += compare(expected[name], actual[name], f"{at}/{name}", remembered, exactly=exactly)
    return problems


def _compare_rule(rule: Any, actual: Any, at: str, remembered: dict[str, Any]) -> list[str]:
    refuse_unknown(rule, {"$like", "$as", "$same", "$differs", "$any"}, at)
    problems = []
    if "$like" in rule and not (isinstance(actual, str) and re.fullmatch(rule["$like"], actual, re.DOTALL)):
        problems.append(f"{at}: expected something like {rule['$like']!r}, got {actual!r}")
    if "$same" in rule and actual != remembered[rule["$same"]]:
        problems.append(
            f"{at}: expected the same as {rule['$same']}, {remembered[rule['$same']]!r}, got {actual!r}"
        )
    if "$differs" in rule and actual == remembered[rule["$differs"]]:
        problems.append(f"{at}: expected another value than {rule['$differs']}, got {actual!r}")
    if "$as" in rule:
        remembered[rule["$as"]] = actual
    return problems
