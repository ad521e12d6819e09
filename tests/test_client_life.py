"""The handle: how it begins and ends, what it says when nobody answers, and several threads at it."""

import contextlib
import gc
import http.client
import http.server
import os
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mockserver import MockServer
from mockserver.client import ControlError, connection, view
from tests.handles import TRIGGER, send
from tests.serving import running, serving

# Where nobody, or somebody else, answers


@pytest.mark.parametrize(
    "url",
    ["", "127.0.0.1:4747", "localhost", "ftp://127.0.0.1:4747", "http://", "http://127.0.0.1:x", "http://127.0.0.1:99999", "http://127.0.0.1/ a", "http://127.0.0.1/é", "http://h/?q=1", "http://h/#f", "http://[::1"],
)  # fmt: skip
def test_what_is_no_url_of_a_mock_server(url: str) -> None:
    with pytest.raises(ValueError, match="is not the URL of a mock server; write it as http://127.0.0.1:4747"):  # fmt: skip
        MockServer.connect(url)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def test_nothing_answers() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(ConnectionError, match=f"^no mock server answers at {url}: .*(efused|abgelehnt)"):
        MockServer.connect(url)
    with pytest.raises(ConnectionError, match="^no mock server answers at http://nowhere.invalid:80: ."):
        MockServer.connect("http://nowhere.invalid")


class Other(http.server.BaseHTTPRequestHandler):
    """Another server: it answers by the path that comes before that of the control plane."""

    def do_GET(self) -> None:
        if self.path.startswith("/mute/"):
            self.server.shutting.wait(10)  # type: ignore[attr-defined]
            return
        if self.path.startswith("/odd/"):
            self.wfile.write(b"220 smtp ready\r\n")
            return
        status = 404 if self.path.startswith("/lost/") else 200
        data = b'{"status": "fine"}' if self.path.startswith("/json/") else b"<html>"
        self.send_response(status)
        kind = "application/json" if self.path.startswith("/json/") else "text/html"
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def other() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Other) as server:
        server.shutting = threading.Event()  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutting.set()  # type: ignore[attr-defined]
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("path", "error", "told"),
    [
        ("lost", ConnectionError, "what answers at {} is no mock server of this kind"),
        ("page", ConnectionError, "what answers at {} is no mock server of this kind"),
        ("json", ConnectionError, "what answers at {} is no mock server of this kind"),
        ("odd", ConnectionError, "no mock server answers at {}: "),
        ("mute", TimeoutError, "the mock server at {} has not answered GET /mute/__admin/apis for 0.2 s"),
    ],
)
def test_somebody_else_answers(
    other: str, path: str, error: type[Exception], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection.Connection.ask, "__kwdefaults__", {"timeout": 0.2, "also": ()})
    with pytest.raises(error, match=f"^{told.format(f'{other}/{path}')}"):
        MockServer.connect(f"{other}/{path}")


@pytest.mark.parametrize(
    ("token", "told"), [(None, "asks for a token"), ("wrong", "does not take this token"), ("", "does not take this token")]
)  # fmt: skip
def test_a_token_is_asked_for(token: str | None, told: str) -> None:
    with MockServer(admin_token="t0ken") as guarded:
        send(guarded)
        assert len(guarded.calls) == 1
        assert len(guarded.namespace("a").calls) == 0
        assert len(MockServer.connect(guarded.url, token="t0ken").calls) == 1
        with pytest.raises(ControlError, match=f"^the control plane of {guarded.url} {told}; give that of its --admin-token, as token=$") as caught:  # fmt: skip
            MockServer.connect(guarded.url, token=token)
        assert caught.value.status == 401


@pytest.mark.parametrize("end", ["", "/", "/__admin", "/__admin/", "/~a", "/~a/__admin"])
def test_the_ways_to_write_a_url(started: MockServer, end: str) -> None:
    place = "/~a" if "~a" in end else ""
    handle = MockServer.connect(started.url + end)
    assert handle.url == started.url + place
    assert repr(handle) == f"<MockServer {handle.url}>"
    assert handle.calls is not None


def test_a_server_that_is_gone_is_told() -> None:
    with serving("--log", "off") as (process, ready):
        handle = MockServer.connect(ready.removeprefix("mockserver ready on "))
        assert handle.calls == []
        waiting = ThreadPoolExecutor(1).submit(handle.wait_for, 1, 30)
        process.kill()
        process.wait()
        told = f"^no mock server answers at {handle.url}(/~a)?: ."
        with pytest.raises(ConnectionError, match=told):
            _ = handle.calls
        with pytest.raises(ConnectionError, match=told):
            waiting.result(10)
        with pytest.raises(ConnectionError, match=told):
            handle.namespace("a").reset()


def test_a_server_that_was_started_again_is_used() -> None:
    port = free_port()
    with MockServer(port=port) as first:
        handle = MockServer.connect(first.url)
        assert handle.calls == []
    with MockServer(port=port) as second:  # the connection that was kept leads nowhere
        send(second)
        assert len(handle.calls) == 1


# The end


def test_after_its_end_a_handle_says_so() -> None:
    with MockServer() as mock:
        world = mock.namespace("a")
        held = MockServer.connect(mock.url)
        api = mock.api("novu")
        assert held.calls == world.calls == api.calls == []
        held.stop()
    for handle in (mock, world, api, held):
        told = f"^the handle of the mock server at {handle.url} was stopped; ask it before that, inside its with block$"  # fmt: skip
        for ask in (lambda handle=handle: handle.calls, handle.wait_for, handle.assert_called, lambda handle=handle: handle.respond(500)):  # fmt: skip
            with pytest.raises(ConnectionError, match=told):
                ask()
    mock.stop()
    held.stop()
    with pytest.raises(ConnectionError):
        send(mock)


def test_who_is_connected_does_not_stop_the_server(started: MockServer) -> None:
    with MockServer.connect(started.url):
        pass
    assert MockServer.connect(started.url).url == started.url


def test_an_error_in_its_block_goes_through_and_ends_it() -> None:
    with pytest.raises(KeyError, match="mine"), MockServer() as mock:
        raise KeyError("mine")
    with pytest.raises(ConnectionError):
        send(mock)


def test_no_thread_and_no_connection_is_left() -> None:
    before = threading.active_count()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            with MockServer() as mock:
                handle = MockServer.connect(mock.url)
                assert handle.calls == mock.namespace("a").calls == []
                with pytest.raises(AssertionError):
                    mock.wait_for(timeout=0)
            del handle
        gc.collect()
    assert threading.active_count() == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_fork_asks_over_connections_of_its_own_and_stops_nothing(mock: MockServer) -> None:
    with MockServer() as own, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads
        send(own)
        assert len(own.calls) == 1
        child = os.fork()
        if child == 0:
            code = 1
            with contextlib.suppress(BaseException), own:
                code = 0 if len(own.calls) == 1 else 2
            os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert len(own.calls) == 1


# Start and stop


def idle(mock: MockServer, hold: contextlib.ExitStack) -> None:
    hold.enter_context(socket.create_connection(address_of(mock)))


def half_a_body(mock: MockServer, hold: contextlib.ExitStack) -> None:
    client = hold.enter_context(socket.create_connection(address_of(mock)))
    client.sendall(b"POST /event/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{half")


def a_wait(mock: MockServer, hold: contextlib.ExitStack) -> None:
    pool = hold.enter_context(ThreadPoolExecutor(1))
    waiting = pool.submit(mock.wait_for, 1, 30)
    hold.callback(lambda: waiting.exception(5))


def a_kept_connection(mock: MockServer, hold: contextlib.ExitStack) -> None:
    client = hold.enter_context(contextlib.closing(http.client.HTTPConnection(*address_of(mock))))
    client.request("GET", "/__admin/health")
    client.getresponse().read()


def address_of(mock: MockServer) -> tuple[str, int]:
    host, _, port = mock.url.removeprefix("http://").partition(":")
    return host, int(port)


@pytest.mark.parametrize("holding", [idle, half_a_body, a_kept_connection, a_wait])
def test_start_and_stop_take_milliseconds(
    holding: Callable[[MockServer, contextlib.ExitStack], None],
) -> None:
    """Ten times what ``make bench`` holds them to, since other work is done on the machine of a test."""
    starts, stops = [], []
    MockServer().stop()
    for _ in range(3):
        begin = time.perf_counter()
        mock = MockServer()
        starts.append(time.perf_counter() - begin)
        with contextlib.ExitStack() as hold:
            holding(mock, hold)
            send(mock, path="/__admin/health", method="GET")
            begin = time.perf_counter()
            mock.stop()
            stops.append(time.perf_counter() - begin)
    assert min(starts) < 0.05
    assert min(stops) < 0.2


# Threads


def test_eight_threads_use_one_handle(mock: MockServer) -> None:
    novu, world = mock.api("novu"), mock.namespace("a")

    def work(number: int) -> None:
        for index in range(10):
            name = f"{number}-{index}"
            send(mock, {"name": name, "to": ["ada"]})
            assert novu.assert_called_once(body={"name": name}).json["name"] == name
            mock.respond(500, when={"body": {"name": f"never-{name}"}}).remove()
            assert mock.wait_for(body={"name": name})[0].status == 201
            with pytest.raises(AssertionError, match=f'body.name == "not-{name}"'):
                mock.assert_called(body={"name": f"not-{name}"})
            assert world.calls == []

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert sorted(call.number for call in mock.calls) == list(range(1, 81))


class Emptied(list[Any]):
    """What another thread takes the last of between two looks at it."""

    def __bool__(self) -> bool:
        return True

    def __len__(self) -> int:
        return 1


def test_a_kept_connection_goes_to_one_thread_only(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = connection.Pool("127.0.0.1", 1)
    monkeypatch.setattr(pool, "_idle", Emptied())
    assert pool.take() is None


@pytest.mark.parametrize("end", ["closed", "forked"])
def test_a_connection_that_is_no_longer_ours_is_closed(
    started: MockServer, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    pool = connection.Pool(*address_of(started))
    kept = http.client.HTTPConnection(*pool.address)
    kept.connect()
    if end == "closed":
        pool.close()
    pool.keep(kept)
    if end == "forked":
        monkeypatch.setattr(os, "getpid", lambda: -1)
    assert pool.take() is None
    assert kept.sock is None


def test_who_waits_sees_what_another_thread_sends(mock: MockServer) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(mock.api("novu").wait_for, 2, 30, body={"name": "welcome"})
        for name in ("welcome", "bye", "welcome"):
            send(mock, {"name": name, "to": ["ada"]})
        assert [call.number for call in waiting.result(10)] == [1, 3]


@pytest.mark.parametrize("timeout", ["150ms", 0.15])
def test_a_wait_longer_than_the_server_allows_is_made_of_several(
    mock: MockServer, monkeypatch: pytest.MonkeyPatch, timeout: Any
) -> None:
    monkeypatch.setattr(view, "_LONGEST_WAIT", 40)
    begin = time.perf_counter()
    with pytest.raises(AssertionError, match="^expected 2 calls to novu within 0.15 s, got 0 of 0 recorded"):
        mock.api("novu").wait_for(2, timeout=timeout)
    assert 0.15 <= time.perf_counter() - begin < 5
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(mock.wait_for, 2, 30)
        send(mock)
        with pytest.raises(AssertionError):
            mock.wait_for(2, timeout=0.1)
        send(mock)
        assert len(waiting.result(10)) == 2


def test_a_server_in_a_thread_of_somebody_else_is_reached() -> None:
    with running() as server:
        handle = MockServer.connect(server.url)
        send(handle)
        assert [call.path for call in handle.calls] == [TRIGGER]
