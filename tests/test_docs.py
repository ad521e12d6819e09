"""What is documented is what is there: words, options, routes, reasons, SDKs; and README's examples run."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from mockserver import cli
from mockserver.cli import main
from mockserver.client import Answer, ApiView, Call, Catalogue, Clock, Limits, MockServer, Rule
from mockserver.configuration import settings_of
from mockserver.control import PREFIX
from mockserver.control.exporting import FORMATS
from mockserver.control.plane import ROUTES
from mockserver.engine.exchange import Reason
from mockserver.engine.expressions import FUNCTIONS, NOTED, VALUES
from mockserver.engine.mappings import OWN
from mockserver.engine.matchers import OPERATIONS
from mockserver.engine.matchers import OPTIONS as MATCHER_OPTIONS
from mockserver.engine.patterns import MEMBERS
from mockserver.engine.preferences import QUERY_KEYS
from mockserver.engine.rules import FAULTS
from mockserver.engine.scripts import RESPONSE
from mockserver.loading import bundled_names, folder, load_bundled, load_config, read_yaml, table
from mockserver.options import TESTS_VARIABLE, configure
from mockserver.pytest_plugin import OPTIONS
from mockserver.reports.lines import text_line
from mockserver.reports.retry_rules import RULES
from mockserver.wrapper.environment import variables_of
from mockserver.wrapper.run import BROKEN, UNSAFE
from tests.conversations import EXPECT_KEYS, SEND_KEYS, SETTING_KEYS, STEP_KEYS
from tests.serving import running, serving

TOP = Path(__file__).parent.parent
README = (TOP / "README.md").read_text(encoding="utf-8")
SPECS = (TOP / "specs" / "README.md").read_text(encoding="utf-8")
FIXTURES = (TOP / "fixtures" / "README.md").read_text(encoding="utf-8")
VOCABULARY = read_yaml(TOP / "mockserver" / "x-mock.schema.yaml", "x-mock.schema.yaml")
CONFIGURATION = read_yaml(TOP / "mockserver" / "config.schema.yaml", "config.schema.yaml")


def words_of(text: str) -> set[str]:
    """Return every word that stands in code marks."""
    return {
        word for code in re.findall(r"`([^`\n]+)`", text) for word in re.findall(r"[A-Za-z$_][\w$.-]*", code)
    }


def members(schema: Any) -> Iterator[str]:
    """Yield the names of all properties that a schema declares, at any depth."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for value in schema.values():
            yield from members(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from members(value)


def test_every_word_of_the_extension_is_documented() -> None:
    assert set(members(VOCABULARY)) - words_of(SPECS) == set()


def test_every_word_of_the_extension_that_is_documented_exists() -> None:
    tables = re.findall(r"^\| (`[^|]+) \|", SPECS, re.MULTILINE)
    known = {*members(VOCABULARY), *(str(reason) for reason in Reason)}
    documented = {word for cell in tables if "$" not in cell for word in words_of(cell)}
    assert documented - known == set()


def test_every_expression_is_documented() -> None:
    documented = set(re.findall(r"\$mock\.([A-Za-z.]+)", SPECS))
    assert {*VALUES, *NOTED, *FUNCTIONS} - documented == set()
    assert documented - {*VALUES, *NOTED, *FUNCTIONS, "finding.wording"} == set()


def test_every_reason_is_documented_in_its_order() -> None:
    listed = re.findall(
        r"^\| `([a-z-]+)` \| (?!the name)",
        SPECS.partition("### Answers")[2].partition("An answer,")[0],
        re.MULTILINE,
    )
    assert listed == [str(reason) for reason in Reason]


def test_every_word_of_the_fixtures_is_documented() -> None:
    assert {*EXPECT_KEYS, *SEND_KEYS, *SETTING_KEYS, *STEP_KEYS} - words_of(FIXTURES) == set()


_ROW = r"^\| (?:`(--[a-z-]+)`)? ?\| (?:`([a-z-]+)`)? ?\| ([^|]*?) ?\|"
ROWS = {
    name.removeprefix("--") or key: (key, default)
    for name, key, default in re.findall(_ROW, README, re.MULTILINE)
}
"""The rows of README's table of options: name to key and default."""


def test_every_option_is_documented_once_with_its_key_and_default() -> None:
    options = {option.name: option for option in table().options}
    assert set(ROWS) == {*options, "config", "show-config"}
    for name, option in options.items():
        key, default = ROWS[name]
        assert key == option.key
        if isinstance(option.default, str | int) and not isinstance(option.default, bool):
            assert f"`{option.default}`" in default, name


def test_the_table_of_options_is_what_the_command_takes() -> None:
    command = main.commands["serve"]
    taken = {
        max(option.opts, key=len).removeprefix("--")
        for option in command.params
        if isinstance(option, click.Option) and not option.hidden
    }
    in_file_only = {option.name for option in table().options if option.is_in_file_only}
    assert taken | in_file_only == set(ROWS)


def commands() -> Iterator[tuple[str, click.Command]]:
    yield "", main
    yield from main.commands.items()


def test_every_command_is_documented_once() -> None:
    rows = re.findall(r"^\| `mockserver ([a-z]+)[^`]*` \|", README, re.MULTILINE)
    assert sorted(rows) == sorted(main.commands)


@pytest.mark.parametrize(
    ("name", "command"), [pytest.param(name, each, id=name) for name, each in commands()]
)
def test_every_command_and_option_has_a_help_text(name: str, command: click.Command) -> None:
    assert command.help
    for option in command.params:
        if isinstance(option, click.Option) and not option.hidden and option.name != "help":
            assert option.help, f"{name} {option.opts}"


def test_every_option_of_the_other_commands_is_documented() -> None:
    for name, command in main.commands.items():
        row = next(line for line in README.splitlines() if line.startswith(f"| `mockserver {name}"))
        options = {
            opt
            for each in command.params
            if isinstance(each, click.Option)
            for opt in each.opts
            if not each.hidden
        }
        if name == "run":  # has a table of its own
            shared = {f"--{option.name}" for option in table().options}
            shared |= {f"--no-{option.name}" for option in table().options if option.kind == "flag"}
            section = README.partition("## Contract testing in CI")[2].partition("\n## ")[0]
            rows = re.findall(r"^\| `(--[a-z-]+)", section, re.MULTILINE)
            assert sorted(options - shared - {"--config"}) == sorted(rows)
        elif name != "serve":
            assert options - {"--help", "-h"} <= words_with_dashes(row), name


def words_with_dashes(text: str) -> set[str]:
    return set(re.findall(r"`(--[a-z-]+)`", text))


def test_every_exit_code_is_documented_once() -> None:
    section = README.partition("## Commands")[2].partition("| exit code |")[2].partition("\n\n")[0]
    documented = [int(code) for code in re.findall(r"^\| ([0-9]+) \|", section, re.MULTILINE)]
    in_code = re.findall(r"^ *([0-9]+) +\S", cli.__doc__ or "", re.MULTILINE)
    assert (
        documented
        == [int(code) for code in in_code]
        == [0, cli.DIFFERENT, cli.UNUSABLE, BROKEN, UNSAFE, cli.INTERRUPTED]
    )


def test_the_environment_is_documented_by_its_rule() -> None:
    for option in table().options:
        assert option.variable == "MOCKSERVER_" + option.name.upper().replace("-", "_")
    named = set(re.findall(r"MOCKSERVER_[A-Z_]+", README))
    of_plugin = {variable for _, variable, _, _ in OPTIONS}
    assert named <= {
        *(option.variable for option in table().options),
        "MOCKSERVER_CONFIG",
        TESTS_VARIABLE,
        *of_plugin,
        *variables_of("", "", load_bundled(), "token"),
    }


def test_the_options_of_the_plugin_are_documented() -> None:
    section = README.partition("### The pytest plugin")[2].partition("\n### ")[0]
    rows = re.findall(r"^\| `(--[a-z-]+)` \| `([a-z_]+)` \| `([A-Z_]+)` \|", section, re.MULTILINE)
    assert rows == [
        (f"--mockserver-{name}", f"mockserver_{name.replace('-', '_')}", variable)
        for name, variable, _, _ in OPTIONS
    ]


@pytest.mark.parametrize(
    "names",
    [
        pytest.param({*MEMBERS} - {"multipartPatterns", "customMatcher"}, id="patterns"),
        pytest.param(
            {*OPERATIONS, *(name for names in MATCHER_OPTIONS.values() for name in names)}, id="matchers"
        ),
        pytest.param(
            {name for name, offered in RESPONSE.items() if offered} - {"status", "body"}, id="responses"
        ),
        pytest.param({*FAULTS}, id="faults"),
        pytest.param(
            {*OWN, "scenarioName", "requiredScenarioState", "newScenarioState", "priority"}, id="rules"
        ),
        pytest.param({rule.__name__.replace("_", "-") for rule in RULES}, id="rules of the audit"),
        pytest.param({*FORMATS}, id="exports"),
    ],
)
def test_every_word_of_the_control_plane_is_documented(names: set[str]) -> None:
    assert names - words_of(README) == set()


def test_every_name_of_the_handle_is_documented() -> None:
    section = README.partition("### The handle")[2].partition("\n### ")[0]
    public = {
        name
        for kind in (MockServer, ApiView, Call, Answer, Clock, Limits, Catalogue, Rule)
        for name in dir(kind)
        if not name.startswith("_") and name != "connect"
    }
    assert public - words_of(section) - set(re.findall(r"[a-z_]+", section)) == set()


def test_every_control_route_is_documented() -> None:
    table = README.partition("## Seeing and steering it")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`[A-Z]+ /__admin[^|]*) \|", table, re.MULTILINE)
    rows = {route for cell in cells for route in re.findall("`([^`]+)`", cell)}
    assert rows == {f"{method} {PREFIX}{path}" for method, path, _ in ROUTES}


def test_every_route_of_every_api_is_documented() -> None:
    documented = set(re.findall(r"`([^`\n]+)`", README))
    routes = {route.path for api in load_bundled() for route in api.routes}
    assert routes - documented == set()


def test_every_sdk_is_documented_as_its_spec_has_it() -> None:
    for name in bundled_names():
        for sdk in read_yaml(folder("specs") / f"{name}.yaml", name)["x-mock"]["sdk"]:
            row = f"{sdk['registry']} `{sdk['package']}` | `{sdk['code'].replace('{url}', 'http://127.0.0.1:4747')}`"
            assert row in README


def test_query_keys_and_configuration_are_documented() -> None:
    documented = words_of(README)
    assert {"__code", "__example", "__wait"} <= documented & set(QUERY_KEYS)
    section = README.partition("### `mockserver.yaml`")[2].partition("\n## ")[0]
    for name in members(CONFIGURATION["properties"]["catalogue"]):
        assert re.search(rf"\b{name}\b", section), name


def test_the_configuration_of_the_readme_can_be_used(tmp_path: Path) -> None:
    section = README.partition("### `mockserver.yaml`")[2]
    example = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)[0]
    path = tmp_path / "mockserver.yaml"
    path.write_text(example, encoding="utf-8")
    settings = settings_of(configure(table(), load_config(path)), load_bundled())
    assert settings.policies["novu"].is_strict
    ((command, output),) = [each for each in examples(README) if "show-config" in each[0]]
    assert_printed(command, output, run(command, tmp_path))


def examples(text: str) -> list[tuple[str, str]]:
    """Return the commands of the console blocks of a text with what they print."""
    found = []
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        for command, output in re.findall(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
            found.append((command.replace("\\\n", " "), output))
    return found


def run(command: str, folder: Path, url: str = "") -> str:
    """Run a command as a shell would, and return all that it prints."""
    words = shlex.split(command.replace("http://127.0.0.1:4747", url))
    set_here = dict(word.split("=", 1) for word in words if re.fullmatch("MOCKSERVER_[A-Z_]+=.*", word))
    words = words[len(set_here) :]
    program = [sys.executable, "-m", "mockserver"] if words[0] == "mockserver" else ["curl"]
    assert words[0] in {"mockserver", "curl"}
    done = subprocess.run(
        [*program, *words[1:]], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", timeout=30, cwd=folder,
        env={**os.environ, "PYTHONPATH": str(TOP), "PYTHONIOENCODING": "utf-8", **set_here},
    )  # fmt: skip
    return done.stdout


def assert_printed(command: str, expected: str, got: str) -> None:
    pattern = ".*".join(re.escape(part.strip("\n")) for part in expected.split("…"))
    assert re.search(pattern, got.replace("\r\n", "\n"), re.DOTALL | re.IGNORECASE), f"{command}\n{got}"


def test_the_examples_of_the_readme_run(tmp_path: Path) -> None:
    calls = [each for each in examples(README) if each[0].startswith("curl")]
    assert len(calls) >= 4
    printed = re.findall(r"^   #[0-9].*$", README, re.MULTILINE)
    with running() as server:
        for command, output in calls:
            assert_printed(command, output, run(command, tmp_path, server.url))
        exchanges = list(server.stage.world.journal.newest_first())[::-1]
        assert [text_line(each, lambda text, _: text) for each in exchanges[: len(printed)]] == printed


def test_the_examples_of_samples_run(tmp_path: Path) -> None:
    shown = [each for each in examples(README) if " samples " in each[0]]
    assert len(shown) == 2
    for command, output in shown:
        assert_printed(command, output, run(command, tmp_path))


def test_the_tutorial_of_a_fifth_api_can_be_followed(tmp_path: Path) -> None:
    """What a reader does in specs/README.md: write the file, check it, serve it, call it, change it while it is served."""
    tutorial = SPECS.partition("## A fifth API")[2].partition("\n## ")[0]
    whole, added = re.findall(r"```yaml\n(.*?)```", tutorial, re.DOTALL)
    assert len(whole.splitlines()) == 15
    path = tmp_path / "parcel.yaml"
    steps = iter(examples(tutorial))

    def follow(count: int, url: str = "") -> None:
        for command, output in [next(steps) for _ in range(count)]:
            assert_printed(command, output, run(command, tmp_path, url))

    path.write_text(whole, encoding="utf-8")
    follow(1)
    (serve,) = re.findall(r"^mockserver (serve .*)$", tutorial, re.MULTILINE)
    with serving(*serve.split()[1:], cwd=tmp_path) as (process, ready):
        url = ready.removeprefix("mockserver ready on ")
        follow(2, url)
        path.write_text(whole + added, encoding="utf-8")
        assert process.stderr is not None
        assert process.stderr.readline() == "mockserver: parcel.yaml: read again\n"
        follow(2, url)
        path.write_text((whole + added).replace("dedup:", "dedupe:"), encoding="utf-8")
        assert "did you mean" in process.stderr.readline().lower()
        follow(1)
    assert next(steps, None) is None


@pytest.mark.parametrize("path", ["README.md", "specs/README.md", "fixtures/README.md", "CHANGELOG.md"])
def test_links_lead_somewhere(path: str) -> None:
    file = TOP / path
    for target in re.findall(r"\]\(([^)#]+)\)", file.read_text(encoding="utf-8")):
        assert target.startswith("http") or (file.parent / target).exists(), target


def test_make_targets_are_described() -> None:
    makefile = (TOP / "Makefile").read_text(encoding="utf-8")
    phony = set(re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split())
    described = set(re.findall(r"^([a-z-]+):.*##", makefile, re.MULTILINE))
    assert phony == described
