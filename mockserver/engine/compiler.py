"""From an OpenAPI document with ``x-mock`` to the typed values of `contract`.

The document has been checked against the schema of the extension before; what is looked for here are the
faults that a schema cannot see: names that nothing has, templates that cannot be parsed, examples that are
missing. All of them are collected, each with its JSON Pointer, and raised as one `SpecError`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from mockserver.engine import deviations as profiles
from mockserver.engine.clauses import catalogue_rule, dedup_rule, rate_limit
from mockserver.engine.contract import (
    BUILT_IN_CHECKS,
    Answer,
    Api,
    DedupRule,
    Each,
    Operation,
    RefusalRule,
    RequestShape,
    Route,
    Wording,
)
from mockserver.engine.document import Document, Example
from mockserver.engine.exchange import JSON, Reason
from mockserver.engine.faults import SpecError
from mockserver.engine.media import body_bytes, content_type
from mockserver.engine.paths import path_pattern, variables_of
from mockserver.engine.shapes import shape_of
from mockserver.engine.soundness import check_answers, check_document, check_items, check_shared_rules
from mockserver.engine.templates import has_expressions
from mockserver.engine.values import ABSENT, first_step, pointer_of, seconds_of
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
    listed_operations = [each for _, each in operations]
    check_shared_rules(served, listed_operations)
    for operation in listed_operations:
        check_answers(served, operation)
        check_items(served, operation, {each.id: each for each in listed_operations})
    if served.problems:
        raise SpecError(list(dict.fromkeys(served.problems)))
    title = served.words.get("title", served.root.get("info", {}).get("title", name))
    return Api(
        name,
        title,
        profile,
        tuple(listed_operations),
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

    def _place(self, key: str) -> str:
        """Return where a key stands: in the operation's ``x-mock``, or in the document's."""
        return f"{self._at}/{key}" if key in self._source.get("x-mock", {}) else f"/x-mock/{key}"

    @property
    def _words(self) -> dict[str, JSON]:
        """The operation's ``x-mock`` over the document's: an operation overrides by whole key."""
        return {**self._document.words, **self._source.get("x-mock", {})}

    def operation(self) -> Operation:
        words, source, document, at = self._words, self._source, self._document, self._at
        shape = shape_of(document, self.path, self.method)
        published = shape_of(self.views.published, self.path, self.method)
        assert shape is not None, "the operation was found in this document"  # noqa: S101
        dedup = self._dedup(words.get("dedup", []), self._place("dedup"))
        shared = self._dedup(document.words.get("dedup", []), "/x-mock/dedup")
        refusals = {
            rule["name"]: self._refusal(rule, index) for index, rule in enumerate(words.get("refusals", []))
        }
        checks = self._checks(words, {*dedup, *refusals})
        return Operation(
            api=self.api,
            id=source.get("operationId", f"{self.method} {self.path}"),
            method=self.method.upper(),
            path=self.path,
            checks=checks,
            shape=shape,
            published=published,
            variants=self._variants(shape),
            additions=self._additions(published),
            success=self._success(words, f"{at}/success"),
            answers=self._answers(words.get("answers", {})),
            documented=self._documented(),
            statuses=_statuses(source),
            published_statuses=self._published_statuses(),
            dedup={name: rule for name, rule in dedup.items() if name in checks},
            known={**shared, **dedup},
            refusals=refusals,
            catalogue=catalogue_rule(document, words.get("catalogue"), f"{at}/catalogue"),
            recipient=document.expression(words["recipient"], f"{at}/recipient") if "recipient" in words else None,
            each=self._each(words["each"], f"{at}/each") if "each" in words else None,
            rate_limit=rate_limit(document, words.get("rateLimit"), self._place("rateLimit")),
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

    def _dedup(self, rules: Sequence[Mapping[str, JSON]], at: str) -> dict[str, DedupRule]:
        return {
            rule["name"]: dedup_rule(self._document, rule, f"{at}/{index}")
            for index, rule in enumerate(rules)
        }

    def _checks(self, words: Mapping[str, JSON], rules: set[str]) -> tuple[str, ...]:
        named = words.get("checks", DEFAULT_CHECKS)
        known = {*BUILT_IN_CHECKS, *self._document.rules()}
        for name in named:
            if name not in known:
                self._document.miss(
                    self._place("checks"),
                    f"no check or rule is named {name!r}; there are {', '.join(sorted(known))}",
                )
        own = self._source.get("x-mock", {})
        required = {rule["name"] for key in ("dedup", "refusals") for rule in own.get(key, [])}
        for rule in sorted(required - set(named)):
            self._document.miss(
                self._place("checks"), f"the rule {rule!r} is never reached: checks does not name it"
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
            self._document.blame(
                f"{self._at.removesuffix('/x-mock')}{pointer_of(['responses', status])}", told
            )
        return self._answer({"status": int(status), **({"example": names[0]} if names else {})}, at)

    def _answers(self, entries: Mapping[str, JSON]) -> dict[Reason, Answer]:
        return {
            Reason(reason): self._answer(entry, f"{self._place('answers')}/{reason}")
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
            finding=document.telling(
                entry.get("finding", words.get("finding", "{$item.wording}")),
                f"{at}/finding" if "finding" in entry else self._place("finding"),
            ),
            wording=self._wording(entry.get("wording", {}), at),
            first=tuple(entry.get("first", ())),
            published=status in self._published_statuses(),
            place=place,
        )

    def _wording(self, own: Mapping[str, JSON], at: str) -> Wording:
        """Return an answer's own sentences over those of the API, keyword by keyword."""
        shared = {key: text for key, text in self._words.get("wording", {}).items() if key not in own}
        whose = (shared, self._place("wording")), (own, f"{at}/wording")
        return {
            key: told for words, place in whose for key, told in self._document.wording(words, place).items()
        }

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

    def _each(self, entry: Mapping[str, JSON], at: str) -> Each:
        """Return how the items of a list are judged and answered; `soundness` looks at the operation it names."""
        document = self._document
        finding = entry.get("finding", self._words.get("finding", "{$item.wording}"))
        place = f"{at}/finding" if "finding" in entry else self._place("finding")
        return Each(
            at=entry["at"],
            operation=entry["operation"],
            checks=tuple(entry.get("checks", ["validation"])),
            good=document.template(entry.get("good"), f"{at}/good"),
            bad=document.template(entry.get("bad"), f"{at}/bad"),
            told=Answer(
                0,
                finding=document.telling(finding, place),
                wording=self._wording(entry.get("wording", {}), at),
                place=at,
            ),
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


def _statuses(source: JSON) -> frozenset[int]:
    return frozenset(int(status) for status in source.get("responses", {}) if status.isdigit())
