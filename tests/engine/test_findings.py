"""Each refusal that is not a schema's, and the whole of what the journal says of it."""

from typing import Any

import pytest

from mockserver.engine.contract import Api
from mockserver.engine.policy import Catalogue, CatalogueEntry, Policy
from mockserver.engine.validation import Schema
from mockserver.engine.world import Settings, UserLimit, World
from tests.engine.specs import OPERATION, WORDS, api, call, request, world

REASONS = (
    "in-flight",
    "key-reused",
    "key-too-long",
    "not-in-catalogue",
    "payload-invalid",
    "unauthenticated",
    "forbidden",
)
KEY = {
    "name": "key",
    "key": "{$request.header.Key}",
    "ttl": "1h",
    "inFlightTtl": "1m",
    "compares": "body",
    "maxLength": 5,
}
SCHEME = {"type": "http", "scheme": "bearer"}
CATALOGUE = {"name": "{$request.body#/name}", "payload": "{$request.body#/data}"}
TOO_BIG = {
    "name": "size",
    "at": "/data",
    "maxBytes": 20,
    "reason": "too-large",
    "message": "{$mock.size} bytes",
}


def served() -> Api:
    return api(
        {
            "/x-mock/checks": ["parsing", "authentication", "rate-limit", "key", "validation", "size", "catalogue"],
            **{f"/x-mock/answers/{reason}": {"status": 409} for reason in REASONS},
            f"{WORDS}/dedup": [KEY], f"{WORDS}/catalogue": CATALOGUE, f"{WORDS}/refusals": [TOO_BIG], f"{WORDS}/maxBytes": 500,
            f"{OPERATION}/security": [{"token": []}], "/components/securitySchemes": {"token": SCHEME},
        }
    )  # fmt: skip


PAYLOAD = Schema({"type": "object", "required": ["plan"]})
NAMES = Catalogue({"known": CatalogueEntry(), "paid": CatalogueEntry(PAYLOAD)}, refuses_unknown=True)
OK = {"authorization": "Bearer good"}


def refused(sent: dict[str, Any], before: list[dict[str, Any]], world_: World) -> dict[str, Any]:
    for each in before:
        call(world_, request(**each))
    _, exchange = call(world_, request(**sent))
    (finding,) = exchange.findings
    return {"reason": exchange.reason, **finding}


def a_world(limit: bool = False) -> World:
    policy = Policy({"good": "allowed", "old": "forbidden"}, NAMES)
    limits = {"things": UserLimit(2, 60.0)} if limit else {}
    return world(served(), settings=Settings({"things": policy}, limits))


KNOWN = {"name": "known"}


@pytest.mark.parametrize(
    ("sent", "before", "reason", "finding"),
    [
        ({"raw": b"{", "headers": OK}, [], "malformed", ("body", "", "", "json", "is not valid JSON: expecting property name enclosed in double quotes at line 1, column 2", "JSON", "1 bytes", None, "Check the body with a JSON parser.")),
        ({"raw": b"", "headers": OK}, [], "malformed", ("body", "", "", "json", "is empty", "JSON", "0 bytes", None, "Send the data as a JSON body.")),
        ({"body": "x" * 600, "headers": OK}, [], "too-large", ("body", "", "", "maxBytes", "must have at most 500 bytes", "at most 500 bytes", "602 bytes", None, "Send less.")),
        ({"body": KNOWN, "headers": {**OK, "content-type": "text/plain"}}, [], "wrong-media-type", ("header", "/content-type", "content-type", "media-type", "must be application/json, not text/plain", "application/json", "text/plain", "text/plain", "Send Content-Type: application/json.")),
        ({"body": KNOWN, "headers": {**OK, "content-type": ""}}, [], "wrong-media-type", ("header", "/content-type", "content-type", "media-type", "must be application/json, not nothing", "application/json", "nothing", None, "Send Content-Type: application/json.")),
        ({"body": KNOWN, "headers": {**OK, "content-encoding": "gzip"}}, [], "wrong-media-type", ("header", "/content-encoding", "content-encoding", "encoding", "must be no Content-Encoding, not gzip", "no Content-Encoding", "gzip", "gzip", "Send the body uncompressed.")),
        ({"body": KNOWN}, [], "unauthenticated", ("header", "/authorization", "authorization", "missing", "is missing", "Bearer <key>", "nothing", None, "Send the API key in it.")),
        ({"body": KNOWN, "headers": {"authorization": "Token x"}}, [], "unauthenticated", ("header", "/authorization", "authorization", "scheme", "must be Bearer <key>", "Bearer <key>", "another form", None, "Send Bearer <key>.")),
        ({"body": KNOWN, "headers": {"authorization": "Bearer"}}, [], "unauthenticated", ("header", "/authorization", "authorization", "empty", "holds no key", "Bearer <key>", "no key", None, "Send a key after the scheme.")),
        ({"body": KNOWN, "headers": {"authorization": "Bearer bad"}}, [], "unauthenticated", ("header", "/authorization", "authorization", "refused", "holds a key that is not accepted", "Bearer <key>", "another key", None, "Send a key that the mock was told to accept.")),
        ({"body": KNOWN, "headers": {"authorization": "Bearer old"}}, [], "forbidden", ("header", "/authorization", "authorization", "refused", "holds a key that is configured as forbidden", "Bearer <key>", "a forbidden key", None, "Send a key that is allowed.")),
        ({"body": KNOWN, "headers": {**OK, "key": "123456"}}, [], "key-too-long", ("header", "/Key", "Key", "key-too-long", "must have at most 5 characters", "at most 5 characters", "6 characters", None, "Use a shorter key.")),
        ({"body": {"name": "paid", "data": {"plan": 1}}, "headers": {**OK, "key": "k"}}, [{"body": KNOWN, "headers": {**OK, "key": "k"}}], "key-reused", ("header", "/Key", "Key", "key-reused", "was used with another body by call #1", "the body of call #1", "another body", None, "Use a new key for a new body.")),
        ({"body": {"name": "known", "data": "x" * 30}, "headers": OK}, [], "too-large", ("body", "/data", "data", "size", "32 bytes", "what meets the rule size", "", None, "")),
        ({"body": {"name": "knwon"}, "headers": OK}, [], "not-in-catalogue", ("body", "/name", "name", "catalogue", "'knwon' is not in the catalogue", "known, paid", "knwon", "knwon", "Did you mean 'known'?")),
        ({"body": {"name": "zzz"}, "headers": OK}, [], "not-in-catalogue", ("body", "/name", "name", "catalogue", "'zzz' is not in the catalogue", "known, paid", "zzz", "zzz", "Add it to the catalogue, or trigger a known name.")),
        ({"body": {"name": "paid", "data": {}}, "headers": OK}, [], "payload-invalid", ("body", "/data/plan", "plan", "required", "is required", "a value", "nothing", None, 'Add the member "plan".')),
        ({"body": KNOWN, "headers": OK}, [{"body": KNOWN, "headers": OK}] * 2, "rate-limited", ("header", "/authorization", "authorization", "rate-limit", "has used up its 2 calls in 60 s; the next is admitted in 30 s", "at most 2 calls in 60 s", "one more", None, "Wait 30 s, allow more with --limit, or start afresh with POST /__admin/reset.")),
        ({"body": KNOWN, "path": "/thinks", "headers": OK}, [], "no-route", ("path", "", "", "route", "matches no operation. Did you mean POST /things (things)?", "POST /things", "/thinks", None, "Did you mean POST /things (things)?")),
        ({"body": KNOWN, "method": "PUT", "headers": OK}, [], "wrong-method", ("path", "", "", "method", "takes OPTIONS, POST, not PUT", "OPTIONS, POST", "PUT", None, "Send POST.")),
        ({"body": KNOWN, "headers": {**OK, "prefer": "code=42"}}, [], "preference", ("header", "/prefer", "Prefer code", "syntax", "must be a status of three digits, as in code=429, not '42'", "a status of three digits, as in code=429", "42", "42", "Send a status of three digits, as in code=429.")),
        ({"body": KNOWN, "headers": {**OK, "prefer": "wait=soon"}}, [], "preference", ("header", "/prefer", "Prefer wait", "syntax", "must be a number of seconds, as in wait=1.5, not 'soon'", "a number of seconds, as in wait=1.5", "soon", "soon", "Send a number of seconds, as in wait=1.5.")),
        ({"body": KNOWN, "headers": {**OK, "prefer": "example=x"}}, [], "preference", ("header", "/prefer", "Prefer example", "unknown", "asks for an example 'x', which this operation does not document; there are made, error", "made, error", "x", "x", "Send made, error.")),
        ({"body": KNOWN, "headers": {**OK, "prefer": "code=201, example=x"}}, [], "preference", ("header", "/prefer", "Prefer example", "unknown", "asks for an example 'x' for 201, which this operation does not document; there are made", "made", "x", "x", "Send made.")),
    ],
)  # fmt: skip
def test_what_the_journal_says_of_a_refusal(
    sent: dict[str, Any], before: list[dict[str, Any]], reason: str, finding: tuple[Any, ...]
) -> None:
    members = ("in", "pointer", "field", "keyword", "message", "expected", "received", "value", "fix")
    found = refused(sent, before, a_world(limit=reason == "rate-limited"))
    found.pop("schemaPath")
    assert found == {"reason": reason, **dict(zip(members, finding, strict=True))}


def test_a_bucket_that_all_share_is_the_paths() -> None:
    limit = {"limit": 1, "window": "10s", "per": ["api"], "enforced": True}
    shared = world(api({"/x-mock/rateLimit": limit}))
    call(shared, request())
    _, exchange = call(shared, request())
    assert [(each["in"], each["pointer"], each["message"]) for each in exchange.findings] == [
        ("path", "", "has used up its 1 calls in 10 s; the next is admitted in 10 s")
    ]
