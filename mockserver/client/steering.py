"""What a test can move: the clock, limits, catalogues, and the rules that it has made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

from mockserver.client.asking import Duration, moment, seconds
from mockserver.client.connection import Connection, ControlError

JSON = Any


class Clock:
    """The mock's clock: key expiry, rate windows, ``Retry-After`` and timestamps follow it; delays are real time."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def now(self) -> datetime:
        """Return the time, in UTC."""
        return _time(self._connection.get("/clock"))

    @property
    def is_frozen(self) -> bool:
        """Whether the time stands still."""
        return bool(self._connection.get("/clock")["frozen"])

    def advance(self, by: Duration) -> datetime:
        """Move the time forward, and return it. Raises `ControlError` for what is not a duration."""
        text = by if isinstance(by, str) else f"{seconds(by):.3f}s"
        return _time(self._connection.post("/clock/advance", {"by": text}))

    def set(self, at: str | datetime) -> datetime:
        """Move the time to a moment (ISO 8601, in UTC without a zone), from which it runs on."""
        return _time(self._connection.put("/clock", {"now": moment(at), "frozen": False}))

    def freeze(self, at: str | datetime | None = None) -> datetime:
        """Stop the time, now or at a moment, and return it."""
        moved = {} if at is None else {"now": moment(at)}
        return _time(self._connection.put("/clock", {**moved, "frozen": True}))

    def release(self) -> datetime:
        """Return to real time, or to the time that the server was started with."""
        return _time(self._connection.delete("/clock"))


def _time(shown: Mapping[str, JSON]) -> datetime:
    return datetime.fromisoformat(shown["now"])


@dataclass(frozen=True, slots=True)
class Limit:
    """A rate limit: ``limit`` calls in a ``window``, ``burst`` at once; ``remaining`` in the emptiest bucket."""

    limit: int | None
    window: str | None
    burst: int | None
    enforced: bool
    remaining: int | None


class Limits:
    """The rate limits by API: ``limits[name] = "5/1s"`` sets one, ``del limits[name]`` takes that back."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __getitem__(self, api: str) -> Limit:
        return Limit(**self._connection.get(f"/limits/{quote(api, safe='')}"))

    def __setitem__(self, api: str, limit: str) -> None:
        self.set(api, limit)

    def __delitem__(self, api: str) -> None:
        self._connection.delete(f"/limits/{quote(api, safe='')}")

    def set(self, api: str, limit: str, *, burst: int | None = None) -> Limit:
        """Set a limit, as ``"5/1s"``, with full buckets. Raises `ControlError`, and ValueError for another form."""
        count, sign, window = limit.partition("/")
        if not sign or not count.strip().isdecimal():
            raise ValueError(f"{limit!r} is not a limit; write calls per window, as in 5/1s")
        asked = {"limit": int(count), "window": window, **({} if burst is None else {"burst": burst})}
        return Limit(**self._connection.put(f"/limits/{quote(api, safe='')}", asked))

    def switch_off(self, api: str) -> None:
        """Enforce no limit, if any is enforced."""
        if self[api].enforced:
            self._connection.put(f"/limits/{quote(api, safe='')}", {"enforced": False})

    def enforce(self, api: str) -> Limit:
        """Enforce the limit that the API is known to have. Raises `ControlError` where none is known."""
        return Limit(**self._connection.put(f"/limits/{quote(api, safe='')}", {"enforced": True}))


class Catalogue:
    """The known workflows and events by API."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, api: str, name: str, *, payload: JSON = None, status: str | None = None) -> None:
        """Add a workflow or event: the JSON Schema of its payload, the status that its answer carries."""
        entry = {"payload": payload, "status": status}
        given = {key: value for key, value in entry.items() if value is not None}
        self._connection.put(_place(api, name), given)

    def remove(self, api: str, name: str) -> None:
        """Remove a workflow or event. Raises `ControlError` where there is none of that name."""
        self._connection.delete(_place(api, name))

    def names(self, api: str) -> dict[str, JSON]:
        """Return what is known, by name."""
        return dict(self._connection.get(f"/catalogue/{quote(api, safe='')}")["names"])

    def refuse_unknown(self, api: str, *, refuse: bool = True) -> None:
        """Refuse names that are not in the catalogue, or accept them again."""
        self._connection.put(
            f"/catalogue/{quote(api, safe='')}", {"unknown": "refuse" if refuse else "accept"}
        )

    def clear(self, api: str) -> None:
        """Return to the catalogue that the server was started with."""
        self._connection.delete(f"/catalogue/{quote(api, safe='')}")


def _place(api: str, name: str) -> str:
    return f"/catalogue/{quote(api, safe='')}/{quote(name, safe='')}"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that was made, by its id."""

    id: str
    _connection: Connection = field(repr=False, compare=False)

    def mapping(self) -> dict[str, JSON]:
        """Return it as a stub mapping. Raises `ControlError` when it is gone."""
        try:
            return dict(self._connection.get(f"/mappings/{self.id}"))
        except ControlError as error:
            if error.status != 404:
                raise
            told = f"rule {self.id} is gone: it was removed, or everything was reset"
            raise ControlError(404, told) from None

    @property
    def served(self) -> int:
        """How many calls it has served."""
        return int(self.mapping()["metadata"]["mock"]["served"])

    @property
    def remaining(self) -> int | None:
        """How many calls it will still serve; None: all."""
        found: int | None = self.mapping()["metadata"]["mock"].get("remaining")
        return found

    def remove(self) -> None:
        """Remove it; nothing happens when it is gone already."""
        try:
            self._connection.delete(f"/mappings/{self.id}")
        except ControlError as error:
            if error.status != 404:
                raise
