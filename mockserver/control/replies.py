"""What the control plane is asked, and how it answers: JSON, and errors in WireMock's form."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from mockserver.engine.contract import Api
from mockserver.engine.exchange import JSON
from mockserver.engine.matching import Fault
from mockserver.engine.parsing import MalformedError, parse_json
from mockserver.engine.values import below, encode
from mockserver.engine.world import World
from mockserver.stage import Stage

HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
        "trusted-types 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
DROPPED: Final = "X-Mock-Dropped"
"""The header that says how many calls the journal has dropped: an answer that reads it could be wrong by them."""
_INVALID: Final = 10
"""WireMock's code for what cannot be read."""


class RefusedError(Exception):
    """A request that the control plane refuses, with the answer that says why."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


@dataclass(frozen=True, slots=True)
class Asked:
    """One request to the control plane: what is served, the world that it is about, and what was sent.

    ``data_plane`` is where calls are sent to.
    """

    stage: Stage
    world: World
    request: Request
    data: bytes
    data_plane: ASGIApp

    def part(self, name: str) -> str:
        """Return a variable of the path."""
        return str(self.request.path_params[name])

    def query(self, name: str) -> str | None:
        """Return a value of the query."""
        return self.request.query_params.get(name)

    def document(self) -> JSON:
        """Return the body as JSON, whatever type it is said to be of. Raises `RefusedError`."""
        if not self.data.strip():
            raise RefusedError(unreadable([("/", "the body is empty; send JSON")]))
        try:
            return parse_json(self.data)
        except MalformedError as error:
            entry = {
                "code": _INVALID,
                "source": {},
                "title": "Error parsing JSON",
                "detail": f"the body {error}",
            }
            raise RefusedError(reply({"errors": [entry]}, 422)) from None

    def members(self, *known: str) -> dict[str, JSON]:
        """Return the body as an object of known members, without those that are null. Raises `RefusedError`."""
        document = self.document()
        if not isinstance(document, dict):
            raise RefusedError(unreadable([("", "the body must be an object")]))
        told = f"is not known here; there are {', '.join(known)}"
        if unknown := [(below("", name), f"{name} {told}") for name in document if name not in known]:
            raise RefusedError(unreadable(unknown))
        return {name: value for name, value in document.items() if value is not None}

    def api(self) -> Api:
        """Return the API that the path names. Raises `RefusedError`."""
        name, served = self.part("api"), self.stage.blueprint.apis
        found = next((api for api in served if api.name == name), None)
        if found is None:
            names = ", ".join(api.name for api in served)
            raise RefusedError(missing(f"no API named {name!r} is served; there are {names}"))
        return found


def reply(value: JSON, status: int = 200, media_type: str = "application/json", **headers: str) -> Response:
    """Return a JSON answer of the control plane."""
    return Response(encode(value), status, {**HEADERS, **headers}, media_type)


def of_journal(asked: Asked, value: Mapping[str, JSON], status: int = 200) -> Response:
    """Return an answer that reads the journal, and says how many calls that one has dropped."""
    dropped = asked.world.journal.dropped
    return reply(dict(value), status, **({DROPPED: str(dropped)} if dropped else {}))


def unreadable(faults: Iterable[Fault]) -> Response:
    """Return the answer to a body that cannot be used: 422, with the place and a sentence for each fault."""
    return reply({"errors": [_error(pointer, detail) for pointer, detail in faults]}, 422)


def _error(pointer: str, detail: str) -> JSON:
    return {"code": _INVALID, "source": {"pointer": pointer}, "title": "Error parsing JSON", "detail": detail}


def wrong_query(faults: Iterable[Fault]) -> Response:
    """Return the answer to keys of a query that cannot be read."""
    entries = [{"code": _INVALID, "source": {"pointer": name}, "title": told} for name, told in faults]
    return reply({"errors": entries}, 400)


def wrong_id(id_: str) -> Response:
    """Return the answer to an id that is not a UUID."""
    return reply({"errors": [{"code": _INVALID, "title": f"{id_} is not a valid UUID"}]}, 400)


def nothing(status: int = 404) -> Response:
    """Return an answer without a body: nothing has this id."""
    return Response(status_code=status, headers=HEADERS)


def missing(told: str) -> Response:
    """Return the answer to a name that nothing has."""
    return reply({"errors": [{"code": 404, "title": told}]}, 404)


def problem(status: int, title: str, detail: str, kind: str = "control", **headers: str) -> Response:
    """Return a problem document of the control plane itself."""
    document = {"type": f"urn:mockserver:{kind}", "title": title, "status": status, "detail": detail}
    return reply(document, status, "application/problem+json", **headers)


def text(content: str, media_type: str, **headers: str) -> Response:
    """Return an answer that is a text."""
    return Response(content, headers={**HEADERS, **headers}, media_type=media_type)


def compact(value: JSON) -> str:
    """Return a value as JSON in one line, in ASCII."""
    return json.dumps(value, separators=(",", ":"))
