"""The command line: what is typed, what is printed, and how each command ends.

0    as asked
1    ``drift`` has found a difference
2    options, files, specs or ports that cannot be used; each is told in a sentence
3    ``run``: the contract was broken
4    ``run``: that cannot be said
130  ``serve`` was ended by Ctrl-C (SIGTERM ends it with 0)

``run`` ends with the exit code of its command, unless that is 0.
"""

import json
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from mockserver import __version__, loading
from mockserver.command_options import CONFIG, all_options, api_names, looking, planned, with_options
from mockserver.editing import SCHEMAS, editor_schema
from mockserver.engine.exchange import JSON
from mockserver.engine.faults import SpecError
from mockserver.plan import shown_configuration

INTERRUPTED: Final = 130
"""The exit code after Ctrl-C: 128 and the number of SIGINT, as shells have it."""
DIFFERENT: Final = 1
"""The exit code where a vendor's document differs."""
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


_FAIL_ON: Final = (
    "What fails the run: invalid, unmatched, unauthenticated, deviation, key-reused, retry, unpublished, unused-rule, "
    "or none.  [default: invalid,unmatched, and unauthenticated with keys or secrets]"
)


@main.command(name="serve", short_help="Serve the APIs until Ctrl-C.")
@all_options()
@CONFIG
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
    plan = planned(given, config)
    if show_config:
        configuration = plan.configuration()
        launch.prepared(plan, configuration)
        click.echo("\n".join(shown_configuration(plan, configuration)))
        return
    sys.exit(launch.serve(plan))


@main.command(
    name="run",
    short_help="Run a command beside a server, and judge what it sent.",
    context_settings={"allow_interspersed_args": False},
)
@all_options("log", "watch", port="a free one")
@CONFIG
@click.option("--fail-on", multiple=True, metavar="KIND[,KIND]", help=_FAIL_ON)
@click.option("--strict", is_flag=True, help="Fail also where a call leans on a deviation.")
@click.option(
    "--expect-calls",
    multiple=True,
    metavar="[API=][>=]N[,…]",
    help="Fail unless so many calls were made, to an API or to all of them.",
)
@click.option(
    "--ignore",
    multiple=True,
    metavar="PATTERN",
    help="Do not judge calls that match this request pattern, as JSON; repeatable.",
)
@click.option(
    "--report",
    multiple=True,
    metavar="KIND=FILE[,…]",
    help="Write a report: junit, har, jsonl, markdown; or github.",
)
@click.option("--timeout", metavar="DURATION", help="End the command when it takes longer, as in 10m.")
@click.option("--override-env", is_flag=True, help="Set the variables of SDKs also where they have a value.")
@click.option("--keep-secrets", is_flag=True, help="Leave credentials in the reports.")
@click.argument("command", nargs=-1, required=True, metavar="-- COMMAND...")
def run_command(config: Path | None, command: tuple[str, ...], **given: Any) -> None:
    """Run a command beside a server on a free port, and judge what it sent.

    The command finds the server by MOCKSERVER_URL, MOCKSERVER_<API>_URL, and the variables that SDKs read. The exit
    code is the command's; where that is 0, it is 3 if the contract was broken, and 4 if that cannot be said.
    """
    from mockserver.wrapper.run import run  # noqa: PLC0415 - as above
    from mockserver.wrapper.wanted import Wanted  # noqa: PLC0415 - as above

    wanted = Wanted(
        command=command,
        fail_on=given.pop("fail_on"),
        is_strict=given.pop("strict"),
        expect_calls=given.pop("expect_calls"),
        ignore=given.pop("ignore"),
        report=given.pop("report"),
        timeout=given.pop("timeout"),
        overrides_env=given.pop("override_env"),
        keeps_secrets=given.pop("keep_secrets"),
    )
    sys.exit(run(planned(given, config), wanted))


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
@click.argument("names", nargs=-1, metavar="[API]...", shell_complete=api_names)
@looking
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def apis_command(names: tuple[str, ...], config: Path | None, as_json: bool, **given: JSON) -> None:
    """Show what is served: routes, how each SDK is pointed here, what is emulated, and what is not.

    Configuration and environment count as they do for serve.
    """
    from mockserver.overview import api_overview, base_url, overview_text  # noqa: PLC0415

    plan = planned(given, config)
    configuration = plan.configuration()
    blueprint = plan.blueprint(configuration, names)
    url = base_url(configuration["host"], configuration["port"], configuration.scheme)
    found = [api_overview(api, blueprint.policies[api.name].limits, url) for api in blueprint.apis]
    click.echo(json.dumps({"apis": found}, indent=2) if as_json else "\n\n".join(map(overview_text, found)))


@main.command(name="spec", short_help="Print the OpenAPI document of an API as it is served.")
@click.argument("name", metavar="API", shell_complete=api_names)
@looking
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of YAML.")
def spec_command(name: str, config: Path | None, as_json: bool, **given: JSON) -> None:
    """Print the OpenAPI document of an API as it is served: what a contract test is held against.

    Deviations are applied, every status that can be answered is documented, refusals stand in the schema, and
    examples are rendered. Configuration and environment count as they do for serve.
    """
    from mockserver.engine.effective import effective_document  # noqa: PLC0415
    from mockserver.yamltext import write_yaml  # noqa: PLC0415

    plan = planned(given, config)
    blueprint = plan.blueprint(plan.configuration(), [name])
    document = effective_document(blueprint.apis[0], blueprint)
    click.echo(json.dumps(document, indent=2) if as_json else write_yaml(document), nl=as_json)


@main.command(name="drift", short_help="Compare a vendor's newer document with a spec.")
@click.argument("name", metavar="API", shell_complete=api_names)
@click.argument("document", metavar="FILE|URL")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "junit", "github", "sarif"]),
    default="text",
    help="How the differences are written.  [default: text]",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write them to this file, and print them as text.",
)
@click.option(
    "--fail-on",
    type=click.Choice(["any", "breaking"]),
    default="any",
    help="Which differences make the exit code 1.  [default: any]",
)
@with_options("specs")
def drift_command(
    name: str,
    document: str,
    form: str,
    output: Path | None,
    fail_on: str,
    config: Path | None,
    **given: JSON,
) -> None:
    """Compare the published contract of a spec with a newer document of the vendor.

    The document is OpenAPI 3, in YAML or JSON, or a page that holds it in a block of code. Compared are the
    operations that the spec has. The exit code is 1 where something differs, and 2 where that could not be found out.
    """
    from mockserver.drift.survey import drift_of  # noqa: PLC0415
    from mockserver.reports.drift_checks import FORMS  # noqa: PLC0415

    drift = drift_of(name, planned(given, config).configuration()["specs"], document)
    started = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    failing = [each for each in drift.differences if each.is_breaking or fail_on == "any"]
    report = FORMS[form](drift, failing.__contains__, started)
    if output is not None:
        _write(output, report)
        report = FORMS["text"](drift, failing.__contains__, started)
    click.echo(report, nl=False)
    sys.exit(DIFFERENT if failing else 0)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Unusable(f"{path}: cannot be written: {error.strerror or error}") from None


@main.command(name="samples", short_help="Print requests to test a client's encoder with.")
@click.argument("name", metavar="API", shell_complete=api_names)
@click.option(
    "--invalid", is_flag=True, help="Requests that are refused, each with one rule broken and what is wrong."
)
@click.option(
    "--operation", metavar="ID", help="Of this operation only.  [default: each that takes a body, in turn]"
)
@click.option("--count", type=click.IntRange(min=1), default=10, show_default=True, help="How many.")
@click.option("--seed", type=int, help="Print the same again.  [default: random, and told on standard error]")
@looking
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
    plan = planned(given, config)
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
