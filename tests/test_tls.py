"""TLS with the user's own files: every URL, every client, what a client that does not trust it is told, and the stop."""

import contextlib
import json
import os
import re
import shlex
import signal
import socket
import ssl
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
import trustme

from mockserver import MockServer
from mockserver.engine.faults import SpecError
from mockserver.server import handshakes
from tests.certificates import Files, authority, certificate, issued
from tests.installing import ROOT, installed_npm, installed_python, program
from tests.serving import TRIGGER, Running, running, serving, until
from tests.wires import TLS_WIRES, Gate, answer_of, arm, request, tasks_of, wired

TLS = Path(__file__).parent / "tls"
WITHIN = 60  # seconds
SECTION = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## TLS\n")[2].partition("\n## ")[0]
TRUST_VARIABLES = (
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "CURL_CA_BUNDLE",
    "SSL_CERT_DIR",
)


@pytest.fixture(scope="module")
def files() -> Files:
    return certificate()


@pytest.fixture(scope="module")
def module_server(files: Files) -> Iterator[Running]:
    with running(tls=files) as server:
        yield server


def clean(variables: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which nothing is trusted, and no proxy asked, but for what is said."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in TRUST_VARIABLES and "proxy" not in name.lower()
    }
    return {**kept, **variables}


def run(*command: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """Run a program to its end, and return what it prints."""
    done = subprocess.run(
        command, env=clean(env or {}), cwd=cwd, capture_output=True, encoding="utf-8", timeout=WITHIN, check=False
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    return done.stdout


# What is told and handed out


def test_every_url_says_https(files: Files) -> None:
    with serving(*files.options, "--log", "json") as (_, line):
        url = str(json.loads(line)["url"])
        assert re.fullmatch(r"https://127\.0\.0\.1:[0-9]+", url)
        with httpx2.Client(trust_env=False, verify=files.client_context()) as client:
            sent = {"Authorization": "ApiKey k"}
            assert client.post(f"{url}/~one/v1/events/trigger", json=TRIGGER, headers=sent).status_code == 201
            assert "http://" not in client.get(f"{url}/").text
            assert "http://" not in client.get(f"{url}/", headers={"Accept": "text/html"}).text
            assert {each["url"] for each in client.get(f"{url}/__admin/apis").json()["apis"]} == {url}
            admin = f"{url}/~one/__admin"
            assert {each["url"] for each in client.get(f"{admin}/apis").json()["apis"]} == {f"{url}/~one"}
            (call,) = client.get(f"{admin}/requests").json()["requests"]
            assert call["request"]["absoluteUrl"] == f"{url}/v1/events/trigger"
            assert call["request"]["scheme"] == "https"
            exports = {name: client.get(f"{admin}/export", params={"format": name}).text for name in ("curl", "har", "jsonl", "pytest", "text")}  # fmt: skip
    assert f"'{url}/~one/v1/events/trigger'" in exports["curl"]
    (entry,) = json.loads(exports["har"])["log"]["entries"]
    assert entry["request"]["url"] == f"{url}/~one/v1/events/trigger"
    assert not [name for name, text in exports.items() if "http://" in text]


def test_the_ready_line_and_the_warning_say_https(files: Files) -> None:
    with serving(*files.options, "--host", "0.0.0.0") as (process, line):
        assert re.fullmatch(r"mockserver ready on https://0\.0\.0\.0:[0-9]+", line)
        assert process.stderr is not None
        assert "whoever reaches https://0.0.0.0:" in process.stderr.readline()


def test_the_command_that_shows_apis_says_https(files: Files, tmp_path: Path) -> None:
    named = f"tls-cert: {json.dumps(str(files.cert))}\ntls-key: {json.dumps(str(files.key))}\n"
    (tmp_path / "mockserver.yaml").write_text(named, encoding="utf-8")
    told = run(sys.executable, "-m", "mockserver", "apis", cwd=tmp_path, env={"PYTHONPATH": str(ROOT)})
    assert "base URL  https://127.0.0.1:4747\n" in told
    assert "http://127" not in told


def test_files_that_a_configuration_names_are_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "below"
    folder.mkdir()
    files = issued(folder)
    (folder / "mine.yaml").write_text("tls-cert: cert.pem\ntls-key: key.pem\n", encoding="utf-8")
    with serving("--config", "below/mine.yaml", cwd=tmp_path) as (_, line):
        trusting(line.rpartition(" ")[2], files, tmp_path)


@pytest.mark.parametrize(
    ("pattern", "count"),
    [
        ({"scheme": "https"}, 1),
        ({"scheme": "http"}, 0),
        ({"port": 443}, 1),
        ({"port": 80}, 0),
        ({"host": {"equalTo": "service.test"}}, 1),
    ],
)
def test_patterns_know_that_calls_come_over_tls(server: Running, pattern: Any, count: int) -> None:
    server.trigger(headers={"Host": "service.test"})
    _, _, body = server.request("POST", "/__admin/requests/count", pattern)
    assert json.loads(body)["count"] == count
    shown = server.calls()[0]["request"]
    assert (shown["absoluteUrl"], shown["port"]) == ("https://service.test/v1/events/trigger", 443)


def test_a_call_that_the_mock_sends_itself_is_one_over_tls(server: Running) -> None:
    assert server.request("POST", "/__admin/send", {"api": "novu"})[0] == 200
    assert server.calls()[0]["request"]["absoluteUrl"].startswith("https://")


# The protocol


@pytest.mark.parametrize("wire", TLS_WIRES)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_it_is_http_1_1_over_tls_1_2_and_1_3(wire: str, version: ssl.TLSVersion, files: Files) -> None:
    context = files.client_context()
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["h2", "http/1.1"])
    with wired(wire) as server, connected(server, context) as client:
        assert client.selected_alpn_protocol() == "http/1.1"
        assert client.version() == version.name.replace("_", ".")
        client.sendall(request("/", Connection="close") + request("/"))
        assert answer_of(client)[0] == "HTTP/1.1 200 OK"


@contextlib.contextmanager
def connected(
    server: Running | MockServer, context: ssl.SSLContext, name: str = "localhost"
) -> Iterator[ssl.SSLSocket]:
    plain = socket.create_connection(port_of(server.url), timeout=10)
    with plain, context.wrap_socket(plain, server_hostname=name) as client:
        yield client


def port_of(url: str) -> tuple[str, int]:
    return "127.0.0.1", int(url.rpartition(":")[2])


def announced(client: ssl.SSLSocket) -> None:
    with contextlib.suppress(OSError):  # the server's answer to it may be a closed connection
        client.unwrap()


def unannounced(_: ssl.SSLSocket) -> None:
    pass


LEAVES = [announced, unannounced]


@pytest.mark.parametrize("wire", TLS_WIRES)
def test_a_client_that_goes_away_while_its_answer_is_held_back_is_seen(wire: str, files: Files) -> None:
    gate = Gate()
    with wired(wire, sleep=gate) as server:
        arm(server, {"status": 200, "fixedDelayMilliseconds": 60_000})
        for number, leave in enumerate(LEAVES, 1):
            with connected(server, files.client_context()) as client:
                client.sendall(request("/armed"))
                gate.reached(number)
                leave(client)
            until(lambda: tasks_of(server) == 0)
        assert [call["request"]["mock"]["state"] for call in server.calls()] == ["aborted"] * 2


# What a client that does not trust it is told

Visit = Callable[[str, Files, Path], object]


def untrusting(url: str, _: Files, __: Path) -> None:
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(url, trust_env=False)


def by_another_name(url: str, files: Files, _: Path) -> None:
    with socket.create_connection(port_of(url), timeout=10) as plain, pytest.raises(ssl.SSLError):
        files.client_context().wrap_socket(plain, server_hostname="other.test")


def without_tls(url: str, _: Files, __: Path) -> None:
    answer = httpx2.get(url.replace("https", "http"), trust_env=False)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert answer.json()["detail"] == "this port speaks TLS; call https:// instead of http://"


def as_a_proxy(url: str, _: Files, __: Path) -> None:
    with pytest.raises(httpx2.ProxyError, match="400"):
        httpx2.get("https://service.test", proxy=url.replace("https", "http"), trust_env=False)


def with_old_tls(url: str, _: Files, __: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection(port_of(url), timeout=10) as plain,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        context.wrap_socket(plain)


def with_garbage(url: str, _: Files, __: Path) -> None:
    with socket.create_connection(port_of(url), timeout=10) as plain:
        plain.sendall(b"\x80\x01\x00garbage\r\n" * 20)
        with contextlib.suppress(ConnectionError):
            assert plain.recv(1) == b""


def with_node(url: str, _: Files, __: Path) -> None:
    assert json.loads(run(program("node"), TLS / "get.cjs", url)) == ["UNABLE_TO_VERIFY_LEAF_SIGNATURE"] * 2


def saying_nothing(url: str, _: Files, __: Path) -> None:
    socket.create_connection(port_of(url), timeout=10).close()


def trusting(url: str, files: Files, _: Path) -> None:
    assert httpx2.get(url, trust_env=False, verify=files.client_context()).status_code == 200


VISITS: list[tuple[Visit, list[str]]] = [
    (untrusting, ["a client does not trust the certificate; give it the file of who signed it (a self-signed certificate itself) in SSL_CERT_FILE, REQUESTS_CA_BUNDLE (Python's requests), NODE_EXTRA_CA_CERTS (Node) or curl's --cacert"]),
    (by_another_name, ["a client refuses the certificate, which is for other names than it called, or is not trusted; then give it the file of who signed it (a self-signed certificate itself) in SSL_CERT_FILE, REQUESTS_CA_BUNDLE (Python's requests), NODE_EXTRA_CA_CERTS (Node) or curl's --cacert"]),
    (without_tls, ["a client spoke HTTP without TLS, and this port speaks TLS; call https://"]),
    (as_a_proxy, ["a client took this server for a proxy, and this port speaks TLS; HTTPS_PROXY is not the way to redirect an SDK"]),
    (with_old_tls, ["a client speaks no TLS as new as 1.2, which is the oldest that is offered"]),
    (with_garbage, ["a TLS handshake has failed: wrong version number"]),
    (with_node, ["a client gave up a TLS handshake without saying why, as Node does where it does not trust the certificate: then give it the file of who signed it (a self-signed certificate itself) in NODE_EXTRA_CA_CERTS"]),
    (saying_nothing, []),
    (trusting, []),
]  # fmt: skip


@pytest.mark.parametrize("wire", ["asyncio", "uvloop"])
@pytest.mark.parametrize(("visit", "told"), [pytest.param(*row, id=row[0].__name__) for row in VISITS])
def test_what_a_failed_handshake_says_and_only_once(
    wire: str,
    visit: Visit,
    told: list[str],
    files: Files,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(handshakes, "PATIENCE", 0.05)
    with wired(f"{wire} and its parser, TLS") as server:
        complaints = told_by(server)
        for _ in range(2):
            visit(server.url, files, tmp_path)
        until(lambda: len(complaints) >= len(told))
        trusting(server.url, files, tmp_path)  # others are served
    assert complaints == [f"mockserver: {line}" for line in told]
    assert (capfd.readouterr().err, caplog.records) == ("", [])


def told_by(server: Running) -> list[str]:
    """Return the list into which a server's context tells from now on."""
    complaints: list[str] = []
    context = server.server._tls
    assert isinstance(context, handshakes.Context)
    context._tell = complaints.append
    return complaints


def test_an_expired_certificate_is_called_so(tmp_path: Path) -> None:
    files = issued(tmp_path)
    made = authority().issue_cert("localhost", not_after=datetime(2020, 1, 1, tzinfo=UTC), not_before=datetime(2019, 1, 1, tzinfo=UTC))  # fmt: skip
    files.cert.write_bytes(made.cert_chain_pems[0].bytes())
    files.key.write_bytes(made.private_key_pem.bytes())
    with running(tls=files) as server:
        complaints = told_by(server)
        expired = pytest.raises(ssl.SSLCertVerificationError, match="expired")
        with expired, connected(server, files.client_context()):
            pass
        until(lambda: complaints)
    assert complaints == ["mockserver: a client refuses the certificate, which has expired; make a new one"]


def test_the_command_says_it_on_standard_error(files: Files) -> None:
    with serving(*files.options, "--log", "off") as (process, line):
        for _ in range(3):
            untrusting(line.rpartition(" ")[2], files, Path())
        shutdown = f"{line.rpartition(' ')[2]}/__admin/shutdown"
        assert httpx2.post(shutdown, trust_env=False, verify=files.client_context()).json() == {}
        told = process.communicate(timeout=10)[1]
    assert process.returncode == 0
    assert told.startswith("mockserver: a client does not trust the certificate; ")
    assert told.count("\n") == 1


# The stop


def silent(url: str, _: Files) -> socket.socket:
    return socket.create_connection(port_of(url), timeout=10)


def half_a_handshake(url: str, files: Files) -> socket.socket:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        files.client_context().wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    connection = silent(url, files)
    connection.sendall(outgoing.read())
    assert connection.recv(1)
    return connection


def idle(url: str, files: Files) -> socket.socket:
    client = files.client_context().wrap_socket(silent(url, files), server_hostname="localhost")
    client.sendall(request("/", Connection="keep-alive"))
    answer_of(client)
    return client


def waiting(url: str, files: Files) -> socket.socket:
    client = files.client_context().wrap_socket(silent(url, files), server_hostname="localhost")
    client.sendall(request("/__admin/stream"))
    assert client.recv(1)
    return client


CLIENTS = [silent, half_a_handshake, idle, waiting]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals that a program can send so")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_it_whoever_is_connected(number: signal.Signals, code: int, files: Files) -> None:
    with serving(*files.options, "--log", "off") as (process, line), contextlib.ExitStack() as held:
        url = line.rpartition(" ")[2]
        connections = [held.enter_context(connect(url, files)) for connect in CLIENTS for _ in range(2)]
        process.send_signal(number)
        told = process.communicate(timeout=5)[1]
        assert (process.returncode, told) == (code, "")
        for connection in connections:
            assert is_over(connection)


def is_over(connection: socket.socket) -> bool:
    """Tell whether a connection comes to its end; not that it does not in time."""
    try:
        while connection.recv(65536):
            pass
    except TimeoutError:
        return False
    except OSError:  # a reset, or an end that TLS had not announced
        pass
    return True


@pytest.mark.parametrize(
    ("wire", "connect"),
    [
        (wire, connect)
        for wire in TLS_WIRES
        for connect in CLIENTS
        # uvloop closes what has not become a connection with the loop, and warns of it; it runs in no thread.
        if wire.startswith("asyncio") or connect in {idle, waiting}
    ],
)
def test_a_server_in_a_thread_stops_at_once(
    wire: str, connect: Callable[[str, Files], socket.socket], files: Files, capfd: pytest.CaptureFixture[str]
) -> None:
    with wired(wire) as server, connect(server.url, files) as connection:
        connection.settimeout(5)
        begun = time.perf_counter()
        server.server.stop()
        assert time.perf_counter() - begun < 2
        assert is_over(connection)
    assert capfd.readouterr().err == ""


# The handle


def test_the_handle_holds_a_server_over_tls_whatever_names_its_certificate_has(tmp_path: Path) -> None:
    files = issued(tmp_path, "service.test")
    with MockServer(tls_cert=files.cert, tls_key=files.key) as mock:
        assert mock.url.startswith("https://127.0.0.1:")
        assert mock.api("novu").url == mock.url
        world = mock.namespace("one")
        assert world.url == f"{mock.url}/~one"
        with connected(mock, files.client_context(), "service.test") as client:
            sent = {"Authorization": "ApiKey k", "Content_Type": "application/json"}
            client.sendall(request("/~one/v1/events/trigger", json.dumps(TRIGGER).encode(), **sent))
            assert answer_of(client)[0] == "HTTP/1.1 201 Created"
        world.api("novu").assert_called_once(name="welcome")
        mock.assert_not_called()
        with pytest.raises(AssertionError, match="expected 1 call within 0 s"):
            mock.wait_for(timeout=0)


def test_a_kept_connection_that_the_server_has_closed_is_made_anew(files: Files) -> None:
    with MockServer(tls_cert=files.cert, tls_key=files.key) as mock:
        assert mock.calls == []
        kept = mock._connection._pool._idle[-1]
        assert kept.sock is not None
        kept.sock.shutdown(socket.SHUT_RDWR)
        assert mock.calls == []


def test_a_connected_handle_trusts_what_the_environment_names(
    server: Running, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(files.root))
    with MockServer.connect(f"{server.url}/~one") as mock:
        server.request("POST", "/~one/v1/events/trigger", TRIGGER, {"Authorization": "ApiKey k", "Content-Type": "application/json"})  # fmt: skip
        assert mock.url == f"{server.url}/~one"
        mock.api("novu").assert_called_once()


def test_a_connected_handle_says_what_to_do(
    server: Running, files: Files, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def told(url: str) -> str:
        with pytest.raises((OSError, RuntimeError)) as error:
            MockServer.connect(url)
        return str(error.value)

    told_by(server)
    url, stranger = server.url, tmp_path / "stranger.pem"
    stranger.write_bytes(trustme.CA().cert_pem.bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(stranger))
    assert told(url) == (
        f"the certificate of the mock server at {url} is not trusted: unable to get local issuer certificate; "
        "name the file of who signed it (a self-signed certificate itself) in the variable SSL_CERT_FILE"
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(files.root))
    with running(tls=issued(tmp_path, "service.test")) as other:
        told_by(other)
        assert told(other.url) == (
            f"the certificate of the mock server at {other.url} is not trusted: "
            "IP address mismatch, certificate is not valid for '127.0.0.1'; "
            "call it by a name that stands in the certificate, or make one for this name"
        )
    assert told(url.replace("https", "http")) == "this port speaks TLS; call https:// instead of http://"
    with running() as plain:
        secured = plain.url.replace("http", "https")
        assert re.fullmatch(
            rf"what answers at {secured} does not speak TLS as it should \(.+\); is it http:// that is meant\?", told(secured)
        )  # fmt: skip


TESTS_OF_A_USER = """
def test_it(mockserver):
    assert mockserver.url.startswith("https://")
    mockserver.assert_not_called()
"""


@pytest.mark.parametrize(("trusted", "outcome"), [(True, "1 passed"), (False, "SSL_CERT_FILE")])
def test_the_pytest_plugin_uses_a_server_over_tls(
    trusted: bool, outcome: str, server: Running, files: Files, tmp_path: Path
) -> None:
    told_by(server)
    (tmp_path / "test_it.py").write_text(TESTS_OF_A_USER, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "--mockserver-url", server.url]  # fmt: skip
    trust = {"SSL_CERT_FILE": str(files.root)} if trusted else {}
    done = subprocess.run(
        command, cwd=tmp_path, env=clean({"PYTHONPATH": str(ROOT), **trust}), stdout=subprocess.PIPE, encoding="utf-8", timeout=WITHIN, check=False
    )  # fmt: skip
    assert outcome in done.stdout, done.stdout


def test_files_that_cannot_be_used_are_told_before_anything_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr("mockserver.server.running.bind", lambda *_: pytest.fail("a socket was opened"))
    with pytest.raises(
        SpecError, match=r"^MockServer\(\): /tls-cert: .*none.pem cannot be read: No such file"
    ):
        MockServer(tls_cert=tmp_path / "none.pem", tls_key=tmp_path / "none.pem")
    with pytest.raises(
        SpecError, match=r"^MockServer\(\): /tls-key: is of no use alone; give tls-cert as well"
    ):
        MockServer(tls_key=certificate().key)


# Clients of others, and how they are told to trust it


@pytest.fixture(scope="session")
def sdk_python() -> Path:
    return installed_python("sdks", ROOT / "tests" / "sdks" / "requirements.txt")


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        ("SSL_CERT_FILE", ["untrusted", 200, 200]),
        ("REQUESTS_CA_BUNDLE", [200, "untrusted", "untrusted"]),
        ("NODE_EXTRA_CA_CERTS", ["untrusted"] * 3),
    ],
)
def test_which_variable_makes_which_client_of_python_trust_it(
    variable: str, expected: list[object], server: Running, files: Files, sdk_python: Path
) -> None:
    """They are requests, httpx, and the standard library."""
    told_by(server)
    seen = run(sdk_python, "-I", TLS / "get.py", server.url, env={variable: str(files.root)})
    assert json.loads(seen) == expected


@pytest.mark.parametrize(
    ("variable", "expected"),
    [("NODE_EXTRA_CA_CERTS", [200, 200]), ("SSL_CERT_FILE", ["UNABLE_TO_VERIFY_LEAF_SIGNATURE"] * 2)],
)
def test_node_trusts_what_its_variable_names(
    variable: str, expected: list[object], server: Running, files: Files
) -> None:
    told_by(server)
    assert (
        json.loads(run(program("node"), TLS / "get.cjs", server.url, env={variable: str(files.root)}))
        == expected
    )


@pytest.mark.parametrize("how", ["--cacert", "CURL_CA_BUNDLE"])
def test_curl_trusts_what_it_is_given(how: str, server: Running, files: Files) -> None:
    options = [how, str(files.root)] if how.startswith("--") else []
    variables = {} if options else {how: str(files.root)}
    told = run(
        program("curl"), "-sS", *options, "-o", os.devnull, "-w", "%{http_code}", server.url, env=variables
    )
    assert told == "200"


def test_httpx_of_the_tests_trusts_the_variable(server: Running, files: Files, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setenv("SSL_CERT_FILE", str(files.root))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert httpx2.get(server.url).status_code == 200


# SDKs whose host is fixed in code, redirected by name

ALLOY = "embedded.runalloy.com"


@pytest.mark.parametrize("trusted", [True, False])
def test_alloy_node_works_unmodified_at_its_own_host(trusted: bool, tmp_path: Path) -> None:
    files = issued(tmp_path, ALLOY)
    modules = installed_npm("tls-npm", TLS)
    assert f"https://{ALLOY}/" in (modules / "alloy-node" / "index.js").read_text(encoding="utf-8")
    with MockServer(tls_cert=files.cert, tls_key=files.key, apis=["alloy"]) as mock:
        trust = {"NODE_EXTRA_CA_CERTS": str(files.root)} if trusted else {}
        told = run(
            program("node"), "--require", TLS / "redirect.cjs", TLS / "alloy.cjs",
            env={"NODE_PATH": str(modules), "HOST": ALLOY, "PORT": mock.url.rpartition(":")[2], **trust},
        )  # fmt: skip
        if not trusted:
            assert "error" in json.loads(told)
            mock.assert_not_called()
            return
        seen = json.loads(told)
        assert seen["answer"] == {"message": "Event successfully triggered"}
        identified, call = mock.calls
        assert (identified.path, identified.json, identified.status) == ("/2023-01/users/ada", {}, 200)
        mock.api("alloy").assert_called_once(name="welcome", recipient=seen["userId"], status=200)
        assert call.headers["host"] == ALLOY


def test_sdks_of_python_work_at_their_own_hosts(tmp_path: Path, sdk_python: Path) -> None:
    names = ("api.novu.co", "hub.suprsend.com")
    files = issued(tmp_path, *names)
    with MockServer(tls_cert=files.cert, tls_key=files.key) as mock:
        port, root = mock.url.rpartition(":")[2], str(files.root)

        def seen(**trust: str) -> Any:
            return json.loads(run(sdk_python, "-I", TLS / "redirected.py", port, *names, env=trust))

        assert seen(SSL_CERT_FILE=root, REQUESTS_CA_BUNDLE=root) == [True, True]
        assert [(call.api, call.status, call.headers["host"]) for call in mock.calls] == [
            ("novu", 201, names[0]),
            ("suprsend", 202, names[1]),
        ]
        mock.reset()
        novu, suprsend = seen()
        assert "CERTIFICATE_VERIFY_FAILED" in novu
        assert suprsend is not True
        mock.assert_not_called()


# The README


def commands(word: str) -> list[list[str]]:
    """Return the commands of the README's section that begin with a word, as a shell would split them."""
    blocks = "".join(re.findall(r"```\n(.*?)```", SECTION, re.DOTALL)).replace("\\\n", " ")
    return [shlex.split(line) for line in blocks.splitlines() if line.startswith(word)]


def test_what_openssl_makes_as_the_readme_says_is_trusted_also_strictly(tmp_path: Path) -> None:
    (made,) = commands("openssl")
    run(program("openssl"), *made[1:], cwd=tmp_path)
    (_, serve, *_) = commands("mockserver"), commands("mockserver")[0]
    with serving(*serve[2:], "--log", "off", cwd=tmp_path) as (_, line):
        url = line.rpartition(" ")[2]
        for name in ("localhost", "127.0.0.1"):
            strict = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
            strict.verify_flags |= ssl.VERIFY_X509_STRICT  # the default from Python 3.13 on
            with socket.create_connection(port_of(url), timeout=10) as plain:
                strict.wrap_socket(plain, server_hostname=name).close()
        by_name = url.replace("127.0.0.1", "localhost")
        trusted = {"NODE_EXTRA_CA_CERTS": "cert.pem", "CURL_CA_BUNDLE": "cert.pem"}
        assert json.loads(run(program("node"), TLS / "get.cjs", by_name, cwd=tmp_path, env=trusted)) == [
            200,
            200,
        ]
        assert '"mockserver"' in run(program("curl"), "-sS", by_name, cwd=tmp_path, env=trusted)


def test_the_table_of_the_readme_names_the_variables_that_were_tried() -> None:
    rows = re.findall(r"^\| .* \| (.*) \|$", SECTION.partition("|---|---|")[2], re.MULTILINE)
    named = {word for row in rows for word in re.findall(r"`([A-Z_]+|--cacert)`", row)}
    assert named == {
        "SSL_CERT_FILE",
        "REQUESTS_CA_BUNDLE",
        "NODE_EXTRA_CA_CERTS",
        "CURL_CA_BUNDLE",
        "--cacert",
    }
    assert ALLOY in SECTION


# No cost without it


def test_a_server_without_tls_loads_nothing_of_it() -> None:
    code = "import sys; from mockserver import MockServer; MockServer().stop(); print([n for n in sys.modules if n in ('mockserver.tls', 'mockserver.server.handshakes')])"
    assert run(sys.executable, "-c", code, env={"PYTHONPATH": str(ROOT)}).strip() == "[]"
