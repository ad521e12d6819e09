"""Schemathesis, with every check it has, finds nothing between an API's effective document and the server."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mockserver.configuration import settings_of
from mockserver.engine.deviations import PROFILES
from mockserver.loading import bundled_names, load_bundled, read_yaml
from tests.conversations import configured
from tests.serving import running

SPECS = Path(__file__).parent.parent / "specs"
SCHEMATHESIS = Path(sys.executable).parent / "schemathesis"


def credential(name: str) -> str:
    """Return the header that holds a key, as the API's spec has it."""
    pattern = re.search(r"pattern: '(ApiKey)", (SPECS / f"{name}.yaml").read_text(encoding="utf-8"))
    return f"Authorization: {pattern[1] if pattern else 'Bearer'} test"


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", bundled_names())
def test_nothing_is_found(name: str, profile: str, tmp_path: Path) -> None:
    apis = load_bundled([name], profile)
    with running(settings_of(configured({"keys": {name: "test"}}), apis), apis=apis) as server:
        done = subprocess.run(
            [
                SCHEMATHESIS, "run", f"{server.url}/__admin/apis/{name}/openapi.yaml", "--url", server.url,
                "--header", credential(name), "--checks", "all", "--continue-on-failure", "--max-examples", "50",
                "--seed", "1", "--generation-database", "none", "--no-color",
            ],
            check=False, capture_output=True, encoding="utf-8", timeout=240, cwd=tmp_path,
            env={**os.environ, "NO_PROXY": "127.0.0.1"},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-4000:]
        assert int(re.findall(r"([0-9]+) generated", done.stdout)[0]) > 50
        assert not server.stage.world.journal.dropped
        assert {each.reason for each in server.stage.world.journal.newest_first()} >= {
            "invalid",
            "unauthenticated",
        }


def test_a_broken_answer_is_found(tmp_path: Path) -> None:
    """The check can fail: with a success that its schema does not describe, schemathesis complains."""
    document = read_yaml(SPECS / "alloy.yaml")
    success = document["paths"]["/run/event"]["post"]["responses"]["200"]["content"]["application/json"]
    success["examples"]["Result"]["value"] = {"message": 5}
    from mockserver.engine.compiler import compile_api

    with running(apis=[compile_api("alloy", document)]) as server:
        done = subprocess.run(
            [
                SCHEMATHESIS, "run", f"{server.url}/__admin/apis/alloy/openapi.json", "--url", server.url, "--header",
                credential("alloy"), "--checks", "response_schema_conformance", "--max-examples", "10", "--seed", "1",
                "--generation-database", "none", "--no-color",
            ],
            check=False, capture_output=True, encoding="utf-8", timeout=120, cwd=tmp_path,
        )  # fmt: skip
    assert done.returncode == 1
    assert "Response violates schema" in done.stdout
