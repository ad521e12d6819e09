"""Schemathesis, with every check and every phase it has, finds nothing between an API's effective document and the server.

What it sent is then looked up in the journal: a run that never got beyond the refusals, or never reached one of the
routes, would find nothing either.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mockserver.configuration import settings_of
from mockserver.engine.contract import Api, Each, Operation
from mockserver.engine.deviations import PROFILES
from mockserver.engine.exchange import Exchange
from mockserver.engine.parsing import parse_json
from mockserver.engine.routing import Found, Router
from mockserver.engine.values import walk
from mockserver.loading import bundled_names, load_bundled, read_yaml
from tests.conversations import configured
from tests.serving import Running, running

SPECS = Path(__file__).parent.parent / "specs"
SCHEMATHESIS = Path(sys.executable).parent / "schemathesis"
SEED, EXAMPLES = os.environ.get("CONTRACT_SEED", "1"), os.environ.get("CONTRACT_EXAMPLES", "100")
PHASES = ["Examples", "Coverage", "Fuzzing", "Stateful"]
WITHIN = 600  # seconds, on a machine that does much else
WARNINGS = ["missing_auth", "missing_test_data", "validation_mismatch", "low_valid_rate"]
"""What Schemathesis only warns of, and what would mean that it had tested little: failures here."""


def credential(name: str) -> str:
    """Return the header that holds a key, as the API's spec has it."""
    pattern = re.search(r"pattern: '(ApiKey)", (SPECS / f"{name}.yaml").read_text(encoding="utf-8"))
    return f"Authorization: {pattern[1] if pattern else 'Bearer'} test"


def run_schemathesis(server: Running, name: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    listed = ", ".join(f'"{each}"' for each in WARNINGS)
    config = f"[warnings]\ndisplay = [{listed}]\nfail-on = [{listed}]\n"
    (folder / "schemathesis.toml").write_text(config, encoding="utf-8")
    return subprocess.run(
        [
            SCHEMATHESIS, "run", f"{server.url}/__admin/apis/{name}/openapi.yaml", "--url", server.url,
            "--header", credential(name), "--checks", "all", "--phases", ",".join(PHASES).lower(),
            "--mode", "all", "--continue-on-failure", "--max-examples", EXAMPLES, "--seed", SEED,
            "--generation-database", "none", "--no-color",
        ],
        check=False, capture_output=True, encoding="utf-8", timeout=WITHIN, cwd=folder,
        env={**os.environ, "NO_PROXY": "127.0.0.1", "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", bundled_names())
def test_nothing_is_found(name: str, profile: str, tmp_path: Path) -> None:
    (api,) = apis = load_bundled([name], profile)
    with running(settings_of(configured({"keys": {name: "test"}}), apis), apis=apis) as server:
        done = run_schemathesis(server, name, tmp_path)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
        journal = server.stage.world.journal
        assert not journal.dropped
        exchanges = list(journal.newest_first())
    assert_all_phases_ran(done.stdout, len(api.routes))
    for operation in api.operations:
        assert_exercised(operation, [each for each in exchanges if each.operation == operation.id])
    assert routes_admitted(api, exchanges) == {(each.method, each.path) for each in api.routes}


def assert_all_phases_ran(told: str, routes: int) -> None:
    """Every phase passed something, and all but that of examples every operation: not all of them have examples."""
    passed = {
        phase: int(count)
        for phase, count in re.findall(
            r"(\w+) \(in [0-9.]+s\)\n\n(?:.*:.*\n|\n)*? +\S+ ([0-9]+) passed", told
        )
    }
    for phase in PHASES if routes > 1 and "Scenarios" in told else PHASES[:3]:
        assert passed.get(phase, 0) >= (routes if phase in {"Coverage", "Fuzzing"} else 1), (phase, told)


def assert_exercised(operation: Operation, exchanges: list[Exchange]) -> None:
    """Calls of the operation were admitted, and refused for each of the reasons that it has without being asked for."""
    seen = {(each.outcome, each.reason) for each in exchanges if each.request.method == operation.method}
    assert ("admitted", None) in seen
    assert ("refused", "unauthenticated") in seen
    assert any(each.reason == "wrong-method" for each in exchanges)
    if operation.shape.body is not None:
        assert {("refused", "invalid"), ("refused", "malformed")} <= seen
        assert sum(each.outcome == "admitted" for each in exchanges) >= int(EXAMPLES) / 4
    if operation.each is not None and "validation" in operation.each.checks:
        assert {bool(each.findings) for each in with_items(operation.each, exchanges)} == {True, False}


def with_items(each: Each, exchanges: list[Exchange]) -> Iterator[Exchange]:
    """Yield the bulk calls that were admitted with items to judge."""
    for exchange in exchanges:
        if (
            exchange.outcome == "admitted"
            and exchange.request.body
            and walk(parse_json(exchange.request.body), each.at)
        ):
            yield exchange


def routes_admitted(api: Api, exchanges: list[Exchange]) -> set[tuple[str, str]]:
    """Return the routes on which calls were admitted, aliases by themselves."""
    router = Router([api])
    found = [
        router.route(each.request.method, each.request.path)
        for each in exchanges
        if each.outcome == "admitted"
    ]
    return {(each.route.method, each.route.path) for each in found if isinstance(each, Found)}


def test_a_broken_answer_is_found(tmp_path: Path) -> None:
    """The check can fail: with a success that its schema does not describe, schemathesis complains."""
    document = read_yaml(SPECS / "alloy.yaml")
    success = document["paths"]["/run/event"]["post"]["responses"]["200"]["content"]["application/json"]
    success["examples"]["Result"]["value"] = {"message": 5}
    from mockserver.engine.compiler import compile_api

    apis = [compile_api("alloy", document)]
    with running(settings_of(configured({"keys": {"alloy": "test"}}), apis), apis=apis) as server:
        done = run_schemathesis(server, "alloy", tmp_path)
    assert done.returncode == 1
    assert "Response violates schema" in done.stdout
