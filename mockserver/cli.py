"""The command line: what is typed, what is printed, and how each command ends.

0    as asked
2    options, files, specs or ports that cannot be used; each is told in a sentence
130  ``serve`` was ended by Ctrl-C (SIGTERM ends it with 0)
"""

import json
import os
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from mockserver import __version__, loading
from mockserver.editing import SCHEMAS, editor_schema
from mockserver.engine.exchange import JSON
from mockserver.engine.faults import SpecError
from mockserver.options import Option
from mockserver.plan import Plan, plan_of, shown_configuration

F = TypeVar("F", bound=Callable[..., Any])
INTERRUPTED: Final = 130
"""The exit code after Ctrl-C: 128 and the number of SIGINT, as shells have it."""
UNUSABLE: Final = 2
"""The exit code for options, files or ports that cannot be used."""
SHELLS: Final = ("bash", "zsh", "fish")


class Unusable(click.ClickException):
    """Something the user gave cannot be used; the text says what, and what to do."""

    exit_code = UNUSABLE

    def show(self, file: Any = None) -> None:
        """Print every problem, each in a line of its own."""
        click.echo("\n".join(f"Error: {line}" for line in self.message.splitlines()), err=True, file=file)


class _Command(click.Command):
    """A command whose problems with what the user gave are told in a sentence each."""

    def invoke(self, context: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(context)
        except SpecError as error:
            raise Unusable(str(error)) from None
        except KeyboardInterrupt:
            raise click.exceptions.Exit(INTERRUPTED) from None


class _Commands(click.Group):
    command_class = _Command

    def list_commands(self, _: click.Context) -> list[str]:
        """Return the commands in the order in which a newcomer needs them, which is that of this module."""
        return list(self.commands)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mockserver")
def main() -> None:
    """Stand in for notification trigger APIs on one local port."""


def _names(_: click.Context, __: click.Parameter, begun: str) -> list[str]:
    *before, last = begun.split(",")
    return [",".join([*before, name]) for name in loading.bundled_names() if name.startswith(last)]


def _pairs(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    return [f"{name}=" for name in _names(context, parameter, begun)] if "=" not in begun else []


def _click_option(option: Option) -> Callable[[F], F]:
    """Return what one entry of the table is on the command line."""
    told = option.schema["description"]
    if option.default not in (None, [], {}, False):
        told += f"  [default: {option.default}]"
    names = [f"--{option.name}", option.key.replace("-", "_")]
    if option.kind == "flag":
        return click.option(f"--{option.name}/--no-{option.name}", names[1], default=None, help=told)
    types: dict[str, Any] = {"number": int, "choice": click.Choice(option.schema.get("enum", []))}
    complete = _names if option.key == "apis" else _pairs if option.kind == "map" else None
    return click.option(
        *names,
        type=types.get(option.kind),
        multiple=option.kind in {"list", "map"},
        metavar=option.metavar,
        shell_complete=complete,
        help=told,
    )


def _all_options(command: F) -> F:
    for option in reversed(loading.table().options):
        if not option.is_in_file_only:
            command = _click_option(option)(command)
    return command


_CONFIG: Final = click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The configuration file.  [default: mockserver.yaml, if there is one here]",
)


def _looking(command: F) -> F:
    """Add the options of commands that look at specs without serving them."""
    for key in ("specs", "profile"):
        option = next(each for each in loading.table().options if each.key == key)
        command = _click_option(option)(command)
    return _CONFIG(command)


@main.command(name="serve", short_help="Serve the APIs until Ctrl-C.")
@_all_options
@_CONFIG
@click.option(
    "--show-config", is_flag=True, help="Print what is in force and where each value comes from, and end."
)
@click.option("--workers", type=int, default=1, hidden=True)
def serve_command(config: Path | None, show_config: bool, workers: int, **given: JSON) -> None:
    """Serve the APIs until Ctrl-C.

    Every option but --config and --show-config may also stand in the configuration file, or in the environment:
    --on-invalid is MOCKSERVER_ON_INVALID. The command line wins over the environment, that over the file.
    """
    from mockserver import launch  # noqa: PLC0415 - the server is not needed for the other commands

    if workers != 1:
        told = "there is one process only, since several would each have keys and a journal of their own"
        raise Unusable(f"--workers: {told}")
    plan = _plan(given, config)
    if show_config:
        configuration = plan.configuration()
        plan.blueprint(configuration)
        click.echo("\n".join(shown_configuration(plan, configuration)))
        return
    sys.exit(launch.serve(plan))


def _plan(given: Mapping[str, JSON], config: Path | None) -> Plan:
    for sentence in loading.table().unknown_variables(os.environ):
        click.echo(f"mockserver: warning: {sentence}", err=True)
    return plan_of(_texts(given), os.environ, config)


def _texts(given: Mapping[str, JSON]) -> dict[str, Sequence[str]]:
    """Return the texts that were typed, by key; what was not typed is left out."""
    typed = {key.replace("_", "-"): value for key, value in given.items() if value not in (None, ())}
    return {key: value if isinstance(value, tuple) else (str(value),) for key, value in typed.items()}


@main.command(name="check", short_help="Look for everything that is wrong in specs.")
@click.argument("specs", nargs=-1, type=click.Path(path_type=Path), metavar="[SPEC]...")
def check_command(specs: tuple[Path, ...]) -> None:
    """Look for everything that is wrong in specs; without arguments in the bundled ones.

    Every problem is told at once, with file, line, JSON Pointer, what is wrong and what to do; the exit code is
    then 2.
    """
    from mockserver.checking import check_specs  # noqa: PLC0415

    for line in check_specs(specs):
        click.echo(line)


@main.command(name="guide", short_help="Print how a spec is written.")
def guide_command() -> None:
    """Print how a spec is written: from an API of fifteen lines to every word of x-mock."""
    click.echo(loading.read_text(loading.folder("specs") / "README.md"), nl=False)


@main.command(name="apis", short_help="Show routes, SDKs, what is emulated and what is not.")
@click.argument("names", nargs=-1, metavar="[API]...", shell_complete=_names)
@_looking
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def apis_command(names: tuple[str, ...], config: Path | None, as_json: bool, **given: JSON) -> None:
    """Show what is served: routes, how each SDK is pointed here, what is emulated, and what is not.

    Configuration and environment count as they do for serve.
    """
    from mockserver.overview import api_overview, base_url, overview_text  # noqa: PLC0415

    plan = _plan(given, config)
    configuration = plan.configuration()
    blueprint = plan.blueprint(configuration, names)
    url = base_url(configuration["host"], configuration["port"])
    found = [api_overview(api, blueprint.policies[api.name].limits, url) for api in blueprint.apis]
    click.echo(json.dumps({"apis": found}, indent=2) if as_json else "\n\n".join(map(overview_text, found)))


@main.command(name="spec", short_help="Print the OpenAPI document of an API as it is served.")
@click.argument("name", metavar="API", shell_complete=_names)
@_looking
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of YAML.")
def spec_command(name: str, config: Path | None, as_json: bool, **given: JSON) -> None:
    """Print the OpenAPI document of an API as it is served: what a contract test is held against.

    Deviations are applied, every status that can be answered is documented, refusals stand in the schema, and
    examples are rendered. Configuration and environment count as they do for serve.
    """
    from mockserver.engine.effective import effective_document  # noqa: PLC0415
    from mockserver.yamltext import write_yaml  # noqa: PLC0415

    plan = _plan(given, config)
    blueprint = plan.blueprint(plan.configuration(), [name])
    document = effective_document(blueprint.apis[0], blueprint)
    click.echo(json.dumps(document, indent=2) if as_json else write_yaml(document), nl=as_json)


@main.command(name="samples", short_help="Print requests to test a client's encoder with.")
@click.argument("name", metavar="API", shell_complete=_names)
@click.option(
    "--invalid", is_flag=True, help="Requests that are refused, each with one rule broken and what is wrong."
)
@click.option(
    "--operation", metavar="ID", help="Of this operation only.  [default: each that takes a body, in turn]"
)
@click.option("--count", type=click.IntRange(min=1), default=10, show_default=True, help="How many.")
@click.option("--seed", type=int, help="Print the same again.  [default: random, and told on standard error]")
@_looking
def samples_command(
    name: str,
    invalid: bool,
    operation: str | None,
    count: int,
    seed: int | None,
    config: Path | None,
    **given: JSON,
) -> None:
    """Print requests made from the schemas of an API, to test a client's own encoder with; one JSON object per line.

    Every part of the schemas is exercised in turn, or with --invalid every rule broken; what the server makes of each
    request has been tried. Needs Hypothesis: pip install "trigger-mockserver[samples]".
    """
    plan = _plan(given, config)
    api = plan.blueprint(plan.configuration(), [name]).apis[0]
    runs = _sampling()
    operations = runs.sampled_operations(api, operation)
    if seed is None:
        seed = secrets.randbelow(2**32)
        click.echo(f"mockserver: --seed {seed} prints the same again", err=True)
    for sample in runs.shown_samples(api, operations, invalid, count, seed):
        click.echo(json.dumps(sample))


def _sampling() -> Any:
    try:
        from mockserver.sampling import runs  # noqa: PLC0415 - Hypothesis is an extra
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "hypothesis":
            raise
        told = 'samples are made with Hypothesis, which is not installed: pip install "trigger-mockserver[samples]"'
        raise Unusable(told) from None
    return runs


@main.command(name="schema", short_help="Print a JSON Schema that editors can use.")
@click.argument("name", type=click.Choice(SCHEMAS), metavar="config|spec")
def schema_command(name: str) -> None:
    """Print a JSON Schema that editors can use: of mockserver.yaml, or of a spec."""
    click.echo(json.dumps(editor_schema(name), indent=2))


@main.command(name="completion", short_help="Print the script that completes commands in a shell.")
@click.argument("shell", type=click.Choice(SHELLS), metavar="bash|zsh|fish")
def completion_command(shell: str) -> None:
    """Print the script that completes commands and options in a shell, as in: eval "$(mockserver completion bash)"."""
    from click.shell_completion import get_completion_class  # noqa: PLC0415

    kind = get_completion_class(shell)
    if kind is not None:
        click.echo(kind(main, {}, "mockserver", "_MOCKSERVER_COMPLETE").source())
