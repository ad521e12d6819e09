"""From what is to be served to a running server: world, sockets, application, console, journal file and watch."""

import asyncio
import contextlib
import os
import random
import signal
import socket
import ssl
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from starlette.types import ASGIApp

from mockserver import loading
from mockserver.configuration import clock_of
from mockserver.control import PREFIX
from mockserver.control.guard import is_here
from mockserver.engine.clock import Clock
from mockserver.engine.exchange import JSON, Exchange
from mockserver.engine.faults import SpecError
from mockserver.engine.values import Ids
from mockserver.engine.world import Blueprint, World
from mockserver.options import Configuration, configure
from mockserver.plan import Plan, blueprint_of
from mockserver.reports.journal_file import JournalFile
from mockserver.reports.sensitive import sensitive_in
from mockserver.server.app import OnCall
from mockserver.server.assembly import build_app
from mockserver.server.console import Console
from mockserver.server.running import DEFAULT_HOST, LOOPBACK, ServerThread, bind, has_ipv6, url_of
from mockserver.server.running import serve as run
from mockserver.stage import Stage
from mockserver.watch import Watch, stamps_of, tell_on_stderr, warnings_of


def stage_of(configuration: Configuration, blueprint: Blueprint) -> Stage:
    """Return a fresh stage. With a seed its ids, and with a clock its times, are the same in every run and reset."""
    clock = Clock(time.time, start=clock_of(text) if (text := configuration["clock"]) is not None else None)
    seed = configuration["seed"]

    def seeded(namespace: str) -> Ids:
        return random.Random(f"{seed}/{namespace}" if namespace else seed).getrandbits

    return Stage(World(blueprint, clock, seeded(""), None if seed is None else seeded))


def app_of(stage: Stage, configuration: Configuration, on_call: OnCall | None = None) -> ASGIApp:
    """Return the application over a stage, as a configuration has it."""
    hosts = [_bracketed(configuration["host"]), *configuration["allow-hosts"]]
    cors, token = configuration["cors"] == "on", configuration["admin-token"]
    return build_app(stage, cors=cors, allowed_hosts=hosts, token=token, on_call=on_call)


def start(document: Mapping[str, JSON], name: str, file: Path | None = None) -> ServerThread:
    """Start a server in a thread, told what a configuration file may hold; ``name`` is that of who gives it.

    ``file`` is a configuration file under it. No environment is read, and no file that is not named. Raises `SpecError`
    and OSError.
    """
    table = loading.table()
    layers = [*([] if file is None else [loading.load_config(file)]), table.of_file(document, name)]
    configuration = configure(table, *layers)
    blueprint, tls = loading.together(lambda: blueprint_of(configuration), lambda: tls_of(configuration))
    stage = stage_of(configuration, blueprint)
    return ServerThread(
        app_of(stage, configuration),
        configuration["host"],
        configuration["port"],
        closing=stage.closing.set,
        tls=tls,
    )


def tls_of(configuration: Configuration) -> ssl.SSLContext | None:
    """Return what a server speaks TLS with, None for one that speaks none. Raises `SpecError`."""
    if configuration["tls-cert"] is None and configuration["tls-key"] is None:
        return None
    from mockserver.server.handshakes import Context  # noqa: PLC0415 - most servers speak no TLS
    from mockserver.tls import load  # noqa: PLC0415 - as above

    context = Context(tell_on_stderr)
    load(context, configuration)
    return context


def prepared(plan: Plan, configuration: Configuration) -> tuple[Blueprint, ssl.SSLContext | None]:
    """Return what is served, and what TLS is spoken with. Raises `SpecError` with every problem of both."""
    return loading.together(
        lambda: plan.blueprint(configuration), lambda: plan.located(lambda: tls_of(configuration))
    )


def journal_file(configuration: Configuration, blueprint: Blueprint) -> JournalFile | None:
    """Open the file that calls are appended to. Raises `SpecError`."""
    path = configuration["journal"]
    if path is None:
        return None
    try:
        if Path(path).is_fifo():
            told = "is a pipe, which would stop the server when nobody reads it; name a file"
            raise SpecError([configuration.problem(("journal",), f"{path} {told}")])
    except (OSError, ValueError):
        pass  # it is not there yet, or cannot be: opening it tells
    try:
        return JournalFile(Path(path).open("a", encoding="utf-8"), sensitive_in(blueprint))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise SpecError([configuration.problem(("journal",), f"{path} cannot be written: {why}")]) from None


def listen(host: str, port: int, scheme: str = "http", *, is_guarded: bool = False) -> list[socket.socket]:
    """Return the listening sockets; what a user should know of them is told. Raises `SpecError`.

    ``is_guarded`` says that callers of the control plane need a token.
    """
    try:
        sockets = bind(host, port)
    except (OSError, UnicodeError, TypeError) as error:
        why = getattr(error, "strerror", None) or error
        advice = (
            "choose another host"
            if isinstance(error, socket.gaierror)
            else "choose another with --port, 0 for any"
        )
        raise SpecError([("", "", f"cannot listen on {host} port {port}: {why}; {advice}")]) from None
    if host in LOOPBACK and len(sockets) == 1 and has_ipv6():
        told = "another program has this port on ::1, where clients of localhost may look first"
        tell_on_stderr(f"mockserver: warning: {told}; listening on {DEFAULT_HOST} only")
    if not is_here(_bracketed(host), ()) and not is_guarded:
        told = f"whoever reaches {url_of(sockets, scheme)} can use {PREFIX}: read what was sent, real credentials"
        tell_on_stderr(
            f"mockserver: warning: {told} included, and change answers; --admin-token asks for a token"
        )
    return sockets


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _notes(plan: Plan, configuration: Configuration, blueprint: Blueprint) -> Iterator[str]:
    """Yield what a user may not expect: a file that was found, APIs that were replaced, examples that are broken."""
    if (config := plan.config) is not None:
        yield f"configuration from {config}"
    for path in map(Path, configuration["specs"]):
        name = path.name.partition(".")[0]
        if name in loading.bundled_names() and name in {api.name for api in blueprint.apis}:
            yield f"{path} is served instead of the bundled {name}"
    yield from warnings_of(blueprint, configuration["specs"])


def serve(plan: Plan) -> int:
    """Serve until a signal, and return the exit code. Raises `SpecError`."""
    before = stamps_of([plan.named or Path(loading.CONFIG_FILE)])
    configuration = plan.configuration()
    seen = {**stamps_of(plan.files(configuration)), **before}
    blueprint, tls = prepared(plan, configuration)
    stage, kept = stage_of(configuration, blueprint), journal_file(configuration, blueprint)
    token, scheme = configuration["admin-token"], configuration.scheme
    sockets = listen(configuration["host"], configuration["port"], scheme, is_guarded=token is not None)
    for note in _notes(plan, configuration, blueprint):
        tell_on_stderr(f"mockserver: {note}")
    console = Console(sys.stdout, form := configuration["log"], colours=_is_coloured())
    listeners = [*([console.call] if form != "off" else []), *([kept.append] if kept is not None else [])]
    app = app_of(stage, configuration, _each(listeners))
    with contextlib.ExitStack() as watching:

        def ready() -> None:
            stage.stop = lambda: signal.raise_signal(signal.SIGTERM)
            loop = asyncio.get_running_loop()

            def replace(changed: Blueprint) -> None:  # in the thread of the watch
                if kept is not None:
                    kept.sensitive |= sensitive_in(changed)
                with contextlib.suppress(RuntimeError):  # the server has just been stopped
                    loop.call_soon_threadsafe(stage.replace, changed)

            if configuration["watch"]:
                watching.callback(Watch(plan, configuration, seen, replace).stop)
            console.ready(url_of(sockets, scheme))

        code = run(app, sockets, ready, stage.closing.set, tls)
    console.close()
    flushed(sys.stdout)
    return code


def _each(listeners: Sequence[OnCall]) -> OnCall | None:
    if not listeners:
        return None

    def tell(exchange: Exchange) -> None:
        for listener in listeners:
            listener(exchange)

    return tell


def _is_coloured() -> bool:
    return sys.stdout is not None and sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def flushed(stream: TextIO | None) -> None:
    """Write what is left, if its reader still takes it: else the interpreter would try it, and change the exit code."""
    if stream is not None:
        try:
            stream.flush()
        except (OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
