"""Words for what a step of a client is expected to give back; each is equal to every value that it allows.

An expectation is a list of (step, value). Ids are new in every run: `named` writes them as ``#1``, ``#2`` in the order
in which they come, so that a table can say which of them are the same.
"""

import json
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

Expected = list[tuple[str, Any]]

UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
IDS = frozenset({"id", "uuid", "matched-stub-id"})


class Part(dict[str, Any]):
    """An object that has these members, beside others."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, dict) and all(
            name in other and self[name] == other[name] for name in self.keys()
        )

    __hash__ = None


@dataclass(frozen=True)
class Such:
    """Whatever passes a test, which the words describe."""

    words: str
    allows: Callable[[Any], bool]

    def __eq__(self, other: object) -> bool:
        try:
            return self.allows(other)
        except (LookupError, TypeError, ValueError):
            return False

    def __hash__(self) -> int:
        return hash(self.words)

    def __repr__(self) -> str:
        return f"<{self.words}>"


def at_least(least: float) -> Such:
    """Return a number that is not less."""
    return Such(f"at least {least}", lambda got: got >= least)


def between(least: float, most: float) -> Such:
    """Return a number within bounds, which belong to it."""
    return Such(f"{least} to {most}", lambda got: least <= got <= most)


def text(*parts: str) -> Such:
    """Return a text in which all of these stand."""
    return Such(
        f"a text with {parts}", lambda got: isinstance(got, str) and all(part in got for part in parts)
    )


def written(value: Any) -> Such:
    """Return a text that is this value in JSON."""
    return Such(f"the JSON of {value}", lambda got: json.loads(got) == value)


def opens_with(*first: Any) -> Such:
    """Return a list that begins with these."""
    return Such(f"a list that opens with {first}", lambda got: got[: len(first)] == list(first))


def each(value: Any) -> Such:
    """Return a list, not empty, of nothing but these."""
    return Such(f"a list of {value}", lambda got: len(got) > 0 and all(item == value for item in got))


def many(count: int) -> Such:
    """Return a list of so many."""
    return Such(f"{count} of them", lambda got: len(got) == count)


def refusal(*pointers: str) -> Part:
    """Return the body of a 422: one error for each place, in any order."""
    return Part(
        errors=Such(
            f"errors at {pointers}",
            lambda got: sorted(error["source"]["pointer"] for error in got) == sorted(pointers),
        )
    )


def named(value: Any, names: dict[str, str]) -> Any:
    """Return JSON in which ids are written as the names that they have, or get, in order."""
    match value:
        case dict():
            return {
                key: _name(item, names) if key.lower() in IDS else named(item, names)
                for key, item in value.items()
            }
        case list():
            return [named(item, names) for item in value]
        case _:
            return value


def _name(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, str) and UUID.fullmatch(value):
        return names.setdefault(value, f"#{len(names) + 1}")
    return value


# What all clients see of the mock

INTEGER = Such("an integer", lambda got: isinstance(got, int) and not isinstance(got, bool))
DISTANCE = Such("a distance between same and other", lambda got: 0 < got < 1)
GONE = Part(status=404)  # of a path that has no API, and no rule
DONE = {"status": 200, "body": "{}"}
COUNTED = {"requestJournalDisabled": False}


def event(user: str) -> Part:
    """Return a call to the event API, as a logged request."""
    return Part(
        method="POST",
        url="/event/",
        body=Such(f"an event of {user}", lambda got: json.loads(got)["distinct_id"] == user),
    )


def seen(client_fields: Collection[str], **more: Any) -> Part:
    """Return the members of a logged request that a client's parser reads, by the kinds of their values."""
    kinds: dict[str, Any] = {
        "absoluteUrl": text("http://127.0.0.1:"), "clientIp": "127.0.0.1", "cookies": {}, "headers": Part(),
        "browserProxyRequest": False, "loggedDate": INTEGER, "loggedDateString": text("T", "Z"),
        "protocol": "HTTP/1.1", "scheme": "http", "host": "127.0.0.1", "port": INTEGER,
    }  # fmt: skip
    return Part({**{name: kinds[name] for name in client_fields}, **more})
