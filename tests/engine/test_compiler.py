"""Specs that cannot be used: each fault is told with its place, and all of them at once."""

from typing import Any

import pytest

from mockserver.engine.deviations import active, apply, read_deviations
from mockserver.engine.exchange import Reason
from mockserver.engine.faults import SpecError
from tests.engine.specs import OPERATION, WORDS, api, spec

DEDUP = {"name": "key", "key": "{$request.header.Key}", "ttl": "1h"}
REFUSAL = {"name": "rule", "unless": {"type": "object"}, "at": "/name", "message": "no"}
EACH = {"at": "", "operation": "make", "good": {}, "bad": {}}
BULK = {"responses": {"200": {"description": ""}}}
SCHEME = "/components/securitySchemes/key"
SIGNED = {
    f"{OPERATION}/security": [{"key": []}],
    SCHEME: {"type": "apiKey", "in": "header", "name": "Authorization"},
}
SIGNATURE = {"algorithm": "hmac-sha256", "encoding": "hex", "parts": ["{$method}"]}
CHECKS = ["parsing", "rate-limit", "validation", "catalogue"]


def problems(changes: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(SpecError) as caught:
        api(changes)
    assert all(problem.file == "things" for problem in caught.value.problems)
    return [(problem.pointer, problem.sentence) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("changes", "pointer", "sentence"),
    [
        ({"/x-mock/checks": [*CHECKS, "nothing"]}, "/x-mock/checks", "no check or rule is named 'nothing'"),
        ({f"{WORDS}/dedup": [DEDUP]}, "/x-mock/checks", "the rule 'key' is never reached"),
        ({f"{WORDS}/success/example": "nope"}, f"{WORDS}/success", "no response for 201 has an example named 'nope'"),
        ({"/x-mock/answers/invalid/example": "nope"}, "/x-mock/answers/invalid", "no response for 400"),
        ({"/x-mock/answers/invalid": None}, "/x-mock/answers", "invalid has no answer, but validation can refuse"),
        ({"/x-mock/answers/malformed": None}, "/x-mock/answers", "malformed has no answer, but parsing can refuse"),
        ({"/x-mock/answers/too-large": None}, "/x-mock/answers", "too-large has no answer, but maxBytes can refuse"),
        ({f"{WORDS}/catalogue": {"name": "{$request.body#/name}"}}, "/x-mock/answers", "not-in-catalogue has no answer"),
        ({f"{WORDS}/latency": "soon"}, f"{WORDS}/latency", "'soon' is not a duration"),
        ({f"{WORDS}/recipient": "ada"}, f"{WORDS}/recipient", "'ada' is not an expression"),
        ({f"{WORDS}/catalogue": {"name": "name"}}, f"{WORDS}/catalogue/name", "'name' is not an expression"),
        ({f"{WORDS}/aliases": [{"path": "/t", "deviation": "d"}]}, f"{WORDS}/aliases", "no deviation has the id 'd'"),
        ({"/components/schemas/Thing/nullable": True}, "/components/schemas/Thing/nullable", "the keyword 'nullable' is not known"),
        ({"/components/schemas/Thing/requird": []}, "/components/schemas/Thing/requird", "did you mean required?"),
        ({"/components/schemas/Thing/properties/name/format": "color"}, "/components/schemas/Thing/properties/name/format", "the format 'color' has no checker"),
        ({"/components/schemas/Thing/allOf": [{"$ref": "#/components/schemas/No"}]}, "/components/schemas/Thing/allOf/0/$ref", "'#/components/schemas/No' leads nowhere"),
        ({"/components/schemas/Thing/allOf": [{"$ref": "#/components/schemas/Ting"}]}, "/components/schemas/Thing/allOf/0/$ref", "did you mean Thing?"),
        ({"/components/schemas/Thing/allOf": [{"$ref": "other.yaml#/Thing"}]}, "/components/schemas/Thing/allOf/0/$ref", "leads elsewhere; a schema refers to #/components/schemas/…"),
        ({"/components/schemas/Thing/type": "strin"}, "/components/schemas/Thing/type", '"strin" is no value for type'),
        ({"/components/schemas/Thing/properties/name/pattern": "["}, "/components/schemas/Thing/properties/name/pattern", "'[' is not a regular expression"),
        ({"/components/schemas/Thing/patternProperties": {"[": {}}}, "/components/schemas/Thing/patternProperties/[", "'[' is not a regular expression"),
        ({"/components/schemas/Thing/minProperties": "two"}, "/components/schemas/Thing/minProperties", '"two" is no value for minProperties'),
        ({f"{OPERATION}/requestBody": {"$ref": "#/components/requestBodies/No"}}, f"{OPERATION}/requestBody/$ref", "leads nowhere"),
        ({f"{OPERATION}/responses/400": {"$ref": "#/components/responses/No"}}, f"{OPERATION}/responses/400/$ref", "leads nowhere"),
        ({f"{OPERATION}/parameters": [{"$ref": "#/components/parameters/No"}]}, f"{OPERATION}/parameters/0/$ref", "leads nowhere"),
        ({f"{OPERATION}/security": [{"key": []}], "/components/securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "K", "x-mock": {"pattern": "Key .*"}}}}, "/components/securitySchemes/key/x-mock/pattern", "has no group"),
        ({f"{OPERATION}/security": [{"key": []}]}, f"{OPERATION}/security", "no security scheme is named 'key'"),
        ({"/components/responses/Error/content/application~1json/examples/error/value": "{$mock.nope}"}, "/components/responses/Error/content/application~1json/examples/error/value", "'$mock.nope' is unknown"),
        ({f"{WORDS}/aliases": [{"path": "/{v}/t", "where": {"v": "["}}]}, f"{WORDS}/aliases/0/where", "unterminated character set"),
        ({f"{WORDS}/aliases": [{"path": "/{v}/t", "supplies": {"x": "w"}}]}, f"{WORDS}/aliases/0", "the path /{v}/t has no variable 'w'"),
        ({"/x-mock/checks": [*CHECKS, "key"], f"{WORDS}/dedup": [{**DEDUP, "ttl": "0s"}]}, f"{WORDS}/dedup/0/ttl", "must be longer than nothing"),
        ({"/x-mock/rateLimit": {"limit": 1, "window": "0s"}}, "/x-mock/rateLimit/window", "must be longer than nothing"),
        ({f"{WORDS}/recipient": "{$mock.known(nope, $mock.key)}"}, WORDS, "$mock.known names 'nope', no dedup rule"),
        ({f"{WORDS}/recipient": "{$mock.finding.nope}"}, f"{WORDS}/recipient", "'$mock.finding.nope' is unknown"),
        ({f"{WORDS}/recipient": "{$mock.joined($mock.findings, 5)}"}, f"{WORDS}/recipient", "'5' must be a text in quotes"),
        ({"/x-mock/checks": [*CHECKS, "rule"], f"{WORDS}/refusals": [{**REFUSAL, "unless": {"requird": []}}]}, f"{WORDS}/refusals/0/unless/requird", "did you mean required?"),
        ({f"{WORDS}/refusals": [{**REFUSAL, "name": "catalogue"}]}, WORDS, "a rule may not have the name of the check 'catalogue'"),
        ({"/paths/~1things/parameters": [{"$ref": "#/components/parameters/P"}], "/components/parameters": {"P": {"name": "p", "in": "query", "schema": {"tipe": "x"}}}}, f"{OPERATION}/parameters/0/schema/tipe", "did you mean type?"),
        ({"/x-mock/deviations": [{"id": "d", "at": "/nowhere/at/all", "observed": 1, "evidence": "none at all"}]}, "/nowhere/at/all", "a deviation points here"),
        ({"/x-mock/deviations": [{"id": "d", "at": "/paths/~1other", "remove": True, "evidence": "none at all"}]}, "/paths/~1other", "a deviation points here"),
        ({"/x-mock/deviations": [{"id": "d", "at": "/new", "observed": {"$published": True}, "evidence": "none at all"}]}, "/new", "a deviation points here"),
        ({"/x-mock/deviations": [{"id": "d", "at": "/new", "observed": 1, "evidence": "x"}] * 2}, "/x-mock/deviations", "two deviations have the id 'd'"),
        ({"/x-mock/checks": [*CHECKS, "rule"], f"{WORDS}/refusals": [REFUSAL, REFUSAL]}, WORDS, "two rules have the name 'rule'"),
        ({**SIGNED, f"{SCHEME}/x-mock": {"signature": SIGNATURE}}, f"{SCHEME}/x-mock/signature", "needs sent, or a pattern whose second group is the signature"),
        ({**SIGNED, f"{SCHEME}/x-mock": {"pattern": "(.*):(.*)", "signature": {**SIGNATURE, "parts": ["{$mock.digest(crc)}"]}}}, f"{SCHEME}/x-mock/signature/parts/0", "'crc' is no digest; there are md5, sha1, sha256, sha512"),
        ({**SIGNED, f"{SCHEME}/x-mock": {"signature": {**SIGNATURE, "sent": "x-sig"}}}, f"{SCHEME}/x-mock/signature/sent", "'x-sig' is not an expression"),
        ({"/x-mock/dedup": [DEDUP]}, "/x-mock/dedup/0", "the rule 'key' is never reached: no operation's checks name it"),
        ({"/x-mock/checks": [*CHECKS, "key"], "/x-mock/dedup": [DEDUP, DEDUP]}, "/x-mock", "two rules have the name 'key'"),
        ({"/x-mock/dedup": [{**DEDUP, "name": "parsing"}]}, "/x-mock", "a rule may not have the name of the check 'parsing'"),
        ({"/x-mock/checks": [*CHECKS, "key"], "/x-mock/dedup": [{**DEDUP, "ttl": "0s"}]}, "/x-mock/dedup/0/ttl", "must be longer than nothing"),
        ({"/x-mock/checks": [*CHECKS, "key"], "/x-mock/dedup": [{**DEDUP, "issues": "{$mock.uuid#id}{$mock.nope}"}]}, "/x-mock/dedup/0/issues", "'$mock.nope' is unknown"),
        ({"/x-mock/checks": [*CHECKS, "key"], "/x-mock/dedup": [{**DEDUP, "scope": ["operation"]}], f"{WORDS}/recipient": "{$mock.known(key, $mock.now)}"}, WORDS, "whose keys belong to single operations"),
        ({f"{WORDS}/each": {**EACH, "operation": "nope"}}, f"{WORDS}/each/operation", "the operation 'nope' does not exist"),
        ({f"{WORDS}/each": {**EACH, "operation": "mak"}}, f"{WORDS}/each/operation", "does not exist; did you mean make?"),
        ({f"{WORDS}/each": EACH, "/paths/~1bulk/post": {**BULK, "x-mock": {"each": EACH}}}, "/paths/~1bulk/post/x-mock/each/operation", "the operation 'make' is a bulk operation itself"),
        ({f"{WORDS}/each": {**EACH, "at": "/nam"}}, f"{WORDS}/each/at", "the body's schema has no member 'nam'; did you mean name?"),
        ({"/x-mock/checks": [*CHECKS, "key"], "/x-mock/dedup": [{**DEDUP, "issues": "P-{$mock.objectId}"}]}, "/x-mock/dedup/0/issues", "needs an id with a label"),
        ({**SIGNED, f"{SCHEME}/x-mock": {"pattern": "(.*):(.*)", "signature": {**SIGNATURE, "parts": ["{$method}", "{$request.body#/to}"]}}}, f"{SCHEME}/x-mock/signature/parts/1", "$request.body cannot be signed"),
        ({**SIGNED, f"{SCHEME}/x-mock": {"pattern": "(.*):(.*)", "signature": {**SIGNATURE, "parts": ["{$mock.uuid}"]}}}, f"{SCHEME}/x-mock/signature/parts/0", "$mock.uuid cannot be signed"),
        ({"/paths/~1bulk/post": {**BULK, "x-mock": {"each": {**EACH, "checks": ["parsing"]}}}}, "/paths/~1bulk/post/x-mock/each/checks", "make has no check 'parsing' for an item; there are validation, catalogue"),
        ({"/paths/~1bulk/post": {**BULK, "x-mock": {"each": {**EACH, "good": "{$mock.nope}"}}}}, "/paths/~1bulk/post/x-mock/each/good", "'$mock.nope' is unknown"),
        ({"/paths/~1bulk/post": {**BULK, "x-mock": {"each": {**EACH, "finding": "{$item.nope}"}}}}, "/paths/~1bulk/post/x-mock/each/finding", "a finding has no member 'nope'"),
    ],
)  # fmt: skip
def test_each_fault_is_told_with_its_place(changes: dict[str, Any], pointer: str, sentence: str) -> None:
    found = problems(changes)
    assert [place for place, text in found if sentence in text][:1] == [pointer], found


def test_all_faults_are_told_at_once() -> None:
    found = problems(
        {f"{WORDS}/latency": "soon", f"{WORDS}/recipient": "ada", "/components/schemas/Thing/foo": 1}
    )
    assert len(found) == 3


@pytest.mark.parametrize(
    ("rule", "reasons"),
    [
        ({}, set()),
        ({"maxLength": 5}, {Reason.KEY_TOO_LONG}),
        ({"inFlightTtl": "1m"}, {Reason.IN_FLIGHT}),
        ({"compares": "body"}, {Reason.KEY_REUSED}),
    ],
)
def test_a_dedup_rule_needs_the_answers_it_can_give(rule: dict[str, Any], reasons: set[Reason]) -> None:
    changes = {"/x-mock/checks": [*CHECKS, "key"], f"{WORDS}/dedup": [{**DEDUP, **rule}]}
    if not reasons:
        assert set(api(changes).operations[0].dedup) == {"key"}
    else:
        assert {text.split()[0] for _, text in problems(changes)} == {str(reason) for reason in reasons}


# Profiles

DEVIATION = {"id": "d", "at": "/a/b", "observed": 1, "evidence": "seen"}


@pytest.mark.parametrize(
    ("changes", "patched"),
    [
        ([{"at": "/a/b", "observed": 2}],                                    {"a": {"b": 2, "c": [3, 4]}}),
        ([{"at": "/a/new", "observed": 2}],                                  {"a": {"b": 1, "c": [3, 4], "new": 2}}),
        ([{"at": "/a/b", "remove": True}],                                   {"a": {"c": [3, 4]}}),
        ([{"at": "/a/c/0", "remove": True}],                                 {"a": {"b": 1, "c": [4]}}),
        ([{"at": "/a/c/1", "observed": 5}],                                  {"a": {"b": 1, "c": [3, 5]}}),
        ([{"at": ["/a/b", "/a/c"], "observed": None}],                       {"a": {"b": None, "c": None}}),
        ([{"at": "/a/b", "observed": [{"$published": True}, 2]}],            {"a": {"b": [1, 2], "c": [3, 4]}}),
        ([{"at": "/a", "observed": {"$published": True, "b": 9}}],           {"a": {"b": 9, "c": [3, 4]}}),
        ([{"at": "/a", "observed": {"was": {"$published": True}}}, {"at": "/a/b", "observed": 7}], {"a": {"was": {"b": 7, "c": [3, 4]}}}),
    ],
)  # fmt: skip
def test_what_deviations_make_of_a_document(changes: list[dict[str, Any]], patched: dict[str, Any]) -> None:
    document = {"a": {"b": 1, "c": [3, 4]}}
    listed = read_deviations(
        {"x-mock": {"deviations": [{"id": "d", "changes": changes, "evidence": "seen"}]}}
    )
    assert apply(document, listed, {"d"}) == patched
    assert document == {"a": {"b": 1, "c": [3, 4]}}
    assert apply(document, listed, ()) == document


@pytest.mark.parametrize(
    ("profiles", "observed", "published"),
    [(None, 1, 0), (["published"], 0, 1), (["observed", "published"], 1, 1)],
)
def test_which_profiles_a_deviation_belongs_to(
    profiles: list[str] | None, observed: int, published: int
) -> None:
    listed = read_deviations(
        {"x-mock": {"deviations": [{**DEVIATION, **({"profiles": profiles} if profiles else {})}]}}
    )
    assert (len(active(listed, "observed")), len(active(listed, "published"))) == (observed, published)


def test_an_operation_that_only_a_deviation_adds_is_not_published() -> None:
    added = {
        "id": "more",
        "at": "/paths/~1more",
        "observed": {"post": {**spec()["paths"]["/things"]["post"], "operationId": "more"}},
        "evidence": "seen somewhere",
    }
    changes = {"/x-mock/deviations": [added]}
    assert [route.path for route in api(changes).routes] == ["/things", "/more"]
    assert [route.path for route in api(changes, "published").routes] == ["/things"]
    (_, more) = api(changes).operations
    assert more.published is None
    assert more.published_statuses == frozenset()


def test_a_variable_may_match_a_pattern_with_groups() -> None:
    from mockserver.engine.routing import Found, Router

    alias = {"path": "/{a}/{b-c}/t", "where": {"a": "(x|y)"}}
    found = Router([api({f"{WORDS}/aliases": [alias]})]).route("POST", "/y/1/t")
    assert isinstance(found, Found)
    assert found.values == {"a": "y", "b-c": "1"}
