"""The command line, as a process: what it prints, how it ends, what it says of what it cannot use."""

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner

from mockserver.cli import main
from mockserver.server.running import has_ipv6
from tests.serving import serving

IN_USE = (
    "Only one usage of each socket address (protocol/network address/port) is normally permitted"
    if sys.platform == "win32"
    else "Address already in use"
)
ends_by_signal = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no signals that a program could send to end another gently"
)


def post(url: str, body: object, headers: dict[str, str]) -> tuple[int, bytes]:
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json", **headers}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@ends_by_signal
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_signals_end_it_at_once_also_with_open_connections(number: signal.Signals, code: int) -> None:
    with serving("--log", "off") as (process, ready):
        assert ready.startswith("mockserver ready on http://127.0.0.1:")
        port = int(ready.rpartition(":")[2])
        idle, half = (socket.create_connection(("127.0.0.1", port)) for _ in range(2))
        half.sendall(b"POST /event/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{half")
        waiting = socket.create_connection(("127.0.0.1", port))
        waiting.sendall(
            b"POST /run/event HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\nX-Api-Version: 1\r\nContent-Type: application/json\r\nPrefer: wait=60\r\nContent-Length: 37\r\n\r\n"
            + b'{"event":"e","userId":"u","data":{}} '
        )
        assert urllib.request.urlopen(f"http://127.0.0.1:{port}/__admin/health", timeout=5).status == 200
        process.send_signal(number)
        _, errors = process.communicate(timeout=3)
        assert process.returncode == code
        assert errors == ""
        for connection in (idle, half, waiting):
            connection.close()


@ends_by_signal
def test_one_line_per_call() -> None:
    with serving("--api", "novu") as (process, ready):
        url = ready.removeprefix("mockserver ready on ")
        body = {"name": "welcome", "to": ["ada"], "transactionId": "t"}
        for sent in (body, body, {}):
            post(f"{url}/v1/events/trigger", sent, {"Authorization": "ApiKey k"})
        post(f"{url}/v1/event/trigger", {}, {})
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=5)
    assert output.splitlines() == [
        "   #1  201  novu      welcome → ada",
        "   #2  201  novu      welcome → ada  repeat of #1",
        "   #3  422  novu      POST /v1/events/trigger  2 problems: /name is required",
        "   #4  404  -         POST /v1/event/trigger  the path matches no operation. Did you mean POST /v1/events/trigger (novu)?",
    ]


@ends_by_signal
def test_json_lines() -> None:
    with serving("--log", "json", "--seed", "7") as (process, ready):
        url = json.loads(ready)["url"]
        post(f"{url}/event/", {"distinct_id": "ada", "event": "e"}, {"Authorization": "k"})
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=5)
    (line,) = map(json.loads, output.splitlines())
    assert (line["event"], line["status"], line["api"], line["recipient"]) == ("call", 202, "suprsend", "ada")


def test_a_seed_makes_ids_reproducible() -> None:
    answers = []
    for _ in range(2):
        with serving("--seed", "7", "--log", "off") as (_, ready):
            url = ready.removeprefix("mockserver ready on ")
            answers.append(
                post(f"{url}/v1/events/trigger", {"name": "w", "to": ["a"]}, {"Authorization": "ApiKey k"})
            )
    assert answers[0] == answers[1]


def test_options_and_configuration_reach_the_server(tmp_path: Path) -> None:
    (tmp_path / "mockserver.yaml").write_text(
        "keys: {novu: secret}\ncatalogue: {novu: {unknown: refuse, names: {known: {}}}}\n", encoding="utf-8"
    )
    with serving(
        "--limit",
        "novu=3/60s",
        "--profile",
        "published",
        "--on-invalid",
        "report",
        "--keep",
        "2",
        cwd=tmp_path,
    ) as (_, ready):
        url = ready.removeprefix("mockserver ready on ")
        path, key = f"{url}/v1/events/trigger", {"Authorization": "ApiKey secret"}
        assert post(path, {"name": "known", "to": "ada"}, {"Authorization": "ApiKey other"})[0] == 401
        status, body = post(path, {"name": "known", "to": "ada"}, key)
        assert (status, set(json.loads(body))) == (201, {"acknowledged", "status", "transactionId"})
        assert [post(path, {"name": "known", "to": ["ada"]}, key)[0] for _ in range(3)] == [201, 201, 429]
        with urllib.request.urlopen(f"{url}/__admin/requests", timeout=5) as response:
            assert response.headers["X-Mock-Dropped"] == "3"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--api", "nova"], "--api: there is no API named 'nova'; did you mean novu?"),
        (["--key", "novu"], "what was given must be written API=VALUE"),
        (["--limit", "novu=5"], "'5' is not a limit"),
        (["--limit", "nova=5/1s"], "no API named 'nova' is served"),
        (["--keep", "x"], "'x' is not a bound"),
        (["--config", "nowhere.yaml"], "nowhere.yaml: cannot be read: No such file"),
        (
            ["--journal", "/no/such/folder/calls.jsonl"],
            f"--journal: {Path('/no/such/folder/calls.jsonl')} cannot be written: No such file",
        ),
        (["--workers", "2"], "there is one process only"),
        (["--port", "99999"], "--port: must be <= 65535"),
        (["--log", "loud"], "'loud' is not one of"),
        (["--host", "203.0.113.1"], "cannot listen on 203.0.113.1 port 4747"),
        (["--host", "no.such.host.invalid"], "cannot listen on no.such.host.invalid"),
        (["--colour"], "No such option"),
    ],
)
def test_what_cannot_be_used_is_told_in_a_sentence(options: list[str], sentence: str) -> None:
    result = CliRunner().invoke(main, ["serve", *options])
    assert result.exit_code == 2
    assert sentence in result.output
    assert "Traceback" not in result.output


def test_a_port_in_use_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = CliRunner().invoke(main, ["serve", "--port", port])
    assert result.exit_code == 2
    assert (
        f"cannot listen on 127.0.0.1 port {port}: {IN_USE}; choose another with --port, 0 for any"
        in result.output
    )


def test_help_and_version() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    assert "serve" in result.output
    assert CliRunner().invoke(main, ["--version"]).output.startswith("mockserver, version ")


def test_another_name_for_this_machine_is_read_without_case() -> None:
    with serving("--allow-host", "MyBox.Local.", "--log", "off") as (_, ready):
        url = ready.removeprefix("mockserver ready on ")
        request = urllib.request.Request(f"{url}/__admin/health", headers={"Host": "mybox.local:1"})
        assert urllib.request.urlopen(request, timeout=5).status == 200


@ends_by_signal
def test_a_reader_that_is_gone_changes_neither_answers_nor_exit_code() -> None:
    with serving() as (process, ready):
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        url = ready.removeprefix("mockserver ready on ")
        for _ in range(3):
            assert (
                post(f"{url}/event/", {"distinct_id": "ada", "event": "e"}, {"Authorization": "k"})[0] == 202
            )
        process.send_signal(signal.SIGINT)
        assert process.wait(5) == 130
        assert process.stderr.read() == ""


@ends_by_signal
def test_a_reader_that_does_not_read_stops_nothing() -> None:
    with serving() as (process, ready):
        url = ready.removeprefix("mockserver ready on ")
        body = {"distinct_id": "ada" * 40, "event": "event" * 24}
        for _ in range(600):  # more than a pipe holds
            assert post(f"{url}/event/", body, {"Authorization": "k"})[0] == 202
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0


def test_every_call_is_appended_to_the_journal_file(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_text("{}\n", encoding="utf-8")
    with serving("--journal", str(path), "--log", "off") as (process, ready):
        url = ready.removeprefix("mockserver ready on ")
        for _ in range(2):
            post(
                f"{url}/event/",
                {"distinct_id": "ada", "event": "e"},
                {"Authorization": "Bearer a-secret-key"},
            )
        process.kill()  # a crash loses at most the last call
        process.wait(5)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 3
    assert json.loads(lines[1])["request"]["headers"]["Authorization"] == "Bearer [redacted]"
    assert "a-secret-key" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "::1",
        pytest.param("127.0.0.2", marks=pytest.mark.skipif(sys.platform == "darwin", reason="macOS has 127.0.0.1 only")),
    ],
)  # fmt: skip
def test_a_loopback_address_is_served_without_a_warning(host: str) -> None:
    if ":" in host and not has_ipv6():
        return
    with serving("--host", host, "--log", "off") as (process, ready):
        assert (
            urllib.request.urlopen(
                f"{ready.removeprefix('mockserver ready on ')}/__admin/health", timeout=5
            ).status
            == 200
        )
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=5)[1] == ""


def test_a_server_that_others_can_reach_says_so() -> None:
    with serving("--host", "0.0.0.0", "--log", "off") as (process, ready):
        assert ready.startswith("mockserver ready on http://0.0.0.0:")
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=5)
    assert errors.startswith("mockserver: warning: whoever reaches http://0.0.0.0:")
    assert "/__admin" in errors
    assert len(errors.splitlines()) == 1


@pytest.mark.parametrize("where", ["mockserver.cli", "mockserver.launch"])
def test_ctrl_c_ends_it_with_130_however_early_it_comes(where: str) -> None:
    code = f"""
import sys
class Interrupting:
    def find_spec(self, name, *_):
        if name == {where!r}:
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupting())
sys.argv = ["mockserver", "serve", "--port", "0"]
from mockserver.__main__ import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=False, timeout=30
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
