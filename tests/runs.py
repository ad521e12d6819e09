"""Runs of a server whose calls are recorded, for tests of what is said of them at their end."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mockserver import loading
from mockserver.engine.contract import Api
from mockserver.engine.patterns import read_pattern
from mockserver.engine.rules import Rule
from mockserver.engine.world import Settings
from mockserver.loading import load_spec
from mockserver.reports.coverage import coverage_of
from mockserver.reports.expectations import read_expectations
from mockserver.reports.recording import Recording
from mockserver.reports.sensitive import sensitive_in
from mockserver.reports.spots import SpecFile, Spot
from mockserver.reports.verdict import Asked, Verdict, judge
from mockserver.reports.violations import KINDS
from mockserver.yamltext import lines_of
from tests.serving import JSON, Running, running, until

KEYS = {"novu": "ApiKey k-of-a-test", "suprsend": "Bearer k-of-a-test", "alloy": "Bearer k-of-a-test"}
SAME: Any = object()


class Recorded(Running):
    """A running server with a recording, and short ways to call it."""

    recording: Recording
    sent = 0

    def send(
        self, path: str, body: Any = SAME, method: str = "POST", at: str = "", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Send a call, with a good credential unless another is given; ``at`` is a namespace."""
        api = "novu" if path.startswith("/v1/") else "suprsend"
        given = {
            "Authorization": KEYS[api],
            **JSON,
            **{name.replace("_", "-"): text for name, text in headers.items()},
        }
        body = {"name": "welcome", "to": ["ada"]} if body is SAME else body
        self.sent += 1
        return self.request(
            method, (f"/~{at}" if at else "") + path, body, {k: v for k, v in given.items() if v}
        )

    def novu(self, body: Any = SAME, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Send a trigger to Novu."""
        return self.send("/v1/events/trigger", body, **headers)

    def control(self, method: str, path: str, body: Any = None, at: str = "") -> bytes:
        """Ask the control plane for something."""
        status, _, answered = self.request(method, f"{f'/~{at}' if at else ''}/__admin{path}", body, JSON)
        assert status < 300, answered
        return answered

    def verdict(
        self, *fail_on: str, expect: str = "", ignore: Sequence[Any] = (), rules: Sequence[Rule] = ()
    ) -> Verdict:
        """Judge what was sent, as soon as all of it is recorded; by every kind, where none is named."""
        until(lambda: len(self.recording) + self.recording.dropped >= self.sent)
        blueprint = self.stage.blueprint
        names = [api.name for api in blueprint.apis]
        asked = Asked(
            fail_on or tuple(KINDS),
            tuple(read_pattern(each, blueprint.known) for each in ignore),
            read_expectations(expect, names) if expect else (),
        )
        return judge(self.recording, blueprint, asked, rules)


@contextmanager
def recorded(
    settings: Settings | None = None, apis: Sequence[Api] | None = None, most_calls: int = 100_000
) -> Iterator[Recorded]:
    recording = Recording(most_calls, 1 << 30)
    with running(settings, apis, on_call=recording.append) as server:
        server.__class__ = Recorded
        assert isinstance(server, Recorded)
        server.recording = recording
        yield server


def spot_of(verdict: Verdict, *, keeps_secrets: bool = False, specs: Sequence[Path] = ()) -> Spot:
    """Return how violations are told, with the lines of the specs."""
    files = loading.available(specs)
    pointers: dict[str, list[str]] = {}
    for each in verdict.violations:
        if each.api is not None and each.rule_at is not None:
            pointers.setdefault(each.api, []).append(each.rule_at)
    found = {
        name: SpecFile(
            f"specs/{name}.yaml",
            dict(zip(wanted, lines_of(files[name].read_text("utf-8"), wanted), strict=True)),
        )
        for name, wanted in pointers.items()
    }
    return Spot(found, sensitive_in(verdict.blueprint), keeps_secrets)


def kinds_of(verdict: Verdict) -> list[str]:
    return [each.kind for each in verdict.violations]


def covered(verdict: Verdict) -> Any:
    return coverage_of(verdict.calls, verdict.blueprint)


def parcel_with(change: Callable[[str], str], folder: Path) -> Api:
    """Return the invented API, its text changed."""
    source = Path(__file__).parent / "parcel" / "parcel.yaml"
    path = folder / "parcel.yaml"
    path.write_text(change(source.read_text("utf-8")), "utf-8")
    return load_spec(path, "parcel")
