"""``mockserver run``: a server beside a command, a verdict on what the command sent, reports, and an exit code."""

import os
import time
from typing import Final

from mockserver import loading
from mockserver.control import PREFIX
from mockserver.engine.exchange import Exchange
from mockserver.engine.rules import Rule
from mockserver.engine.world import Blueprint
from mockserver.launch import app_of, journal_file, listen, prepared, stage_of
from mockserver.options import Configuration
from mockserver.plan import Plan
from mockserver.reports.recording import Recording
from mockserver.reports.verdict import Verdict, judge
from mockserver.server.app import OnCall
from mockserver.server.running import ServerThread
from mockserver.stage import Stage
from mockserver.wrapper.child import CannotRunError, Deadline, code_of, started
from mockserver.wrapper.environment import variables_of, with_variables
from mockserver.wrapper.signals import Relay
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
    stage, settings = stage_of(configuration, blueprint), blueprint.settings
    recording = Recording(settings.most_calls, settings.most_bytes)
    app = app_of(stage, configuration, _listener(recording, configuration, blueprint))
    token, scheme = configuration["admin-token"], configuration.scheme
    sockets = listen(configuration["host"], _port(configuration), scheme, is_guarded=token is not None)
    server = ServerThread(app, closing=stage.closing.set, tls=tls, sockets=sockets)
    variables = variables_of(server.url, f"{server.url}{PREFIX}", blueprint.apis, token)
    environment, kept = with_variables(os.environ, variables, overrides=wanted.overrides_env)
    began = time.time()
    with Relay() as relay:  # until all is written: a second Ctrl-C should not cost the reports
        try:
            process = started(wanted.command, environment)
            relay.attach(process)
            deadline = Deadline(process, read.timeout)
            code = code_of(process, deadline)
        except CannotRunError as error:
            tell(str(error))
            return error.code
        finally:
            server.stop()
        if deadline.has_passed:
            tell(f"the command took longer than {wanted.timeout}, and was ended")
        if kept:
            tell(f"kept {', '.join(kept)} as they were; --override-env sets them")
        verdict = judge(recording, blueprint, read.asked, _rules(stage))
        is_written = report(configuration, verdict, read, began)
    return code or _code_of(verdict, is_written=is_written)


def _code_of(verdict: Verdict, *, is_written: bool) -> int:
    """Return the exit code of a run whose command ended with 0."""
    if verdict.unsafe:
        return UNSAFE
    if verdict.is_broken:
        return BROKEN
    return 0 if is_written else UNWRITTEN


def _port(configuration: Configuration) -> int:
    """Return the port: a free one, unless somebody has asked for another."""
    given: int = configuration["port"] if ("port",) in configuration.given else 0
    return given


def _listener(recording: Recording, configuration: Configuration, blueprint: Blueprint) -> OnCall:
    """Return what is told of each call: the recording, and the file of the journal. Raises `SpecError`."""
    kept = journal_file(configuration, blueprint)
    if kept is None:
        return recording.append

    def keep(exchange: Exchange) -> None:
        recording.append(exchange)
        kept.append(exchange)

    return keep


def _rules(stage: Stage) -> tuple[Rule, ...]:
    """Return the rules of the configuration, and those that are in force at the end, each once."""
    found = {rule.id: rule for rule in stage.blueprint.settings.rules}
    for world in stage.worlds.values():
        found |= {armed.rule.id: armed.rule for armed in world.rules}
    return tuple(found.values())
