"""What is documented is what is there: words, options, routes, reasons, SDKs; and README's examples run."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from mockserver.cli import main
from mockserver.configuration import settings_of
from mockserver.engine.exchange import Reason
from mockserver.engine.expressions import FUNCTIONS, NOTED, VALUES
from mockserver.engine.rules import QUERY_KEYS
from mockserver.loading import bundled_names, folder, load_bundled, load_config, read_yaml
from mockserver.server.console import text_line
from mockserver.server.control import PREFIX, ROUTES
from tests.conversations import EXPECT_KEYS, SEND_KEYS, SETTING_KEYS, STEP_KEYS
from tests.serving import running

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


def options() -> dict[str, Any]:
    command = main.commands["serve"]
    return {
        max(option.opts, key=len): option
        for option in command.params
        if isinstance(option, click.Option) and not option.hidden
    }


def test_every_option_is_documented_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(--[a-z-]+)` \| ([^|]*) \|", README, re.MULTILINE))
    assert set(rows) == set(options())
    for name, option in options().items():
        if (
            isinstance(option.default, str | int)
            and not isinstance(option.default, bool)
            and name != "--seed"
        ):
            assert str(option.default) in rows[name], name


def test_every_option_has_a_help_text() -> None:
    assert not [name for name, option in options().items() if not option.help]


def test_every_control_route_is_documented() -> None:
    rows = set(re.findall(r"^\| `([A-Z]+ /__admin[^`]*)` \|", README, re.MULTILINE))
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
    section = README.partition("## `mockserver.yaml`")[2].partition("\n## ")[0]
    for name in members(CONFIGURATION):
        assert re.search(rf"\b{name}\b", section), name


def test_the_configuration_of_the_readme_can_be_used(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    path = tmp_path / "mockserver.yaml"
    path.write_text(example, encoding="utf-8")
    settings = settings_of(load_config(path), load_bundled())
    assert settings.policies["novu"].is_strict


def examples() -> list[tuple[str, str]]:
    """Return the commands of README's console blocks with what they print."""
    found = []
    for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL):
        for command, output in re.findall(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
            found.append((command, output))
    return found


def test_the_examples_of_the_readme_run() -> None:
    assert len(examples()) >= 4
    printed = re.findall(r"^   #[0-9].*$", README, re.MULTILINE)
    with running() as server:
        for command, output in examples():
            words = shlex.split(command.replace("\\\n", " ").replace("http://127.0.0.1:4747", server.url))
            assert words[0] == "curl"
            got = subprocess.run(words, capture_output=True, encoding="utf-8", check=True, timeout=30).stdout
            pattern = ".*".join(re.escape(part.strip("\n")) for part in output.split("…"))
            assert re.search(pattern, got.replace("\r\n", "\n"), re.DOTALL | re.IGNORECASE), (
                f"{command}\n{got}"
            )
        exchanges = list(server.stage.world.journal.newest_first())[::-1]
        assert [text_line(each, lambda text, _: text) for each in exchanges[: len(printed)]] == printed


@pytest.mark.parametrize("path", ["README.md", "specs/README.md", "fixtures/README.md", "CHANGELOG.md"])
def test_links_lead_somewhere(path: str) -> None:
    file = TOP / path
    for target in re.findall(r"\]\(([^)#]+)\)", file.read_text(encoding="utf-8")):
        assert target.startswith("http") or (file.parent / target).exists(), target


def test_make_targets_are_described() -> None:
    makefile = (TOP / "Makefile").read_text(encoding="utf-8")
    phony = set(re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split())
    described = set(re.findall(r"^([a-z]+):.*##", makefile, re.MULTILINE))
    assert phony == described
