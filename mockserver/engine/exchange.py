"""The values that flow through the engine.

A `Request` becomes exactly one `Outcome`, the outcome is rendered into a `Response`, and all of it
is kept as one `Exchange`. Nothing here changes once it is made; nothing here knows an API or a rule.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NamedTuple

JSON = Any
"""A parsed JSON value: None, bool, int, float, str, list or dict."""


class Reason(StrEnum):
    """Why a request was refused. Specs use these words as keys of ``answers``.

    The order counts: where several reasons share a status, a forced status takes the first.
    """

    MALFORMED = "malformed"
    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    RATE_LIMITED = "rate-limited"
    IN_FLIGHT = "in-flight"
    KEY_REUSED = "key-reused"
    KEY_TOO_LONG = "key-too-long"
    NOT_IN_CATALOGUE = "not-in-catalogue"
    PAYLOAD_INVALID = "payload-invalid"
    WRONG_MEDIA_TYPE = "wrong-media-type"
    TOO_LARGE = "too-large"
    UNAVAILABLE = "unavailable"
    WRONG_METHOD = "wrong-method"
    NO_ROUTE = "no-route"
    PREFERENCE = "preference"
    BUG = "bug"


KINDS: Final[Mapping[Reason, tuple[int, str]]] = {
    Reason.MALFORMED: (400, "The body cannot be read"),
    Reason.INVALID: (422, "The request does not meet the contract"),
    Reason.UNAUTHENTICATED: (401, "A credential is needed"),
    Reason.FORBIDDEN: (403, "The credential is not allowed here"),
    Reason.RATE_LIMITED: (429, "Too many requests"),
    Reason.IN_FLIGHT: (409, "The same key is still being processed"),
    Reason.KEY_REUSED: (422, "The key was used with another body"),
    Reason.KEY_TOO_LONG: (400, "The key is too long"),
    Reason.NOT_IN_CATALOGUE: (422, "The name is not in the catalogue"),
    Reason.PAYLOAD_INVALID: (422, "The payload does not meet its schema"),
    Reason.WRONG_MEDIA_TYPE: (415, "The body is of another media type"),
    Reason.TOO_LARGE: (413, "The body is too large"),
    Reason.UNAVAILABLE: (503, "The service is not available"),
    Reason.WRONG_METHOD: (405, "This path takes another method"),
    Reason.NO_ROUTE: (404, "No API here has this path"),
    Reason.PREFERENCE: (404, "The preference cannot be met"),
    Reason.BUG: (500, "The mock server has a bug"),
}
"""Status and title of the problem document for each reason."""


@dataclass(slots=True)  # not frozen, nor is a response: that would cost each call a microsecond
class Request:
    """A request as it arrived; nobody changes it.

    ``path`` and ``query`` are as sent, without the question mark; ``headers`` maps lower-case names
    to values decoded as Latin-1, a repeated one joined by ``", "``; ``raw_headers`` keeps each line as
    ``name NUL value``, joined by line feeds. ``incomplete`` says why the body is not all there:
    ``too-large`` (reading stopped) or ``disconnected``. ``source`` says who sent it where it was the mock itself;
    ``prefix`` is that of a namespace, which stood before the path.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    raw_headers: bytes = b""
    body: bytes = b""
    client: str = ""
    incomplete: str = ""
    source: str | None = None
    prefix: str = ""

    @property
    def target(self) -> str:
        """Path and query as they were sent, with the prefix of a namespace."""
        return f"{self.prefix}{self.path}?{self.query}" if self.query else self.prefix + self.path


@dataclass(slots=True)
class Response:
    """An answer: status, header pairs in the order they are sent, and the exact bytes of the body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Finding(NamedTuple):
    """One thing that is wrong with a request.

    ``place`` is ``body``, ``header``, ``query`` or ``path`` (``in`` outside Python); ``pointer`` is the
    JSON Pointer of the value, of a missing member the member's own; ``field`` is what the API reports it
    under; ``schema_path`` is the pointer of the broken rule. ``expected`` and ``received`` are JSON types
    or values, at most 80 characters long. ``sentences`` are the API's own for the broken rule, as templates.
    """

    place: str
    pointer: str
    field: str
    keyword: str
    message: str
    expected: str = ""
    received: str = ""
    value: JSON = None
    fix: str = ""
    schema_path: str = ""
    sentences: tuple[str, ...] = ()

    def as_json(self) -> dict[str, JSON]:
        """Return the finding as the journal, the control plane and answers write it."""
        return {
            "in": self.place, "pointer": self.pointer, "field": self.field, "keyword": self.keyword,
            "message": self.message, "expected": self.expected, "received": self.received,
            "value": self.value, "fix": self.fix, "schemaPath": self.schema_path,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Admitted:
    """Every check passed."""


@dataclass(frozen=True, slots=True)
class Repeated:
    """A key seen before: answered as the request number ``original`` was answered.

    Without a ``response`` of that request's own it is answered anew, with the ids that were made then.
    """

    rule: str
    original: int
    response: Response | None


@dataclass(frozen=True, slots=True)
class Refused:
    """A check said no. ``rule`` names the refusal or dedup rule where one did."""

    reason: Reason
    findings: tuple[Finding, ...] = ()
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class Scripted:
    """Somebody asked for this answer: ``rule`` says who, ``status`` and ``example`` which answer."""

    rule: str
    status: int
    example: str | None = None


Outcome = Admitted | Repeated | Refused | Scripted


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and all that became of it, as the journal keeps it.

    Times are seconds: ``received`` since the epoch on the mock's clock, which had been moved ``clock_moves`` times by
    then, ``arrived`` the same on the real one, ``delay`` the wait that was asked for, ``served`` the real time from
    arrival to the answer where it was held back. ``state`` is ``answered``, ``waiting`` while the answer is held back,
    or ``aborted`` when the client went away; only an answered one has a ``response``. ``status`` is 0 where no answer
    was ever made. ``published`` says whether the published contract lists the status; it is None for a request that no
    API took. ``rule`` is the name of what decided, ``stub`` the id of the scripted rule that answered or held back,
    ``fault`` the kind of fault that stood in for an answer, ``source`` who sent the call where it was the mock itself.
    """

    number: int
    id: str
    received: float
    request: Request
    outcome: str
    api: str | None = None
    operation: str | None = None
    reason: str | None = None
    rule: str | None = None
    repeat_of: int | None = None
    name: str | None = None
    recipient: str | None = None
    findings: tuple[dict[str, JSON], ...] = ()
    deviations: tuple[str, ...] = ()
    published: bool | None = None
    status: int = 0
    response: Response | None = None
    state: str = "answered"
    delay: float = 0.0
    served: float = 0.0
    arrived: float = 0.0
    clock_moves: int = 0
    stub: str | None = None
    fault: str | None = None
    source: str | None = None
    namespace: str = ""
    scheme: str = "http"


PORTS: Final[Mapping[str, int]] = {"http": 80, "https": 443}
"""The port that is meant where a URL names none, by scheme."""

NAMES: Final = {kind: kind.__name__.lower() for kind in (Admitted, Repeated, Refused, Scripted)}
"""Each outcome's word in the journal: its past participle in lower case."""
