"""From what the user has given to what is served: configuration, specs, world and application, and again on change.

Everything that can be wrong with what the user gave is found here, before a socket is opened, and told at once.
"""

import os
import random
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mockserver import loading
from mockserver.configuration import clock_of, prefix_of, settings_of
from mockserver.engine.exchange import JSON, Exchange
from mockserver.engine.faults import SpecError
from mockserver.engine.routing import mounted
from mockserver.engine.world import Blueprint, Clock, World
from mockserver.options import CONFIG_VARIABLE, Configuration, Layer, Place, configure, shown
from mockserver.reports import JournalFile, secret_names
from mockserver.server.app import OnCall, Stage
from mockserver.server.assembly import build_app
from mockserver.server.console import Console
from mockserver.server.control import PREFIX
from mockserver.server.guard import is_here
from mockserver.server.running import DEFAULT_HOST, LOOPBACK, bind, has_ipv6, url_of
from mockserver.server.running import serve as run
from mockserver.yamltext import lines_of

AT_START_ONLY: Final = ("host", "port", "cors", "allow-hosts", "log", "journal", "seed", "clock", "watch")
"""The keys that a running server cannot change."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the user has given, read but for the configuration file, which may change."""

    command: Layer
    environment: Layer
    file: Path | None

    def configuration(self) -> Configuration:
        """Return the values in force. Raises `SpecError` with every problem of the file."""
        given = loading.load_config(loading.config_path(self.file))
        return configure(loading.table(), given, self.environment, self.command)

    def blueprint(self, configuration: Configuration) -> Blueprint:
        """Return what is served. Raises `SpecError` with every problem of every spec and value."""
        specs = configuration["specs"]
        known = loading.available(specs)
        apis = loading.load_apis(configuration["apis"], configuration["profile"], specs)
        try:
            settings = settings_of(configuration, apis, known)
            prefixes = {name: prefix_of(text) for name, text in configuration["prefixes"].items()}
            served = [mounted(api, prefixes[api.name]) if api.name in prefixes else api for api in apis]
            return Blueprint(served, settings)
        except SpecError as error:
            config = loading.config_path(self.file)
            raise loading.located(
                error, {**known, **({} if config is None else {str(config): config})}
            ) from None

    def files(self, configuration: Configuration) -> list[Path]:
        """Return the files whose change matters."""
        config = self.file or Path(loading.CONFIG_FILE)
        return [config, *map(Path, configuration["specs"])]


def plan_of(command: Mapping[str, Sequence[str]], environment: Mapping[str, str], file: Path | None) -> Plan:
    """Read options (texts by key) and environment. Raises `SpecError` with every problem of both."""
    table = loading.table()
    named = file or (Path(environment[CONFIG_VARIABLE]) if environment.get(CONFIG_VARIABLE) else None)
    layers = loading.gathered([lambda: table.of_command(command), lambda: table.of_environment(environment)])
    return Plan(layers[0], layers[1], named)


def shown_configuration(plan: Plan, configuration: Configuration) -> Iterator[str]:
    """Yield the configuration as YAML, each value with what gave it."""
    config = loading.config_path(plan.file)
    yield f"# configuration file: {config if config is not None else 'none'}"
    yield from shown(configuration, _sources(configuration, config))


def _sources(configuration: Configuration, config: Path | None) -> dict[Place, str]:
    sources = {place: given.source for place, given in configuration.given.items()}
    from_file = [(place, given.pointer) for place, given in configuration.given.items() if given.pointer]
    if config is not None:
        lines = lines_of(loading.read_text(config), [pointer for _, pointer in from_file])
        sources |= {place: f"{config}:{line}" for (place, _), line in zip(from_file, lines, strict=True)}
    return sources


def stage_of(configuration: Configuration, blueprint: Blueprint) -> Stage:
    """Return a fresh stage. With a seed its ids, and with a clock its times, are the same in every run."""
    clock = Clock(time.time, start=clock_of(text) if (text := configuration["clock"]) is not None else None)
    return Stage(World(blueprint, clock, random.Random(configuration["seed"]).getrandbits))


def journal_file(configuration: Configuration, blueprint: Blueprint) -> JournalFile | None:
    """Open the file that calls are appended to. Raises `SpecError`."""
    path = configuration["journal"]
    if path is None:
        return None
    try:
        return JournalFile(Path(path).open("a", encoding="utf-8"), secret_names(blueprint.apis))
    except OSError as error:
        problem = configuration.problem(("journal",), f"{path} cannot be written: {error.strerror}")
        raise SpecError([problem]) from None


class Watch:
    """Looks at files from a thread of its own, and serves what they say when one has changed.

    What is wrong is told, and what was served before stays. Nothing that was recorded is lost.
    """

    def __init__(
        self,
        plan: Plan,
        configuration: Configuration,
        replace: Callable[[Blueprint], None],
        *,
        every: float = 0.25,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self._plan, self._configuration, self._replace = plan, configuration, replace
        self._started = configuration
        self._every, self._tell = every, tell or _tell
        self._stopping = threading.Event()
        self._seen = _stamps(plan.files(configuration))
        self._thread = threading.Thread(target=self._run, name="mockserver-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop looking."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._every):
            self.look()

    def look(self) -> None:
        """Look once whether a file has changed."""
        seen = _stamps(self._plan.files(self._configuration))
        if seen == self._seen:
            return
        changed = [str(path) for path in {**seen, **self._seen} if seen.get(path) != self._seen.get(path)]
        self._seen = seen
        try:
            configuration = self._plan.configuration()
            self._replace(self._plan.blueprint(configuration))
        except SpecError as error:
            self._tell(
                f"{error}\nmockserver: {', '.join(changed)}: not used; what was served before still is"
            )
            return
        self._tell(f"mockserver: {', '.join(changed)}: read again")
        for sentence in self._at_start_only(configuration):
            self._tell(f"mockserver: {sentence}")
        self._configuration = configuration
        self._seen = _stamps(self._plan.files(configuration))

    def _at_start_only(self, configuration: Configuration) -> Iterator[str]:
        for key in AT_START_ONLY:
            before: JSON = self._started[key]
            if configuration[key] != before:
                yield f"{key} takes effect at the next start; it stays {before}"


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _stamps(paths: Sequence[Path]) -> dict[Path, tuple[int, int]]:
    """Return when each file was changed and its size; a file that is not there is left out."""
    found = {}
    for path in paths:
        try:
            stat = path.stat()
        except OSError:
            continue
        found[path] = (stat.st_mtime_ns, stat.st_size)
    return found


def listen(host: str, port: int) -> list[socket.socket]:
    """Return the listening sockets; what a user should know of them is told. Raises `SpecError`."""
    try:
        sockets = bind(host, port)
    except (OSError, UnicodeError, TypeError) as error:
        why = getattr(error, "strerror", None) or error
        told = f"cannot listen on {host} port {port}: {why}; choose another with --port, 0 for any"
        raise SpecError([("", "", told)]) from None
    if host in LOOPBACK and len(sockets) == 1 and has_ipv6():
        told = "another program has this port on ::1, where clients of localhost may look first"
        _tell(f"mockserver: warning: {told}; listening on {DEFAULT_HOST} only")
    if not is_here(_bracketed(host), ()):
        told = f"whoever reaches {url_of(sockets)} can read and clear what is recorded at {PREFIX}"
        _tell(f"mockserver: warning: {told}, real credentials included")
    return sockets


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def serve(plan: Plan, configuration: Configuration, blueprint: Blueprint) -> int:
    """Serve until a signal, and return the exit code. Raises `SpecError`."""
    stage = stage_of(configuration, blueprint)
    kept = journal_file(configuration, blueprint)
    sockets = listen(configuration["host"], configuration["port"])
    form = configuration["log"]
    console = Console(sys.stdout, form, colours=_is_coloured())
    listeners = [*([console.call] if form != "off" else []), *([kept.append] if kept is not None else [])]
    app = build_app(
        stage,
        cors=configuration["cors"] == "on",
        allowed_hosts=[_bracketed(configuration["host"]), *configuration["allow-hosts"]],
        on_call=_each(listeners),
    )

    def replace(changed: Blueprint) -> None:
        if kept is not None:
            kept.names |= secret_names(changed.apis)
        stage.replace(changed)

    watch = Watch(plan, configuration, replace) if configuration["watch"] else None
    code = run(app, sockets, lambda: console.ready(url_of(sockets)), stage.now)
    if watch is not None:
        watch.stop()
    console.close()
    _give_up_stdout()
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


def _give_up_stdout() -> None:
    """Let the interpreter not write what its reader no longer takes: that would change the exit code."""
    if sys.stdout is not None:
        try:
            sys.stdout.flush()
        except (OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
