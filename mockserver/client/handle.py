"""The mock server as a test holds it: started in this process, or reached by its URL; both have the same surface.

Everything goes over HTTP to the control plane, also in one process: so that both behave alike, and calls of several
threads are put in order by the one event loop.
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, Self, TypedDict, Unpack

from mockserver.client.connection import Connection
from mockserver.client.steering import Catalogue, Clock, Limits
from mockserver.client.view import View

JSON = Any


class Options(TypedDict, total=False):
    """What a server that is started here can be told: the keys of ``mockserver.yaml`` that mean something to it."""

    config: str | Path | None
    host: str
    port: int
    apis: Sequence[str]
    specs: Sequence[str]
    prefixes: Mapping[str, str]
    profile: str
    on_invalid: str
    keys: Mapping[str, JSON]
    limits: Mapping[str, str]
    enforce_limits: bool
    catalogue: Mapping[str, JSON]
    rules: Sequence[Mapping[str, JSON]]
    keep: str
    cors: str
    allow_hosts: Sequence[str]
    admin_token: str
    seed: int
    clock: str


class Stoppable(Protocol):
    """A server that was started here."""

    url: str

    def stop(self) -> None:
        """Stop it at once."""


class ApiView(View):
    """What was sent to one API, and what it answers."""

    def __init__(self, connection: Connection, name: str, url: str) -> None:
        super().__init__(connection, {"api": name})
        self.name = name
        self.url = url


class MockServer(View):
    """A mock server: ``MockServer()`` starts one in a thread, `connect` reaches one that runs.

    The options are the keys of ``mockserver.yaml``, with underscores, and mean the same; ``config`` names such a file,
    which is read first. No environment is read, and no file that is not named. The port is a free one unless ``port``
    names it. Raises TypeError for options that are not known, ``mockserver.engine.faults.SpecError`` for values that
    cannot be used, and OSError for a port that is taken.
    """

    def __init__(self, **options: Unpack[Options]) -> None:
        from mockserver import launch  # noqa: PLC0415 - only what starts a server needs one

        if unknown := set(options) - set(Options.__annotations__):
            known = ", ".join(Options.__annotations__)
            raise TypeError(f"{', '.join(sorted(unknown))} is no option of a mock server; there are {known}")
        file = options.pop("config", None)
        document = {name.replace("_", "-"): value for name, value in options.items() if value is not None}
        path = None if file is None else Path(file)
        self._server: Stoppable | None = launch.start({"port": 0, **document}, "MockServer()", path)
        self._process = os.getpid()
        super().__init__(Connection(self._server.url, options.get("admin_token")))

    @classmethod
    def connect(cls, url: str, *, token: str | None = None) -> "MockServer":
        """Return the handle of a server that runs. Raises OSError where none answers at the URL."""
        connection = Connection(url, token)
        connection.get("/health")
        return cls._over(connection)

    @classmethod
    def _over(cls, connection: Connection) -> "MockServer":
        handle = cls.__new__(cls)
        handle._server = None
        View.__init__(handle, connection)
        return handle

    @property
    def url(self) -> str:
        """The base URL for SDKs, without a slash at its end."""
        return self._connection.url

    def api(self, name: str) -> ApiView:
        """Return the view of one API. Raises ValueError where it is not served."""
        served = {each["name"]: each["url"] for each in self._connection.get("/apis")["apis"]}
        if name not in served:
            raise ValueError(f"no API named {name!r} is served; there are {', '.join(served)}")
        return ApiView(self._connection, name, served[name])

    @property
    def clock(self) -> Clock:
        """The clock of the mock."""
        return Clock(self._connection)

    @property
    def limits(self) -> Limits:
        """The rate limits, by API."""
        return Limits(self._connection)

    @property
    def catalogue(self) -> Catalogue:
        """The known workflows and events, by API."""
        return Catalogue(self._connection)

    def namespace(self, name: str) -> "MockServer":
        """Return the handle of a world of its own on the same server; stopping it does not stop the server."""
        return self._over(self._connection.below(name))

    def namespaces(self) -> list[str]:
        """Return the names of all namespaces of the server but the one without a name."""
        return [each["name"] for each in self._connection.get("/namespaces")["namespaces"] if each["name"]]

    def forget(self, namespace: str) -> None:
        """Delete a namespace and all that is in it. Raises `ControlError` where there is none."""
        self._connection.delete(f"/namespaces/{namespace}")

    def reset(self) -> None:
        """Start afresh: journal, rules, scenarios, keys, limits, catalogue, settings and clock of this namespace."""
        self._connection.post("/reset")

    def clear(self) -> None:
        """Empty the journal, and nothing else."""
        self._connection.delete("/requests")

    def export(self, form: str, query: str = "") -> str:
        """Return the calls as ``har``, ``jsonl``, ``curl``, ``pytest`` or ``text``, without secrets."""
        found = self._connection.get("/export", format=form, q=query)
        return found if isinstance(found, str) else json.dumps(found)

    def stop(self) -> None:
        """Stop the server, where this handle started it; its connections are closed."""
        self._connection.close()
        if self._server is not None and self._process == os.getpid():
            self._server.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<MockServer {self.url}>"
