"""A spec as typed values: what one API takes and answers.

`compiler` makes these from an OpenAPI document with ``x-mock``; everything per call reads them. Templates
are compiled, durations are seconds, and what could be looked up once has been looked up. Values that hold
compiled functions are compared by identity.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from re import Pattern
from typing import Final

from mockserver.engine.exchange import JSON, Reason
from mockserver.engine.expressions import Facts, Template

Headers = tuple[tuple[str, Template], ...]
"""Header names with the templates of their values; one that finds nothing vanishes."""

Wording = Mapping[str, tuple[Template, ...]]
"""Keyword, or ``type/<expected type>``, to the API's own sentences."""


BUILT_IN_CHECKS: Final = frozenset({"parsing", "authentication", "rate-limit", "validation", "catalogue"})
"""The checks that every API may name in its order; other names are those of its rules."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Answer:
    """One documented answer; its body is ``constant``, or what ``write`` makes of the facts, or empty.

    ``place`` is where its example stands in the document.
    """

    status: int
    example: str | None = None
    content_type: tuple[tuple[str, str], ...] = (("content-type", "application/json"),)
    headers: Headers = ()
    write: Callable[[Facts], bytes] | None = None
    constant: bytes | None = None
    finding: Template | None = None
    wording: Wording = field(default_factory=dict)
    first: tuple[str, ...] = ()
    published: bool = False
    place: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class DedupRule:
    """What makes a request a repeat. Times are seconds; no ``in_flight_ttl``: nothing is ever held.

    ``place`` and ``pointer`` say where the key stands, for findings; ``issues`` is the key that the service makes up
    for a request without one.
    """

    name: str
    key: Template
    place: str
    pointer: str
    scope: tuple[str, ...]
    ttl: float
    in_flight_ttl: float | None = None
    trim: bool = False
    max_length: int | None = None
    compares_body: bool = False
    remembers: frozenset[str] = frozenset({"success"})
    always: Headers = ()
    repeat: Headers = ()
    issues: Template | None = None


@dataclass(frozen=True, slots=True, eq=False)
class RefusalRule:
    """An extra rule of the API: refuse ``unless`` a schema holds, two values are ``equal``, or a size fits.

    ``at`` is the JSON Pointer that the finding names; for a size also the value that is measured, in bytes
    of compact JSON, without its members ``leaving_out``.
    """

    name: str
    at: str
    field: str
    reason: Reason
    message: Template
    sentences: tuple[str, ...]
    unless: JSON = None
    equal: tuple[str, str] | None = None
    max_bytes: int | None = None
    leaving_out: tuple[str, ...] = ()
    answer: Answer | None = None


@dataclass(frozen=True, slots=True, eq=False)
class RateLimit:
    """A token bucket: ``limit`` calls in ``window`` seconds, at most ``burst`` at once."""

    limit: int
    window: float
    burst: int
    per: tuple[str, ...] = ("credential",)
    cost: int = 1
    headers: Headers = ()
    enforced: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Signature:
    """How an API's requests are signed: the ``parts``, joined by ``separator``, under an algorithm, in an encoding.

    ``sent`` finds the signature of a request, with ``prefix`` in front of it; without, it is the second group of the
    scheme's pattern.
    """

    algorithm: str
    encoding: str
    parts: tuple[Template, ...]
    separator: str = "\n"
    sent: Template | None = None
    sent_in: tuple[str, str] = ("", "")
    prefix: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class SecurityScheme:
    """Where a credential stands and how it is read; the first group of ``pattern`` is the credential."""

    name: str
    place: str
    parameter: str
    pattern: Pattern[str]
    wording: Wording
    refuses: Mapping[str, Reason]
    signature: Signature | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Parameter:
    """A header, query, path or cookie parameter; names of headers are in lower case.

    ``kinds`` are the JSON types that its schema speaks of, ``items`` those of a list's items, None where it is no
    list; with ``explode`` each item is sent by itself.
    """

    name: str
    place: str
    required: bool
    schema: JSON
    kinds: frozenset[str] = frozenset()
    items: frozenset[str] | None = None
    item_schema: JSON = True
    explode: bool = False


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RequestShape:
    """What one profile of the contract takes: parameters, body and credentials.

    ``body`` is a self-contained JSON Schema, None where anything goes. ``security`` lists alternatives,
    each of schemes that must all be met.
    """

    parameters: tuple[Parameter, ...]
    body: JSON
    body_required: bool
    security: tuple[tuple[SecurityScheme, ...], ...]
    source: JSON
    """The parts of the document that this was made of, to see whether two shapes differ."""


@dataclass(frozen=True, slots=True, eq=False)
class CatalogueRule:
    """The expressions that name the workflow or event of a call, and find its payload.

    ``statuses`` are those that a name may be given in the catalogue.
    """

    name: Template
    name_at: str
    payload: Template | None
    payload_at: str
    statuses: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Each:
    """A list in the body of a bulk operation, whose items are judged and answered one by one.

    Each item is judged by ``checks`` of another ``operation``, as if it were its body; ``good`` and ``bad`` make what
    the answer says of it, ``told`` says how its findings are written.
    """

    at: str
    operation: str
    checks: tuple[str, ...]
    good: Template
    bad: Template
    told: Answer


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Operation:
    """One operation: the order of its checks, what it takes, and every answer it can give.

    ``published`` is the shape under the published profile, None where only a deviation adds the operation;
    ``variants`` is the served shape with one deviation undone, for each deviation that makes a difference, and
    ``additions`` the published shape with one deviation done.
    ``statuses`` are documented as served, ``published_statuses`` in the published contract; ``documented`` holds
    the examples by status and name. ``dedup`` are the rules that its checks name, ``known`` all that it can ask after.
    """

    api: str
    id: str
    method: str
    path: str
    checks: tuple[str, ...]
    shape: RequestShape
    published: RequestShape | None
    variants: tuple[tuple[str, RequestShape | None], ...]
    additions: tuple[tuple[str, RequestShape], ...]
    success: Answer
    answers: Mapping[Reason, Answer]
    documented: Mapping[tuple[int, str], Answer]
    statuses: frozenset[int]
    published_statuses: frozenset[int]
    dedup: Mapping[str, DedupRule]
    known: Mapping[str, DedupRule]
    refusals: Mapping[str, RefusalRule]
    catalogue: CatalogueRule | None
    recipient: Template | None
    each: Each | None
    rate_limit: RateLimit | None
    max_bytes: int
    media_type: str
    empty_body: str
    latency: float
    deprecated: bool


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Route:
    """A path that leads to an operation; ``supplies`` maps a parameter to the path variable that gives it.

    ``prefix`` is the part in front of it that is not the API's own, but where the user has mounted it.
    """

    method: str
    path: str
    operation: Operation
    pattern: Pattern[str] | None = None
    supplies: Mapping[str, str] = field(default_factory=dict)
    deviation: str | None = None
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Deviation:
    """A known departure of the service from its published contract.

    ``changes`` are ``(pointer, observed value)``, `ABSENT` where a part is taken away.
    """

    id: str
    changes: tuple[tuple[str, JSON], ...]
    profiles: tuple[str, ...]
    evidence: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Api:
    """One API as it is served under one profile."""

    name: str
    title: str
    profile: str
    operations: tuple[Operation, ...]
    routes: tuple[Route, ...]
    deviations: Mapping[str, Deviation]
    document: JSON
    """The served document, deviations applied."""
    source: JSON
    """The document as it was read."""
