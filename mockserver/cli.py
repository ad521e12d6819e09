"""The command line."""

import os
import random
import socket
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from mockserver import __version__, loading
from mockserver.configuration import settings_of
from mockserver.engine.contract import Api
from mockserver.engine.exchange import Exchange
from mockserver.engine.faults import SpecError
from mockserver.engine.world import Blueprint, Clock, World
from mockserver.reports import JournalFile, secret_names
from mockserver.server.app import OnCall, Stage
from mockserver.server.assembly import build_app
from mockserver.server.console import Console
from mockserver.server.control import PREFIX
from mockserver.server.guard import is_here
from mockserver.server.running import DEFAULT_HOST, DEFAULT_PORT, LOOPBACK, bind, has_ipv6, serve, url_of

UNUSABLE = 2
"""The exit code for options, files or ports that cannot be used."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mockserver")
def main() -> None:
    """Stand in for notification trigger APIs on one local port."""


@main.command(name="serve")
@click.option("--host", default=DEFAULT_HOST, show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    default=DEFAULT_PORT,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="The port; 0 picks a free one.",
)
@click.option("--api", "apis", multiple=True, metavar="NAME[,NAME]", help="Serve only these APIs.")
@click.option(
    "--profile",
    type=click.Choice(["observed", "published"]),
    default="observed",
    show_default=True,
    help="Serve what the services are observed to do, or their published contracts to the letter.",
)
@click.option(
    "--on-invalid",
    type=click.Choice(["refuse", "report"]),
    default="refuse",
    show_default=True,
    help="Refuse an invalid request, or admit it and report what is wrong.",
)
@click.option("--key", "keys", multiple=True, metavar="API=KEY", help="Accept only this key on an API.")
@click.option(
    "--limit",
    "limits",
    multiple=True,
    metavar="API=N/WINDOW",
    help="Limit the rate of an API: 5/1s is five calls a second.",
)
@click.option(
    "--enforce-limits", is_flag=True, help="Turn on the rate limits that the APIs are known to have."
)
@click.option(
    "--keep",
    default="100000,128MiB",
    show_default=True,
    metavar="N,SIZE",
    help="How many calls, and bytes of them, the journal keeps.",
)
@click.option(
    "--cors",
    type=click.Choice(["on", "off"]),
    default="on",
    show_default=True,
    help="Let pages of other origins call the APIs.",
)
@click.option(
    "--allow-host",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    help="Another name under which the control plane may be reached.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="The configuration file; mockserver.yaml here, if there is one.",
)
@click.option(
    "--log",
    "form",
    type=click.Choice(["text", "json", "off"]),
    default="text",
    show_default=True,
    help="What is printed for each call.",
)
@click.option("--seed", type=int, help="Make fresh ids reproducible.")
@click.option(
    "--journal",
    "journal_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Append every call to this file, one JSON object per line, without secrets.",
)
@click.option("--workers", type=int, default=1, hidden=True)
def serve_command(  # noqa: PLR0913, PLR0917 - click passes each option by name
    host: str,
    port: int,
    apis: tuple[str, ...],
    profile: str,
    on_invalid: str,
    keys: tuple[str, ...],
    limits: tuple[str, ...],
    enforce_limits: bool,
    keep: str,
    cors: str,
    allowed_hosts: tuple[str, ...],
    config: Path | None,
    form: str,
    seed: int | None,
    journal_file: Path | None,
    workers: int,
) -> None:
    """Serve the APIs until Ctrl-C."""
    if workers != 1:
        raise Unusable(
            "--workers: there is one process only, since several would each have keys and a journal of their own"
        )
    try:
        served = loading.load_bundled([name for each in apis for name in each.split(",") if name], profile)
        settings = settings_of(
            loading.load_config(config),
            served,
            file=str(config or loading.CONFIG_FILE),
            known=loading.bundled_names(),
            keys=keys,
            limits=limits,
            enforce_limits=enforce_limits,
            admit_invalid=on_invalid == "report",
            keep=keep,
        )
        blueprint = Blueprint(served, settings)
    except (SpecError, ValueError) as error:
        raise Unusable(str(error)) from None
    kept = None if journal_file is None else _journal_file(journal_file, served)
    sockets = _bind(host, port)
    stage = Stage(World(blueprint, Clock(time.time), random.Random(seed).getrandbits))
    console = Console(sys.stdout, form, colours=_is_coloured())
    listeners = [*([console.call] if form != "off" else []), *([kept.append] if kept is not None else [])]
    app = build_app(
        stage, cors=cors == "on", allowed_hosts=[_bracketed(host), *allowed_hosts], on_call=_each(listeners)
    )
    code = serve(app, sockets, ready=lambda: console.ready(url_of(sockets)))
    console.close()
    _give_up_stdout()
    sys.exit(code)


def _bind(host: str, port: int) -> list[socket.socket]:
    try:
        sockets = bind(host, port)
        _warn_of(host, sockets)
        return sockets
    except (OSError, UnicodeError, TypeError) as error:
        why = getattr(error, "strerror", None) or error
        text = f"cannot listen on {host} port {port}: {why}; choose another with --port, 0 for any"
        raise Unusable(text) from None


def _warn_of(host: str, sockets: Sequence[socket.socket]) -> None:
    if host in LOOPBACK and len(sockets) == 1 and has_ipv6():
        told = "another program has this port on ::1, where clients of localhost may look first"
        click.echo(f"mockserver: warning: {told}; listening on {DEFAULT_HOST} only", err=True)
    if not is_here(_bracketed(host), ()):
        told = f"whoever reaches {url_of(sockets)} can read and clear what is recorded at {PREFIX}"
        click.echo(f"mockserver: warning: {told}, real credentials included", err=True)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _journal_file(path: Path, served: Iterable[Api]) -> JournalFile:
    try:
        return JournalFile(path.open("a", encoding="utf-8"), secret_names(served))
    except OSError as error:
        raise Unusable(f"--journal {path}: cannot be written: {error.strerror}") from None


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


class Unusable(click.ClickException):
    """Something the user gave cannot be used; the text says what, and what to do."""

    exit_code = UNUSABLE
