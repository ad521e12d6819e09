"""HTTP to a control plane, with the standard library only: connections are kept and used again, by any thread."""

import contextlib
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

JSON = Any
DROPPED: Final = "X-Mock-Dropped"
_TIMEOUT: Final = 10.0


class ControlError(RuntimeError):
    """The control plane refused what was asked of it; the text says why. ``status`` is that of its answer."""

    def __init__(self, status: int, told: str) -> None:
        super().__init__(told)
        self.status = status


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the control plane; ``dropped`` is the number of calls that its journal has dropped."""

    status: int
    value: JSON
    dropped: int


class Pool:
    """The connections to one server that are kept; its namespaces share them."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._idle: list[http.client.HTTPConnection] = []

    def taken(self, timeout: float) -> tuple[http.client.HTTPConnection, bool]:
        """Return a connection, and whether it has been used before."""
        if self._idle:
            return self._idle.pop(), True
        return http.client.HTTPConnection(*self._address, timeout=timeout), False

    def keep(self, connection: http.client.HTTPConnection) -> None:
        """Keep a connection for the next request."""
        self._idle.append(connection)

    def close(self) -> None:
        """Close the connections that are kept."""
        while self._idle:
            with contextlib.suppress(OSError):
                self._idle.pop().close()

    def __del__(self) -> None:
        self.close()  # who forgets a handle is not to be told of open sockets


class Connection:
    """A control plane, reached at the base URL of a server, or of a namespace of it."""

    def __init__(self, url: str, token: str | None = None, pool: Pool | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"{url!r} is not the URL of a mock server; write it as http://127.0.0.1:4747")
        self.url = url.rstrip("/")
        self._address = (parts.hostname, parts.port or 80)
        self._path = parts.path.rstrip("/")
        self._token = token
        self._pool = pool or Pool(self._address)

    def below(self, name: str) -> "Connection":
        """Return the connection to a namespace of the same server."""
        host, port = self._address
        shown = f"[{host}]" if ":" in host else host
        return Connection(f"http://{shown}:{port}/~{name}", self._token, self._pool)

    def get(self, path: str, **query: str) -> JSON:
        """Return what a route answers. Raises `ControlError` and OSError."""
        keys = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
        return self.ask("GET", f"{path}?{keys}" if keys else path).value

    def put(self, path: str, body: JSON) -> JSON:
        """Send a document, and return what is answered. Raises `ControlError` and OSError."""
        return self.ask("PUT", path, body).value

    def post(self, path: str, body: JSON = None) -> JSON:
        """Send a document, and return what is answered. Raises `ControlError` and OSError."""
        return self.ask("POST", path, body).value

    def delete(self, path: str) -> JSON:
        """Delete what is there. Raises `ControlError` and OSError."""
        return self.ask("DELETE", path).value

    def ask(
        self,
        method: str,
        path: str,
        body: JSON = None,
        *,
        timeout: float = _TIMEOUT,
        also: tuple[int, ...] = (),
    ) -> Reply:
        """Send a request, and return the answer. Raises `ControlError`, but for the statuses ``also`` expected."""
        data = None if body is None else json.dumps(body).encode()
        status, headers, answered = self._exchange(method, f"{self._path}/__admin{path}", data, timeout)
        value = _value(answered, headers.get("content-type", ""))
        if status >= 400 and status not in also:
            raise ControlError(status, _told(status, value))
        return Reply(status, value, int(headers.get(DROPPED.lower(), "0")))

    def _exchange(
        self, method: str, target: str, data: bytes | None, timeout: float
    ) -> tuple[int, Mapping[str, str], bytes]:
        while True:
            connection, was_kept = self._pool.taken(timeout)
            try:
                return self._send(connection, method, target, data, timeout)
            except (ConnectionError, http.client.BadStatusLine) as error:
                connection.close()
                if not was_kept:  # one that was kept may have been closed by the server meanwhile: once more
                    raise ConnectionError(f"no mock server answers at {self.url}: {error}") from error

    def _send(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        target: str,
        data: bytes | None,
        timeout: float,
    ) -> tuple[int, Mapping[str, str], bytes]:
        headers = {} if data is None else {"Content-Type": "application/json"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            connection.timeout = timeout
            if connection.sock is not None:
                connection.sock.settimeout(timeout)
            connection.request(method, target, data, headers)
            response = connection.getresponse()
            answered = response.read()
        except BaseException:
            connection.close()
            raise
        if response.will_close:
            connection.close()
        else:
            self._pool.keep(connection)
        return response.status, {name.lower(): value for name, value in response.getheaders()}, answered

    def close(self) -> None:
        """Close the connections that are kept."""
        self._pool.close()


def _value(data: bytes, media_type: str) -> JSON:
    if not data:
        return None
    return json.loads(data) if "json" in media_type else data.decode("utf-8", "replace")


def _told(status: int, value: JSON) -> str:
    """Return what an error says, in one sentence for each fault."""
    if isinstance(value, dict) and isinstance(value.get("errors"), list):
        return "; ".join(map(_error, value["errors"]))
    if isinstance(value, dict) and "detail" in value:
        return str(value["detail"])
    return f"the mock server answered {status}"


def _error(error: Mapping[str, JSON]) -> str:
    pointer = (error.get("source") or {}).get("pointer")
    told = str(error.get("detail") or error.get("title"))
    return f"{pointer}: {told}" if pointer else told
