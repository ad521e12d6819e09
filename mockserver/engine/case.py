"""One request on its way through the checks.

A `Case` is the only mutable value of the engine's pipeline; it lives for one request. It carries the stores
that checks may touch, and it is the facts that templates read.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from mockserver.engine.contract import Answer, DedupRule, Headers, Operation, Wording
from mockserver.engine.credentials import Credential, read_credential
from mockserver.engine.dedup import Keys, Mismatched, Seen, key_value
from mockserver.engine.exchange import JSON, Finding, Outcome, Request
from mockserver.engine.issued import Key, Made
from mockserver.engine.journal import Item
from mockserver.engine.limits import Limits
from mockserver.engine.policy import Policy
from mockserver.engine.routing import Found
from mockserver.engine.validation import Validator
from mockserver.engine.values import ABSENT, Ids, as_text, is_empty
from mockserver.engine.wording import items_of


@dataclass(slots=True, eq=False)
class Case:
    """One request, what is known of it so far, and the stores that its checks may touch.

    ``arrived`` is the real time, where ``now`` is that of the mock's clock, moved ``clock_moves`` times by now.
    ``checks`` are those it goes through, ``sent`` the bytes that ``body`` was parsed from, if it was; ``answer`` is
    the one being written; ``keys_taken`` are those that this request holds or will keep, ``issued`` those that the
    service makes up for it, ``seen`` the one by which it is a repeat; ``judged`` says what became of its items,
    ``noted`` what checks found for templates.
    """

    request: Request
    found: Found
    operation: Operation
    validator: Validator
    checks: "tuple[Check, ...]"
    policy: Policy
    keys: Keys
    limits: Limits
    now: float
    ids: Ids
    number: int
    id: str
    arrived: float = 0.0
    clock_moves: int = 0
    body: JSON = ABSENT
    sent: bytes = b""
    item: JSON = None
    answer: Answer | None = None
    credential: Credential | None = None
    findings: tuple[Finding, ...] = ()
    deviations: tuple[str, ...] = ()
    noted: dict[str, JSON] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    headers: list[tuple[str, str]] = field(default_factory=list)
    keys_taken: list[tuple[DedupRule, Key, str]] = field(default_factory=list)
    issued: tuple[tuple[DedupRule, Key], ...] = ()
    seen: Key | None = None
    judged: tuple[Item, ...] = ()

    @property
    def path(self) -> str:
        """The path that was sent, as the API knows it: without a prefix that it is mounted at."""
        return self.request.path.removeprefix(self.found.route.prefix)

    @property
    def path_values(self) -> Mapping[str, str]:
        """The variables of the path."""
        return self.found.values

    @property
    def supplied(self) -> Mapping[str, str]:
        """The parameters that the path supplies."""
        return self.found.supplied

    def items(self) -> list[JSON]:
        """Return the findings as the API's answer tells them, one item per sentence."""
        return items_of(self, self.answer, self.findings, self._own_wording())

    def written(self) -> list[tuple[str, JSON]]:
        """Return each item's field, and the item as the answer's ``finding`` template writes it."""
        if self.answer is None or self.answer.finding is None:
            return []
        outer, texts = self.item, []
        for item in self.items():
            self.item = item
            if (told := self.answer.finding(self)) is not ABSENT:
                texts.append((item["field"], told))
        self.item = outer
        return texts

    def known(self, rule: str, value: JSON) -> bool:
        """Tell whether a dedup rule has kept a key, or issued it."""
        dedup = self.operation.known.get(rule)
        if dedup is None or is_empty(value):  # no such rule: a template of the document, which others share
            return False
        key = self.key_of(dedup, trimmed(dedup, value))
        return isinstance(self.keys.judge(key, "", self.now), Seen | Mismatched)

    @property
    def made(self) -> Made:
        """The ids with labels that were made for this request."""
        return tuple(self.labels.items()) if self.labels else ()

    def key_of(self, rule: DedupRule, value: JSON) -> Key:
        """Return the identity of a key: API, rule, scope and value."""
        return (self.operation.api, rule.name, *self.scope(rule.scope), key_value(value))

    def form_of(self, rule: DedupRule) -> str:
        """Return what has answers of the same form: where bodies are compared, it is the request that is repeated."""
        return "" if rule.compares_body else self.operation.id

    def scope(self, parts: tuple[str, ...]) -> list[str]:
        """Return the values that a scope stands for."""
        return [self._scope_part(part) for part in parts]

    def _scope_part(self, part: str) -> str:
        match part:
            case "credential":
                return self.credential_value()
            case "operation":
                return self.operation.id
            case _:
                return ""

    def credential_value(self) -> str:
        """Return the first credential that can be read, whether or not it is accepted."""
        if self.credential is None:
            security = self.operation.shape.security
            found = [read_credential(scheme, self.request) for each in security for scheme in each]
            self.credential = next((each for each in found if not each.fault), found[0] if found else None)
        return self.credential.value if self.credential is not None else ""

    def add_headers(self, headers: Headers) -> None:
        """Add headers to whatever the answer will be; one that finds nothing vanishes."""
        self.headers += [
            (name, as_text(value)) for name, make in headers if not is_empty(value := make(self))
        ]

    def _own_wording(self) -> Wording:
        """The sentences of the security scheme that refused."""
        return self.credential.scheme.wording if self.credential is not None else {}


Check = Callable[[Case], Outcome | None]
"""Says no to a request, or nothing."""


def trimmed(rule: DedupRule, value: JSON) -> JSON:
    """Return the value of a key without the white space that the rule does not count."""
    return value.strip() if rule.trim and isinstance(value, str) else value
