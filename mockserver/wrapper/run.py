"""``mockserver run``: a server beside a command, a verdict on what the command sent, reports, and an exit code."""

import os
import socket
import time
from typing import Final

from mockserver import loading
from mockserver.control import PREFIX
from mockserver.engine.exchange import Exchange
from mockserver.engine.faults import SpecError
from mockserver.engine.rules import Rule
from mockserver.engine.world import Blueprint
from mockserver.launch import app_of, journal_file, prepared, stage_of
from mockserver.options import Configuration
from mockserver.plan import Plan
from mockserver.reports.recording import Recording
from mockserver.reports.verdict import Verdict, judge
from mockserver.server.running import ServerThread
from mockserver.stage import Stage
from mockserver.wrapper.child import CannotRunError, Child
from mockserver.wrapper.environment import variables_of, with_variables
from mockserver.wrapper.telling import report, tell
from mockserver.wrapper.wanted import Wanted, read_wanted

BROKEN: Final = 3
UNSAFE: Final = 4
UNWRITTEN: Final = 2
"""The exit codes of a run whose command ended with 0."""


def run(plan: Plan, wanted: Wanted) -> int:
    """Run a command beside a server, and return the exit code. Raises `SpecError` before the command is started."""
    configuration = plan.configuration()
    (blueprint, tls), read = loading.together(
        lambda: prepared(plan, configuration), lambda: read_wanted(plan, configuration, wanted)
    )
    stage, kept = stage_of(configuration, blueprint), journal_file(configuration, blueprint)
    settings = blueprint.settings
    recording = Recording(settings.most_calls, settings.most_bytes)

    def keep(exchange: Exchange) -> None:
        recording.append(exchange)
        if kept is not None:
            kept.append(exchange)

    app = app_of(stage, configuration, keep)
    try:
        server = ServerThread(
            app, configuration["host"], _port(configuration), closing=stage.closing.set, tls=tls
        )
    except (OSError, UnicodeError, RuntimeError) as error:
        raise SpecError([("", "", _cannot_listen(configuration, error))]) from None
    began = time.time()
    try:
        code = _child(configuration, server.url, blueprint, wanted).wait(read.timeout)
    except CannotRunError as error:
        tell(str(error))
        return error.code
    finally:
        server.stop()
    verdict = judge(recording, blueprint, read.asked, _rules(stage))
    written = report(configuration, verdict, read, began)
    return code or _code_of(verdict, is_written=written)


def _code_of(verdict: Verdict, *, is_written: bool) -> int:
    if verdict.unsafe:
        return UNSAFE
    if verdict.is_broken:
        return BROKEN
    return 0 if is_written else UNWRITTEN


def _port(configuration: Configuration) -> int:
    """Return the port: a free one, unless somebody has asked for another."""
    given: int = configuration["port"] if ("port",) in configuration.given else 0
    return given


def _cannot_listen(configuration: Configuration, error: Exception) -> str:
    why = getattr(error, "strerror", None) or error
    advice = (
        "choose another host" if isinstance(error, socket.gaierror) else "leave --port out for a free one"
    )
    return f"cannot listen on {configuration['host']} port {_port(configuration)}: {why}; {advice}"


def _child(configuration: Configuration, url: str, blueprint: Blueprint, wanted: Wanted) -> Child:
    variables = variables_of(url, f"{url}{PREFIX}", blueprint.apis, configuration["admin-token"])
    environment, names = with_variables(os.environ, variables, overrides=wanted.overrides_env)
    kept = [name for name in variables if name not in names]
    if kept:
        tell(f"kept {', '.join(kept)} as they were; --override-env sets them")
    return Child(wanted.command, environment)


def _rules(stage: Stage) -> tuple[Rule, ...]:
    """Return the rules of the configuration, and those that are in force at the end, each once."""
    found = {rule.id: rule for rule in stage.blueprint.settings.rules}
    for world in stage.worlds.values():
        found |= {armed.rule.id: armed.rule for armed in world.rules}
    return tuple(found.values())
