"""An SDK in a process and an environment of its own, asked over a pipe; ``README.md`` describes the protocol."""

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from threading import Timer
from typing import Any, Self

from tests.installing import fresh_npm, fresh_python, installed_npm, installed_python, program
from tests.sdk.sdks import Sdk

JSON = Any
HERE = Path(__file__).parent
DRIVERS, PINS = HERE / "drivers", HERE / "pins"
ANSWERS_WITHIN = 30  # seconds
PASSED_ON = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR")  # and no variable that an SDK reads


class Driver:
    """A driver that runs; one call after the other."""

    def __init__(self, command: list[str | Path], environment: Mapping[str, str]) -> None:
        self._complaints = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed by `stop`
        passed_on = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._complaints, encoding="utf-8",
            env={**passed_on, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", **environment},
        )  # fmt: skip
        hello = self._line()
        self.package, self.version = str(hello["sdk"]), str(hello["version"])

    @classmethod
    def of(cls, sdk: Sdk, newest_in: Path | None = None) -> Self:
        """Start the driver of an SDK, with its pins or, where there is a folder for that, with the newest versions."""
        match sdk.registry:
            case "PyPI":
                pins = PINS / f"{sdk.name}.txt"
                python = (
                    fresh_python(newest_in / sdk.name, sdk.package, *sdk.undeclared)
                    if newest_in
                    else installed_python(f"sdk-{sdk.name}", pins)
                )
                return cls([python, "-I", DRIVERS / "host.py", DRIVERS / sdk.driver], {"PYTHONUTF8": "1"})
            case "npm":
                modules = (
                    fresh_npm(newest_in / sdk.name, sdk.package, *sdk.undeclared)
                    if newest_in
                    else installed_npm(f"sdk-{sdk.name}", PINS / sdk.name)
                )
                return cls([program("node"), DRIVERS / sdk.driver], {"NODE_PATH": str(modules)})

    def ask(self, asked: JSON) -> JSON:
        """Return the driver's answer to a request."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{json.dumps(asked)}\n")
        self._process.stdin.flush()
        return self._line()

    def facts(self) -> JSON:
        """Return what the SDK says of itself, where its driver can ask it."""
        return self.ask({"call": "facts"}).get("returned", {})

    def _line(self) -> JSON:
        assert self._process.stdout is not None
        deadline = Timer(ANSWERS_WITHIN, self._process.kill)
        deadline.start()
        line = self._process.stdout.readline()
        deadline.cancel()
        if not line:
            self._complaints.seek(0)
            told = self._complaints.read() or "it said nothing"
            raise AssertionError(f"the driver ended, or gave no answer in {ANSWERS_WITHIN} s: {told}")
        return json.loads(line)

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
        self._complaints.close()
