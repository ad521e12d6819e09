"""From an OpenAPI document with ``x-mock`` to the typed values of `contract`.

The document has been checked against the schema of the extension before; what is looked for here are the
faults that a schema cannot see: names that nothing has, templates that cannot be parsed, examples that are
missing. All of them are collected, each with its JSON Pointer, and raised as one `SpecError`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from mockserver.engine import deviations as profiles
from mockserver.engine.contract import (
    BUILT_IN_CHECKS,
    Answer,
    Api,
    CatalogueRule,
    DedupRule,
    Operation,
    RateLimit,
    RefusalRule,
    RequestShape,
    Route,
)
from mockserver.engine.document import Document, Example
from mockserver.engine.exchange import JSON, Reason
from mockserver.engine.faults import SpecError
from mockserver.engine.media import body_bytes, content_type
from mockserver.engine.paths import path_pattern, variables_of
from mockserver.engine.shapes import shape_of
from mockserver.engine.soundness import check_answers, check_document
from mockserver.engine.templates import has_expressions
from mockserver.engine.values import ABSENT, first_step, pointer_of, positive_seconds, seconds_of
from mockserver.engine.views import Structure, Views, check_structure, views_of

DEFAULT_CHECKS: Final = ("parsing", "authentication", "rate-limit", "validation", "catalogue")
MAX_BYTES: Final = 20 * 1024 * 1024


def compile_api(
    name: str,
    document: Mapping[str, JSON],
    profile: str = "observed",
    structure: Structure | None = None,
    *,
    partial: bool = False,
) -> Api:
    """Compile one document under a profile. Raises `SpecError` with everything that is wrong in it.

    ``structure`` is asked of the document as deviations leave it; of a ``partial`` document, whose faulty parts
    were taken away, it is no fault that something is missing.
    """
    listed = profiles.read_deviations(document)
    views = views_of(name, document, listed, profile, partial=partial)
    served = views.served
    if structure is not None:
        check_structure(views, structure)
    compilers = [_OperationCompiler(name, views, path, method) for path, method, _ in served.operations()]
    operations = [(compiler, compiler.operation()) for compiler in compilers]
    routes = [route for compiler, operation in operations for route in compiler.routes(operation)]
    check_document(served, listed)
    for _, operation in operations:
        check_answers(served, operation)
    if served.problems:
        raise SpecError(list(dict.fromkeys(served.problems)))
    title = served.words.get("title", served.root.get("info", {}).get("title", name))
    return Api(
        name,
        title,
        profile,
        tuple(each for _, each in operations),
        tuple(routes),
        listed,
        served.root,
        document,
    )


@dataclass(frozen=True, slots=True)
class _OperationCompiler:
    """One operation of the served document."""

    api: str
    views: Views
    path: str
    method: str

    @property
    def _document(self) -> Document:
        return self.views.served

    @property
    def _source(self) -> JSON:
        return self._document.operation(self.path, self.method)

    @property
    def _at(self) -> str:
        return pointer_of(["paths", self.path, self.method, "x-mock"])

    @property
    def _words(self) -> dict[str, JSON]:
        """The operation's ``x-mock`` over the document's: an operation overrides by whole key."""
        return {**self._document.words, **self._source.get("x-mock", {})}

    def operation(self) -> Operation:
        words, source, document, at = self._words, self._source, self._document, self._at
        shape = shape_of(document, self.path, self.method)
        published = shape_of(self.views.published, self.path, self.method)
        assert shape is not None, "the operation was found in this document"  # noqa: S101
        dedup = {rule["name"]: self._dedup(rule, index) for index, rule in enumerate(words.get("dedup", []))}
        refusals = {
            rule["name"]: self._refusal(rule, index) for index, rule in enumerate(words.get("refusals", []))
        }
        return Operation(
            api=self.api,
            id=source.get("operationId", f"{self.method} {self.path}"),
            method=self.method.upper(),
            path=self.path,
            checks=self._checks(words, {*dedup, *refusals}),
            shape=shape,
            published=published,
            variants=self._variants(shape),
            additions=self._additions(published),
            success=self._success(words, f"{at}/success"),
            answers=self._answers(words.get("answers", {})),
            documented=self._documented(),
            statuses=_statuses(source),
            published_statuses=self._published_statuses(),
            dedup=dedup,
            refusals=refusals,
            catalogue=self._catalogue(words.get("catalogue")),
            recipient=document.expression(words["recipient"], f"{at}/recipient") if "recipient" in words else None,
            rate_limit=self._rate_limit(words.get("rateLimit")),
            max_bytes=words.get("maxBytes", MAX_BYTES),
            media_type=words.get("mediaType", "refused"),
            empty_body=words.get("emptyBody", "malformed"),
            latency=document.attempt(f"{at}/latency", seconds_of, words.get("latency", "0s"), 0.0),
            deprecated=source.get("deprecated", False),
        )  # fmt: skip

    def routes(self, operation: Operation) -> list[Route]:
        """Return the routes of an operation: its own path, then its aliases in the served profile."""
        routes = [Route(operation.method, self.path, operation, path_pattern(self.path, {}))]
        for position, alias in enumerate(self._words.get("aliases", [])):
            deviation = alias.get("deviation")
            if deviation is not None and deviation not in self.views.active:
                continue
            at = f"{self._at}/aliases/{position}"
            where, path = alias.get("where", {}), alias["path"]
            pattern = self._document.attempt(f"{at}/where", partial(path_pattern, path), where, None)
            supplies = {name.lower(): variable for name, variable in alias.get("supplies", {}).items()}
            for variable in sorted({*supplies.values(), *where} - {*variables_of(path)}):
                self._document.blame(at, f"the path {path} has no variable {variable!r}")
            routes.append(Route(operation.method, path, operation, pattern, supplies, deviation))
        return routes

    def _checks(self, words: Mapping[str, JSON], rules: set[str]) -> tuple[str, ...]:
        named = words.get("checks", DEFAULT_CHECKS)
        known = {*BUILT_IN_CHECKS, *_rules_of(self._document)}
        for name in named:
            if name not in known:
                self._document.miss(
                    "/x-mock/checks",
                    f"no check or rule is named {name!r}; there are {', '.join(sorted(known))}",
                )
        for rule in sorted(rules - set(named)):
            self._document.miss(
                "/x-mock/checks", f"the rule {rule!r} is never reached: checks does not name it"
            )
        return tuple(name for name in named if name in BUILT_IN_CHECKS or name in rules)

    def _variants(self, shape: RequestShape) -> tuple[tuple[str, RequestShape | None], ...]:
        variants = [
            (id_, shape_of(document, self.path, self.method)) for id_, document in self.views.undone.items()
        ]
        return tuple((id_, other) for id_, other in variants if other is None or other.source != shape.source)

    def _additions(self, published: RequestShape | None) -> tuple[tuple[str, RequestShape], ...]:
        if published is None:
            return ()
        shapes = [
            (id_, shape_of(document, self.path, self.method)) for id_, document in self.views.alone.items()
        ]
        return tuple(
            (id_, other) for id_, other in shapes if other is not None and other.source != published.source
        )

    def _published_statuses(self) -> frozenset[int]:
        return _statuses(self.views.published.operation(self.path, self.method) or {})

    # Answers

    def _success(self, words: Mapping[str, JSON], at: str) -> Answer:
        """Return the answer that ``success`` names, else the first success that is documented."""
        if "success" in words:
            return self._answer(words["success"], at)
        responses = self._source["responses"]
        status = next((each for each in responses if each.startswith("2") and each.isdigit()), None)
        if status is None:
            self._document.blame(
                pointer_of(["paths", self.path, self.method, "responses"]), "has no success, as 200"
            )
            return Answer(200)
        names = [example.name for example in self._document.examples(responses[status])]
        if not names and "content" in self._document.resolve(responses[status]):
            told = "has content, but no example of it to answer with; write one under example"
            self._document.blame(pointer_of(["paths", self.path, self.method, "responses", status]), told)
        return self._answer({"status": int(status), **({"example": names[0]} if names else {})}, at)

    def _answers(self, entries: Mapping[str, JSON]) -> dict[Reason, Answer]:
        return {
            Reason(reason): self._answer(entry, f"{self._at}/answers/{reason}")
            for reason, entry in entries.items()
        }

    def _answer(self, entry: Mapping[str, JSON], at: str) -> Answer:
        status, name = entry["status"], entry.get("example")
        media_type, value, place = "application/json", ABSENT, at
        if name is not None:
            media_type, _, value, place = self._example(status, name, at)
        document, words = self._document, self._words
        is_constant = value is not ABSENT and not has_expressions(value)
        return Answer(
            status=status,
            example=name,
            content_type=(("content-type", content_type(media_type)),),
            headers=document.headers(entry.get("headers", {}), f"{at}/headers"),
            write=None if value is ABSENT or is_constant else document.writer(value, media_type, place),
            constant=body_bytes(value, media_type) if is_constant else None,
            finding=document.template(
                entry.get("finding", words.get("finding", "{$item.wording}")), f"{at}/finding"
            ),
            wording=document.wording(
                {**words.get("wording", {}), **entry.get("wording", {})}, f"{at}/wording"
            ),
            first=tuple(entry.get("first", ())),
            published=status in self._published_statuses(),
        )

    def _example(self, status: int, name: str, at: str) -> Example:
        """Find an example: under the operation's status, else in ``components/responses``, else as observed."""
        own = pointer_of(["paths", self.path, self.method, "responses", str(status)])
        for document in (self._document, self.views.observed):
            source = document.operation(self.path, self.method) or {}
            shared = document.root.get("components", {}).get("responses", {})
            places = {own: source.get("responses", {}).get(str(status), {})}
            places |= {pointer_of(["components", "responses", key]): each for key, each in shared.items()}
            for place, response in places.items():
                for example in document.examples(response, place):
                    if example.name == name:
                        return example
        self._document.miss(at, f"no response for {status} has an example named {name!r}")
        return Example("application/json", name, ABSENT, at)

    def _documented(self) -> dict[tuple[int, str], Answer]:
        """Return every example of the operation's own responses, which can be asked for by name."""
        return {
            (int(status), each.name): self._answer(
                {"status": int(status), "example": each.name}, f"{self._at}/success"
            )
            for status, response in self._source.get("responses", {}).items()
            for each in self._document.examples(response)
            if status.isdigit()
        }

    # Rules

    def _dedup(self, rule: Mapping[str, JSON], index: int) -> DedupRule:
        document, at, headers = self._document, f"{self._at}/dedup/{index}", rule.get("headers", {})
        in_flight = rule.get("inFlightTtl")
        place, pointer = _place_of(rule["key"])
        return DedupRule(
            name=rule["name"],
            key=document.expression(rule["key"], f"{at}/key"),
            place=place,
            pointer=pointer,
            scope=tuple(rule.get("scope", ["credential"])),
            ttl=document.attempt(f"{at}/ttl", positive_seconds, rule["ttl"], 1.0),
            in_flight_ttl=document.attempt(f"{at}/inFlightTtl", positive_seconds, in_flight, 1.0)
            if in_flight
            else None,
            trim=rule.get("trim", False),
            max_length=rule.get("maxLength"),
            compares_body=rule.get("compares", "nothing") == "body",
            remembers=frozenset(rule.get("remembers", ["success"])),
            always=document.headers(headers.get("always", {}), f"{at}/headers/always"),
            repeat=document.headers(headers.get("repeat", {}), f"{at}/headers/repeat"),
        )

    def _refusal(self, rule: Mapping[str, JSON], index: int) -> RefusalRule:
        at, pointer, equal = f"{self._at}/refusals/{index}", rule["at"], rule.get("equal")
        sentences = rule["message"] if isinstance(rule["message"], list) else [rule["message"]]
        return RefusalRule(
            name=rule["name"],
            at=pointer,
            field=rule.get("field", first_step(pointer)),
            reason=Reason(rule.get("reason", "invalid")),
            message=self._document.template(sentences[0], f"{at}/message"),
            sentences=tuple(sentences),
            unless=self._document.closed(rule["unless"]) if "unless" in rule else None,
            equal=(equal[0], equal[1]) if equal else None,
            max_bytes=rule.get("maxBytes"),
            leaving_out=tuple(rule.get("leavingOut", ())),
            answer=self._answer(rule["answer"], f"{at}/answer") if "answer" in rule else None,
        )

    def _rate_limit(self, entry: Mapping[str, JSON] | None) -> RateLimit | None:
        if entry is None:
            return None
        document, at = self._document, f"{self._at}/rateLimit"
        return RateLimit(
            limit=entry["limit"],
            window=document.attempt(f"{at}/window", positive_seconds, entry["window"], 1.0),
            burst=entry.get("burst", entry["limit"]),
            per=tuple(entry.get("per", ["credential"])),
            cost=entry.get("cost", 1),
            headers=document.headers(entry.get("headers", {}), f"{at}/headers"),
            enforced=entry.get("enforced", False),
        )

    def _catalogue(self, entry: Mapping[str, JSON] | None) -> CatalogueRule | None:
        if entry is None:
            return None
        payload, at = entry.get("payload", ""), f"{self._at}/catalogue"
        return CatalogueRule(
            name=self._document.expression(entry["name"], f"{at}/name"),
            name_at=_place_of(entry["name"])[1],
            payload=self._document.expression(payload, f"{at}/payload") if payload else None,
            payload_at=_place_of(payload)[1],
            statuses=tuple(entry.get("statuses", ())),
        )


def _statuses(source: JSON) -> frozenset[int]:
    return frozenset(int(status) for status in source.get("responses", {}) if status.isdigit())


def _place_of(expression: str) -> tuple[str, str]:
    """Return where the first operand of an expression finds its value: place and JSON Pointer."""
    if match := re.match(r"\{\$request\.(header|query|path)\.([^ |}]+)", expression):
        return match[1], f"/{match[2]}"
    match = re.match(r"\{\$request\.body#(/[^ |}]*)", expression)
    return "body", match[1] if match else ""


def _rules_of(document: Document) -> set[str]:
    sources = [source.get("x-mock", {}) for _, _, source in document.operations()]
    return {rule["name"] for words in sources for key in ("dedup", "refusals") for rule in words.get(key, [])}
