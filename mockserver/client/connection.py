"""HTTP to a control plane, with the standard library only: connections are kept and used again, by any thread.

Over TLS, a server is trusted as Python does by default: by the root certificates of the system, or those that
``SSL_CERT_FILE`` names. The server that a handle has started itself needs no proof of who it is, and its certificate
may be for other names only, such as that of the service it stands in for.
"""

import contextlib
import http.client
import json
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

JSON = Any
DROPPED: Final = "X-Mock-Dropped"
PREFIX: Final = "/__admin"
_TIMEOUT: Final = 60.0  # 100,000 calls are not read at once


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
    """The connections to one server that nobody uses now; the handles of its namespaces share them."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        self.address = (host, port)
        self.scheme = "http" if tls is None else "https"
        self._tls = tls
        self.is_closed = False
        self._idle: list[http.client.HTTPConnection] = []
        self._process = os.getpid()

    def fresh(self, timeout: float) -> http.client.HTTPConnection:
        """Return a new connection."""
        if self._tls is None:
            return http.client.HTTPConnection(*self.address, timeout=timeout)
        return http.client.HTTPSConnection(*self.address, timeout=timeout, context=self._tls)

    def take(self) -> http.client.HTTPConnection | None:
        """Return a kept connection, None where there is none."""
        if self._process != os.getpid():  # a fork has the same sockets as its parent
            self._process = os.getpid()
            self._drain()
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def keep(self, connection: http.client.HTTPConnection) -> None:
        """Keep a connection for who asks next."""
        self._idle.append(connection)
        if self.is_closed:
            self._drain()

    def close(self) -> None:
        """Close what is kept, for good."""
        self.is_closed = True
        self._drain()

    def _drain(self) -> None:
        with contextlib.suppress(IndexError):  # other threads may take some meanwhile
            while True:
                self._idle.pop().close()

    def __del__(self) -> None:
        self._drain()


class Connection:
    """A control plane, reached at the base URL of a server, or of a namespace of it.

    With ``is_own``, the server was started here, and its certificate is not looked at.
    """

    def __init__(
        self, url: str, token: str | None = None, pool: Pool | None = None, *, is_own: bool = False
    ) -> None:
        scheme, host, port, self._path = _parsed(url)
        self._host = f"[{host}]" if ":" in host else host
        self._pool = Pool(host, port, _tls(scheme, is_own=is_own)) if pool is None else pool
        self._token = token

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        return f"{self._pool.scheme}://{self._host}:{self._pool.address[1]}{self._path}"

    def below(self, name: str) -> "Connection":
        """Return the connection to a namespace of the same server."""
        root = self.url.removesuffix(self._path) + self._path.partition("/~")[0]
        return Connection(f"{root}/~{name}", self._token, self._pool)

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
        """Send a request, and return the answer. Raises `ControlError`, but for the statuses ``also`` expected.

        Raises TypeError for a body that is no JSON, and ConnectionError or TimeoutError where nothing answers.
        """
        data = None if body is None else json.dumps(body).encode()
        status, headers, answered = self._exchange(method, f"{self._path}{PREFIX}{path}", data, timeout)
        if status >= 400 and self._pool.is_closed:  # a server that stops answers so what it was asked before
            raise self._stopped()
        value = _value(answered, headers.get("content-type", ""))
        if status >= 400 and status not in also:
            raise ControlError(status, self._told(status, value))
        return Reply(status, value, int(headers.get(DROPPED.lower(), "0")))

    def _exchange(
        self, method: str, target: str, data: bytes | None, timeout: float
    ) -> tuple[int, Mapping[str, str], bytes]:
        while True:
            if self._pool.is_closed:
                raise self._stopped()
            kept = self._pool.take()
            connection = kept or self._pool.fresh(timeout)
            try:
                return self._send(connection, method, target, data, timeout)
            except TimeoutError as error:
                told = f"the mock server at {self.url} has not answered {method} {target} for {timeout:g} s"
                raise TimeoutError(told) from error
            except (OSError, http.client.HTTPException) as error:
                # One that was kept may have been closed by the server meanwhile: once more.
                is_stale = isinstance(error, _STALE)
                if kept is None or not is_stale:
                    raise self._unreached(error) from error

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

    def _stopped(self) -> ConnectionError:
        return ConnectionError(
            f"the handle of the mock server at {self.url} was stopped; ask it before that, inside its with block"
        )

    def _unreached(self, error: Exception) -> ConnectionError:
        if self._pool.is_closed:
            return self._stopped()
        if isinstance(error, ssl.SSLError):
            return ConnectionError(_told_of_tls(self.url, error))
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return ConnectionError(f"no mock server answers at {self.url}: {why}")

    def _told(self, status: int, value: JSON) -> str:
        """Return what an error says, in one sentence for each fault."""
        if status == 401:
            told = "asks for a token" if self._token is None else "does not take this token"
            return f"the control plane of {self.url} {told}; give that of its --admin-token, as token="
        if isinstance(value, dict) and isinstance(value.get("errors"), list):
            return "; ".join(map(_error, value["errors"]))
        if isinstance(value, dict) and "detail" in value:
            return str(value["detail"])
        return f"the mock server answered {status}"

    def close(self) -> None:
        """Close the connections that are kept, for good: nothing can be asked any more."""
        self._pool.close()


_STALE: Final = (ConnectionError, http.client.BadStatusLine, ssl.SSLEOFError, ssl.SSLZeroReturnError)
"""What a kept connection ends with where the server has closed it."""
_PORTS: Final = {"http": 80, "https": 443}
_OTHER_NAME: Final = frozenset({62, 64})
"""OpenSSL's codes for a certificate without the host name, or the IP address, that was called."""


def _tls(scheme: str, *, is_own: bool) -> ssl.SSLContext | None:
    if scheme == "http":
        return None
    if not is_own:
        return ssl.create_default_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _told_of_tls(url: str, error: ssl.SSLError) -> str:
    """Return why TLS with a server was not to be had, and what to do."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        why = f"{error.reason or error}".replace("_", " ").lower()
        return f"what answers at {url} does not speak TLS as it should ({why}); is it http:// that is meant?"
    told = f"the certificate of the mock server at {url} is not trusted: {error.verify_message.rstrip('.')}"
    if error.verify_code in _OTHER_NAME:
        return f"{told}; call it by a name that stands in the certificate, or make one for this name"
    advice = "name the file of who signed it (a self-signed certificate itself) in the variable SSL_CERT_FILE"
    return f"{told}; {advice}"


def _parsed(url: str) -> tuple[str, str, int, str]:
    """Return scheme, host, port and path of a base URL, or of the control plane below it. Raises ValueError."""
    told = f"{url!r} is not the URL of a mock server; write it as http://127.0.0.1:4747"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(told) from None
    is_plain = url.isascii() and url.isprintable() and " " not in url and not (parts.query or parts.fragment)
    if parts.scheme not in _PORTS or not parts.hostname or not is_plain:
        raise ValueError(told)
    path = parts.path.rstrip("/").removesuffix(PREFIX).rstrip("/")
    return parts.scheme, parts.hostname, port or _PORTS[parts.scheme], path


def _value(data: bytes, media_type: str) -> JSON:
    kind = media_type.partition(";")[0].strip()
    if kind != "application/json" and not kind.endswith("+json"):
        return data.decode("utf-8", "replace")
    return json.loads(data) if data else None


def _error(error: Mapping[str, JSON]) -> str:
    pointer = (error.get("source") or {}).get("pointer")
    told = str(error.get("detail") or error.get("title"))
    return f"{pointer}: {told}" if pointer else told
