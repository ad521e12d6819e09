"""A call as request patterns see it: the parts that can be asked for, each read when it is first asked for."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Final
from urllib.parse import parse_qsl

from mockserver.engine.exchange import Exchange, Request
from mockserver.engine.headers import cookies_of, lines_of, unpacked
from mockserver.engine.journal import About, Describe, Record, Row, undescribed
from mockserver.engine.matching import Value


class Sighting:
    """A call as patterns see it: what was sent, and who took it. ``now`` is the time on the mock's clock.

    ``outcome``, ``reason`` and ``status`` are None as long as nothing is decided; ``describe`` tells what the call is
    about.
    """

    __slots__ = (
        "_abouts", "_describe", "_headers", "_value", "api", "body", "client", "method", "now", "operation", "outcome",
        "path", "query", "raw_headers", "reason", "status",
    )  # fmt: skip

    def __init__(
        self,
        seen: tuple[
            str, str, str, bytes, bytes, str, str | None, str | None, str | None, str | None, int | None
        ],
        now: float,
        describe: Describe = undescribed,
    ) -> None:
        (
            self.method, self.path, self.query, self.raw_headers, self.body, self.client,
            self.outcome, self.api, self.operation, self.reason, self.status,
        ) = seen  # fmt: skip
        self.now = now
        self._describe = describe
        self._abouts: Sequence[About] | None = None
        self._value: Value | None = None
        self._headers: Mapping[str, list[str]] | None = None

    @property
    def abouts(self) -> Sequence[About]:
        """The workflow or event, and the recipient; of a bulk call those of each item."""
        if self._abouts is None:
            headers = unpacked(self.raw_headers)
            request = Request(self.method, self.path, self.query, headers, self.raw_headers, self.body)
            known = self.api is not None and self.operation is not None
            self._abouts = self._describe(self.api or "", self.operation or "", request) if known else ()
        return self._abouts

    @property
    def names(self) -> list[str | None]:
        """The workflows or events."""
        return [name for name, _ in self.abouts] or [None]

    @property
    def recipients(self) -> list[str | None]:
        """The recipients."""
        return [recipient for _, recipient in self.abouts] or [None]

    @property
    def url(self) -> str:
        """Path and query, as sent."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def headers(self) -> Mapping[str, list[str]]:
        """The values of each header, by its name in lower case."""
        if self._headers is None:
            self._headers = _grouped((name.lower(), value) for name, value in lines_of(self.raw_headers))
        return self._headers

    def header(self, name: str) -> str:
        """Return the first value of a header; empty where there is none."""
        return next(iter(self.headers.get(name, ())), "")

    def value(self) -> Value:
        """Return the body, as matchers look at it."""
        if self._value is None:
            self._value = Value(self.body.decode("utf-8", "replace"), self.body, self.now)
        return self._value

    def values(self, place: str, name: str) -> list[str]:
        """Return the values of a header, a query key, a cookie or a field of a form."""
        return _PLACES[place](self, name)


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def _cookie(sighting: Sighting, name: str) -> list[str]:
    found = cookies_of(sighting.header("cookie")).get(name)
    return [] if found is None else [found]


def _form_field(sighting: Sighting, name: str) -> list[str]:
    kind = sighting.header("content-type").partition(";")[0].strip().lower()
    is_form = kind == "application/x-www-form-urlencoded"
    return _of_query(sighting.value().text or "", name) if is_form else []


def _of_query(query: str, name: str) -> list[str]:
    return [value for key, value in parse_qsl(query, keep_blank_values=True) if key == name]


_PLACES: Final[Mapping[str, Callable[[Sighting, str], list[str]]]] = {
    "headers": lambda sighting, name: list(sighting.headers.get(name.lower(), ())),
    "queryParameters": lambda sighting, name: _of_query(sighting.query, name),
    "cookies": _cookie,
    "formParameters": _form_field,
}

_SEEN: Final = itemgetter(
    *(
        Record._fields.index(name)
        for name in (
            "method",
            "path",
            "query",
            "raw_headers",
            "body",
            "client",
            "outcome",
            "api",
            "operation",
            "reason",
            "status",
        )
    )
)


def sighting_of(row: Row, now: float, describe: Describe = undescribed) -> Sighting:
    """Return a stored call as patterns see it."""
    return Sighting(_SEEN(row), now, describe)


def recorded(exchange: Exchange) -> Sighting:
    """Return a call of a recording as patterns see it."""
    request = exchange.request
    seen = (
        request.method, request.path, request.query, request.raw_headers, request.body, request.client,
        exchange.outcome, exchange.api, exchange.operation, exchange.reason, exchange.status,
    )  # fmt: skip
    abouts = [(each["name"], each["recipient"]) for each in exchange.items]
    return Sighting(seen, exchange.received, lambda *_: abouts or [(exchange.name, exchange.recipient)])


def arriving(
    request: Request, api: str | None, operation: str | None, now: float, describe: Describe = undescribed
) -> Sighting:
    """Return a call that has just arrived as patterns see it."""
    seen = (
        request.method, request.path, request.query, request.raw_headers, request.body, request.client,
        None, api, operation, None, None,
    )  # fmt: skip
    return Sighting(seen, now, describe)


def address_of(sighting: Sighting, default_port: int = 80) -> tuple[str, int]:
    """Return host and port of the Host header; a port that is none counts as that of the scheme."""
    name, _, port = sighting.header("host").rpartition(":")
    is_port = port.isdecimal() and len(port) <= 5  # more digits than Python reads can be sent
    return (name, int(port)) if name and is_port else (sighting.header("host"), default_port)
