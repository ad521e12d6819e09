"""The mock server as a test holds it: started in this process, or reached by its URL; both have the same surface.

Everything goes over HTTP to the control plane, also in one process: so that both behave alike, and calls of several
threads are put in order by the one event loop.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol, Self, TypedDict, Unpack

from mockserver.client.asking import moment, unknown_names
from mockserver.client.connection import Connection, ControlError
from mockserver.client.steering import Catalogue, Clock, Limits
from mockserver.client.view import View
from mockserver.namespaces import checked

JSON = Any


Form = Literal["har", "jsonl", "curl", "pytest", "text"]


class Options(TypedDict, total=False):
    """What a server that is started here can be told: the keys of ``mockserver.yaml`` that mean something to it."""

    config: str | Path | None
    host: str
    port: int
    tls_cert: str | Path
    tls_key: str | Path
    apis: Sequence[str]
    specs: Sequence[str | Path]
    prefixes: Mapping[str, str]
    profile: Literal["observed", "published"]
    on_invalid: Literal["refuse", "report"]
    keys: Mapping[str, JSON]
    secrets: Mapping[str, JSON]
    limits: Mapping[str, str]
    enforce_limits: bool
    catalogue: Mapping[str, JSON]
    rules: Sequence[Mapping[str, JSON]]
    keep: str
    cors: Literal["on", "off"]
    allow_hosts: Sequence[str]
    admin_token: str
    seed: int
    clock: str | datetime


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
            raise TypeError(unknown_names(unknown, Options.__annotations__, "is no option of a mock server"))
        file, document = options.pop("config", None), _document(options)
        path = None if file is None else Path(file)
        try:
            self._server: Stoppable | None = launch.start(document, "MockServer()", path)
        except OSError as error:
            address = f"{document['host']} port" if "host" in document else "port"
            told = f"cannot listen on {address} {document['port']}: {error.strerror or error}"
            raise OSError(error.errno, told) from error
        self._is_part = False
        super().__init__(Connection(self._server.url, options.get("admin_token"), is_own=True))

    @classmethod
    def connect(cls, url: str, *, token: str | None = None) -> Self:
        """Return the handle of a server that runs, or of a namespace of it, where the URL names one.

        Raises ValueError for what is no URL, OSError where no mock server answers or its certificate is not trusted,
        `ControlError` for a wrong token.
        """
        connection = Connection(url, token)
        try:
            shown = connection.get("/apis")
        except ControlError as error:
            if error.status not in {404, 405}:
                raise
            shown = None
        if not isinstance(shown, dict) or "apis" not in shown:
            raise ConnectionError(f"what answers at {connection.url} is no mock server of this kind")
        return cls._over(connection)

    @classmethod
    def _over(cls, connection: Connection, *, is_part: bool = False) -> Self:
        handle = cls.__new__(cls)
        handle._server, handle._is_part = None, is_part
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
            raise ValueError(unknown_names([name], served, "is no API that is served"))
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

    def namespace(self, name: str) -> Self:
        """Return the handle of a world of its own on the same server, which stopping it does not stop.

        Raises ValueError for a name that no namespace can have.
        """
        return self._over(self._connection.below(checked(name)), is_part=True)

    def namespaces(self) -> list[str]:
        """Return the names of all namespaces of the server but the one without a name."""
        return [each["name"] for each in self._connection.get("/namespaces")["namespaces"] if each["name"]]

    def forget(self, namespace: str) -> None:
        """Delete a namespace and all that is in it. Raises `ControlError` where there is none, and ValueError."""
        self._connection.delete(f"/namespaces/{checked(namespace)}")

    @property
    def dropped(self) -> int:
        """How many calls the journal has dropped, since it keeps only so many."""
        return self._connection.ask("POST", "/requests/count", {}).dropped

    def reset(self) -> None:
        """Start afresh: journal, rules, scenarios, keys, limits, catalogue, settings and clock of this namespace."""
        self._connection.post("/reset")

    def clear(self) -> None:
        """Empty the journal, and nothing else."""
        self._connection.delete("/requests")

    def export(self, form: Form, query: str = "") -> str:
        """Return the calls in a form to keep or to run, without secrets; ``query`` narrows them.

        Raises `ControlError` for a query that cannot be read.
        """
        found = self._connection.get("/export", format=form, q=query)
        return found if isinstance(found, str) else json.dumps(found)

    def stop(self) -> None:
        """Stop the server, where this handle started it; nothing can be asked afterwards.

        The handle of a namespace stays as it is, and so does the server.
        """
        if not self._is_part:
            self._connection.close()
        if self._server is not None:
            self._server.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<MockServer {self.url}>"


def _document(options: Options) -> dict[str, JSON]:
    """Return options as ``mockserver.yaml`` has them; tuples, paths and times are written as it writes them."""
    said = {name.replace("_", "-"): value for name, value in options.items() if value is not None}
    document: dict[str, JSON] = json.loads(json.dumps({"port": 0, **said}, default=_plain))
    return document


def _plain(value: JSON) -> JSON:
    match value:
        case Path():
            return str(value)
        case datetime():
            return moment(value)
        case Mapping():
            return dict(value)
        case Sequence():
            return list(value)
        case _:
            raise TypeError(f"{value!r} is nothing that an option of a mock server can hold")
