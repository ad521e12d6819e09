"""``mockserver run``: exit codes, streams, arguments, environment, and the commands that people wrap."""

import contextlib
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mockserver.loading import load_bundled
from mockserver.wrapper.child import Deadline, code_of, started
from mockserver.wrapper.environment import variables_of, with_variables
from mockserver.wrapper.signals import HEARD
from tests.certificates import issued
from tests.wrapping import (
    DEVIATING,
    FOREIGN,
    INVALID,
    SEND,
    begun,
    ended,
    environment,
    inside,
    python,
    wrapper,
)

OK = python(SEND + "sys.exit(send() != 201)")
with_signals = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no signals to end a program with"
)
with_shell = pytest.mark.skipif(sys.platform == "win32", reason="it is a script for sh")


@pytest.fixture(autouse=True)
def clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Work in an empty folder, without what a runner has put into the environment; leave signals and threads as they were."""
    for name in [name for name in os.environ if name.startswith(FOREIGN)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    handlers, threads = {number: signal.getsignal(number) for number in HEARD}, set(threading.enumerate())
    yield
    assert {number: signal.getsignal(number) for number in HEARD} == handlers
    assert {each.name for each in set(threading.enumerate()) - threads} <= {
        "deadline"
    }  # which ends by itself


def signalled(name: str) -> list[str]:
    return python(f"import os, signal; signal.signal(signal.{name}, 0) if '{name}' != 'SIGKILL' else 0; os.kill(os.getpid(), signal.{name})")  # fmt: skip


# Exit codes


@pytest.mark.parametrize(
    ("options", "command", "code"),
    [
        # the command's own
        *(([], python(f"raise SystemExit({code})"), code) for code in (0, 1, 7, 255)),
        ([], OK, 0),
        # what the mock has seen
        ([], python(SEND + INVALID), 3),
        ([], python(SEND + "send(path='/nowhere')"), 3),
        ([], python(SEND + DEVIATING), 0),
        (["--strict"], python(SEND + DEVIATING), 3),
        (["--fail-on", "none"], python(SEND + INVALID), 0),
        (["--expect-calls", "2"], OK, 3),
        (["--keep", "2"], python(SEND + "for _ in range(3): send()"), 4),
        (["--keep", "2"], python(SEND + f"for _ in range(3): {INVALID}"), 4),
        (["--keep", "3"], python(SEND + "for _ in range(3): send()"), 0),
        # the command wins over it
        ([], python(SEND + f"{INVALID}; sys.exit(9)"), 9),
        (["--keep", "2"], python(SEND + "for _ in range(3): send()\nsys.exit(9)"), 9),
        # a report that cannot be written, which does not win over a verdict
        (["--report", "junit=/dev/full"], OK, 2),
        (["--report", "junit=/dev/full"], python(SEND + INVALID), 3),
        (["--report", "junit=/dev/full"], python("raise SystemExit(9)"), 9),
        # no command
        ([], ["no-such-command"], 127),
        ([], ["./no-such-command"], 127),
        ([], [""], 127),
        ([], ["folder"], 127),  # as in a shell, which looks on the PATH only
    ],
)  # fmt: skip
def test_exit_codes(options: list[str], command: list[str], code: int, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    result = inside(*options, "--", *command)
    assert result.exit_code == code, result.stderr
    assert result.stdout == ""
    assert all(line.startswith("mockserver: ") for line in result.stderr.splitlines())


@with_signals
@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGINT", "SIGSEGV"])
def test_a_command_that_a_signal_has_ended(name: str) -> None:
    assert inside("--", *signalled(name)).exit_code == 128 + getattr(signal, name)


@with_shell
@pytest.mark.parametrize(
    ("text", "mode", "code", "told"),
    [
        ("#!/bin/sh\nexit 7\n", 0o755, 7, ""),
        ("#!/bin/sh\nexit 7\n", 0o644, 126, "'./script' cannot be run: it is not executable; chmod +x allows it"),
        ("exit 7\n", 0o755, 126, "'./script' cannot be run: it is no program; a script needs a first line such as #!/bin/sh"),
        ("#!/no/such/shell\n", 0o755, 126, "'./script' cannot be run: it is there, but what its first line names is not"),
        (None, 0o755, 126, "'./script' cannot be run: it is a folder"),
        ("", None, 127, "'./script' cannot be run: there is no such command"),
    ],
)  # fmt: skip
def test_what_cannot_be_executed(
    text: str | None, mode: int | None, code: int, told: str, tmp_path: Path
) -> None:
    script = tmp_path / "script"
    if text is None:
        script.mkdir()
    elif mode is not None:
        script.write_text(text)
        script.chmod(mode)
    result = inside("--", "./script")
    assert result.exit_code == code
    (line,) = result.stderr.splitlines()
    assert line == f"mockserver: {told}" or not told


@with_shell
def test_a_command_is_looked_for_on_the_path_and_told_its_name_as_it_was_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "mine").symlink_to("/bin/sh")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    assert inside("--", "mine", "-c", 'test "$0" = mine && exit 5').exit_code == 5


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (["--fail-on", "invald", "--report", "junti=x,har,junit=no/x.xml", "--timeout", "soon", "--expect-calls", "novi=1", "--ignore", "x"], [
            "--report: 'junti' is no report; did you mean junit?",
            "--fail-on: 'invald' is no kind of violation; did you mean invalid?",
            "--ignore: 'x' is not JSON; write a request pattern, as in {\"status\": 422}",
            None,  # the expectation, which has tests of its own
            "--timeout: 'soon' is not a duration; write a number and a unit: 250ms, 1s, 5m, 24h, 2d",
        ]),
        (["--report", "har"], ["--report: har needs a file; write har=FILE"]),
        (["--report", "junit=broken.yaml/x.xml"], ["--report: broken.yaml/x.xml cannot be written: it is a folder, or what it would stand in is none"]),
        (["--report", "junit=."], ["--report: . cannot be written: it is a folder, or what it would stand in is none"]),
        (["--report", "junit=a.xml,junit=b.xml"], ["--report: junit is given twice, as a.xml and b.xml"]),
        (["--report", "junit=a.xml,har=a.xml"], ["--report: a.xml is given for two reports"]),
        (["--timeout", "0s"], ["--timeout: '0s' must be longer than nothing"]),
        (["--fail-on", "none,invalid"], ["--fail-on: none stands beside other kinds"]),
        (["--ignore", '{"sttaus": 422}'], [None]),
        (["--api", "novi"], ["--api: there is no API named 'novi'; did you mean novu?"]),
        (["--spec", "none.yaml", "--ignore", "{}"], ["none.yaml: cannot be read: No such file or directory"]),
        (["--spec", "broken.yaml", "--ignore", "{}"], ["broken.yaml:1: /openapi: is missing: an OpenAPI document says openapi: 3.1.0"]),
        (["--journal", "."], ["--journal: . cannot be written: Is a directory"]),
        (["--config", "none.yaml"], [None]),
        (["--log", "off"], None),
        (["--watch"], None),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_told_before_anything_runs(arguments: list[str], lines: list[str | None] | None, tmp_path: Path) -> None:  # fmt: skip
    (tmp_path / "broken.yaml").write_text("a: 1\n")
    result = inside(*arguments, "--", *python("open('it-ran', 'w')"))
    assert result.exit_code == 2
    assert not (tmp_path / "it-ran").exists()
    if lines is not None:
        got = result.stderr.splitlines()
        assert len(got) == len(lines), got
        assert [one for one, other in zip(got, lines, strict=True) if other is not None] == [
            f"Error: {line}" for line in lines if line is not None
        ]


@pytest.mark.parametrize("arguments", [[], ["--"], ["--strict"]])
def test_without_a_command_it_says_how_it_is_used(arguments: list[str]) -> None:
    result = inside(*arguments)
    assert result.exit_code == 2
    assert "Missing argument" in result.stderr


@pytest.mark.parametrize("by", ["--port", "MOCKSERVER_PORT", "mockserver.yaml"])
def test_a_port_that_is_taken_or_free(by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        if by == "MOCKSERVER_PORT":
            monkeypatch.setenv(by, port)
        elif by == "mockserver.yaml":
            (tmp_path / by).write_text(f"port: {port}\n")
        options = ["--port", port] if by == "--port" else []
        result = inside(*options, "--", *python("open('it-ran', 'w')"))
        assert result.exit_code == 2
        assert result.stderr.startswith(f"Error: cannot listen on 127.0.0.1 port {port}: ")
        assert result.stderr.endswith("choose another with --port, 0 for any\n")
        assert not (tmp_path / "it-ran").exists()
        assert inside("--port", "0", "--", *OK).exit_code == 0
    assert inside(*options, "--", *python(f"{SEND}sys.exit(not os.environ['MOCKSERVER_URL'].endswith(':{port}'))")).exit_code == 0  # fmt: skip


# --timeout


@with_signals
def test_a_command_that_takes_too_long_is_ended_and_judged(tmp_path: Path) -> None:
    code = f"{SEND}{INVALID}\nimport signal, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(send() - 201))\ntime.sleep(60)"
    result = inside("--timeout", "1500ms", "--report", "jsonl=calls", "--", *python(code))
    assert result.exit_code == 124
    assert result.stderr.splitlines()[0] == "mockserver: the command took longer than 1500ms, and was ended"
    assert len((tmp_path / "calls").read_text().splitlines()) == 2  # while it ended, the server was there


@with_signals
def test_one_that_ignores_that_is_killed() -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    process = started([*python(code)], {**environment()})
    try:
        assert code_of(process, Deadline(process, 1.0, grace=0.2)) == 124
        assert process.returncode == -signal.SIGKILL
    finally:
        process.kill()


def test_a_command_that_is_quick_enough_has_its_own_code() -> None:
    assert inside("--timeout", "1m", "--", *python("raise SystemExit(7)")).exit_code == 7


# Arguments and streams


@pytest.mark.parametrize(
    "given",
    [
        ["a b", "it's", '"quoted"', "*", "$HOME", "%PATH%", "", "~", "\\", "é"],
        ["-v", "--port", "1", "--help", "--", "-k", "x"],
    ],
)
@pytest.mark.parametrize("dashes", [["--"], []])
def test_arguments_arrive_as_they_were_typed(given: list[str], dashes: list[str], tmp_path: Path) -> None:
    code = "import json, sys; open('given', 'w').write(json.dumps(sys.argv[1:]))"
    process = begun("--api", "novu", *dashes, *python(code), *given, cwd=tmp_path)
    assert ended(process)[0] == 0
    assert json.loads((tmp_path / "given").read_text()) == given


def test_streams_are_those_of_the_command(tmp_path: Path) -> None:
    code = f"{SEND}name = input('name? '); print('hello', name); print('oh', file=sys.stderr); {INVALID}"
    exit_code, out, err = ended(begun("--", *python(code), cwd=tmp_path), "ada\n")
    assert (exit_code, out) == (3, "name? hello ada\n")
    assert err[0] == "oh"
    assert all(line.startswith("mockserver: ") for line in err[1:])


def test_at_most_twenty_lines_are_ours() -> None:
    different = "for each in range(40): send(path=f'/nowhere/{each}')"
    lines = inside("--", *python(SEND + different)).stderr.splitlines()
    assert 10 < len(lines) <= 20


@with_shell
def test_open_files_stay_open(tmp_path: Path) -> None:
    read, write = os.pipe()
    try:
        process = begun(
            "--", *python(f"import os; os.write({write}, b'still here')"), cwd=tmp_path, pass_fds=[write]
        )
        assert ended(process)[0] == 0
        assert os.read(read, 100) == b"still here"
    finally:
        os.close(read)
        os.close(write)


@with_shell
@pytest.mark.parametrize("closed", ["2>&-", ">&-", "2>&- >&- <&-", "2>/dev/full", ">/dev/full"])
def test_streams_that_nobody_reads(closed: str) -> None:
    if "/dev/full" in closed and not Path("/dev/full").exists():
        closed = closed.replace("/dev/full", "/dev/null")  # macOS has none
    command = shlex.join(wrapper("--report", "github", "--", *python(SEND + INVALID)))
    done = subprocess.run(
        ["sh", "-c", f"{command} {closed}"],
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == 3, done.stderr


@with_signals
def test_a_reader_that_has_gone_away(tmp_path: Path) -> None:
    process = begun("--", *python(SEND + "input(); " + INVALID), cwd=tmp_path)
    assert process.stderr is not None
    assert process.stdout is not None
    process.stderr.close()
    process.stdout.close()
    process.stderr = process.stdout = None
    assert ended(process, "\n")[0] == 3


# Environment


def seen_by(*options: str) -> dict[str, str]:
    code = "import json, os; open('seen', 'w').write(json.dumps(dict(os.environ)))"
    result = inside(*options, "--", *python(code))
    assert result.exit_code == 0, result.stderr
    found: dict[str, str] = json.loads(Path("seen").read_text())
    return found


def test_the_command_finds_the_server_in_its_environment() -> None:
    seen = seen_by("--prefix", "novu=/mock/novu", "--admin-token", "t0ken")
    url = seen["MOCKSERVER_URL"]
    assert url.startswith("http://127.0.0.1:")
    assert {name: value.replace(url, "") for name, value in seen.items() if name not in os.environ} == {
        "MOCKSERVER_URL": "",
        "MOCKSERVER_ADMIN_URL": "/__admin",
        "MOCKSERVER_ADMIN_TOKEN": "t0ken",
        "MOCKSERVER_NOVU_URL": "/mock/novu",
        "MOCKSERVER_SUPRSEND_URL": "",
        "MOCKSERVER_ALLOY_URL": "",
        "MOCKSERVER_OPENSEND_URL": "",
        "RESEND_BASE_URL": "",
        "RESEND_API_URL": "",
        "NO_PROXY": "127.0.0.1,localhost",
        **({} if sys.platform == "win32" else {"no_proxy": "127.0.0.1,localhost"}),
    }


def test_only_what_is_served_has_variables() -> None:
    assert "MOCKSERVER_ALLOY_URL" not in seen_by("--api", "novu")


URL = "http://127.0.0.1:4999"
OURS = {
    "MOCKSERVER_URL": URL,
    "MOCKSERVER_NOVU_URL": URL,
    "RESEND_API_URL": URL,
    "NO_PROXY": "127.0.0.1,localhost",
    "no_proxy": "127.0.0.1,localhost",
}


@pytest.mark.parametrize(
    ("given", "overrides", "changed", "kept"),
    [
        # what somebody has set for an SDK is kept, unless it is empty
        ({"HOME": "/home"}, False, {"HOME": "/home"}, []),
        ({"RESEND_API_URL": "http://other"}, False, {"RESEND_API_URL": "http://other"}, ["RESEND_API_URL"]),
        ({"RESEND_API_URL": "http://other"}, True, {}, []),
        ({"RESEND_API_URL": ""}, False, {}, []),
        # what is ours, and of a run around this one, is not
        ({"MOCKSERVER_URL": "http://other", "MOCKSERVER_NOVU_URL": "http://other"}, False, {}, []),
        ({"MOCKSERVER_URL": "http://other:1", "RESEND_API_URL": "http://other:1"}, False, {}, []),
        ({"MOCKSERVER_URL": "http://other:1", "RESEND_API_URL": "http://other:1/prefix"}, False, {}, []),
        ({"MOCKSERVER_URL": "http://other:1", "RESEND_API_URL": "http://other:12"}, False, {"RESEND_API_URL": "http://other:12"}, ["RESEND_API_URL"]),
        # proxies: lists are added to, a star is all
        ({"NO_PROXY": "corp, 10.0.0.1"}, False, {"NO_PROXY": "corp,10.0.0.1,127.0.0.1,localhost", "no_proxy": "corp,10.0.0.1,127.0.0.1,localhost"}, []),
        ({"no_proxy": "corp"}, False, {"NO_PROXY": "corp,127.0.0.1,localhost", "no_proxy": "corp,127.0.0.1,localhost"}, []),
        ({"NO_PROXY": "a", "no_proxy": "b"}, False, {"NO_PROXY": "a,127.0.0.1,localhost", "no_proxy": "b,127.0.0.1,localhost"}, []),
        ({"NO_PROXY": "localhost"}, False, {"NO_PROXY": "localhost,127.0.0.1", "no_proxy": "localhost,127.0.0.1"}, []),
        ({"NO_PROXY": "*"}, False, {"NO_PROXY": "*", "no_proxy": "*"}, []),
    ],
)  # fmt: skip
def test_what_is_set_already(
    given: dict[str, str],
    overrides: bool,
    changed: dict[str, str],
    kept: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mockserver.wrapper.environment._NO_PROXY", ("NO_PROXY", "no_proxy"))
    ours = {name: URL for name, value in OURS.items() if value == URL}
    assert with_variables(given, ours, overrides=overrides) == ({**OURS, **changed}, kept)


def test_a_server_on_another_address_needs_no_proxy_either() -> None:
    made, _ = with_variables({}, {"MOCKSERVER_URL": "http://[fd00::1]:4747"})
    assert made["NO_PROXY"] == "127.0.0.1,localhost,fd00::1"


def test_an_api_that_is_named_admin_does_not_hide_the_control_plane() -> None:
    api = load_bundled(["novu"])[0]
    assert (
        variables_of(URL, f"{URL}/__admin", [replace(api, name="admin")])["MOCKSERVER_ADMIN_URL"]
        == f"{URL}/__admin"
    )


def test_options_of_the_environment_and_of_the_file_are_in_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    (tmp_path / "mockserver.yaml").write_text("rules:\n  - {request: {api: novu}, response: {status: 503}, times: 1}\nkeys: {novu: k}\n")  # fmt: skip
    monkeypatch.setenv("MOCKSERVER_PROFILE", "published")
    code = f"{SEND}assert [send(), send(), {DEVIATING}] == [503, 201, 422]"
    result = inside("--journal", "calls.jsonl", "--fail-on", "unused-rule", "--", *python(code))
    assert (result.exit_code, result.stderr.count("FAIL")) == (0, 0), result.stderr
    calls = [json.loads(line) for line in (tmp_path / "calls.jsonl").read_text().splitlines()]
    assert [call["response"]["status"] for call in calls] == [503, 201, 422]


def test_a_rule_that_was_not_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "mockserver.yaml").write_text(
        "rules: [{name: mine, request: {api: novu}, response: {status: 503}}]\n"
    )
    result = inside("--fail-on", "unused-rule", "--", *python("pass"))
    assert result.exit_code == 3
    assert "the rule mine answered no call" in result.stderr


def test_seed_and_clock_make_runs_the_same(tmp_path: Path) -> None:
    for name in ("one", "other"):
        options = ["--seed", "7", "--clock", "2026-11-20T12:00:00Z", "--journal", name]
        assert (
            inside(*options, "--", *python(SEND + "send(); send(path='/v1/events/trigger/bulk')")).exit_code
            == 3
        )
    one, other = (
        [json.loads(line)["response"] for line in (tmp_path / name).read_text().splitlines()]
        for name in ("one", "other")
    )
    assert one == other != []


def test_over_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = issued(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(files.root))
    code = """
import os, urllib.request
assert os.environ["MOCKSERVER_NOVU_URL"].startswith("https://127.0.0.1:")
assert urllib.request.urlopen(os.environ["MOCKSERVER_ADMIN_URL"] + "/health").status == 200
"""
    result = inside(*files.options, "--", *python(code))
    assert result.exit_code == 0, result.stderr


def test_whoever_else_can_reach_it_is_told() -> None:
    told = "warning: whoever reaches http://0.0.0.0:"
    assert told in inside("--host", "0.0.0.0", "--", *python("pass")).stderr
    assert told not in inside("--host", "0.0.0.0", "--admin-token", "t", "--", *python("pass")).stderr


# Commands that people wrap


def test_a_run_in_a_run_has_a_server_of_its_own(tmp_path: Path) -> None:
    inner = wrapper("--expect-calls", "1", "--report", "jsonl=inner", "--", *python(SEND + "send(url=os.environ['RESEND_API_URL'])"))  # fmt: skip
    process = begun("--expect-calls", "0", "--report", "jsonl=outer", "--", *inner, cwd=tmp_path)
    code, _, lines = ended(process)
    assert (code, len(lines)) == (0, 3), lines
    assert [len((tmp_path / name).read_text().splitlines()) for name in ("inner", "outer")] == [1, 0]


TESTS = """
import http.client, os
import pytest

@pytest.mark.parametrize("number", range(6))
def test_a_call(mockserver, number):
    assert mockserver.url.startswith(os.environ["MOCKSERVER_URL"] + "/~")
    address, _, namespace = mockserver.url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(address)
    body = '{"name": "welcome", "to": ["ada"]}' if number else '{"name": 5, "to": ["ada"]}'
    connection.request("POST", f"/{namespace}/v1/events/trigger", body, {"Authorization": "ApiKey k", "Content-Type": "application/json"})
    assert connection.getresponse().status == (201 if number else 422)
    connection.close()
    assert len(mockserver.calls) == 1
"""


@pytest.mark.parametrize("options", [[], ["-n", "2"]])
def test_pytest_uses_it_in_namespaces_whose_calls_are_judged(options: list[str], tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", *options]
    code, out, lines = ended(begun("--expect-calls", "novu=6", "--", *command, cwd=tmp_path))
    assert "6 passed" in out
    assert code == 3
    assert lines[0].startswith("mockserver: 6 calls (novu 6): 5 admitted, 1 refused")
    assert lines[1].startswith("mockserver: FAIL invalid")


NODE = """
const {test} = require("node:test");
const assert = require("node:assert");
test("a call", async () => {
  const answer = await fetch(`${process.env.MOCKSERVER_NOVU_URL}/v1/events/trigger`, {
    method: "POST",
    headers: {Authorization: "ApiKey k", "Content-Type": "application/json"},
    body: JSON.stringify({name: "welcome", to: ["ada"]}),
  });
  assert.equal(answer.status, Number(process.env.STATUS));
});
"""


@pytest.mark.parametrize("command", [["node", "--test"], ["npm", "test"]])
@pytest.mark.parametrize("status", [201, 409])
def test_tests_of_node_and_scripts_of_npm(command: list[str], status: int, tmp_path: Path) -> None:
    (tmp_path / "one.test.js").write_text(NODE)
    (tmp_path / "package.json").write_text('{"scripts": {"test": "node --test"}}')
    process = begun("--expect-calls", "1", "--", *command, cwd=tmp_path, env={"STATUS": str(status), "npm_config_update_notifier": "false"})  # fmt: skip
    code, out, lines = ended(process)
    assert code == (0 if status == 201 else 1), out
    assert "mockserver: 1 call (novu 1): 1 admitted" in lines  # npm may have lines of its own before


@with_shell
def test_what_a_script_leaves_running_does_not_hold_it_up(tmp_path: Path) -> None:
    """A job in the background holds standard output open, and calls on: its calls count until the command has ended."""
    (tmp_path / "loop.py").write_text(f"{SEND}while True:\n    send()\n    open('called', 'w')\n")
    script = f'"{sys.executable}" loop.py 2>/dev/null & while ! test -e called; do sleep 0.01; done; echo $!; exit 6'
    process = begun("--report", "jsonl=calls", "--", "sh", "-c", script, cwd=tmp_path)
    assert process.stdout is not None
    job = int(process.stdout.readline())
    try:
        assert process.wait(30) == 6
    finally:
        with contextlib.suppress(ProcessLookupError):  # a refused connection ends it
            os.kill(job, signal.SIGKILL)
    calls = len((tmp_path / "calls").read_text().splitlines())
    assert calls >= 1
    assert ended(process)[2][0].startswith(f"mockserver: {calls} call")


def test_ten_side_by_side_each_see_their_own_calls(tmp_path: Path) -> None:
    processes = [
        begun(
            "--expect-calls",
            str(number),
            "--",
            *python(SEND + f"for _ in range({number}): send()"),
            cwd=tmp_path,
        )
        for number in range(10)
    ]
    assert [ended(process)[0] for process in processes] == [0] * 10


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    process = begun("--", *python(SEND + "send(); print(os.getpid())"), cwd=tmp_path, env={"PYTHONDEVMODE": "1", "PYTHONWARNINGS": "error"})  # fmt: skip
    code, out, lines = ended(process)
    assert (code, len(lines)) == (0, 2), lines
    with pytest.raises(ProcessLookupError if sys.platform != "win32" else OSError):
        os.kill(int(out), 0)


@with_signals  # elsewhere it is so
def test_it_does_without_what_windows_has_not() -> None:
    code = """
import os, signal, subprocess, sys
for name in ("SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"):
    delattr(signal, name)
for name in ("tcgetpgrp", "getpgrp", "ctermid", "O_NOCTTY"):
    delattr(os, name)
sys.platform = "win32"
from mockserver.wrapper.child import Deadline, code_of, started
from mockserver.wrapper.signals import Relay

with Relay() as relay:
    process = started(["python", "-c", "import time; time.sleep(0.4); raise SystemExit(7)"], os.environ)
    relay.attach(process)
    signal.raise_signal(signal.SIGINT)  # its console has told the command
    raise SystemExit(code_of(process, Deadline(process, None)))
"""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        python(code), env=environment(PATH=path), capture_output=True, encoding="utf-8", check=False
    )
    assert (done.returncode, done.stderr) == (7, "")
