"""From what the user gives to what is served: prefixes, own specs, runs that can be repeated, and changes while it runs."""

import http.client
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mockserver import loading
from mockserver.cli import SHELLS, main
from mockserver.engine.validation import Schema
from mockserver.engine.world import Blueprint
from mockserver.launch import stage_of
from mockserver.loading import bundled_names
from mockserver.plan import Plan, plan_of
from mockserver.stage import Stage
from mockserver.watch import Watch, stamps_of
from mockserver.yamltext import parse_yaml
from tests.answers import check_answer, is_control
from tests.engine.specs import request
from tests.serving import TRIGGER, running, serving
from tests.test_messages import PARCEL


def call(url: str, path: str, body: Any, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    sent = {"Content-Type": "application/json", "Authorization": "ApiKey k", **(headers or {})}
    try:
        connection.request("POST", path, json.dumps(body), sent)
        response = connection.getresponse()
        status, received, answered = response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()
    if is_control(path):
        check_answer(
            "POST", path, status, {name.lower(): value for name, value in received.items()}, answered
        )
    return status, json.loads(answered)


def test_own_specs_stand_beside_bundled_ones_or_in_their_place(tmp_path: Path) -> None:
    (tmp_path / "parcel.yaml").write_text(PARCEL, encoding="utf-8")
    (tmp_path / "novu.yaml").write_text(PARCEL.replace("/parcels", "/v1/events/trigger"), encoding="utf-8")
    with serving("--spec", "parcel.yaml", "--spec", "novu.yaml", "--log", "off", cwd=tmp_path) as (_, ready):
        url = ready.removeprefix("mockserver ready on ")
        assert call(url, "/parcels", {"to": "ada"})[0] == 201
        status, body = call(url, "/v1/events/trigger", {"to": "ada"})
        assert (status, body["to"]) == (201, "ada")
        assert call(url, "/event/", {"distinct_id": "ada", "event": "e"})[0] == 202


def test_a_prefix_is_not_seen_by_the_api(tmp_path: Path) -> None:
    (tmp_path / "mockserver.yaml").write_text("prefixes: {novu: /mock/novu, alloy: /a}\n", encoding="utf-8")
    with serving("--log", "off", cwd=tmp_path) as (_, ready):
        url = ready.removeprefix("mockserver ready on ")
        assert call(url, "/mock/novu/v1/events/trigger", TRIGGER)[0] == 201
        assert call(url, "/mock/novu/v1/events/trigger", {})[1]["path"] == "/v1/events/trigger"
        assert (
            call(
                url,
                "/a/2024-03/run/event",
                {"event": "e", "userId": "u", "data": {}},
                {"Authorization": "Bearer k"},
            )[0]
            == 200
        )
        status, body = call(url, "/v1/events/trigger", TRIGGER)
        assert status == 404
        assert body["nearest"][0]["path"] == "/mock/novu/v1/events/trigger"


# Runs that can be repeated

CALLS = [
    ("/v1/events/trigger", {}, TRIGGER),
    ("/v1/events/trigger", {"Idempotency-Key": "k"}, TRIGGER),
    ("/v1/events/trigger", {"Idempotency-Key": "k"}, TRIGGER),
    ("/v1/events/trigger", {"Prefer": "wait=0.05"}, TRIGGER),
    ("/v1/events/trigger", {"Prefer": "code=429"}, TRIGGER),
    ("/v1/events/trigger", {}, {"name": 5}),
    ("/v2/event/", {"Authorization": "Bearer k"}, {"distinct_id": "ada", "event": "e"}),
    ("/events/send", {"Authorization": "Bearer k"}, {"event": "e", "email": "ada@example.com"}),
    ("/nowhere", {}, {}),
]


def run_once(folder: Path, *options: str) -> tuple[bytes, bytes]:
    """Send all calls to a fresh server; return the bytes of all answers, and of the journal file."""
    journal = folder / "calls.jsonl"
    journal.unlink(missing_ok=True)
    with serving(*options, "--journal", str(journal), "--log", "off", "--limit", "novu=100/1s") as (
        process,
        ready,
    ):
        port = int(ready.rpartition(":")[2])
        answers = b"".join(raw_answer(port, *each) for each in CALLS)
        process.send_signal(signal.SIGTERM)
        process.wait(10)
    return answers, journal.read_bytes()


def raw_answer(port: int, path: str, headers: Mapping[str, str], body: Any) -> bytes:
    data = json.dumps(body)
    sent = {
        "Host": "mock",
        "Authorization": "ApiKey k",
        "Content-Type": "application/json",
        "Connection": "close",
        **headers,
    }
    head = "".join(
        f"{name}: {value}\r\n" for name, value in {**sent, "Content-Length": str(len(data))}.items()
    )
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(f"POST {path} HTTP/1.1\r\n{head}\r\n{data}".encode())
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_with_a_seed_and_a_clock_a_run_is_the_same_byte_for_byte(tmp_path: Path) -> None:
    first = run_once(tmp_path, "--seed", "7", "--clock", "2026-11-20T12:00:00Z")
    assert first == run_once(tmp_path, "--seed", "7", "--clock", "2026-11-20T12:00:00Z")
    answers, journal = first
    assert answers.count(b"HTTP/1.1 ") == len(journal.splitlines()) == len(CALLS)
    assert answers.count(b"date: Fri, 20 Nov 2026 12:00:00 GMT") == len(CALLS)
    assert b'"timestamp":"2026-11-20T12:00:00.000Z"' in answers
    other_seed, other_clock = (
        ("--seed", "8", "--clock", "2026-11-20T12:00:00Z"),
        ("--seed", "7", "--clock", "2026-11-20T12:00:01Z"),
    )
    assert first[0] != run_once(tmp_path, *other_seed)[0]
    assert first[1] != run_once(tmp_path, *other_clock)[1]


# Changes while it runs


class Watched:
    """A stage over the files of a folder, looked at when a test says so."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.told: list[str] = []
        texts = {"specs": [str(folder / "parcel.yaml")], **dict(option.split("=", 1) for option in options)}
        self.plan: Plan = plan_of(
            {key: [text] if isinstance(text, str) else text for key, text in texts.items()},
            {},
            folder / "m.yaml",
        )
        configuration = self.plan.configuration()
        self.stage: Stage = stage_of(configuration, self.plan.blueprint(configuration))
        self.watch = Watch(
            self.plan,
            configuration,
            stamps_of(self.plan.files(configuration)),
            self.stage.replace,
            every=3600,
            tell=self.told.append,
        )

    def write(self, name: str, text: str) -> list[str]:
        """Write a file, look, and return what was told."""
        self.told.clear()
        (self.folder / name).write_text(text, encoding="utf-8")
        self.watch.look()
        return [line.replace(f"{self.folder}/", "") for each in self.told for line in each.splitlines()]

    def send(self, body: Any) -> int:
        from mockserver.engine.decide import answer, settle

        decided = answer(self.stage.world, request(body, path="/parcels"))
        settle(self.stage.world, decided, 0.0)
        assert decided.response is not None
        return decided.response.status


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    (tmp_path / "parcel.yaml").write_text(PARCEL, encoding="utf-8")
    (tmp_path / "m.yaml").write_text("keep: '10'\n", encoding="utf-8")
    watched = Watched(tmp_path)
    yield watched
    watched.watch.stop()


def test_a_changed_spec_is_served_and_nothing_is_lost(watched: Watched) -> None:
    assert watched.send({"to": "ada"}) == 201
    assert watched.write("parcel.yaml", PARCEL.replace("required: [to]", "required: [to, from]")) == [
        "mockserver: parcel.yaml: read again"
    ]
    assert watched.send({"to": "ada"}) == 422
    assert [each.status for each in watched.stage.world.journal.newest_first()] == [422, 201]


def test_a_spec_that_is_wrong_is_told_and_the_old_one_stays(watched: Watched) -> None:
    assert watched.write("parcel.yaml", PARCEL.replace("required: [to]", "requird: [to]")) == [
        "parcel.yaml:10: /paths/~1parcels/post/requestBody/content/application~1json/schema/requird: the keyword 'requird' is not known; did you mean required?",
        "mockserver: parcel.yaml: not used; what was served before is served on",
    ]  # fmt: skip
    assert watched.send({}) == 422
    (watched.folder / "parcel.yaml").unlink()
    watched.told.clear()
    watched.watch.look()
    assert watched.told[0].startswith(f"{watched.folder / 'parcel.yaml'}: cannot be read")
    assert watched.send({"to": "ada"}) == 201
    assert watched.write("parcel.yaml", PARCEL) == ["mockserver: parcel.yaml: read again"]


def test_nothing_is_told_where_nothing_has_changed(watched: Watched) -> None:
    watched.watch.look()
    assert watched.told == []


def test_a_changed_configuration_is_used(watched: Watched) -> None:
    for _ in range(5):
        watched.send({"to": "ada"})
    assert watched.write("m.yaml", "keep: '3'\nlimits: {parcel: 1/1h}\nport: 5000\n") == [
        "mockserver: m.yaml: read again",
        "mockserver: port takes effect at the next start; it stays 4747",
    ]
    assert len(watched.stage.world.journal) == 3
    assert watched.stage.world.journal.dropped == 2
    assert [watched.send({"to": "ada"}) for _ in range(2)] == [201, 429]
    assert watched.write("m.yaml", "keep: '3'\nlimits: {parcel: 1/0s}\n")[0].startswith(
        "m.yaml:2: /limits/parcel: '1/0s' has"
    )
    assert watched.send({"to": "ada"}) == 429


def test_tls_begins_at_the_next_start_and_calls_are_shown_as_they_come_until_then(watched: Watched) -> None:
    assert watched.write("m.yaml", "tls-cert: cert.pem\ntls-key: key.pem\nkeep: '3'\n") == [
        "mockserver: m.yaml: read again",
        "mockserver: tls-cert takes effect at the next start; it stays not set",
        "mockserver: tls-key takes effect at the next start; it stays not set",
    ]
    watched.send({"to": "ada"})
    assert watched.stage.blueprint.known.scheme == "http"
    (call,) = watched.stage.world.journal.newest_first()
    assert call.scheme == "http"
    assert watched.stage.blueprint.settings.most_calls == 3


def test_a_configuration_may_bring_another_spec(watched: Watched) -> None:
    (watched.folder / "more.yaml").write_text(PARCEL.replace("/parcels", "/letters"), encoding="utf-8")
    plan = Plan({}, {}, watched.folder / "m.yaml")
    blueprints: list[Blueprint] = []
    configuration = plan.configuration()
    watch = Watch(
        plan,
        configuration,
        stamps_of(plan.files(configuration)),
        blueprints.append,
        every=3600,
        tell=watched.told.append,
    )
    (watched.folder / "m.yaml").write_text("specs: [more.yaml]\napis: [more]\n", encoding="utf-8")
    watch.look()
    assert [route.path for api in blueprints[-1].apis for route in api.routes] == ["/letters"]
    (watched.folder / "more.yaml").write_text(PARCEL.replace("/parcels", "/notes"), encoding="utf-8")
    watch.look()
    assert [route.path for api in blueprints[-1].apis for route in api.routes] == ["/notes"]
    watch.stop()


def test_what_the_mock_server_itself_fails_on_does_not_end_the_watch(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_: object) -> None:
        raise KeyError("oops")

    monkeypatch.setattr(watched.watch, "_replace", failing)
    (told,) = watched.write("parcel.yaml", PARCEL + "# changed\n")
    assert told.startswith(
        "mockserver: parcel.yaml: not used, since the mock server failed on it: KeyError: 'oops'"
    )
    monkeypatch.setattr(watched.watch, "_replace", watched.stage.replace)
    assert watched.write("parcel.yaml", PARCEL + "# again\n") == ["mockserver: parcel.yaml: read again"]


def test_a_spec_that_a_wrong_change_brings_is_looked_at_too(watched: Watched) -> None:
    broken, more = PARCEL.replace("required: [to]", "requird: [to]"), f"specs: [{watched.folder}/more.yaml]\n"
    watched.plan = Plan({}, {}, watched.folder / "m.yaml")
    configuration = watched.plan.configuration()
    seen = stamps_of(watched.plan.files(configuration))
    watched.watch = Watch(
        watched.plan, configuration, seen, watched.stage.replace, every=3600, tell=watched.told.append
    )
    (watched.folder / "more.yaml").write_text(broken.replace("/parcels", "/more"), encoding="utf-8")
    assert (
        watched.write("m.yaml", more)[-1]
        == "mockserver: m.yaml: not used; what was served before is served on"
    )
    mended = watched.write("more.yaml", PARCEL.replace("/parcels", "/more"))
    assert mended == ["mockserver: more.yaml: read again"]
    watched.watch.stop()


def test_a_file_that_changes_while_it_is_read_is_read_again(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changing(blueprint: Blueprint) -> None:
        monkeypatch.setattr(watched.watch, "_replace", watched.stage.replace)
        (watched.folder / "parcel.yaml").write_text(PARCEL.replace("/parcels", "/second"), encoding="utf-8")
        watched.stage.replace(blueprint)

    monkeypatch.setattr(watched.watch, "_replace", changing)
    watched.write("parcel.yaml", PARCEL.replace("/parcels", "/first"))
    watched.watch.look()
    assert [route.path for route in watched.stage.world.blueprint.apis[-1].routes] == ["/second"]


def test_a_file_of_the_same_age_and_size_is_another_one(watched: Watched) -> None:
    path = watched.folder / "parcel.yaml"
    before = path.stat()
    other = watched.folder / "other"
    other.write_text(PARCEL.replace("/parcels", "/letters"), encoding="utf-8")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)
    watched.watch.look()
    assert [route.path for route in watched.stage.world.blueprint.apis[-1].routes] == ["/letters"]


def test_a_configuration_that_appears_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    plan, told = Plan({}, {}, None), list[str]()
    configuration = plan.configuration()
    stage = stage_of(configuration, plan.blueprint(configuration))
    watch = Watch(
        plan, configuration, stamps_of(plan.files(configuration)), stage.replace, every=3600, tell=told.append
    )
    (tmp_path / "mockserver.yaml").write_text("apis: [alloy]\n", encoding="utf-8")
    watch.look()
    assert told == ["mockserver: mockserver.yaml: read again"]
    assert [api.name for api in stage.world.blueprint.apis] == ["alloy"]
    watch.stop()


def test_a_spec_that_is_no_longer_named_is_no_longer_looked_at(watched: Watched) -> None:
    more = watched.folder / "more.yaml"
    more.write_text(PARCEL.replace("/parcels", "/more"), encoding="utf-8")
    plan = Plan({}, {}, watched.folder / "m.yaml")
    (watched.folder / "m.yaml").write_text(f"specs: [{more}]\n", encoding="utf-8")
    configuration = plan.configuration()
    seen = stamps_of(plan.files(configuration))
    watch = Watch(plan, configuration, seen, watched.stage.replace, every=3600, tell=watched.told.append)
    (watched.folder / "m.yaml").write_text("specs: []\n", encoding="utf-8")
    watch.look()
    watched.told.clear()
    more.write_text(PARCEL, encoding="utf-8")
    watch.look()
    assert watched.told == []
    watch.stop()


def test_a_call_whose_body_comes_while_the_spec_changes_is_answered_by_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "parcel.yaml"
    path.write_text(PARCEL, encoding="utf-8")
    with serving("--spec", "parcel.yaml", "--watch", "--log", "off", cwd=tmp_path) as (process, ready):
        assert process.stderr is not None
        body = b'{"to": "ada"}'
        head = f"POST /parcels HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", int(ready.rpartition(":")[2])), timeout=10) as connection:
            connection.sendall(head.encode() + body[:5])
            path.write_text(PARCEL.replace("'201'", "'202'"), encoding="utf-8")
            assert process.stderr.readline() == "mockserver: parcel.yaml: read again\n"
            connection.sendall(body[5:])
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 202 ")


def test_a_reset_begins_the_seeded_ids_anew(tmp_path: Path) -> None:
    (tmp_path / "parcel.yaml").write_text(PARCEL, encoding="utf-8")
    with serving("--spec", "parcel.yaml", "--seed", "7", "--log", "off", cwd=tmp_path) as (_, ready):
        url, answers = ready.removeprefix("mockserver ready on "), []
        for _ in range(2):
            answers.append([call(url, "/parcels", {"to": "ada"}) for _ in range(2)])
            call(url, "/__admin/reset", {})
    assert answers[0] == answers[1]
    assert answers[0][0] != answers[0][1]


def test_a_configuration_that_is_gone_changes_nothing(watched: Watched) -> None:
    watched.write("m.yaml", "limits: {parcel: 1/1h}\n")
    (watched.folder / "m.yaml").unlink()
    watched.told.clear()
    watched.watch.look()
    assert "m.yaml: is gone" in watched.told[0]
    assert "m.yaml: is gone" in watched.write("parcel.yaml", PARCEL + "# changed meanwhile\n")[0]
    assert [watched.send({"to": "ada"}) for _ in range(2)] == [201, 429]


def test_what_a_call_was_about_is_known_after_its_api_has_moved(watched: Watched) -> None:
    spec = PARCEL + "      x-mock: {recipient: '{$request.body#/to}'}\n"
    watched.write("parcel.yaml", spec)
    watched.send({"to": "ada"})
    watched.write("m.yaml", "prefixes: {parcel: /post}\n")
    assert [each.recipient for each in watched.stage.world.journal.newest_first()] == ["ada"]


def test_an_answer_that_breaks_its_schema_is_warned_of(tmp_path: Path) -> None:
    broken = PARCEL.replace(
        "              example:", "              schema: {required: [name]}\n              example:"
    )
    (tmp_path / "parcel.yaml").write_text(broken, encoding="utf-8")
    with serving("--spec", "parcel.yaml", "--log", "off", cwd=tmp_path) as (process, _):
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=10)
    assert errors.startswith("mockserver: warning: parcel.yaml:17: ")
    assert errors.endswith("the example 'example' of 201 does not meet its schema: /name is required\n")


def test_what_a_user_may_not_expect_is_said_at_start(tmp_path: Path) -> None:
    (tmp_path / "mockserver.yaml").write_text("specs: [novu.yaml]\n", encoding="utf-8")
    (tmp_path / "novu.yaml").write_text(PARCEL, encoding="utf-8")
    with serving("--log", "off", cwd=tmp_path) as (process, _):
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=10)
    assert errors.splitlines() == [
        "mockserver: configuration from mockserver.yaml",
        "mockserver: novu.yaml is served instead of the bundled novu",
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes with a name in a folder")
def test_pipes_are_refused_since_they_would_stop_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    for option, sentence in (
        (
            "--journal",
            "--journal: pipe is a pipe, which would stop the server when nobody reads it; name a file",
        ),
        ("--spec", "pipe: cannot be read: it is not a regular file"),
        ("--config", "pipe: cannot be read: it is not a regular file"),
    ):
        result = CliRunner().invoke(main, ["serve", "--port", "0", option, "pipe"])
        assert (result.exit_code, result.stderr) == (2, f"Error: {sentence}\n")


@pytest.mark.parametrize("make", ["mkdir", "dangling"])
def test_a_configuration_that_is_no_file_is_not_passed_over(
    make: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "mockserver.yaml"
    path.mkdir() if make == "mkdir" else path.symlink_to("nowhere")
    result = CliRunner().invoke(main, ["serve", "--show-config"])
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: mockserver.yaml: cannot be read: ")


def test_keys_and_the_clock_outlive_a_change(watched: Watched) -> None:
    world = watched.stage.world
    watched.write("m.yaml", "keep: '5'\n")
    assert watched.stage.world is not world
    assert (watched.stage.world.keys, watched.stage.world.clock) == (world.keys, world.clock)


# Other commands


def output(*arguments: str) -> str:
    result = CliRunner().invoke(main, list(arguments))
    assert result.exit_code == 0, result.output
    return result.output


def test_what_is_served_is_shown_to_people_and_programs() -> None:
    listed = json.loads(output("apis", "--json"))["apis"]
    assert [each["name"] for each in listed] == bundled_names()
    for each in listed:
        for key in ("routes", "sdks", "emulated", "ownChoices", "notEmulated", "source"):
            assert each[key], (each["name"], key)
    shown = output("apis", "novu")
    for part in (
        "POST      /v1/events/trigger",
        "PyPI novu-py: ",
        "Not emulated",
        "remembered for 24h, held in flight for 5m",
    ):
        assert part in shown
    assert "rate limit of 300 in 5s, bursts of 330; off unless" in shown
    assert "/2024" not in output("apis", "alloy", "--profile", "published")


def test_a_running_server_lists_what_it_serves() -> None:
    with running() as server:
        listed = json.loads(server.request("GET", "/__admin/apis")[2])
    printed = output("apis", "--json").replace("http://127.0.0.1:4747", server.url)
    assert listed == json.loads(printed)


def test_configuration_counts_for_what_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "parcel.yaml").write_text(PARCEL, encoding="utf-8")
    config = (
        "port: 4800\nprofile: published\nspecs: [parcel.yaml]\nprefixes: {parcel: /post}\napis: [parcel]\n"
    )
    (tmp_path / "mockserver.yaml").write_text(config, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    (shown,) = json.loads(output("apis", "--json"))["apis"]
    assert (shown["url"], shown["profile"]) == ("http://127.0.0.1:4800/post", "published")
    monkeypatch.setenv("MOCKSERVER_HOST", "::1")
    monkeypatch.setenv("MOCKSERVER_LIMIT", "parcel=5/1s")
    (shown,) = json.loads(output("apis", "--json"))["apis"]
    assert shown["url"] == "http://[::1]:4800/post"
    assert "rate limit of 5 in 1s, bursts of 5; in force" in shown["emulated"]
    monkeypatch.setenv("MOCKSERVER_PREFIX", "parcel=bad")
    for command in (["apis"], ["spec", "parcel"]):
        result = CliRunner().invoke(main, command)
        assert (result.exit_code, result.stderr.partition(": ")[2][:16]) == (2, "MOCKSERVER_PREFI")
    monkeypatch.setenv("MOCKSERVER_PREFIX", "parcel=/post")
    assert json.loads(output("spec", "parcel", "--json"))["servers"][0]["url"] == "/post"


def test_an_own_spec_can_be_looked_at_without_serving_it(tmp_path: Path) -> None:
    path = tmp_path / "parcel.yaml"
    path.write_text(PARCEL, encoding="utf-8")
    assert "Parcel post  (--api parcel, observed)" in output("apis", "parcel", "--spec", str(path))
    assert "refuses with the mock's own problem documents" in output("apis", "parcel", "--spec", str(path))
    assert (
        json.loads(output("spec", "parcel", "--spec", str(path), "--json"))["info"]["title"] == "Parcel post"
    )


def test_editors_are_given_a_schema_of_the_configuration() -> None:
    schema = Schema(json.loads(output("schema", "config")))
    assert schema.accepts({"port": 1, "keys": {"novu": "k"}})
    assert not schema.accepts({"prot": 1})


def test_editors_are_given_a_schema_of_specs() -> None:
    source = json.loads(output("schema", "spec"))
    schema = Schema(source)
    for path in loading.bundled().values():
        assert schema.findings(loading.read_yaml(path)) == []
    spec = parse_yaml(PARCEL)
    for holder in (spec, spec["paths"]["/parcels"]["post"]):
        holder["x-mock"] = {"chekcs": []}
        assert [each.keyword for each in schema.findings(spec)] == ["additionalProperties"]
        holder["x-mock"] = {"checks": ["parsing"]}
        assert schema.accepts(spec)
    described = source["components"]["schemas"]["x-mock-operation"]["properties"]
    assert described["success"]["description"].startswith("the answer when every check has passed")


def test_the_guide_is_that_of_the_specs() -> None:
    assert output("guide") == (loading.folder("specs") / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("shell", SHELLS)
def test_shells_are_given_a_completion(shell: str) -> None:
    script = output("completion", shell)
    assert f"_MOCKSERVER_COMPLETE={shell}_complete" in script


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("mockserver s", ["serve", "spec", "samples", "schema"]),
        ("mockserver serve --api n", ["novu"]),
        ("mockserver serve --api novu,s", ["novu,suprsend"]),
        ("mockserver serve --prof", ["--profile"]),
        ("mockserver serve --profile p", ["published"]),
    ],
)
def test_what_a_shell_completes(words: str, completed: list[str]) -> None:
    variables = {
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
        "_MOCKSERVER_COMPLETE": "bash_complete",
    }
    result = CliRunner().invoke(main, [], env=variables, prog_name="mockserver")
    assert sorted(line.partition(",")[2] for line in result.output.splitlines()) == sorted(completed)


def test_a_plan_lays_the_command_over_the_environment_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("port: 1\nhost: a\nseed: 1\n", encoding="utf-8")
    environment = {"MOCKSERVER_PORT": "2", "MOCKSERVER_HOST": "b"}
    configuration = plan_of({"port": ["3"]}, environment, tmp_path / "m.yaml").configuration()
    assert [configuration[key] for key in ("port", "host", "seed")] == [3, "b", 1]


def test_the_configuration_of_the_environment_can_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other.yaml").write_text("port: 5\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MOCKSERVER_CONFIG", "other.yaml")
    assert "port: 5  # other.yaml:1" in output("serve", "--show-config")
    assert loading.config_path(None) is None
