"""Options of commands: those that the table of options has, and what is typed of them."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from mockserver import loading
from mockserver.engine.exchange import JSON
from mockserver.options import Option
from mockserver.plan import Plan, plan_of

F = TypeVar("F", bound=Callable[..., Any])


def api_names(_: click.Context, __: click.Parameter, begun: str) -> list[str]:
    """Return what completes the name of an API, or of the last of several."""
    *before, last = begun.split(",")
    return [",".join([*before, name]) for name in loading.bundled_names() if name.startswith(last)]


def _pairs(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    return [f"{name}=" for name in api_names(context, parameter, begun)] if "=" not in begun else []


def _click_option(option: Option, default: str | None = None) -> Callable[[F], F]:
    """Return what one entry of the table is on the command line; ``default`` is told instead of the table's own."""
    told = option.schema["description"]
    if option.default not in (None, [], {}, False):
        told += f"  [default: {default or option.default}]"
    names = [f"--{option.name}", option.key.replace("-", "_")]
    if option.kind == "flag":
        return click.option(f"--{option.name}/--no-{option.name}", names[1], default=None, help=told)
    types: dict[str, Any] = {"number": int, "choice": click.Choice(option.schema.get("enum", []))}
    complete = api_names if option.key == "apis" else _pairs if option.kind == "map" else None
    return click.option(
        *names,
        type=types.get(option.kind),
        multiple=option.kind in {"list", "map"},
        metavar=option.metavar,
        shell_complete=complete,
        help=told,
    )


def all_options(*left_out: str, **defaults: str) -> Callable[[F], F]:
    """Return what adds the options of the table, but for some keys; ``defaults`` are told instead of the table's."""

    def add(command: F) -> F:
        for option in reversed(loading.table().options):
            if not option.is_in_file_only and option.key not in left_out:
                command = _click_option(option, defaults.get(option.key))(command)
        return command

    return add


CONFIG: Final = click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The configuration file.  [default: mockserver.yaml, if there is one here]",
)


def with_options(*keys: str) -> Callable[[F], F]:
    """Add some of the options of ``serve`` to a command that looks at specs without serving them."""

    def added(command: F) -> F:
        for key in keys:
            option = next(each for each in loading.table().options if each.key == key)
            command = _click_option(option)(command)
        return CONFIG(command)

    return added


looking: Final = with_options("specs", "profile")
"""Adds the options of a command that looks at what would be served."""


def planned(given: Mapping[str, JSON], config: Path | None) -> Plan:
    """Return the plan of what was typed. Raises `SpecError` with every problem of options and environment."""
    for sentence in loading.table().unknown_variables(os.environ):
        click.echo(f"mockserver: warning: {sentence}", err=True)
    return plan_of(_texts(given), os.environ, config)


def _texts(given: Mapping[str, JSON]) -> dict[str, Sequence[str]]:
    """Return the texts that were typed, by key; what was not typed is left out."""
    typed = {key.replace("_", "-"): value for key, value in given.items() if value not in (None, ())}
    return {key: value if isinstance(value, tuple) else (str(value),) for key, value in typed.items()}
