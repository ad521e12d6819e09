"""A recorded call, as a test looks at it."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

JSON = Any


class Headers(Mapping[str, str]):
    """Headers by name, whose case does not count; a repeated one is joined by ``", "``."""

    def __init__(self, sent: Mapping[str, JSON]) -> None:
        self._sent = {
            name: ", ".join(value) if isinstance(value, list) else value for name, value in sent.items()
        }
        self._named = {name.lower(): value for name, value in self._sent.items()}

    def __getitem__(self, name: str) -> str:
        return self._named[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._sent)

    def __len__(self) -> int:
        return len(self._sent)

    def __repr__(self) -> str:
        return repr(self._sent)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered: status, headers, and the exact bytes of the body."""

    status: int
    headers: Headers
    body: bytes

    @property
    def json(self) -> JSON:
        """The body as JSON. Raises ValueError where it is none."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True, repr=False)
class Call:
    """One recorded call.

    ``path`` and ``query`` are as they were sent, without the prefix of a namespace; ``outcome`` is ``admitted``,
    ``repeated``, ``refused`` or ``scripted``, ``reason`` says why a call was refused, and ``findings`` what was wrong
    (`in, pointer, field, keyword, message, expected, received, value, fix`); ``deviations`` are the known departures
    from the published contract that it leans on; ``repeat_of`` is the number of the call that it repeats, ``rule``
    what decided, ``fault`` the fault that stood in for an answer; ``name`` and ``recipient`` are the workflow or event,
    and whom it is for; ``received`` is the time of the mock's clock, in UTC; ``answer`` is None while the call waits,
    and where its client has gone away.
    """

    number: int
    id: str
    api: str | None
    operation: str | None
    method: str
    path: str
    query: str
    headers: Headers
    body: bytes
    status: int
    outcome: str
    reason: str | None
    findings: tuple[Mapping[str, JSON], ...]
    deviations: tuple[str, ...]
    repeat_of: int | None
    rule: str | None
    fault: str | None
    published: bool | None
    state: str
    name: str | None
    recipient: str | None
    items: tuple[Mapping[str, JSON], ...]
    received: datetime
    answer: Answer | None

    @property
    def json(self) -> JSON:
        """The body as JSON. Raises ValueError where it is none."""
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """The body as text; what is not UTF-8 is replaced."""
        return self.body.decode("utf-8", "replace")

    def __repr__(self) -> str:
        verdict = self.reason or self.fault or (self.outcome if self.outcome != "admitted" else "")
        about = " → ".join(filter(None, [self.name, self.recipient]))
        told = " ".join(filter(None, [self.method, self.path, str(self.status), verdict, about]))
        return f"<Call #{self.number} {told}>"

    def __hash__(self) -> int:
        return hash(self.id)


def read_call(request: Mapping[str, JSON]) -> Call:
    """Return the call that a LoggedRequest with its answer describes."""
    mock = request["mock"]
    path, _, query = request["url"].partition("?")
    return Call(
        number=mock["number"],
        id=mock["id"],
        api=mock["api"],
        operation=mock["operation"],
        method=request["method"],
        path=path,
        query=query,
        headers=Headers(request["headers"]),
        body=base64.b64decode(request["bodyAsBase64"]),
        status=mock["status"],
        outcome=mock["outcome"],
        reason=mock["reason"],
        findings=tuple(mock["findings"]),
        items=tuple(mock["items"]),
        deviations=tuple(mock["deviations"]),
        repeat_of=mock["repeatOf"],
        rule=mock["rule"],
        fault=mock["fault"],
        published=mock["published"],
        state=mock["state"],
        name=mock["name"],
        recipient=mock["recipient"],
        received=datetime.fromtimestamp(request["loggedDate"] / 1000, UTC),
        answer=_answer(mock.get("response")),
    )


def _answer(response: Mapping[str, JSON] | None) -> Answer | None:
    if response is None or response.get("fault") is not None:
        return None
    body = base64.b64decode(response["bodyAsBase64"])
    return Answer(response["status"], Headers(response["headers"]), body)
