"""The container image, without a container engine: the Dockerfile's facts, and its steps replayed in a folder.

Each stage is built in the same folder, which stands for ``/``, so that scripts find what they found in the
stage they were copied from; ``python`` of the base image is the Python that runs the tests.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mockserver.loading import table
from tests.certificates import issued
from tests.packaging.building import (
    CALLS,
    STARTS_WITHIN,
    STOPS_WITHIN,
    TOP,
    clean_environment,
    post,
    run,
    serving,
)

DEFAULT_PORT = next(option.default for option in table().options if option.key == "port")

pytestmark = [
    pytest.mark.xdist_group("packaging"),
    pytest.mark.skipif(sys.platform == "win32", reason="the image is Linux's; its steps need a POSIX shell"),
]
BASE = "python:3.13-slim"
ON_ANOTHER_PORT = ["--port", "0"]


def steps() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile, each with what it says."""
    text = re.sub(r"^#.*\n", "", (TOP / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines if line)]


def context(folder: Path) -> None:
    """Copy what ``.dockerignore`` lets through: everything is left out but what ``!`` names."""
    first, *others = (TOP / ".dockerignore").read_text(encoding="utf-8").split()
    assert first == "*"
    inside = shutil.ignore_patterns(*(each.removeprefix("**/") for each in others if each.startswith("**/")))
    for name in (each.removeprefix("!") for each in others if each.startswith("!")):
        if (TOP / name).is_dir():
            shutil.copytree(TOP / name, folder / name, ignore=inside)
        else:
            shutil.copy(TOP / name, folder / name)


@dataclass
class Image:
    """A folder that stands for the root of an image, and what the instructions say of it."""

    home: Path
    env: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    facts: dict[str, str] = field(default_factory=dict)
    stage: str = ""

    @property
    def root(self) -> Path:
        return self.home / "root"

    @property
    def cwd(self) -> Path:
        return self.root / self.folder.lstrip("/")

    def mapped(self, text: str) -> str:
        """Return text with each absolute path below the root of this image."""
        return re.sub(r"(?<![\w/.])/(?=[a-z])", f"{self.root}/", text)

    def words(self, name: str) -> list[str]:
        """Return a command that is given as a list, with its paths mapped."""
        listed: list[str] = json.loads(self.facts.get(name, "[]"))
        return [self.mapped(word) for word in listed]

    def take(self, name: str, rest: str) -> None:
        match name:
            case "FROM":
                self._start(*rest.split())
            case "WORKDIR":
                self.folder = rest
                self.cwd.mkdir(parents=True, exist_ok=True)
            case "ENV":
                key, _, value = rest.partition("=")
                self.env[key] = self.mapped(value.replace(f"${key}", "")) + self.env.get(key, "")
            case "COPY":
                self._copy(*rest.split())
            case "RUN":
                run("/bin/sh", "-c", self.mapped(rest), cwd=self.cwd, env=self.env)
            case "HEALTHCHECK":
                self.facts[name] = rest.partition("CMD ")[2]
            case "USER" | "EXPOSE" | "STOPSIGNAL" | "ENTRYPOINT" | "CMD":
                self.facts[name] = rest
            case _:
                pytest.fail(f"{name} is not replayed")

    def _start(self, image: str, _: str = "AS", stage: str = "") -> None:
        assert image == BASE
        if self.root.exists():
            self.root.rename(self.home / self.stage)
        self.stage, self.folder, self.facts = stage, "/", {}
        python = self.root / "usr/local/bin/python"
        python.parent.mkdir(parents=True)
        python.write_text(f'#!/bin/sh\nexec "{Path(sys.executable).resolve()}" "$@"\n', encoding="utf-8")
        python.chmod(0o755)
        self.env = clean_environment(PATH=f"{python.parent}{os.pathsep}{os.environ['PATH']}")

    def _copy(self, *words: str) -> None:
        *options, source, target = words
        if not options:
            assert (source, target) == (".", ".")
            return context(self.cwd)
        [stage] = (option.removeprefix("--from=") for option in options)
        shutil.copytree(self.home / stage / source[1:], self.root / target[1:], symlinks=True)
        return None


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    made = Image(tmp_path_factory.mktemp("image"))
    for name, rest in steps():
        made.take(name, rest)
    return made


def test_the_fixed_facts() -> None:
    told = steps()
    assert {rest.split()[0] for name, rest in told if name == "FROM"} == {BASE}
    final = dict(told[max(place for place, (name, _) in enumerate(told) if name == "FROM") :])
    assert re.fullmatch(
        r"[1-9]\d*:[1-9]\d*", final["USER"]
    )  # by number: an orchestrator can see that it is not root
    assert final["EXPOSE"] == str(DEFAULT_PORT)
    assert final["STOPSIGNAL"] == "SIGTERM"
    assert json.loads(final["ENTRYPOINT"]) == ["mockserver", "serve", "--host", "0.0.0.0"]
    assert "CMD" not in final  # what follows the image's name is options
    assert json.loads(final["HEALTHCHECK"].partition("CMD ")[2])[:2] == ["python", "-c"]
    assert f":{DEFAULT_PORT}/__admin/health" in final["HEALTHCHECK"]
    assert not [rest for _, rest in told if re.search(r"\b(curl|wget|apt|apt-get|apk|sudo)\b", rest)]


def test_the_context_is_the_package_and_its_data(tmp_path: Path) -> None:
    context(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "LICENSE", "README.md", "fixtures", "mockserver", "pyproject.toml", "specs",
    }  # fmt: skip
    assert not list(tmp_path.rglob("__pycache__"))


def test_the_last_stage_has_neither_sources_nor_tools(image: Image) -> None:
    assert {path.name for path in image.root.iterdir()} == {"config", "opt", "usr"}
    assert [path.name for path in (image.root / "opt").iterdir()] == ["mockserver"]
    assert not list(image.root.rglob("pip"))


def healthy(image: Image, url: str) -> bool:
    """Run the health check against another port."""
    port = url.rpartition(":")[2]
    command = [word.replace(str(DEFAULT_PORT), port) for word in image.words("HEALTHCHECK")]
    done = subprocess.run(
        command, cwd=image.cwd, env=image.env, capture_output=True, timeout=STARTS_WITHIN, check=False
    )
    return done.returncode == 0


@pytest.fixture
def container(image: Image) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [*image.words("ENTRYPOINT"), *ON_ANOTHER_PORT, "--profile", "published"]
    with serving(command, image.cwd, image.env) as (server, url):
        yield server, url.replace("0.0.0.0", "127.0.0.1")


def test_a_container_serves_is_healthy_and_stops(
    image: Image, container: tuple[subprocess.Popen[str], str]
) -> None:
    server, url = container
    for path, headers, body, status in CALLS:
        assert post(url + path, headers, body) == status, path
    assert healthy(image, url)
    server.send_signal(getattr(signal, image.facts["STOPSIGNAL"]))
    assert server.wait(STOPS_WITHIN) == 0
    assert not healthy(image, url)


def test_a_container_that_speaks_tls_is_healthy(image: Image, tmp_path: Path) -> None:
    options = issued(tmp_path, "elsewhere.test").options
    with serving([*image.words("ENTRYPOINT"), *ON_ANOTHER_PORT, *options], image.cwd, image.env) as (_, url):
        assert url.startswith("https://")
        assert healthy(image, url)


def test_words_after_the_image_are_options(container: tuple[subprocess.Popen[str], str]) -> None:
    path, headers, body, _ = CALLS[0]
    assert (
        post(container[1] + path, headers, {**body, "to": "ada"}) == 422
    )  # as published, and not as observed


def test_the_health_check_asks_no_proxy(image: Image, container: tuple[subprocess.Popen[str], str]) -> None:
    proxied = Image(image.home, {**image.env, "http_proxy": "http://127.0.0.1:9"}, image.folder, image.facts)
    assert healthy(proxied, container[1])


def test_a_configuration_in_the_working_folder_is_read(image: Image) -> None:
    assert image.folder == "/config"
    path, _, body, status = CALLS[0]
    file = image.cwd / "mockserver.yaml"
    file.write_text("keys: {novu: secret}\n", encoding="utf-8")
    try:
        with serving([*image.words("ENTRYPOINT"), *ON_ANOTHER_PORT], image.cwd, image.env) as (_, url):
            trigger = url.replace("0.0.0.0", "127.0.0.1") + path
            assert post(trigger, {"Authorization": "ApiKey secret"}, body) == status
            assert post(trigger, {"Authorization": "ApiKey other"}, body) == 401
    finally:
        file.unlink()
