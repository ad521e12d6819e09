"""``mockserver run``: a server beside a command, a verdict on what the command sent, reports, and an exit code."""

import contextlib
import os
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mockserver import loading
from mockserver.control import PREFIX
from mockserver.engine.exchange import Exchange
from mockserver.engine.rules import Rule
from mockserver.engine.world import Blueprint
from mockserver.launch import app_of, journal_file, listen, prepared, stage_of
from mockserver.options import Configuration
from mockserver.plan import Plan
from mockserver.reports.journal_file import JournalFile
from mockserver.reports.recording import Recording
from mockserver.reports.verdict import Verdict, judge
from mockserver.server.app import OnCall
from mockserver.server.running import ServerThread
from mockserver.stage import Stage
from mockserver.wrapper.child import CannotRunError, Deadline, code_of, started
from mockserver.wrapper.environment import variables_of, with_variables
from mockserver.wrapper.signals import Relay
from mockserver.wrapper.telling import tell
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
    with contextlib.ExitStack() as telling:
        with _serving(configuration, blueprint, tls) as beside:
            variables = variables_of(
                beside.url, beside.url + PREFIX, blueprint.apis, configuration["admin-token"]
            )
            environment, kept = with_variables(os.environ, variables, overrides=wanted.overrides_env)
            relay = telling.enter_context(Relay())  # to the end: a second Ctrl-C should not cost the reports
            began = time.time()
            try:
                process = started(wanted.command, environment)
            except CannotRunError as error:
                tell(str(error))
                return error.code
            relay.attach(process)
            deadline = Deadline(process, read.timeout)
            from mockserver.wrapper.reporting import report  # noqa: PLC0415 - while the command runs: it need not wait

            code = code_of(process, deadline)
        if deadline.has_passed:
            tell(f"the command took longer than {wanted.timeout}, and was ended")
        if kept:
            tell(f"kept {', '.join(kept)} as they were; --override-env sets them")
        verdict = judge(beside.recording, blueprint, read.asked, _rules(beside.stage))
        names = [name for name in variables if name not in kept]
        is_written = report(configuration, verdict, read, began, names)
    return code or _code_of(verdict, is_written=is_written)


def _code_of(verdict: Verdict, *, is_written: bool) -> int:
    """Return the exit code of a run whose command ended with 0."""
    if verdict.unsafe:
        return UNSAFE
    if verdict.is_broken:
        return BROKEN
    return 0 if is_written else UNWRITTEN


@dataclass(frozen=True, slots=True)
class Beside:
    """What is beside a command: the server's URL, what is on its stage, and all that was sent to it."""

    url: str
    stage: Stage
    recording: Recording


@contextlib.contextmanager
def _serving(
    configuration: Configuration, blueprint: Blueprint, tls: ssl.SSLContext | None
) -> Iterator[Beside]:
    """Serve as long as a command runs. Raises `SpecError`."""
    stage, settings = stage_of(configuration, blueprint), blueprint.settings
    recording = Recording(settings.most_calls, settings.most_bytes)
    is_guarded = configuration["admin-token"] is not None
    with contextlib.ExitStack() as stopping:
        kept = journal_file(configuration, blueprint)
        if kept is not None:
            stopping.callback(kept.close)
        sockets = listen(
            configuration["host"], _port(configuration), configuration.scheme, is_guarded=is_guarded
        )
        app = app_of(stage, configuration, _each(recording, kept))
        server = ServerThread(app, closing=stage.closing.set, tls=tls, sockets=sockets)
        stopping.callback(server.stop)
        yield Beside(server.url, stage, recording)


def _port(configuration: Configuration) -> int:
    """Return the port: a free one, unless somebody has asked for another."""
    given: int = configuration["port"] if ("port",) in configuration.given else 0
    return given


def _each(recording: Recording, kept: JournalFile | None) -> OnCall:
    """Return what hears of each call."""
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
