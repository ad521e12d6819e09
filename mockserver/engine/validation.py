"""Is a request what the contract says, what is wrong with it, and which deviations does it lean on?

The judge says yes or no to every request, in a microsecond. Only after its "no" is the schema gone through rule by
rule, to explain it. Both ask the same validator, so that they agree.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol

from mockserver.engine.containment import covers
from mockserver.engine.contract import Operation, Parameter, RequestShape
from mockserver.engine.credentials import read_credential
from mockserver.engine.exchange import JSON, Finding, Request
from mockserver.engine.explanation import Explainer
from mockserver.engine.judge import Judge
from mockserver.engine.parameters import read, texts_of
from mockserver.engine.values import ABSENT, cut, first_step, pointer_of

MOST_EXPLAINED: Final = 2_000
"""How many values of a body are looked at to explain what is wrong with it."""

SHORT: Final = 2 * MOST_EXPLAINED
"""Bytes of a body that cannot hold more values than are looked at."""

MOST_REMEMBERED: Final = 64
"""How many refused bodies a schema remembers, with what is wrong with each."""

BEYOND: Final = Finding(
    "body",
    "",
    "",
    "items",
    f"breaks the contract beyond its first {MOST_EXPLAINED} values",
    "",
    "",
    None,
    "Send less at once.",
)
TOO_DEEP: Final = BEYOND._replace(
    message="breaks the contract too deep inside to say where", fix="Nest it less."
)


class Call(Protocol):
    """What validation reads of a request; ``supplied`` are parameters that the path gives.

    ``sent`` are the bytes that the body was parsed from, none where it was not.
    """

    @property
    def request(self) -> Request: ...  # noqa: D102
    @property
    def body(self) -> JSON: ...  # noqa: D102
    @property
    def sent(self) -> bytes: ...  # noqa: D102
    @property
    def path_values(self) -> Mapping[str, str]: ...  # noqa: D102
    @property
    def supplied(self) -> Mapping[str, str]: ...  # noqa: D102


class Schema:
    """One JSON Schema, compiled. Raises ValueError when it is not one."""

    __slots__ = ("_explained", "_explainer", "_judge", "accepts", "source")

    def __init__(self, source: JSON) -> None:
        self.source = source
        self._judge = Judge(source)
        self.accepts = self._judge.accepts
        self._explainer: Explainer | None = None
        self._explained: dict[bytes, list[Finding]] = {}

    def findings(self, value: JSON, sent: bytes = b"") -> list[Finding]:
        """Explain a "no": at least one finding when `accepts` says no, none when it says yes.

        ``sent`` are the bytes that the value was parsed from, where it was: what a client sends again, as retries
        and tests do, is not explained again.
        """
        if self.accepts(value):
            return []
        if not sent or len(sent) > SHORT:
            return self._explain(shortened(value), value)
        if (known := self._explained.get(sent)) is None:
            if len(self._explained) >= MOST_REMEMBERED:
                self._explained.clear()
            known = self._explained[sent] = self._explain(value, value)
        return known

    def _explain(self, short: JSON, value: JSON) -> list[Finding]:
        if self._explainer is None:
            self._explainer = Explainer(self.source)
        if found := self._explainer.explain(short):
            return found
        if short is not value and self.accepts(short):
            return [BEYOND]
        return [_unexplained(error) for error in self._judge.errors(short)] or [TOO_DEEP]


def shortened(value: JSON) -> JSON:
    """Return a value whose lists are short enough to be explained; the same one where they are already.

    To explain takes some ten microseconds for each item of a list: a body of a hundred thousand bad ones must not
    stop the server for seconds.
    """
    budget = [MOST_EXPLAINED]
    short = _shortened(value, budget)
    return value if budget[0] > 0 else short


def _shortened(value: JSON, budget: list[int]) -> JSON:
    budget[0] -= 1
    short: JSON = value
    if isinstance(value, dict):
        short = {}
        for name, each in value.items():  # a comprehension would be another frame for each level
            short[name] = _shortened(each, budget)
    elif isinstance(value, list):
        short = []
        for position, each in enumerate(value):
            if position and budget[0] <= 0:
                break
            short.append(_shortened(each, budget))
    return short


def _unexplained(error: Any) -> Finding:
    """Report what the judge says itself, where the explainer sees nothing wrong (or cannot look so deep)."""
    pointer = pointer_of(error.instance_path)
    keyword = str(error.schema_path[-1]) if error.schema_path else "false"
    return Finding("body", pointer, first_step(pointer), keyword, cut(f"fails the rule {keyword}"))


class CompiledShape:
    """One `RequestShape`, compiled; with ``like``, only the parts in which the two differ."""

    __slots__ = ("_body", "_body_required", "_parameters", "_security")

    def __init__(self, shape: RequestShape, like: RequestShape | None = None) -> None:
        theirs = like.source if like is not None else (None,) * len(shape.source)
        parameters, body, required, *security = [
            ours != other for ours, other in zip(shape.source, theirs, strict=True)
        ]
        listed = shape.parameters if parameters else ()
        self._parameters = [(each, Schema(each.schema), Schema(each.item_schema)) for each in listed]
        self._body = Schema(shape.body) if body and shape.body is not None else None
        self._body_required = shape.body_required and required
        self._security = shape.security if any(security) else ()

    def accepts(self, call: Call) -> bool:
        """Say whether a request meets this shape, its credential included."""
        return self.accepts_data(call) and (not self._security or _any_met(self._security, call.request))

    def accepts_data(self, call: Call) -> bool:
        """Say whether the parameters and the body of a request meet this shape."""
        body = call.body
        if body is ABSENT:
            if self._body_required:
                return False
        elif self._body is not None and not self._body.accepts(body):
            return False
        return not self._parameters or not self._parameter_findings(call)

    def findings(self, call: Call) -> list[Finding]:
        """Say what is wrong with the parameters and the body of a request."""
        found = self._parameter_findings(call)
        if call.body is ABSENT:
            return [*found, MISSING_BODY] if self._body_required else found
        return found + self._body.findings(call.body, call.sent) if self._body is not None else found

    def _parameter_findings(self, call: Call) -> list[Finding]:
        return [
            finding
            for parameter, schema, items in self._parameters
            for finding in _judge(parameter, schema, items, call)
        ]


MISSING_BODY: Final = Finding(
    "body",
    "",
    "",
    "required",
    "is required",
    "a JSON body",
    "nothing",
    None,
    "Send the request's data as a JSON body.",
)


def _any_met(security: Sequence[Sequence[Any]], request: Request) -> bool:
    return any(all(not read_credential(scheme, request).fault for scheme in each) for each in security)


def _judge(parameter: Parameter, schema: Schema, items: Schema, call: Call) -> Iterable[Finding]:
    texts, pointer = texts_of(parameter, call), pointer_of([parameter.name])
    if texts:
        for finding in schema.findings(read(parameter, texts, schema.accepts, items.accepts)):
            below = pointer + finding.pointer if parameter.items is not None else pointer
            yield finding._replace(place=parameter.place, pointer=below, field=parameter.name)
    elif parameter.required:
        fix = f"Send the {parameter.place} parameter {parameter.name}."
        told = ("required", "is required", "a value", "nothing", None, fix)
        yield Finding(parameter.place, pointer, parameter.name, *told)


_NOTHING_WRONG: Final[tuple[tuple[Finding, ...], tuple[str, ...]]] = ((), ())


class Validator:
    """What one operation takes, compiled, with what its deviations make of it; ``rules`` are its refusals'.

    ``_surely`` is what leaves nothing to ask: the published shape, where all that it takes is taken as served.
    ``adding`` names the deviations without which there would be no such operation.
    """

    __slots__ = (
        "_published",
        "_published_alone",
        "_served",
        "_surely",
        "_touching",
        "_variants",
        "adding",
        "rules",
    )

    def __init__(self, operation: Operation) -> None:
        served, published = operation.shape, operation.published
        self._served = CompiledShape(served)
        self._published = CompiledShape(published, served) if published else None
        self._published_alone = CompiledShape(published) if published else None
        self._surely = _sure_shape(served, published) if published is not None else None
        self.adding = tuple(id_ for id_, shape in operation.variants if shape is None)
        self._variants = [(id_, CompiledShape(shape, served)) for id_, shape in operation.variants if shape]
        self.rules = {
            rule.name: Schema(rule.unless) for rule in operation.refusals.values() if rule.unless is not None
        }
        self._touching = [(id_, CompiledShape(shape)) for id_, shape in operation.additions]

    def judge(self, call: Call) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
        """Say what is wrong with a request by the contract as served, and which deviations it leans on.

        A valid one leans on those without which it would be refused; if no single one decides, on all that
        touch what fails.
        """
        if self._surely is not None and self._surely.accepts(call):
            return _NOTHING_WRONG
        if found := self._served.findings(call):
            return tuple(found), self.adding
        return (), self._deviations(call)

    def _deviations(self, call: Call) -> tuple[str, ...]:
        if not self._variants and not self._touching and not self.adding:
            return ()
        if self._published is not None and self._surely is None and self._published.accepts(call):
            return ()
        deciding = tuple(id_ for id_, shape in self._variants if not shape.accepts(call))
        return (*self.adding, *(deciding or self._touched(call)))

    def _touched(self, call: Call) -> tuple[str, ...]:
        """Name the deviations that, laid over the published contract alone, change what it finds."""
        if self._published_alone is None:
            return ()
        found = self._published_alone.findings(call)
        return tuple(id_ for id_, shape in self._touching if shape.findings(call) != found)


def _sure_shape(served: RequestShape, published: RequestShape) -> CompiledShape | None:
    """Return the published shape, None where it is not certain that what it takes is taken as served."""
    parameters, _, required, *security = zip(served.source, published.source, strict=True)
    if parameters[0] != parameters[1] or required == (True, False) or not covers(served.body, published.body):
        return None
    same = all(ours == theirs for ours, theirs in security)
    return CompiledShape(replace(published, security=()) if same else published)
