"""What a server that is started by its handle is told: the keys of ``mockserver.yaml``, each with the effect it has."""

import json
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mockserver import MockServer, loading
from mockserver.client.handle import Options
from mockserver.engine.faults import SpecError
from mockserver.server.running import has_ipv6
from tests.handles import TRIGGER, WELCOME, send

PARCEL = Path(__file__).parent / "parcel" / "parcel.yaml"
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)

MEANINGLESS = {"journal", "log", "watch"}
"""Keys of the file that are about the command: its output, and files that it writes and watches."""


def test_the_options_are_those_of_the_file() -> None:
    keys = {option.key.replace("-", "_") for option in loading.table().options}
    assert set(Options.__annotations__) == {*keys - MEANINGLESS, "config"}
    assert keys >= MEANINGLESS


def statuses(*bodies: Any, **headers: str) -> Callable[[MockServer], object]:
    return lambda mock: [send(mock, body, headers).status for body in bodies]


EFFECTS: list[tuple[str, dict[str, Any], Callable[[MockServer], object], object, object]] = [
    # option, its value, what is looked at, what is seen then, and what without it
    ("host", {"host": "::1" if has_ipv6() else "localhost"}, lambda mock: mock.url.rpartition(":")[0], "http://[::1]" if has_ipv6() else "http://127.0.0.1", "http://127.0.0.1"),
    ("apis", {"apis": ("novu",)}, lambda mock: send(mock, path="/event/").status, 404, 400),
    ("specs", {"specs": [PARCEL]}, lambda mock: "parcel" in {each["name"] for each in mock._connection.get("/apis")["apis"]}, True, False),
    ("prefixes", {"prefixes": {"novu": "/novu"}}, lambda mock: (send(mock, path=f"/novu{TRIGGER}").status, mock.url.count("novu")), (201, 0), (404, 0)),
    ("profile", {"profile": "published"}, lambda mock: set(json.loads(send(mock).body)), {"acknowledged", "status", "transactionId"}, {"data"}),
    ("on_invalid", {"on_invalid": "report"}, statuses({"name": "w"}), [201], [422]),
    ("keys", {"keys": {"novu": ["a", "b"]}}, statuses(WELCOME), [401], [201]),
    ("secrets", {"secrets": {"suprsend": "a-key:a-secret"}}, lambda mock: [send(mock, path="/event/", headers={"Authorization": text}).status for text in ("a-key:c2ln", "other:c2ln")], [401, 401], [400, 400]),
    ("limits", {"limits": {"novu": "1/1h"}}, statuses(WELCOME, WELCOME), [201, 429], [201, 201]),
    ("enforce_limits", {"enforce_limits": True}, lambda mock: mock.limits["novu"].enforced, True, False),
    ("catalogue", {"catalogue": {"novu": {"unknown": "refuse", "names": {"known": {}}}}}, statuses(WELCOME, {"name": "known", "to": ["ada"]}), [422, 201], [201, 201]),
    ("rules", {"rules": ({"request": {"api": "novu"}, "response": {"status": 418}},)}, statuses(WELCOME), [418], [201]),
    ("keep", {"keep": "1"}, lambda mock: (send(mock).status, send(mock).status, mock.dropped), (201, 201, 1), (201, 201, 0)),
    ("cors", {"cors": "off"}, lambda mock: "access-control-allow-origin" in send(mock, headers={"Origin": "http://page"}).headers, False, True),
    ("allow_hosts", {"allow_hosts": ["mock.test"]}, lambda mock: send(mock, headers={"Host": "mock.test"}, path="/__admin/requests", method="GET").status, 200, 400),
    ("admin_token", {"admin_token": "t"}, lambda mock: (send(mock, path="/__admin/requests", method="GET").status, len(mock.calls)), (401, 0), (200, 0)),
    ("clock", {"clock": NOON}, lambda mock: (mock.clock.now() == NOON, mock.clock.is_frozen), (True, True), (False, False)),
    ("clock", {"clock": "2030-01-01T12:00:00Z"}, lambda mock: mock.clock.now() == NOON, True, False),
    ("config", {"config": None}, lambda mock: mock.calls, [], []),
]  # fmt: skip


@pytest.mark.parametrize(("options", "look", "seen", "without"), [pytest.param(*row[1:], id=row[0]) for row in EFFECTS])  # fmt: skip
def test_an_option_has_its_effect(
    options: Any, look: Callable[[MockServer], object], seen: object, without: object
) -> None:
    with MockServer(**options) as mock:
        assert look(mock) == seen
    with MockServer() as mock:
        assert look(mock) == without


def test_no_option_is_left_out_of_the_table() -> None:
    elsewhere = {"port", "seed", "tls_cert", "tls_key"}  # the last two in test_tls.py
    assert {name for name, *_ in EFFECTS} | elsewhere == set(Options.__annotations__)


def test_a_seed_makes_ids_reproducible(unused_port: int) -> None:
    def answer(**options: Any) -> bytes:
        with MockServer(clock=NOON, **options) as mock:
            assert (mock.url == f"http://127.0.0.1:{unused_port}") is ("port" in options)
            return send(mock).body

    assert answer(seed=7) == answer(seed=7, port=unused_port) != answer(seed=8) != answer()


@pytest.fixture
def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def test_the_value_that_a_file_has_is_overridden(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("keys: {novu: secret}\nkeep: '5'\nport: 4747\n", encoding="utf-8")
    with MockServer(config=tmp_path / "m.yaml", keep="1") as mock:
        assert [send(mock).status, send(mock).status, mock.dropped] == [401, 401, 1]
        assert not mock.url.endswith(":4747")  # of several test runs each has a port of its own


def test_no_environment_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "mockserver.yaml").write_text("keys: {novu: secret}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name, value in {"KEY": "novu=secret", "PORT": "x", "URL": "x", "CONFIG": "x", "ADMIN_TOKEN": "t"}.items():  # fmt: skip
        monkeypatch.setenv(f"MOCKSERVER_{name}", value)
    with MockServer() as mock:
        assert send(mock).status == 201


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        ({"api": ["novu"]}, TypeError, "api is no option of a mock server; did you mean apis"),
        ({"journal": "x"}, TypeError, "journal is no option of a mock server; there are config, host, port, "),
        ({"apis": "novu"}, SpecError, "/apis: must be an array, not a string"),
        ({"apis": ["nova"]}, SpecError, "/apis: there is no API named 'nova'; did you mean novu"),
        ({"profile": "x"}, SpecError, '/profile: must be one of "observed", "published"'),
        ({"keep": "x"}, SpecError, "/keep: 'x' is not a bound"),
        ({"seed": {1}}, TypeError, "is nothing that an option of a mock server can hold"),
        ({"rules": [{"request": {"methd": "GET"}}]}, SpecError, "/rules/0/request/methd: .* did you mean method"),
        ({"config": "nowhere.yaml"}, SpecError, "nowhere.yaml: cannot be read: No such file"),
        ({"host": "nowhere.invalid"}, OSError, "cannot listen on nowhere.invalid port 0: "),
    ],
)  # fmt: skip
def test_options_that_cannot_be_used(options: Any, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        MockServer(**options)


def test_a_port_that_is_taken_is_named(started: MockServer) -> None:
    port = int(started.url.rpartition(":")[2])
    with pytest.raises(OSError, match=f"cannot listen on port {port}: .*(in use|normally permitted)"):
        MockServer(port=port)
